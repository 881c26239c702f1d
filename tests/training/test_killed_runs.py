"""A run that is killed, whenever it may be, and started again ends like one that was never killed."""

import pytest
import torch
from small_models import own_data, question_examples, text_examples
from subprocesses import Command, Forked, finish, held, kill

pytestmark = pytest.mark.slow

STEPS = 60
RECIPES = {
    "texts": {"dropout": 0.1},
    "questions": {"dropout": 0.1, "max_length": 24},
    "segments": {
        "dropout": 0.1,
        "strategy": "segment_recurrence",
        "segment": 8,
        "gradient_segments": 2,
        "micro_batch_size": 3,
    },
    "windows, weighted, frozen": {
        "dropout": 0.1,
        "strategy": "windows",
        "max_length": 12,
        "micro_batch_size": 3,
        "class_weights": "balanced",
        "label_smoothing": 0.1,
        "frozen": 1,
        "layer_decay": 0.7,
        "schedule": "wsd",
    },
    "lora": {"dropout": 0.1, "method": "lora", "head_learning_rate": 3e-3},
}
FAMILIES = {"segments": "transformer_xl"}


@pytest.fixture(scope="module")
def never_killed(checkpoints, tmp_path_factory):
    """A command by recipe, and what it leaves when nobody disturbs it."""
    done = {}

    def command(name):
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            examples = question_examples(70, words=30) if name == "questions" else text_examples(101, longest=30)
            own = own_data(folder / "data", examples, sizes=(None, 11, 13))
            whole = Command(own, checkpoints[FAMILIES.get(name, "bert")], folder / "whole", settings(name))
            code, output = finish(Forked(whole.words))
            assert code == 0, output
            done[name] = whole
        return done[name]

    return command


def settings(name):
    return {"maximum_steps": STEPS, "epochs": 50, "batch_size": 4, "learning_rate": 1e-3, **RECIPES[name]}


# What the command has just made, and for which time.
MOMENTS = {
    "early": ("*/state/step-000000001", 1),
    "in the middle": (f"*/state/step-{STEPS // 2:09d}", 1),
    "while a state is written": ("*/state/.writing", 6),
    "after the last step": (f"*/state/step-{STEPS - 1:09d}", 1),
    "while the result is saved": ("*/.partial/checkpoint", 1),
}


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        *(("texts", moment) for moment in MOMENTS),
        *((name, "in the middle") for name in RECIPES if name != "texts"),
    ],
)
def test_a_killed_run_ends_bit_for_bit_like_one_that_was_not(name, moment, never_killed, tmp_path):
    whole = never_killed(name)
    command = Command(whole.own, whole.checkpoint, tmp_path / "runs", whole.settings)
    words = [*command.words, "--checkpoint-seconds=0"]
    pattern, times = MOMENTS[moment]
    kill(held(Forked, words, pattern, times=times))
    assert not (command.folder / "run.json").exists()
    code, output = finish(Forked(words))
    assert code == 0, output
    ours, theirs = command.record(), whole.record()
    assert ours["scores"] == theirs["scores"]
    assert ours["curve"] == theirs["curve"]
    assert ours["best_step"] == theirs["best_step"]
    assert ours["counts"] == theirs["counts"]
    assert not any("damaged" in note for note in ours["notes"])
    assert command.rows() == whole.rows()
    assert command.weights().keys() == whole.weights().keys()
    assert all(torch.equal(tensor, whole.weights()[key]) for key, tensor in command.weights().items())
    assert (command.folder / "checkpoint/model.safetensors").read_bytes() == (
        whole.folder / "checkpoint/model.safetensors"
    ).read_bytes()
    assert sorted(path.name for path in command.folder.iterdir()) == ["checkpoint", "predictions.parquet", "run.json"]
