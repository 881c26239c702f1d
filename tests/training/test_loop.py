"""The loop: which weights are kept, when it stops, and that a run that was stopped ends like one that was not."""

import json
import math
import resource
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_models import (
    LABELS,
    Silent,
    choice_examples,
    loaded_model,
    question_examples,
    text_examples,
    trainer_for,
    weights,
)

from harness.checksums import seal
from harness.config.training import Training
from harness.errors import UserError
from harness.registry import TASK_TYPES
from harness.training.loop import TrainingPlan, Validation, finetune
from harness.training.progress import Progress
from harness.training.state import load_state, save_state
from harness.training.trainer import DivergedError

TEXTS = {"learning_rate": 1e-3, "batch_size": 4, "epochs": 2.0, "evaluations_per_epoch": 2}
RECIPES = {
    "texts": TEXTS,
    "windows": {**TEXTS, "strategy": "windows", "max_length": 12, "micro_batch_size": 3},
    "questions": {**TEXTS, "max_length": 24},
    "choices": {**TEXTS, "micro_batch_size": 5},
    "bf16": {**TEXTS, "precision": "bf16"},
    "adafactor": {**TEXTS, "optimizer": "adafactor"},
    "sgd": {**TEXTS, "optimizer": "sgd", "schedule": "cosine"},
    "frozen, weighted": {
        **TEXTS,
        "frozen": 1,
        "layer_decay": 0.5,
        "schedule": "wsd",
        "class_weights": "balanced",
        "focal_gamma": 1.0,
    },
    "lora": {**TEXTS, "method": "lora", "head_learning_rate": 1e-2},
}
TASK_TYPE_OF = {"questions": ("question_answering", ()), "choices": ("multiple_choice", ())}
EXAMPLES = {
    "classification": lambda: text_examples(18, longest=40),
    "question_answering": lambda: question_examples(10, words=30),
    "multiple_choice": lambda: choice_examples(18, longest=30),
}
STEPS = 10  # 18 texts are 5 batches an epoch


class Stopped(BaseException):
    """Somebody pulled the plug."""


class StopAt(Silent):
    """Callbacks that pull the plug at a step, or note what they are told."""

    def __init__(self, step=None):
        self.step, self.losses, self.points = step, [], []

    def on_step(self, step, steps, *, loss, items):
        if step == self.step:
            raise Stopped
        self.losses.append(loss)

    def on_evaluate(self, point):
        self.points.append(point)


def set_up(checkpoint, name="texts", *, dropout=0.1, family="bert", **settings):
    training = Training(**RECIPES[name], **settings)
    task_type, labels = TASK_TYPE_OF.get(name, ("classification", LABELS))
    loaded, _ = loaded_model(family, checkpoint, task_type, labels=labels, dropout=dropout)
    objective = TASK_TYPES.load(task_type).objective(labels, training)
    examples = EXAMPLES[task_type]()
    objective = objective.for_training(loaded.model, examples, has_own_head=False)
    trainer, reader = trainer_for(loaded, objective, training, steps=STEPS, seed=0)
    features = objective.features(examples, reader)
    validation = Validation(features, examples, lambda _: {"score": weight_of(loaded.model)}, "score", True)
    return trainer, features.items, validation, training


def weight_of(model):
    """A score that depends on the weights alone, and on all of them."""
    return sum(float(tensor.double().abs().sum()) for tensor in model.state_dict().values())


def go(set_up_, folder, *, callbacks=None, checkpoint_seconds=math.inf, steps=STEPS, labels=LABELS):
    trainer, items, validation, training = set_up_
    plan = TrainingPlan(training, 0, steps, checkpoint_seconds, labels)
    return finetune(trainer, items, validation, plan=plan, folder=folder, callbacks=callbacks or Silent())


def judged_by(validation, trainer, scores):
    """A validation that gives these scores one after the other, and the weights at each of them."""
    given, kept = iter(scores), []

    def score(outputs):
        kept.append(weights(trainer.forward.model))
        return {"score": next(given)}

    return Validation(validation.features, validation.examples, score, "score", validation.higher_is_better), kept


def same(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


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


@pytest.fixture(scope="module")
def never_stopped(checkpoints, tmp_path_factory):
    """By recipe a run that nothing stopped, trained when first asked for: its parts, what it told, its progress."""

    @cache
    def trained(name):
        parts, told = set_up(checkpoints["bert"], name), StopAt()
        return parts, told, go(parts, tmp_path_factory.mktemp("whole"), callbacks=told)

    return trained


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("name", "step"),
    [
        pytest.param(name, step, marks=() if name in ("texts", "lora") and step == 6 else pytest.mark.slow)
        for name in RECIPES
        for step in (2, 6, 10)
    ],
)
def test_a_run_that_was_stopped_ends_bit_for_bit_like_one_that_was_not(
    name, step, checkpoints, never_stopped, tmp_path
):
    whole, told, expected = never_stopped(name)
    with pytest.raises(Stopped):
        go(set_up(checkpoints["bert"], name), tmp_path / "a", callbacks=StopAt(step), checkpoint_seconds=0)
    resumed = set_up(checkpoints["bert"], name)
    torch.manual_seed(12345)  # what the generator held before does not matter
    callbacks = StopAt()
    progress = go(resumed, tmp_path / "a", callbacks=callbacks, checkpoint_seconds=0)
    assert callbacks.losses == told.losses[step - 1 :]
    assert same(weights(resumed[0].forward.model), weights(whole[0].forward.model))
    assert (progress.curve, progress.best_step) == (expected.curve, expected.best_step)
    assert (progress.items, progress.tokens) == (expected.items, expected.tokens)
    assert resumed[0].scheduler.get_last_lr() == whole[0].scheduler.get_last_lr()
    assert not any(whole[0].scheduler.get_last_lr())


