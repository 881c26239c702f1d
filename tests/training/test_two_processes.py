"""Two processes give what one gives, each example read once, and neither waits for ever for the other."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_models import own_data, question_examples, text_examples
from subprocesses import Command, Forked, TwoForked, finish, held, kill, start

from harness.registry import BUILT_IN, FAMILIES

pytestmark = pytest.mark.slow

# 4 does not divide the numbers of training items, so that the last batch of an epoch is smaller than the others.
BASE = {"batch_size": 4, "maximum_steps": 8, "learning_rate": 1e-4, "dropout": 0.0}
CASES = {
    "texts": (text_examples(60, longest=20), (None, 11, 13), {}),
    "a batch of one item and one test example": (text_examples(29), (None, 3, 1), {"epochs": 4}),
    "long texts": (text_examples(40, longest=50), (None, 5, 7), {"strategy": "windows", "max_length": 12}),
    "questions": (question_examples(40, words=30), (None, 5, 7), {"max_length": 24}),
    "adapters, weighted": (text_examples(41), (None, 5, 7), {"method": "lora", "class_weights": "{good=3.0}"}),
    "compiled": (text_examples(41, longest=20), (None, 5, 7), {"execution": "padded", "compile": True}),
    "segments": (text_examples(40, longest=50), (None, 5, 7), {"strategy": "segment_recurrence", "segment": 8}),
}
MODELS = {"segments": "xlnet"}


def launched(words):
    """The words, for two processes on a port that nobody uses."""
    return [
        "-m",
        "accelerate.commands.launch",
        "--config_file",
        str(BUILT_IN / "configs/accelerate/two-processes-cpu.yaml"),
        *words,
    ]


def comparable(command, name):
    """The rows' values; of a span's score its distance from the first row's, for the rest of it nobody learns.

    The loss does not see a constant added to all start or end logits: the gradient of the head's bias is rounding
    error, of which Adam makes whole steps.
    """
    values = np.array([row[name] for row in command.rows()])
    return values if name == "logits" else values - values[0]


@pytest.mark.parametrize("case", CASES)
def test_two_processes_give_the_scores_and_predictions_of_one(case, checkpoints, tmp_path):
    examples, sizes, settings = CASES[case]
    if settings.get("compile") and " " in torch.__file__:
        pytest.skip("torch can't compile from a folder with a blank in it")
    own = own_data(tmp_path / "data", examples, sizes=sizes)
    checkpoint = checkpoints[MODELS.get(case, "bert")]
    one, two = (Command(own, checkpoint, tmp_path / name, {**BASE, **settings}) for name in ("one", "two"))
    for process in (Forked(one.words), TwoForked(two.words)):
        code, output = finish(process)
        assert code == 0, output
    assert two.record()["provenance"]["hardware"]["processes"] == 2
    assert len(two.rows()) == sizes[2]
    assert [row["id"] for row in two.rows()] == [row["id"] for row in one.rows()]
    for ours, theirs in zip(two.rows(), one.rows(), strict=True):
        assert ours["reference"] == theirs["reference"]
        assert ours["prediction"] == theirs["prediction"]
    for name in {"logits", "score", "no_answer_score"} & two.rows()[0].keys():
        np.testing.assert_allclose(comparable(two, name), comparable(one, name), atol=1e-4)
    assert two.record()["scores"] == one.record()["scores"]
    for ours, theirs in zip(two.record()["curve"], one.record()["curve"], strict=True):
        assert ours["train_loss"] == pytest.approx(theirs["train_loss"], abs=1e-4)
        assert ours["validation_loss"] == pytest.approx(theirs["validation_loss"], abs=1e-4)
    assert two.record()["counts"] == one.record()["counts"]


@pytest.fixture
def suite(checkpoints, tmp_path):
    """A suite of a simple baseline and two models, on the user's own files."""
    own_data(tmp_path / "data", text_examples(60), sizes=(None, 11, 13))
    for name in ("first", "second"):
        (tmp_path / f"{name}.toml").write_text(
            f'family = "bert"\ncheckpoint = {json.dumps(str(checkpoints["bert"]))}\n'
        )
    file = tmp_path / "two.toml"
    file.write_text(
        'tasks = ["mine"]\nmodels = ["first.toml", "majority", "second.toml"]\nseeds = [0, 1]\n'
        "[training]\nmaximum_steps = 4\nbatch_size = 8\n"
        '[data.mine]\ntrain = "data/train.jsonl"\nvalidation = "data/validation.jsonl"\ntest = "data/test.jsonl"\n'
    )
    return file


