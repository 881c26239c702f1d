"""What each way to read a document learns of a word that stands far from its end: Dai et al. 2019, section 3.2."""

import random

import pytest
from small_models import FILLERS, NAMES, trainer_for

from harness.config.model import ModelConfig
from harness.config.training import Training
from harness.ops.device import seed_layers
from harness.registry import FAMILIES, TASK_TYPES
from harness.task_types.texts import TextExample

pytestmark = pytest.mark.slow

SEGMENT, STEPS = 16, 250
CHANCE = 1 / len(NAMES)
LEARNT, NEAR_CHANCE = 0.95, 0.35
# A memory as wide as a segment reaches one segment further back with each layer, so two layers reach two.
ARCHITECTURES = {
    "transformer_xl": {
        "d_model": 64, "d_embed": 64, "n_layer": 2, "n_head": 4, "d_head": 16, "d_inner": 128, "init_std": 0.1,
        "mem_len": SEGMENT, "memory_start": "empty",
    },
    "xlnet": {"d_model": 64, "n_layer": 2, "n_head": 4, "d_inner": 128, "initializer_range": 0.1},
}  # fmt: skip


def documents(count, seed):
    """One name, in the second of four segments; it is the label."""
    chooser = random.Random(seed)
    made = []
    for number in range(count):
        words = chooser.choices(FILLERS, k=4 * SEGMENT - 2)
        label = number % len(NAMES)
        words[chooser.randrange(SEGMENT + 2, 2 * SEGMENT - 2)] = NAMES[label]
        made.append(TextExample(str(number), " ".join(words), label))
    return made


def accuracy(family, **settings):
    """Of a model that is trained from nothing on 1,400 documents, on 140 others."""
    recipe = Training(learning_rate=2e-3, segment=SEGMENT, **settings)
    train, test = documents(1400, 1), documents(140, 2)
    objective = TASK_TYPES.load("classification").objective(tuple(NAMES), recipe)
    seed_layers(0)
    spec = ModelConfig(family=family, init="random", architecture=ARCHITECTURES[family], vocabulary_size=200)
    loaded = FAMILIES.load(family).load(
        spec, objective.head(), labels=tuple(NAMES), dropout=0.0, texts=lambda: [example.text for example in train]
    )
    trainer, reader = trainer_for(loaded, objective, recipe, steps=STEPS)
    items, chooser = objective.features(train, reader).items, random.Random(0)
    for _ in range(STEPS):
        trainer.step(chooser.sample(items, 16))
    logits = trainer.forward.evaluate(objective.features(test, reader), test)[1]
    return sum(int(row.argmax()) == example.target for row, example in zip(logits, test, strict=True)) / len(test)


@pytest.mark.parametrize(
    ("family", "recipe"),
    [
        ("transformer_xl", {"pool": "mean"}),
        ("transformer_xl", {"pool": "segment_ends"}),
        ("transformer_xl", {"pool": "last", "gradient_segments": 4}),
        ("xlnet", {"pool": "mean"}),
    ],
)
def test_recurrence_learns_what_a_cut_text_does_not_hold(family, recipe):
    assert accuracy(family, strategy="segment_recurrence", **recipe) >= LEARNT


@pytest.mark.parametrize(
    ("family", "recipe"),
    [
        ("transformer_xl", {"strategy": "head", "max_length": SEGMENT}),
        ("transformer_xl", {"strategy": "segment_recurrence", "pool": "last"}),
        ("transformer_xl", {"strategy": "independent_segments", "pool": "last"}),
        ("xlnet", {"strategy": "head", "max_length": SEGMENT}),
    ],
)
def test_what_neither_the_text_nor_the_gradient_reaches_is_not_learnt(family, recipe):
    assert accuracy(family, **recipe) <= NEAR_CHANCE


def test_the_control_without_memory_learns_less_from_the_same_states():
    # Pooling alone goes far, so a memory must not be credited with it.
    assert CHANCE < accuracy("transformer_xl", strategy="independent_segments", pool="mean") < LEARNT