@pytest.mark.slow
def test_a_run_without_its_state_would_not_end_the_same(checkpoints, tmp_path):
    """Without dropout's generator the weights differ, so the test above can fail."""
    ends = []
    for name in ("a", "b"):
        with pytest.raises(Stopped):
            go(set_up(checkpoints["bert"]), tmp_path / name, callbacks=StopAt(6), checkpoint_seconds=0)
        if name == "b":
            (state,) = (tmp_path / name).glob("step-*")
            from safetensors.torch import load_file, save_file

            tensors = load_file(state / "state.safetensors")
            tensors["generator.0.cpu"] = torch.Generator().manual_seed(1).get_state()
            save_file(tensors, state / "state.safetensors")
            seal(state)
        resumed = set_up(checkpoints["bert"])
        go(resumed, tmp_path / name)
        ends.append(weights(resumed[0].forward.model))
    assert not same(*ends)


def stopped_state(checkpoint, folder, step=6):
    with pytest.raises(Stopped):
        go(set_up(checkpoint), folder, callbacks=StopAt(step), checkpoint_seconds=0)
    (state,) = folder.glob("step-*")
    return state


@pytest.mark.slow
def test_a_state_is_one_folder_without_pickles(checkpoints, tmp_path):
    state = stopped_state(checkpoints["bert"], tmp_path)
    assert state.name == "step-000000005"
    assert sorted(file.name for file in state.iterdir()) == ["checksums.json", "state.json", "state.safetensors"]
    assert [file.name for file in tmp_path.iterdir()] == [state.name]


DAMAGES = ["cut short", "empty", "no facts", "facts cut short", "no tensors", "one bit", "a zero", "no checksums"]


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_left_out_and_noted(damage, checkpoints, tmp_path):
    whole = set_up(checkpoints["bert"])
    go(whole, tmp_path / "whole")
    state = stopped_state(checkpoints["bert"], tmp_path / "a")
    tensors, facts = state / "state.safetensors", state / "state.json"
    if damage == "cut short":
        tensors.write_bytes(tensors.read_bytes()[:-100])
    elif damage == "empty":
        tensors.write_bytes(b"")
    elif damage == "no facts":
        facts.unlink()
    elif damage == "facts cut short":
        facts.write_text(facts.read_text()[:20])
    elif damage == "one bit":
        content = bytearray(tensors.read_bytes())
        content[-1000] ^= 1
        tensors.write_bytes(content)
    elif damage == "a zero":
        facts.write_text(facts.read_text().replace('"step": 5', '"step": 0', 1))
    elif damage == "no checksums":
        (state / "checksums.json").unlink()
    else:
        tensors.unlink()
    resumed = set_up(checkpoints["bert"])
    progress = go(resumed, tmp_path / "a")
    assert progress.notes == ["the saved state step-000000005 was damaged and left out"]
    assert same(weights(resumed[0].forward.model), weights(whole[0].forward.model))


@pytest.mark.slow
def test_a_state_half_written_is_no_state(checkpoints, tmp_path):
    state = stopped_state(checkpoints["bert"], tmp_path)
    beside = tmp_path / ".writing"
    beside.mkdir()
    (beside / "state.safetensors").write_bytes((state / "state.safetensors").read_bytes()[:1000])
    callbacks = StopAt()
    progress = go(set_up(checkpoints["bert"]), tmp_path, callbacks=callbacks, checkpoint_seconds=0)
    assert len(callbacks.losses) == 5
    assert progress.notes == []
    assert not beside.exists()