def test_the_processes_stay_together_from_one_run_of_a_suite_to_the_next(suite, tmp_path):
    assert hasattr(FAMILIES.load("majority"), "fit")
    words = ["-m", "harness", "run", str(suite), f"--runs={tmp_path / 'runs'}", "--track=tensorboard"]
    code, output = finish(start(launched(words)))
    assert code == 0, output
    records = sorted((tmp_path / "runs").rglob("run.json"))
    assert len(records) == 5  # two models with two seeds, and the simple baseline once
    assert {json.loads(file.read_text())["status"] for file in records} == {"complete"}
    assert output.count("✓") == 5  # said by one process only
    code, output = finish(TwoForked(words))
    assert code == 0, output
    assert "5 of 5 runs are recorded already" in output


@pytest.fixture(scope="module")
def undisturbed(checkpoints, tmp_path_factory):
    """A command of two processes, and what it leaves when nobody disturbs it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    own = own_data(folder / "data", text_examples(60), sizes=(None, 11, 13))
    settings = {**BASE, "maximum_steps": 150, "epochs": 50, "dropout": 0.1}
    whole = Command(own, checkpoints["bert"], folder / "whole", settings)
    code, output = finish(TwoForked(whole.words))
    assert code == 0, output
    return whole


def assert_goes_on(words, command, whole):
    code, output = finish(TwoForked(words))
    assert code == 0, output
    assert command.record()["curve"] == whole.record()["curve"]
    assert command.rows() == whole.rows()
    assert all(torch.equal(tensor, whole.weights()[name]) for name, tensor in command.weights().items())


def test_two_processes_that_were_killed_go_on_and_one_alone_is_refused(undisturbed, tmp_path):
    command = replace(undisturbed, runs=tmp_path)
    words = [*command.words, "--checkpoint-seconds=0"]
    kill(held(TwoForked, words, "*/state/step-*[1-9]"))
    code, output = finish(Forked(words))
    assert code == 2, output
    assert "started with 2 processes, and now there are 1" in " ".join(output.split())
    assert_goes_on(words, command, undisturbed)


def test_ctrl_c_at_a_launcher_saves_the_state_of_all_its_processes_which_go_on_from_there(undisturbed, tmp_path):
    command = replace(undisturbed, runs=tmp_path)
    words = [*command.words, "--checkpoint-seconds=0"]
    process = held(start, launched(words), "*/state/step-*[1-9]")
    os.kill(process.pid, signal.SIGINT)
    code, output = finish(process)
    assert code != 0
    assert output.count("Stopping: the step ends and the state is saved.") == 1
    assert output.count("Run the same command again to continue.") == 2  # said by each process
    assert len(list(command.partial.glob("state/step-*"))) == 1
    assert_goes_on(words, command, undisturbed)


def test_a_failure_ends_all_processes(checkpoints, tmp_path):
    own = own_data(tmp_path / "data", text_examples(60), sizes=(None, 11, 13))
    command = Command(own, checkpoints["bert"], tmp_path / "runs", {**BASE, "max_length": 100})  # the model reads 64
    code, output = finish(start(launched(command.words)))
    assert code != 0
    assert "max_length: 100, but this model reads at most 64 tokens" in " ".join(output.split())
    assert command.record()["status"] == "failed"
    assert "at most 64 tokens" in command.record()["reason"]


def test_a_move_into_place_that_was_cut_short_is_gone_on_with_by_one_process_only(checkpoints, tmp_path):
    own = own_data(tmp_path / "data", text_examples(60), sizes=(None, 11, 13))
    command = Command(own, checkpoints["bert"], tmp_path / "runs", {**BASE, "maximum_steps": 2})
    assert finish(TwoForked(command.words))[0] == 0
    partial = command.folder / ".partial"
    for _ in range(3):
        partial.mkdir()
        for name in ("checkpoint", "predictions.parquet", "run.json"):
            (command.folder / name).rename(partial / name)
        code, output = finish(TwoForked(command.words))
        assert (code, "1 of 1 runs are recorded already" in output) == (0, True), output
        assert not partial.exists()
        assert len(command.rows()) == 13
