"""A model cut among two processes gives what one process gives, and goes on from its parts when it was killed."""

from functools import partial

import numpy as np
import pytest
import torch
from small_models import own_data, text_examples
from subprocesses import Command, Forked, TwoForked, finish, held, kill

from harness.config.training import Training
from harness.errors import UserError
from harness.training.sharding import check_shardable

RECIPE = {
    "batch_size": 4, "micro_batch_size": 2, "maximum_steps": 8, "learning_rate": 1e-4, "dropout": 0.0,
    "execution": "padded", "epochs": 4,
}  # fmt: skip
SHARDED = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """29 examples: the last batch of an epoch is one item, so that a process has none of its own."""
    return own_data(tmp_path_factory.mktemp("data"), text_examples(29), sizes=(None, 11, 13))


@pytest.fixture(scope="module")
def alone(own, checkpoints, tmp_path_factory):
    """The run of one process."""
    one = Command(own, checkpoints["bert"], tmp_path_factory.mktemp("one"), RECIPE)
    code, output = finish(Forked(one.words))
    assert code == 0, output
    return one


@pytest.fixture(scope="module")
def shared(own, checkpoints, tmp_path_factory):
    """The run of two processes that share the model."""
    two = Command(own, checkpoints["bert"], tmp_path_factory.mktemp("two"), RECIPE)
    code, output = finish(TwoForked(two.words, **SHARDED))
    assert code == 0, output
    return two


@pytest.mark.slow
def test_two_processes_that_share_the_model_give_what_one_gives(shared, alone):
    assert_alike(shared, alone, tolerance=1e-5)


@pytest.mark.slow
def test_a_killed_run_goes_on_from_each_process_s_part_to_the_same_bits(shared, own, checkpoints, tmp_path):
    command = Command(own, checkpoints["bert"], tmp_path, RECIPE)
    kill(held(partial(TwoForked, **SHARDED), [*command.words, "--checkpoint-seconds=0"], "*/state/step-*3"))
    state = max(command.partial.glob("state/step-*"))
    assert {file.name for file in state.glob("*.safetensors")} == {"state.safetensors", "state-1.safetensors"}
    code, output = finish(Forked(command.words))
    assert code == 2, output
    assert "started with 2 processes that share the model, and now there are 1 processes" in output
    code, output = finish(TwoForked(command.words, **SHARDED))
    assert code == 0, output
    assert_alike(command, shared, tolerance=0)


def assert_alike(found, wanted, *, tolerance):
    assert found.record()["scores"] == wanted.record()["scores"]
    ours, theirs = (np.array([row["logits"] for row in one.rows()]) for one in (found, wanted))
    np.testing.assert_allclose(ours, theirs, atol=tolerance, rtol=0)
    for ours, theirs in zip(found.record()["curve"], wanted.record()["curve"], strict=True):
        assert ours["train_loss"] == pytest.approx(theirs["train_loss"], abs=tolerance)
        assert ours["validation_loss"] == pytest.approx(theirs["validation_loss"], abs=tolerance)
    ours, theirs = found.weights(), wanted.weights()
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, atol=tolerance, rtol=0)
    assert found.record()["counts"] == wanted.record()["counts"]


def test_what_takes_other_passes_on_each_process_is_refused_all_at_once(monkeypatch):
    monkeypatch.setenv("FSDP_VERSION", "1")
    recipe = Training(execution="packed", method="lora", strategy="windows")
    with pytest.raises(UserError) as caught:
        check_shardable(recipe, is_unpadded=True, answers_in_units=True, writes=True, most_windows=99)
    assert [line.split(":")[0] for line in caught.value.lines[:4]] == [
        "fsdp_version", "execution, compile", "method, frozen", "strategy",
    ]  # fmt: skip
    assert len(caught.value.lines) == 8
    monkeypatch.setenv("FSDP_VERSION", "2")
    compiled = Training(execution="padded", compile=True)
    with pytest.raises(UserError, match="is not compiled"):
        check_shardable(compiled, is_unpadded=False, answers_in_units=False, writes=False, most_windows=1)
    check_shardable(
        Training(execution="padded"), is_unpadded=False, answers_in_units=False, writes=False, most_windows=1
    )