@contextmanager
def full_disk(size=10_000):
    """No file can be larger than `size` inside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
def test_a_state_for_which_there_is_no_room_is_told_and_the_older_one_stays(checkpoints, tmp_path, capsys):
    state = stopped_state(checkpoints["bert"], tmp_path)
    trainer, *_ = set_up(checkpoints["bert"])
    with full_disk():
        save_state(Progress(step=6), trainer, tmp_path)
    assert trainer.notes == ["a state could not be saved during the run, which continued without it"]
    assert f"{tmp_path}: the state can't be saved" in capsys.readouterr().err
    assert sorted(file.name for file in tmp_path.iterdir()) == [state.name]
    assert load_state(set_up(checkpoints["bert"])[0], tmp_path, LABELS).step == 5


@pytest.mark.slow
def test_a_run_without_room_for_its_states_ends_like_any_other(checkpoints, tmp_path):
    whole = set_up(checkpoints["bert"])
    go(whole, tmp_path / "whole")
    cramped = set_up(checkpoints["bert"])
    with full_disk():
        progress = go(cramped, tmp_path / "cramped", checkpoint_seconds=0)
    assert progress.notes == ["a state could not be saved during the run, which continued without it"]
    assert same(weights(cramped[0].forward.model), weights(whole[0].forward.model))


def rewrite(state, **changes):
    """Give a whole state other facts; those that are None go."""
    facts = json.loads((state / "state.json").read_text()) | changes
    (state / "state.json").write_text(json.dumps({key: value for key, value in facts.items() if value is not None}))
    seal(state)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"colour": 1}, "colour"),
        ({"items": None}, "items"),
        ({"form": 99}, "form"),
        ({"curve": [{"step": 1}]}, "curve"),
    ],
)
def test_a_state_of_a_version_with_other_fields_is_told_as_such(changes, named, checkpoints, tmp_path):
    rewrite(stopped_state(checkpoints["bert"], tmp_path), **changes)
    with pytest.raises(UserError, match=rf"saved by another version \(it differs in: {named}\)") as caught:
        load_state(set_up(checkpoints["bert"])[0], tmp_path, LABELS)
    assert f"or delete {tmp_path} to start this run over" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(("known", "found"), [(0.0, 4.0), (9.0, 9.0)], ids=["fine-tuning", "pretraining"])
def test_a_state_that_counted_no_processor_time_is_gone_on_with(known, found, checkpoints, tmp_path):
    earlier = {"validation_processor_seconds": None, "processor_seconds": known, "seconds": 4.0}
    rewrite(stopped_state(checkpoints["bert"], tmp_path), **earlier)
    assert load_state(set_up(checkpoints["bert"])[0], tmp_path, LABELS).processor_seconds == found


@pytest.mark.slow
def test_a_state_of_another_model_is_told_as_such(checkpoints, tmp_path):
    stopped_state(checkpoints["bert"], tmp_path)
    with pytest.raises(UserError, match="saved by another version"):
        load_state(set_up(checkpoints["roberta"], family="roberta")[0], tmp_path)


@pytest.mark.slow
def test_a_state_of_the_first_form_which_had_no_checksums_is_gone_on_with(checkpoints, tmp_path):
    state = stopped_state(checkpoints["bert"], tmp_path)
    rewrite(state, form=None)
    (state / "checksums.json").unlink()
    assert load_state(set_up(checkpoints["bert"])[0], tmp_path, LABELS).step == 5


@pytest.mark.slow
def test_a_state_of_another_number_of_processes_is_refused(checkpoints, tmp_path):
    rewrite(stopped_state(checkpoints["bert"], tmp_path), processes=2)
    with pytest.raises(UserError, match="started with 2 processes, and now there are 1"):
        go(set_up(checkpoints["bert"]), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("labels", [LABELS[::-1], ("bad", "good", "nan")])
def test_a_state_of_other_labels_or_another_order_is_refused(labels, checkpoints, tmp_path):
    stopped_state(checkpoints["bert"], tmp_path)
    with pytest.raises(UserError, match=r"started with the labels \['bad', 'good'\], and now they are"):
        go(set_up(checkpoints["bert"]), tmp_path, labels=labels)


@pytest.mark.slow
def test_a_state_of_an_earlier_version_which_names_no_labels_is_refused(checkpoints, tmp_path):
    rewrite(stopped_state(checkpoints["bert"], tmp_path), labels=None)
    with pytest.raises(UserError, match=r"started with the labels \(not recorded\), and now they are"):
        go(set_up(checkpoints["bert"]), tmp_path)


@pytest.mark.slow
def test_a_state_of_other_batches_is_refused_and_one_that_names_none_goes_on_where_they_are_the_same(
    checkpoints, tmp_path
):
    state = stopped_state(checkpoints["bert"], tmp_path)
    trainer, items, validation, training = set_up(checkpoints["bert"])
    longer = [replace(items[0], windows=(replace(items[0].windows[0], target_ids=[1, 2]),)), *items[1:]]
    with pytest.raises(UserError, match="started with other item lengths, and so with other batches"):
        go((trainer, longer, validation, training), tmp_path)
    rewrite(state, batches=None)  # By an earlier version, which did not count what is written.
    with pytest.raises(UserError, match="started with other item lengths, and so with other batches"):
        go((trainer, longer, validation, training), tmp_path)
    assert go((trainer, items, validation, training), tmp_path).step == STEPS


@pytest.mark.slow
def test_what_was_lowered_for_want_of_memory_stays_lowered(checkpoints, tmp_path):
    first = set_up(checkpoints["bert"])
    first[0].forward.micro_batch_size, first[0].notes[:] = 2, ["lowered"]
    with pytest.raises(Stopped):
        go(first, tmp_path, callbacks=StopAt(6), checkpoint_seconds=0)
    second = set_up(checkpoints["bert"])
    progress = go(second, tmp_path)
    assert second[0].forward.micro_batch_size == 2
    assert progress.notes == ["lowered"]


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
