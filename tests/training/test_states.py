"""The saved state: a run that was stopped ends like one that was not, and a state that does not fit is told."""

import json
import resource
import shutil
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

import pytest
import torch
from small_models import LABELS, weights
from stoppable_training import RECIPES, STEPS, StopAt, Stopped, go, same, set_up

from harness.checksums import seal
from harness.errors import UserError
from harness.training.progress import Progress
from harness.training.state import load_state, save_state


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


@pytest.fixture(scope="module")
def stopped(checkpoints, tmp_path_factory):
    """The state of a run that was stopped at its sixth step, to be copied."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.raises(Stopped):
        go(set_up(checkpoints["bert"]), folder, callbacks=StopAt(6), checkpoint_seconds=0)
    (state,) = folder.glob("step-*")
    return state


@pytest.fixture
def state(stopped, tmp_path):
    """A copy of the state, alone in its run's folder, which a test may change."""
    return shutil.copytree(stopped, tmp_path / "states" / stopped.name)


@pytest.mark.slow
def test_a_state_is_one_folder_without_pickles(state):
    assert state.name == "step-000000005"
    assert sorted(file.name for file in state.iterdir()) == ["checksums.json", "state.json", "state.safetensors"]
    assert [file.name for file in state.parent.iterdir()] == [state.name]


DAMAGES = ["cut short", "empty", "no facts", "facts cut short", "no tensors", "one bit", "a zero", "no checksums"]


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_left_out_and_noted(damage, checkpoints, never_stopped, state):
    whole, *_ = never_stopped("texts")
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
    progress = go(resumed, state.parent)
    assert progress.notes == ["the saved state step-000000005 was damaged and left out"]
    assert same(weights(resumed[0].forward.model), weights(whole[0].forward.model))


@pytest.mark.slow
def test_a_state_half_written_is_no_state(checkpoints, state):
    beside = state.parent / ".writing"
    beside.mkdir()
    (beside / "state.safetensors").write_bytes((state / "state.safetensors").read_bytes()[:1000])
    callbacks = StopAt()
    progress = go(set_up(checkpoints["bert"]), state.parent, callbacks=callbacks, checkpoint_seconds=0)
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
def test_a_state_for_which_there_is_no_room_is_told_and_the_older_one_stays(checkpoints, state, capsys):
    trainer, *_ = set_up(checkpoints["bert"])
    with full_disk():
        save_state(Progress(step=6), trainer, state.parent)
    assert trainer.notes == ["a state could not be saved during the run, which continued without it"]
    assert f"{state.parent}: the state can't be saved" in capsys.readouterr().err
    assert sorted(file.name for file in state.parent.iterdir()) == [state.name]
    assert load_state(set_up(checkpoints["bert"])[0], state.parent, LABELS).step == 5


@pytest.mark.slow
def test_a_run_without_room_for_its_states_ends_like_any_other(checkpoints, never_stopped, tmp_path):
    whole, *_ = never_stopped("texts")
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
def test_a_state_of_a_version_with_other_fields_is_told_as_such(changes, named, checkpoints, state):
    rewrite(state, **changes)
    with pytest.raises(UserError, match=rf"saved by another version \(it differs in: {named}\)") as caught:
        load_state(set_up(checkpoints["bert"])[0], state.parent, LABELS)
    assert f"or delete {state.parent} to start this run over" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(("known", "found"), [(0.0, 4.0), (9.0, 9.0)], ids=["fine-tuning", "pretraining"])
def test_a_state_that_counted_no_processor_time_is_gone_on_with(known, found, checkpoints, state):
    earlier = {"validation_processor_seconds": None, "processor_seconds": known, "seconds": 4.0}
    rewrite(state, **earlier)
    assert load_state(set_up(checkpoints["bert"])[0], state.parent, LABELS).processor_seconds == found


@pytest.mark.slow
def test_a_state_of_another_model_is_told_as_such(checkpoints, state):
    with pytest.raises(UserError, match="saved by another version"):
        load_state(set_up(checkpoints["roberta"], family="roberta")[0], state.parent)


@pytest.mark.slow
def test_a_state_of_the_first_form_which_had_no_checksums_is_gone_on_with(checkpoints, state):
    rewrite(state, form=None)
    (state / "checksums.json").unlink()
    assert load_state(set_up(checkpoints["bert"])[0], state.parent, LABELS).step == 5


@pytest.mark.slow
def test_a_state_of_another_number_of_processes_is_refused(checkpoints, state):
    rewrite(state, processes=2)
    with pytest.raises(UserError, match="started with 2 processes, and now there are 1"):
        go(set_up(checkpoints["bert"]), state.parent)


@pytest.mark.slow
@pytest.mark.parametrize("labels", [LABELS[::-1], ("bad", "good", "nan")])
def test_a_state_of_other_labels_or_another_order_is_refused(labels, checkpoints, state):
    with pytest.raises(UserError, match=r"started with the labels \['bad', 'good'\], and now they are"):
        go(set_up(checkpoints["bert"]), state.parent, labels=labels)


@pytest.mark.slow
def test_a_state_of_an_earlier_version_which_names_no_labels_is_refused(checkpoints, state):
    rewrite(state, labels=None)
    with pytest.raises(UserError, match=r"started with the labels \(not recorded\), and now they are"):
        go(set_up(checkpoints["bert"]), state.parent)


@pytest.mark.slow
def test_a_state_of_other_batches_is_refused_and_one_that_names_none_goes_on_where_they_are_the_same(
    checkpoints, state
):
    trainer, items, validation, training = set_up(checkpoints["bert"])
    longer = [replace(items[0], windows=(replace(items[0].windows[0], target_ids=[1, 2]),)), *items[1:]]
    with pytest.raises(UserError, match="started with other item lengths, and so with other batches"):
        go((trainer, longer, validation, training), state.parent)
    rewrite(state, batches=None)  # By an earlier version, which did not count what is written.
    with pytest.raises(UserError, match="started with other item lengths, and so with other batches"):
        go((trainer, longer, validation, training), state.parent)
    assert go((trainer, items, validation, training), state.parent).step == STEPS


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
