"""A text of any length, segment by segment: what memory and gradient carry, and what a batch must not change."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from command_line import read_predictions
from small_models import Silent, loaded_model, own_data, own_run, sentence, text_examples, trainer_for

from harness.config.training import Training
from harness.errors import UserError
from harness.long_texts.recurrence import Texts, pool_weights
from harness.runs.execution import Options, execute
from harness.runs.predict import predict_rows
from harness.task_types.texts import TextExample
from harness.tokenization.items import Item
from harness.tokenization.reading import Window

WITH_MEMORY = ["transformer_xl", "xlnet"]
POOLS = ["mean", "last", "segment_ends"]
# Of 8 tokens a segment: shorter than one, exactly two, and many with a short last one.
WORDS = [3, 14, 61, 30, 14, 99]


def examples_of(words=WORDS):
    chooser = random.Random(5)
    return [TextExample(str(n), sentence(chooser, n % 2, count), n % 2) for n, count in enumerate(words)]


def recipe(**settings):
    return Training(**{"strategy": "segment_recurrence", "segment": 8, "memory": 8, "learning_rate": 1e-3, **settings})


def trainer_of(family, checkpoints, **settings):
    loaded, objective = loaded_model(family, checkpoints[family], dropout=settings.pop("dropout", 0.0))
    trainer, reader = trainer_for(loaded, objective, recipe(**settings))
    return trainer, objective, reader


def gradients(trainer, items):
    trainer.forward.model.train()
    trainer.optimizer.zero_grad()
    loss = float(trainer._gradients(items))
    return loss, {name: p.grad.clone() for name, p in trainer.forward.model.named_parameters() if p.grad is not None}


@pytest.mark.slow_but_first
@pytest.mark.parametrize("strategy", ["segment_recurrence", "independent_segments"])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("family", WITH_MEMORY)
def test_a_text_s_logits_do_not_depend_on_the_texts_beside_it(family, pool, strategy, checkpoints):
    trainer, objective, reader = trainer_of(family, checkpoints, pool=pool, strategy=strategy)
    examples = examples_of()
    together = trainer.forward.evaluate(objective.features(examples, reader), examples)[1]
    for example, found in zip(examples, together, strict=True):
        alone = trainer.forward.evaluate(objective.features([example], reader), [example])[1]
        torch.testing.assert_close(torch.tensor(alone[0]), torch.tensor(found), atol=1e-5, rtol=0)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("gradient_segments", [1, 2, 100])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("family", WITH_MEMORY)
def test_a_gradient_that_is_computed_again_is_the_same(family, pool, gradient_segments, checkpoints):
    trainer, objective, reader = trainer_of(
        family, checkpoints, pool=pool, gradient_segments=gradient_segments, dropout=0.2
    )
    items = objective.features(examples_of(), reader).items
    found = []
    for limit in (100, 1):
        trainer.forward.micro_batch_size = limit
        torch.manual_seed(0)
        found.append(gradients(trainer, items[-1:]))
    (loss, kept), (again_loss, again) = found
    assert loss == pytest.approx(again_loss, abs=1e-6)
    assert kept.keys() == again.keys()
    for name in kept:
        torch.testing.assert_close(again[name], kept[name], atol=1e-6, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("family", WITH_MEMORY)
def test_gradients_do_not_depend_on_how_many_segments_a_pass_holds(family, checkpoints):
    trainer, objective, reader = trainer_of(family, checkpoints)
    items = objective.features(examples_of(), reader).items
    trainer.forward.micro_batch_size = 100
    loss, whole = gradients(trainer, items)
    trainer.forward.micro_batch_size = 6
    again_loss, parts = gradients(trainer, items)
    assert again_loss == pytest.approx(loss, abs=1e-6)
    for name in whole:
        torch.testing.assert_close(parts[name], whole[name], atol=1e-5, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("family", WITH_MEMORY)
def test_a_head_on_a_frozen_encoder_learns_from_a_text_of_more_segments_than_a_pass_holds(family, checkpoints):
    results = []
    for size in (100, 2):
        trainer, objective, reader = trainer_of(family, checkpoints, micro_batch_size=size, frozen="encoder")
        results.append(gradients(trainer, objective.features(examples_of(), reader).items))
    (loss, expected), (found_loss, found) = results
    assert found_loss == pytest.approx(loss, abs=1e-6)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=0)


def words_read(trainer, objective, reader, *, words=61):
    """How much each segment's words matter to the loss: the largest gradient of each one's vectors."""
    seen = []

    def keep(_module, _inputs, output):
        output.retain_grad()
        seen.append(output)

    hook = trainer.forward.model.get_input_embeddings().register_forward_hook(keep)
    gradients(trainer, objective.features(examples_of([words]), reader).items)
    hook.remove()
    return [0.0 if vectors.grad is None else float(vectors.grad.abs().max()) for vectors in seen]


@pytest.mark.slow_but_first
@pytest.mark.parametrize("gradient_segments", [1, 2, 3])
@pytest.mark.parametrize("family", WITH_MEMORY)
def test_the_gradient_of_the_last_state_reaches_as_many_segments_as_asked(family, gradient_segments, checkpoints):
    trainer, objective, reader = trainer_of(family, checkpoints, pool="last", gradient_segments=gradient_segments)
    found = words_read(trainer, objective, reader)
    assert len(found) > 4
    assert [amount > 0 for amount in found] == [False] * (len(found) - gradient_segments) + [True] * gradient_segments


@pytest.mark.parametrize("family", WITH_MEMORY)
def test_with_the_mean_every_segment_learns_though_the_gradient_stops_at_its_start(family, checkpoints):
    trainer, objective, reader = trainer_of(family, checkpoints, pool="mean")
    assert all(amount > 0 for amount in words_read(trainer, objective, reader))


@pytest.mark.parametrize("family", WITH_MEMORY)
def test_the_memory_carries_what_the_control_does_not_know(family, checkpoints):
    beginnings = ["awful " * 12, "superb " * 12]
    examples = [TextExample(str(n), text + "film " * 12, 0) for n, text in enumerate(beginnings)]
    found = {}
    for strategy in ("segment_recurrence", "independent_segments"):
        trainer, objective, reader = trainer_of(family, checkpoints, pool="last", strategy=strategy)
        first, second = trainer.forward.evaluate(objective.features(examples, reader), examples)[1]
        found[strategy] = abs(first - second).max()
    assert found["independent_segments"] < 1e-6  # some processors round by the place in the batch
    assert found["segment_recurrence"] > 1e-3


@pytest.mark.slow
def test_with_a_memory_of_the_whole_text_the_segments_do_not_matter(checkpoints):
    logits = []
    for segment in (8, 13, 1000):
        trainer, objective, reader = trainer_of("transformer_xl", checkpoints, segment=segment)
        trainer.forward.scoring = replace(trainer.forward.scoring, memory=1000)
        trainer.forward.model.config.memory_start = "empty"
        examples = examples_of()
        logits.append(torch.tensor(trainer.forward.evaluate(objective.features(examples, reader), examples)[1]))
    torch.testing.assert_close(logits[0], logits[2], atol=1e-5, rtol=0)
    torch.testing.assert_close(logits[1], logits[2], atol=1e-5, rtol=0)


def test_a_text_that_is_read_to_its_end_takes_no_more_time(checkpoints):
    trainer, objective, reader = trainer_of("xlnet", checkpoints)
    sizes = []
    hook = trainer.forward.model.transformer.register_forward_pre_hook(
        lambda _module, _inputs, named: sizes.append(tuple(named["input_ids"].shape)), with_kwargs=True
    )
    examples = examples_of([3, 14, 30])
    trainer.forward.evaluate(objective.features(examples, reader), examples)
    hook.remove()
    assert sizes == [(3, 8), (2, 8), (1, 8), (1, 8)]  # 5, 16 and 32 tokens with the special ones


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ("mean", [[0.2] * 5, [0.5, 0.5, 0, 0, 0]]),
        ("last", [[0.0, 0, 0, 0, 1], [0, 1, 0, 0, 0]]),
        ("segment_ends", [[0, 1 / 3, 0, 1 / 3, 1 / 3], [0, 1, 0, 0, 0]]),
    ],
)
def test_what_each_state_counts(pool, expected):
    torch.testing.assert_close(pool_weights(Texts({}, [5, 2], segment=2), pool), torch.tensor(expected))


def test_a_text_without_a_token_is_read_as_nothing(checkpoints):
    trainer, _, _ = trainer_of("transformer_xl", checkpoints)
    window = Window([], [], 0, range(0))
    batch = trainer.forward.collator([Item(0, (window,), 0), Item(1, (Window([5] * 9, [0] * 9, 0, range(9)),), 1)])
    (logits,) = trainer.forward.scoring.logits(batch.inputs, 8)
    assert logits.isfinite().all()


def test_a_memory_longer_than_the_model_s_is_refused_by_name(checkpoints):
    with pytest.raises(UserError, match=r"memory: 9, but this model keeps at most 8 states"):
        trainer_of("transformer_xl", checkpoints, memory=9)


def test_a_family_without_a_memory_is_refused_before_anything_is_run(checkpoints, tmp_path):
    own = own_data(tmp_path, text_examples(40), sizes=(None, 10, 10))
    with pytest.raises(
        UserError, match=r"strategy: 'segment_recurrence' needs a model with a memory, but 'bert' has none"
    ):
        own_run(tmp_path / "runs", own, checkpoints["bert"], strategy="segment_recurrence")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["segment_recurrence", "independent_segments"])
@pytest.mark.parametrize("family", WITH_MEMORY)
def test_a_run_learns_from_a_word_many_segments_before_the_end_and_predicts_it_again(
    family, strategy, checkpoints, tmp_path
):
    own = own_data(tmp_path / "data", text_examples(60, shortest=20, longest=60), sizes=(None, 10, 10))
    settings = {"strategy": strategy, "segment": 8, "maximum_steps": 3}
    run = own_run(tmp_path / "runs", own, checkpoints[family], family=family, **settings)
    record = execute(run, Options(), Silent())
    assert record.counts.tokens["test"].seen == record.counts.tokens["test"].total
    rows = [json.loads(line) for line in Path(own.test).read_text().splitlines()]
    told = predict_rows(run.folder, [{"text": row["text"]} for row in rows])
    recorded = read_predictions(run.folder)
    assert [row["prediction"] for row in told] == [row["prediction"] for row in recorded]
    for ours, theirs in zip(told, recorded, strict=True):
        expected = torch.tensor(theirs["logits"]).softmax(0).tolist()
        assert list(ours["probabilities"].values()) == pytest.approx(expected, abs=1e-4)
