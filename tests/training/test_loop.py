"""The loop: which weights are kept, when it stops, and what it counts and measures."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_models import weights
from stoppable_training import STEPS, StopAt, go, same, set_up

from harness.training.loop import TrainingPlan, Validation
from harness.training.progress import Progress
from harness.training.trainer import DivergedError


def judged_by(validation, trainer, scores):
    """A validation that gives these scores one after the other, and the weights at each of them."""
    given, kept = iter(scores), []

    def score(outputs):
        kept.append(weights(trainer.forward.model))
        return {"score": next(given)}

    return Validation(validation.features, validation.examples, score, "score", validation.higher_is_better), kept


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("higher_is_better", "scores", "best"),
    [
        (True, [0.1, 0.9, 0.3, 0.2], 1),
        (False, [0.4, 0.9, 0.1, 0.2], 2),
        (True, [0.5, 0.5, 0.5, 0.5], 0),  # of equals the earliest
        (True, [0.1, 0.2, 0.3, 0.4], 3),
        (True, [0.2, math.nan, 0.1, math.nan], 0),
        (False, [math.nan, 0.9, math.nan, 0.8], 3),
    ],
)
def test_the_weights_that_were_best_on_validation_are_kept(higher_is_better, scores, best, checkpoints, tmp_path):
    trainer, items, validation, training = set_up(checkpoints["bert"])
    validation = Validation(validation.features, validation.examples, None, "score", higher_is_better)
    validation, kept = judged_by(validation, trainer, scores)
    progress = go((trainer, items, validation, training), tmp_path)
    assert [point.step for point in progress.curve] == [2, 5, 8, 10]
    assert [point.epoch for point in progress.curve] == [0.4, 1.0, 1.6, 2.0]
    assert [point.validation_scores["score"] for point in progress.curve] == pytest.approx(scores, abs=0, nan_ok=True)
    assert progress.best_step == progress.curve[best].step
    assert not same(kept[best], kept[best - 1])
    assert same(weights(trainer.forward.model), kept[best])


def test_the_last_weights_are_kept_where_that_is_asked_for(checkpoints, tmp_path):
    trainer, items, validation, training = set_up(checkpoints["bert"], keep="last")
    validation, kept = judged_by(validation, trainer, [0.4, 0.9, 0.3, 0.2])
    progress = go((trainer, items, validation, training), tmp_path)
    assert progress.best_step == 10
    assert not same(kept[3], kept[1])
    assert same(weights(trainer.forward.model), kept[3])


def test_seconds_end_when_losses_that_are_read_have_been_computed(checkpoints, tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(
        "harness.training.loop.time", SimpleNamespace(monotonic=lambda: clock[0], process_time=lambda: clock[0])
    )
    read = Progress.read_loss

    def waits(progress):
        clock[0] += 1
        return read(progress)

    monkeypatch.setattr(Progress, "read_loss", waits)
    progress = go(set_up(checkpoints["bert"]), tmp_path)
    assert (progress.seconds, progress.processor_seconds) == (4.0, 4.0)  # At the four points of the curve.


@pytest.mark.slow
def test_patience_stops_a_run_that_gets_no_better(checkpoints, tmp_path):
    trainer, items, validation, training = set_up(checkpoints["bert"], patience=2)
    validation, _ = judged_by(validation, trainer, [0.5, 0.4, 0.5, 0.9])
    progress = go((trainer, items, validation, training), tmp_path)
    assert [point.step for point in progress.curve] == [2, 5, 8]
    assert (progress.step, progress.best_step) == (8, 2)


@pytest.mark.slow
def test_a_curve_s_training_loss_is_the_mean_over_items_since_the_last_point(checkpoints, tmp_path):
    callbacks = StopAt()
    progress = go(set_up(checkpoints["bert"]), tmp_path, callbacks=callbacks)
    # 18 items in batches of 4: one batch of an epoch has 2.
    sizes = [len(batch) for batch in batches_of(checkpoints["bert"])]
    assert sorted(sizes[:5]) == [2, 4, 4, 4, 4]
    for start, stop, point in zip((0, 2, 5, 8), (2, 5, 8, 10), progress.curve, strict=True):
        losses, weights_ = callbacks.losses[start:stop], sizes[start:stop]
        mean = sum(map(math.prod, zip(losses, weights_, strict=True))) / sum(weights_)
        assert point.train_loss == pytest.approx(mean)
    assert callbacks.points == progress.curve
    assert progress.items == 36


def batches_of(checkpoint):
    from harness.training.loop import batches

    _, items, _, training = set_up(checkpoint)
    return list(batches(items, TrainingPlan(training, 0, STEPS, math.inf), start=0))


@pytest.mark.slow
def test_tokens_are_counted_as_the_model_reads_them(checkpoints, tmp_path):
    trainer, items, validation, training = set_up(checkpoints["bert"], "windows")
    progress = go((trainer, items, validation, training), tmp_path)
    once = sum(len(window.input_ids) for item in items for window in item.windows)
    assert progress.tokens == 2 * once  # two epochs


def test_a_validation_loss_that_is_no_number_ends_the_run(checkpoints, tmp_path):
    trainer, items, validation, training = set_up(checkpoints["bert"])
    evaluate = trainer.forward.evaluate
    trainer.forward.evaluate = lambda *given: (math.nan, evaluate(*given)[1])
    with pytest.raises(DivergedError, match="the validation loss is nan at step 2"):
        go((trainer, items, validation, training), tmp_path)


def test_a_run_that_diverges_says_what_was_measured_until_then(checkpoints, tmp_path):
    trainer, items, validation, training = set_up(checkpoints["bert"])
    evaluate, losses = trainer.forward.evaluate, iter([0.5, math.nan])
    trainer.forward.evaluate = lambda *given: (next(losses), evaluate(*given)[1])
    with pytest.raises(DivergedError) as caught:
        go((trainer, items, validation, training), tmp_path)
    assert [point.validation_loss for point in caught.value.curve] == [0.5]


def test_every_item_is_evaluated_once_and_answers_stay_in_order(checkpoints):
    trainer, items, validation, _ = set_up(checkpoints["bert"], dropout=0.5)
    read, collate = [], trainer.forward.collator.__call__

    class Counting:
        def __call__(self, group):
            read.extend(item.example for item in group)
            return collate(group)

    trainer.forward.collator = Counting()
    trainer.forward.model.train()  # as a step before leaves it
    trainer.forward.model.training = False  # Each part counts: one that is put in later starts in training.
    _, outputs = trainer.forward.evaluate(validation.features, validation.examples)
    assert sorted(read) == list(range(18))
    assert read != sorted(read)  # by length
    with torch.no_grad():
        alone = [trainer.forward.model(**collate([item]).inputs).logits[0] for item in items]
    torch.testing.assert_close(torch.tensor(outputs), torch.stack(alone), atol=1e-5, rtol=0)


@pytest.mark.slow_but_first
@pytest.mark.parametrize(("recipe", "room"), [("texts", 3), ("windows", 2)])
def test_evaluation_that_runs_out_of_memory_goes_on_in_smaller_passes(checkpoints, recipe, room):
    trainer, _, validation, _ = set_up(checkpoints["bert"], recipe)
    loss, outputs = trainer.forward.evaluate(validation.features, validation.examples)
    forward, tried = trainer.forward.model.forward, []

    def narrow(boundaries, **inputs):
        tried.append(len(boundaries.lengths))
        if tried[-1] > room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return forward(boundaries=boundaries, **inputs)

    trainer.forward.model.forward = narrow
    before = trainer.forward.micro_batch_size
    again, same = trainer.forward.evaluate(validation.features, validation.examples)
    assert max(tried) > room >= tried[-1]
    assert trainer.forward.micro_batch_size == before  # Training needs other memory, and all processes need one size.
    assert again == pytest.approx(loss, abs=1e-6)
    np.testing.assert_allclose(same, outputs, atol=1e-5)
