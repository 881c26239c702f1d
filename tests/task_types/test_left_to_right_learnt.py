"""Answers whose evidence stands far to their right: a pointer from the last state learns them, a head a token can't."""

import random

import pytest
from small_models import FILLERS, NAMES, trainer_for
from torch import nn

from harness.config.model import ModelConfig
from harness.config.training import Training
from harness.ops.device import seed_layers
from harness.registry import FAMILIES, TASK_TYPES
from harness.task_types.question_answering.examples import Answer, QuestionExample

pytestmark = pytest.mark.slow

HINTS = ["red", "blue", "green", "white", "black", "brown", "grey"]  # a hint stands for the name at its place
CANDIDATES = 6
LEARNT, NEAR_CHANCE = 0.9, 0.35  # chance: 1 / 6
SEGMENT, STEPS = 16, 200
ARCHITECTURES = {
    "transformer_xl": {
        "d_model": 64, "d_embed": 64, "n_layer": 2, "n_head": 4, "d_head": 16, "d_inner": 128, "init_std": 0.15,
        "mem_len": SEGMENT, "memory_start": "empty",
    },
    "xlnet": {"d_model": 64, "n_layer": 2, "n_head": 4, "d_inner": 128, "initializer_range": 0.15},
}  # fmt: skip
IN_ONE_WINDOW = {"strategy": "windows", "max_length": 64}
OVER_SEGMENTS = {"strategy": "segment_recurrence", "segment": SEGMENT, "memory": SEGMENT}


class PerToken(nn.Module):
    """In the pointer's place, a head that reads each token's own state (Devlin et al. 2019, section 4.2)."""

    def __init__(self, width):
        super().__init__()
        self.outputs = nn.Linear(width, 2)

    def forward(self, states, last):
        start, end = self.outputs(states).unbind(-1)
        return start, end


def questions(count, seed):
    """Six names in a row, then 30 words or more of no meaning, then the hint which of them it is, then a few more."""
    chooser = random.Random(seed)
    made = []
    for number in range(count):
        names = chooser.sample(NAMES, CANDIDATES)
        asked = chooser.choice(names)
        hint = HINTS[NAMES.index(asked)]
        words = [*names, *chooser.choices(FILLERS, k=chooser.randint(30, 34)), hint, *chooser.choices(FILLERS, k=8)]
        context = " ".join(words)
        made.append(QuestionExample(str(number), "who ?", context, (Answer(asked, context.index(asked)),)))
    return made


def exact_match(family, *, pointer, **settings):
    """Of a model that is trained from nothing on 1,400 questions, on 140 others."""
    recipe = Training(learning_rate=2e-3, max_grad_norm=1.0, **settings)
    train, test = questions(1400, 1), questions(140, 2)
    objective = TASK_TYPES.load("question_answering").objective((), recipe)
    seed_layers(0)
    spec = ModelConfig(family=family, init="random", architecture=ARCHITECTURES[family], vocabulary_size=200)
    loaded = FAMILIES.load(family).load(
        spec, objective.head(), labels=(), dropout=0.0, texts=lambda: [example.context for example in train]
    )
    if not pointer:
        loaded.model.pointer = PerToken(loaded.model.config.hidden_size)
        loaded.model.pointer.apply(loaded.model._init_weights)
    trainer, reader = trainer_for(loaded, objective, recipe, steps=STEPS)
    items, chooser = objective.features(train, reader).items, random.Random(0)
    for _ in range(STEPS):
        trainer.step(chooser.sample(items, 16))
    outputs = trainer.forward.evaluate(objective.features(test, reader), test)[1]
    rows = objective.rows(outputs, test, {})
    return sum(row["prediction"] in row["reference"] for row in rows) / len(rows)


def test_the_evidence_stands_far_to_the_right_of_the_answer_and_in_another_segment():
    for example in questions(50, 3):
        words = example.context.split()
        (hint,) = [place for place, word in enumerate(words) if word in HINTS]
        assert hint - words.index(example.answers[0].text) >= 30
        # 5: the question's two words and the three special tokens. The last state is one more segment further.
        assert (hint + 5) // SEGMENT == 2
        assert (len(words) + 5 - 1) // SEGMENT == 3


@pytest.mark.parametrize(
    ("family", "settings"),
    [("transformer_xl", IN_ONE_WINDOW), ("transformer_xl", OVER_SEGMENTS), ("xlnet", OVER_SEGMENTS)],
    ids=["transformer_xl in one window", "transformer_xl over segments", "xlnet over segments"],
)
def test_a_pointer_from_the_last_state_uses_evidence_to_the_right_and_a_head_on_each_token_does_not(family, settings):
    assert exact_match(family, pointer=True, **settings) >= LEARNT
    assert exact_match(family, pointer=False, **settings) <= NEAR_CHANCE
