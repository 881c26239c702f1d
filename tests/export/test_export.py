"""`harness export`: what is written answers as the run does, or is not written."""

import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy
import pytest
import synthetic_runs
import torch
from finished_runs import finished_run
from huggingface_hub import ModelCard
from transformers import pipeline

from harness.comparison.one_run import score_estimates
from harness.errors import UserError
from harness.export import check
from harness.export.card import export_card
from harness.export.hub import check_repository, push
from harness.export.writing import Wanted, export_to
from harness.models.head import Head
from harness.models.onnx_model import OnnxModel
from harness.record import RECORD, read_record
from harness.runs.exported import CHECK, EXPORT, portable, read_export
from harness.runs.predict import predict_rows, predictor

pytest.importorskip("onnxruntime")

ROWS = {
    "classification": [{"text": "the film was superb"}, {"text": "a dull day in town then again"}],
    "multiple_choice": [{"text": "the film", "choices": ["was dull", "was superb by many", "was boring"]}],
    "question_answering": [{"question": "who was seen ?", "context": "the film was seen by anna on a rainy day " * 6}],
    "token_classification": [{"tokens": ["anna", "was", "seen"]}, {"tokens": ["a", "rainy", "day"]}],
}
CASES = [
    ("bert", "classification"),
    ("transformer_xl", "classification"),
    pytest.param("roberta", "token_classification", marks=pytest.mark.slow),
    pytest.param("xlnet", "classification", marks=pytest.mark.slow),
    pytest.param("scratch", "question_answering", marks=pytest.mark.slow),
    pytest.param("roberta", "multiple_choice", marks=pytest.mark.slow),
]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """No latency is measured for longer than it must."""
    monkeypatch.setattr(check, "SECONDS", 0.02)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, checkpoints):
    """A finished run for each family and task type, made when it is first asked for."""
    made = {}

    def run(family, task_type):
        if (family, task_type) not in made:
            folder = tmp_path_factory.mktemp(f"{family}-{task_type}")
            made[family, task_type] = finished_run(folder, task_type, checkpoints[family], family=family)
        return made[family, task_type]

    return run


@pytest.fixture
def bert_run(runs):
    return runs("bert", "classification")


def wanted(run, form="onnx", precision="fp32", examples=6, licence=None):
    return Wanted(run, form, precision, licence=licence, examples=examples, name="small")


