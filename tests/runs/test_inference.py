"""`harness measure`: what a finished model costs in use."""

import json
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from command_line import reviews, write_jsonl

from harness.errors import UserError
from harness.runs import answering, inference
from harness.runs.inference import measured_run
from harness.runs.inference_cost import INFERENCE, InferenceCost, measured


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """No measurement takes longer than it must."""
    monkeypatch.setattr(inference, "SECONDS", 0.05)
    monkeypatch.setattr(inference, "BATCHES", (2, 8))


@pytest.fixture
def runs(command, tmp_path, checkpoints):
    file = write_jsonl(tmp_path / "rows.jsonl", reviews(60))
    for model in ("tfidf", checkpoints["bert"]):
        assert command("run", "--model", model, "--train", file, "--set", "maximum_steps=2").code == 0
    return tmp_path / "runs"


@pytest.mark.slow
def test_each_model_is_measured_once(command, runs):
    result = command("measure", runs)
    assert result.code == 0, result.errors
    assert result.output.count(" ms a text (95 of 100 below ") == 2
    found = [measured(record.parent) for record in runs.rglob("run.json")]
    for cost in found:
        assert 0 < cost.latency_p50 <= cost.latency_p95
        assert cost.texts_per_second > 0
        assert cost.batch_size in (2, 8)
        assert cost.texts >= 1
        assert cost.disk_bytes > 0
    again = "2 of 2 models are measured already and are skipped. --redo measures them again.\n"
    assert command("measure", runs).output == again
    assert command("measure", runs, "--redo").output.count("✓") == 2


@pytest.mark.slow
def test_a_damaged_measurement_is_told(runs):
    folder = next(runs.rglob("run.json")).parent
    assert measured(folder) is None
    measured_run(folder)
    content = json.loads((folder / INFERENCE).read_text())
    (folder / INFERENCE).write_text(json.dumps(content | {"latency_p50": 0.0}))
    with pytest.raises(UserError, match=r"inference.json: not as `harness measure` writes it"):
        measured(folder)


@pytest.mark.parametrize(("others", "disturbed"), [(0.0, False), (0.9, True)])
def test_other_processes_are_told(others, disturbed):
    cost = InferenceCost(
        latency_p50=0.002, latency_p95=0.004, texts_per_second=800.0, batch_size=32, peak_memory_bytes=1, disk_bytes=1,
        texts=9, others=others, hardware={},
    )  # fmt: skip
    assert cost.is_disturbed == disturbed
    assert str(cost).startswith("2 ms a text (95 of 100 below 4 ms), 800 texts/s in batches of 32")
    assert ("disturbed" in str(cost)) == disturbed


@pytest.mark.slow
def test_without_data_or_checkpoint_nothing_is_measured(command, runs, tmp_path):
    assert "no complete runs there to measure" in command("measure", tmp_path / "elsewhere").errors
    (tmp_path / "rows.jsonl").write_text('{"text": "another", "label": "good"}\n')
    assert "its data has changed since the run was recorded" in command("measure", runs).errors


@pytest.mark.slow
def test_a_model_that_can_not_be_measured_hides_no_other(command, runs):
    (file,) = runs.rglob("tfidf/seed-0/checkpoint/*.safetensors")
    file.write_bytes(b"")
    found = command("measure", runs)
    assert (found.code, found.output.count("✓")) == (2, 1)
    assert f"{file}: damaged" in found.errors


@pytest.mark.slow
def test_what_was_measured_stands_in_the_report_and_a_damaged_file_among_its_remarks(command, runs):
    assert "cost in use" not in command("compare", runs).output
    assert command("measure", runs).code == 0
    shown = command("compare", runs).output
    assert "cost in use" in shown
    assert "Cost in use is of one run, on the task's own texts" in " ".join(shown.split())
    (file,) = runs.rglob(f"tfidf/*/{INFERENCE}")
    file.write_text("{}")
    shown = command("compare", runs).output
    assert "not as `harness measure` writes it" in " ".join(shown.split())
    assert "cost in use" in shown


@dataclass
class Cut:
    """A forward pass that reads a third of the tokens."""

    micro_batch_size: int = 32
    objective = SimpleNamespace(features=lambda examples, _reader: SimpleNamespace(seen=3, lengths=[9]))

    def evaluate(self, _features, examples):
        return 0.0, examples


def test_how_much_of_texts_is_read_is_told_of_predictions_and_not_of_each_text_that_is_timed(monkeypatch):
    said = []
    monkeypatch.setattr(answering, "notice", said.append)
    outputs = answering.ModelOutputs(None, None, Cut())
    assert outputs(["a"]) == ["a"]
    assert said == ["33.3% of the tokens are read; see strategy, max_length and max_windows of the run."]
    assert outputs.in_batches(1)(["a"]) == ["a"]
    assert len(said) == 1
