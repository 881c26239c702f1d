"""Runs that never see the test split, as while a recipe is tuned: what they leave, and what is said of them."""

import dataclasses
import json
import re
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet
from small_models import Silent, own_data, own_run, text_examples

from harness.comparison.comparison import compare
from harness.data.loading import load_splits
from harness.data.sources import Files, Generated, Hub
from harness.data.task import SplitwiseSource, Task
from harness.errors import UserError
from harness.metrics.lookup import unit_of
from harness.record import read_record
from harness.reporting.entries import score_entry
from harness.reporting.remarks import remarks
from harness.runs.evaluation import evaluation_of_split
from harness.runs.execution import Options, execute
from harness.runs.identity import identity
from harness.runs.predict import predict_rows
from harness.suites import expansion
from harness.tokenization.reading import Reader


@pytest.fixture
def texts(tmp_path):
    return own_data(tmp_path / "data", text_examples(100, longest=20))


def validation_only(run):
    return dataclasses.replace(run, config=run.config.model_copy(update={"evaluate": "validation"}))


def finished(run, **options):
    execute(run, Options(**options), Silent())
    return read_record(run.folder / "run.json")


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "majority"])
def test_a_run_on_validation_alone_has_its_scores_and_no_test_score(family, texts, checkpoints, tmp_path):
    checkpoint = checkpoints["bert"] if family == "bert" else None
    alone = finished(validation_only(own_run(tmp_path / "alone", texts, checkpoint, family=family)))
    whole = finished(own_run(tmp_path / "whole", texts, checkpoint, family=family))
    assert alone.scores == {"validation": whole.scores["validation"]}
    assert (alone.curve, alone.best_step, alone.calibration) == (whole.curve, whole.best_step, whole.calibration)
    assert alone.counts.examples == {"train": 60, "validation": 20}
    assert alone.counts.tokens.keys() == whole.counts.tokens.keys() - {"test"}
    assert "test" not in alone.cost.seconds
    (note,) = [note for note in alone.notes if note.startswith("validation only:")]
    assert note not in whole.notes


@pytest.mark.slow
def test_it_leaves_a_checkpoint_that_predicts_and_no_predictions(texts, checkpoints, tmp_path):
    run = validation_only(own_run(tmp_path, texts, checkpoints["bert"]))
    finished(run)
    assert sorted(path.name for path in run.folder.iterdir()) == ["checkpoint", "run.json"]
    (row,) = predict_rows(run.folder, [{"text": "a witty film"}])
    assert row["prediction"] in ("bad", "good")
    assert "| metric | validation |\n" in (run.folder / "checkpoint/README.md").read_text()


@pytest.mark.slow
def test_no_text_of_the_test_split_is_encoded(texts, checkpoints, tmp_path, monkeypatch):
    read, documents = [], Reader.documents
    monkeypatch.setattr(
        Reader, "documents", lambda self, texts, pairs: read.append(tuple(texts)) or documents(self, texts, pairs)
    )
    finished(validation_only(own_run(tmp_path / "runs", texts, checkpoints["bert"], maximum_steps=1)))
    assert [len(split) for split in read] == [60, 20]


@pytest.mark.slow
def test_a_test_file_is_not_even_opened_for_its_rows(texts, checkpoints, tmp_path, monkeypatch):
    monkeypatch.setattr(expansion, "is_small", lambda _source: False)  # Small files are checked before any run.
    Path(texts.test).write_text("this is no JSON")
    with pytest.raises(UserError, match=r"test\.jsonl"):
        execute(own_run(tmp_path / "whole", texts, checkpoints["bert"]), Options(), Silent())
    record = finished(validation_only(own_run(tmp_path / "alone", texts, checkpoints["bert"])))
    assert record.status == "complete"


def task_of(source):
    return Task(task_type="classification", source=source, metrics=("accuracy",), licence="", citation="")


def rows_of(count, start=0):
    return [{"text": f"w{start + n} v{start + n}", "label": ("no", "yes")[n % 2]} for n in range(count)]


def test_sources_that_keep_their_splits_apart_say_so():
    assert isinstance(Files("train.csv"), SplitwiseSource)
    assert isinstance(Hub("owner/name"), SplitwiseSource)
    assert not isinstance(Generated(dict, "1"), SplitwiseSource)