def numbers(value):
    """Every number in a prediction, and everything else in its place."""
    if isinstance(value, dict):
        return {key: numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [numbers(part) for part in value]
    return pytest.approx(value, abs=1e-4) if isinstance(value, float) else value


@pytest.mark.slow
@pytest.mark.parametrize(("family", "task_type"), CASES)
def test_an_onnx_export_predicts_what_the_run_predicts(family, task_type, runs, tmp_path):
    run = runs(family, task_type)
    found = export_to(wanted(run), tmp_path / "out")
    assert found.agreement == 1.0
    assert 0 <= found.largest_difference < check.TOLERANCE
    assert found.run.score == pytest.approx(found.export.score)
    assert isinstance(predictor(tmp_path / "out").model.outputs.loaded.model, OnnxModel)
    expected = [numbers(row) for row in predict_rows(run, ROWS[task_type])]
    assert predict_rows(tmp_path / "out", ROWS[task_type]) == expected


def test_a_row_padded_on_the_left_is_read_without_its_padding(monkeypatch):
    rows = []

    def run(_outputs, inputs):
        rows.append([inputs[name][0].tolist() for name in ("input_ids", "attention_mask")])
        return [numpy.zeros((1, 2), dtype=numpy.float32)]

    names = [SimpleNamespace(name=name) for name in ("input_ids", "attention_mask")]
    session = SimpleNamespace(get_inputs=lambda: names, run=run)
    monkeypatch.setattr("harness.models.onnx_model._session", lambda _: session)
    model = OnnxModel(Path("model.onnx"), None, Head("AutoModelForSequenceClassification", {}, ("logits",)))
    ids, mask = torch.tensor([[0, 0, 7], [4, 5, 6], [0, 0, 0]]), torch.tensor([[0, 0, 1], [1, 1, 1], [0, 0, 0]])
    assert model(ids, mask)["logits"].shape == (3, 2)
    assert rows == [[[7], [1]], [[4, 5, 6], [1, 1, 1]], [[0], [0]]]


@pytest.mark.slow
def test_an_int8_export_is_smaller_and_a_texts_prediction_depends_on_no_other_text(bert_run, tmp_path):
    export_to(wanted(bert_run, examples=0), tmp_path / "fp32")
    found = export_to(wanted(bert_run, precision="int8"), tmp_path / "int8")
    assert found.tolerance is None
    whole, small = (tmp_path / name / "model.onnx" for name in ("fp32", "int8"))
    assert small.stat().st_size < 0.9 * whole.stat().st_size
    rows = ROWS["classification"]
    assert predict_rows(tmp_path / "int8", rows) == [predict_rows(tmp_path / "int8", [row])[0] for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factor", "said"),
    [(1.0, r"does not give the same answers\. .* logits differ by at most \d"), (float("nan"), "not numbers")],
)
def test_a_graph_that_answers_otherwise_is_refused_and_nothing_is_left(factor, said, bert_run, tmp_path, monkeypatch):
    monkeypatch.setattr(OnnxModel, "forward", lambda self, **given: {"logits": factor * given["input_ids"][:, :2]})
    with pytest.raises(UserError, match=f"its export .*{said}"):
        export_to(wanted(bert_run), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_a_stock_checkpoint_with_a_card_that_predicts_the_same(bert_run, tmp_path):
    found = export_to(wanted(bert_run, form="folder", licence="mit"), tmp_path / "out")
    assert (found.agreement, found.largest_difference) == (1.0, None)
    rows = ROWS["classification"]
    assert predict_rows(tmp_path / "out", rows) == predict_rows(bert_run, rows)
    label = pipeline("text-classification", str(tmp_path / "out"))(rows[0]["text"])[0]["label"]
    assert label == predict_rows(bert_run, rows[:1])[0]["prediction"]
    written = json.loads((tmp_path / "out" / CHECK).read_text())
    assert written["agreement"] == 1.0


def test_the_card_has_the_scores_with_their_intervals_in_the_hubs_format(bert_run, tmp_path):
    from huggingface_hub import ModelCard

    export_to(wanted(bert_run, form="folder", licence="mit", examples=0), tmp_path / "out")
    card = ModelCard.load(tmp_path / "out" / "README.md")
    record = read_record(bert_run / RECORD)
    accuracy = next(result for result in card.data.eval_results if result.metric_type == "accuracy")
    assert card.data.license == "mit"
    assert accuracy.metric_value == pytest.approx(record.scores["test"]["accuracy"])
    low, high = (getattr(score_estimates(bert_run, record)["accuracy"], end) for end in ("low", "high"))
    assert accuracy.metric_name == f"accuracy (95 % interval {low:.4f} to {high:.4f})"
    assert accuracy.dataset_split == "test"
    assert "## Recipe" in card.text
    assert "## Intervals" in card.text


def test_the_card_of_a_masked_language_model_leaves_out_scores_that_it_has_not(tmp_path):
    scores = {"test": {"bits_per_byte": math.nan, "pseudo_perplexity": 7.5}}
    kind = synthetic_runs.card("bits_per_byte", "language_modelling")
    config = {"model": {}, "training": {}}
    run = synthetic_runs.record(scores=scores, task_card=kind, config=config)
    made = export_card(tmp_path, run, None, licence="mit", name="mine")
    (model,) = ModelCard(made).data.to_dict()["model-index"]
    assert [one["value"] for result in model["results"] for one in result["metrics"]] == [7.5]


def test_an_export_tells_nothing_of_the_machine_that_it_was_made_on(bert_run, tmp_path):
    export_to(wanted(bert_run, form="folder", examples=0), tmp_path / "out")
    for name in (EXPORT, "README.md"):
        assert str(bert_run.parents[3]) not in (tmp_path / "out" / name).read_text()
    assert read_export(tmp_path / "out").record.provenance.hardware == {}


def test_folders_of_metric_scripts_and_of_files_in_older_records_are_left_out_of_an_export(tmp_path):
    metric = "evaluate:/home/me/metrics/mine.py"
    config = {
        "model": {}, "training": {}, "metrics": [metric], "files": {"metrics/mine.py": "1"},
        "own": {"train": "/home/me/reviews.csv", "kind": None},
    }  # fmt: skip
    scores = {split: {metric: 0.5} for split in ("validation", "test")}
    point = synthetic_runs.record().curve[0].model_copy(update={"validation_scores": {metric: 0.5}})
    run = synthetic_runs.record(scores=scores, task_card=synthetic_runs.card(metric), config=config, curve=(point,))
    told = portable(run)
    assert "/home/me" not in told.model_dump_json()
    assert (told.config["local"]["train"], told.task_card.main_metric) == ("reviews.csv", "evaluate:mine")
    assert "/home/me" not in export_card(tmp_path, run, None, licence="mit", name="mine")


def test_what_else_lies_in_a_checkpoints_folder_is_not_exported(bert_run, tmp_path):
    run = shutil.copytree(bert_run, tmp_path / "run")
    (run / "checkpoint/optimizer.pt").write_bytes(b"a pickle")
    export_to(wanted(run, form="folder", examples=0), tmp_path / "out")
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "README.md"} <= names
    assert "optimizer.pt" not in names


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_export_is_refused(damage, bert_run, tmp_path):
    export_to(wanted(bert_run, form="folder", examples=0), tmp_path / "out")
    weights = tmp_path / "out" / "model.safetensors"
    if damage == "gone":
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=r"out: model\.safetensors: missing, or not as it was exported"):
        predict_rows(tmp_path / "out", ROWS["classification"])


def test_what_is_there_already_is_not_replaced(bert_run, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="already exists"):
        export_to(wanted(bert_run), tmp_path)
    export_to(wanted(bert_run, form="folder", examples=0), tmp_path / "out")
    with pytest.raises(UserError, match="is an export itself"):
        export_to(wanted(tmp_path / "out"), tmp_path / "again")


def test_a_model_with_a_memory_is_refused_as_onnx(bert_run, tmp_path):
    copy = shutil.copytree(bert_run, tmp_path / "run")
    record = json.loads((copy / RECORD).read_text())
    del record["sha256"]
    record["config"]["training"]["strategy"] = "segment_recurrence"
    (copy / RECORD).write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"reads texts segment by segment with a memory .* Use --to folder"):
        export_to(wanted(copy), tmp_path / "out")


def test_without_its_packages_onnx_names_the_extra(bert_run, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"pip install 'finetune-harness\[onnx\]'"):
        export_to(wanted(bert_run), tmp_path / "out")


@pytest.mark.slow
def test_the_command_shows_a_table_of_at_most_80_columns(command, bert_run, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    result = command("export", bert_run, "--to", "onnx", tmp_path / "out", "--int8", "--examples", 4)
    assert result.code == 0, result.errors
    head, *table = result.output.splitlines()
    assert head.split() == ["run", "onnx", "int8"]
    assert [line.split("  ")[0] for line in table[:4]] == ["accuracy", "ms a text, median", "processor ms", "disk"]
    assert all(len(line) <= 80 for line in (head, *table[:4]))
    assert "of 4 validation examples are predicted alike" in result.output
    said = command("predict", tmp_path / "out", "--text", "a superb film")
    assert json.loads(said.output)["prediction"] in ("bad", "good")


def test_options_that_an_export_has_no_use_for_are_refused(command, bert_run):
    assert "--dry-run is for the Hub" in command("export", bert_run, "x", "--to", "onnx", "--dry-run").errors
    assert (
        "--precision int8 is for an ONNX graph" in command("export", bert_run, "x", "--to", "folder", "--int8").errors
    )
    assert "Give OWNER/NAME" in command("export", bert_run, "small", "--to", "hub").errors
    assert "./x: not a model's name on the Hub" in command("export", bert_run, "./x", "--to", "hub", "--dry-run").errors


@pytest.fixture
def baseline_run(command, tmp_path):
    from command_line import reviews, write_jsonl

    file = write_jsonl(tmp_path / "rows.jsonl", reviews(40))
    assert command("run", "--model", "majority", "--train", file).code == 0
    (record,) = (tmp_path / "runs").rglob(RECORD)
    return record.parent


@pytest.mark.slow
def test_a_simple_baseline_is_exported_as_a_folder_and_not_as_onnx(command, baseline_run):
    assert command("export", baseline_run, "out", "--to", "folder").code == 0
    for card in (Path("out"), baseline_run / "checkpoint"):  # Plain transformers opens neither.
        assert "library_name: finetune-harness" in (card / "README.md").read_text()
    assert json.loads(command("predict", "out", "--text", "a film").output)["prediction"] in ("bad", "good")
    assert "out: is an export. Name the folder of the run" in command("explain", "out", "--text", "a").errors
    assert "is not a neural network" in command("export", baseline_run, "other", "--to", "onnx").errors


@pytest.mark.slow
def test_a_dry_run_shows_what_would_be_pushed_and_reaches_no_hub(command, baseline_run, monkeypatch):
    monkeypatch.setattr("huggingface_hub.HfApi.upload_folder", lambda *_, **__: pytest.fail("pushed"))
    result = command("export", baseline_run, "me/small", "--to", "hub", "--dry-run")
    assert result.code == 0, result.errors
    assert "Would be pushed to me/small:" in result.output
    assert f"  {EXPORT}  " in result.output
    assert "model-index:" in result.output


def test_a_name_that_the_hub_refuses_is_refused_before_anything_is_made():
    check_repository("me/small-1.0")
    for name in ("me/a--b", "me/a..b", f"me/{'a' * 100}", "me/a.git"):  # What its own client says no to.
        with pytest.raises(UserError, match=r"not a model's name on the Hub"):
            check_repository(name)


class CutOffError(Exception):
    """What an HTTP client raises of a connection: no OSError."""

    __module__ = "httpx2"


def test_a_connection_that_breaks_is_told_in_a_line_and_a_mistake_of_ours_is_not_hidden(tmp_path, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_TOKEN", "hf_me")
    monkeypatch.setattr("huggingface_hub.HfApi.create_repo", lambda *_, **__: None)
    for raised, seen in ((CutOffError("reset\nby peer"), UserError), (KeyError("ours"), KeyError)):
        monkeypatch.setattr("huggingface_hub.HfApi.upload_folder", Mock(side_effect=raised))
        with pytest.raises(seen) as told:
            push(tmp_path, "me/small", private=True)
        assert seen is KeyError or "me/small: could not be pushed (reset by peer)." in str(told.value)