def test_of_a_source_that_gives_all_splits_at_once_no_test_row_is_looked_at():
    tables = {"train": rows_of(20), "validation": rows_of(10, 100), "test": [{"nothing": "fits"}]}
    task = task_of(Generated(lambda: tables, "1"))
    with pytest.raises(UserError, match="test"):
        load_splits(task)
    splits = load_splits(task, test=False)
    assert [len(split) for split in (splits.train, splits.validation, splits.test)] == [20, 10, 0]


def test_a_test_split_that_is_carved_out_of_train_is_no_training_data_either():
    task = task_of(Generated(lambda: {"train": rows_of(50)}, "1"))
    whole, alone = load_splits(task), load_splits(task, test=False)
    assert whole.test
    assert (alone.train, alone.validation, list(alone.test)) == (whole.train, whole.validation, [])


@pytest.mark.slow
def test_a_hub_data_set_leaves_its_test_split_unread(tmp_path):
    for split, count in (("train", 3), ("validation", 2), ("test", 4)):
        table = pyarrow.Table.from_pylist(rows_of(count))
        parquet.write_table(table, tmp_path / f"{split}-00000.parquet")
    seen = []
    source = Hub(str(tmp_path), prepare=lambda rows: seen.append(len(rows)) or rows)
    assert {split: len(rows) for split, rows in source.rows_without("test").items()} == {
        "train": 3,
        "validation": 2,
        "test": 0,
    }
    assert seen == [3, 2]


@pytest.mark.slow
def test_predictions_of_an_earlier_run_with_a_test_score_go_with_it(texts, checkpoints, tmp_path):
    run = own_run(tmp_path, texts, checkpoints["bert"])
    finished(run)
    assert (run.folder / "predictions.parquet").exists()
    finished(validation_only(run), redo=True)
    assert not (run.folder / "predictions.parquet").exists()


@pytest.mark.slow
def test_it_is_another_run_than_one_with_a_test_score(texts, checkpoints, tmp_path):
    run = own_run(tmp_path, texts, checkpoints["bert"])
    finished(validation_only(run))
    with pytest.raises(UserError, match="evaluate: recorded 'validation', wanted 'test'"):
        run.state()


def test_a_run_recorded_before_there_was_a_choice_has_a_test_score(texts, checkpoints, tmp_path):
    now = own_run(tmp_path, texts, checkpoints["bert"]).config.resolved()
    before = {key: value for key, value in now.items() if key != "evaluate"}
    assert now["evaluate"] == "test"
    assert identity(before) == identity(now)


@pytest.mark.slow
def test_a_comparison_says_that_it_has_no_test_score(texts, checkpoints, tmp_path):
    finished(validation_only(own_run(tmp_path / "runs", texts, checkpoints["bert"])))
    finished(own_run(tmp_path / "runs", texts, None, family="majority"))
    comparison = compare(tmp_path / "runs")
    (task,) = comparison.tasks
    shown = {cell.model: score_entry(cell, unit_of("accuracy")).text for cell in task.cells}
    assert shown["bert"] == "1 of 1 validation only"
    assert re.fullmatch(r"[\d.]+ \([\d.]+ to [\d.]+\)", shown["majority"])
    assert any("no test score: run with --validation-only" in line for line in remarks(comparison))


@pytest.mark.slow
def test_the_command_line_asks_for_it(command, texts, checkpoints):
    words = ["run", "--model", checkpoints["bert"], "--train", texts.train, "--test", texts.test]
    result = command(*words, "--validation-only", "--set", "maximum_steps=1", "--set", "learning_rate=1e-3")
    assert result.code == 0, result.errors
    assert "validation accuracy" in result.output
    (file,) = Path("runs").rglob("run.json")
    assert json.loads(file.read_text())["config"]["evaluate"] == "validation"


@pytest.mark.slow
def test_scoring_it_again_reads_the_splits_that_it_was_trained_on(texts, checkpoints, tmp_path):
    train, test = Path(texts.train), Path(texts.test)
    test.write_text(test.read_text() + "".join(train.read_text().splitlines(keepends=True)[:20]))
    alone = validation_only(own_run(tmp_path, texts.model_copy(update={"validation": None}), None, family="tfidf"))
    record = finished(alone)
    again = evaluation_of_split(alone.folder, "validation").scores
    assert again == pytest.approx(record.scores["validation"])
    with pytest.raises(UserError, match="may repeat test rows"):
        evaluation_of_split(alone.folder, "test")
