"""A language model is scored as it is on one text, or on a test file alone: what trains nothing splits nothing."""

import math
from pathlib import Path

import pytest
from command_line import read_record, write_jsonl
from pyarrow import parquet
from small_models import document_examples, write_language_checkpoint

from harness.errors import UserError
from harness.runs.evaluation import evaluation_of_split

AS_IT_IS = ("--task-type", "language_modelling", "--set", "maximum_steps=0", "--set", "max_length=32")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_language_checkpoint("bert", tmp_path_factory.mktemp("model"))


def texts(count):
    return [{"text": example.text} for example in document_examples(count)]


def only_run(command, model, *words):
    result = command("run", "--model", model, *AS_IT_IS, *words)
    assert result.code == 0, result.output + result.errors
    (file,) = Path("runs").rglob("run.json")
    return file.parent, read_record(file.parent)


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["--train", "--test"])
def test_one_text_is_scored_whole(command, model, flag):
    Path("one.txt").write_text(texts(1)[0]["text"])
    folder, record = only_run(command, model, flag, "one.txt")
    assert record["counts"]["examples"] == {"test": 1}
    assert list(record["scores"]) == ["test"]
    said = command("perplexity", model, "--text", "one.txt", "--segment", 32, "--output", "rows.jsonl")
    assert said.code == 0, said.errors
    import json

    (row,) = map(json.loads, Path("rows.jsonl").read_text().splitlines())
    assert row["pseudo_perplexity"] == pytest.approx(record["scores"]["test"]["pseudo_perplexity"], rel=1e-6)
    assert (folder / "checkpoint" / "README.md").is_file()


@pytest.mark.slow
def test_a_test_file_alone_is_scored_with_its_repeats_and_a_report_is_made(command, model):
    rows = texts(3)
    write_jsonl(Path("test.jsonl"), [*rows, rows[0]])
    folder, record = only_run(command, model, "--test", "test.jsonl")
    assert record["counts"]["examples"]["test"] == 4
    assert parquet.read_table(folder / "predictions.parquet").num_rows == 4
    assert math.isfinite(record["scores"]["test"]["pseudo_perplexity"])
    again = evaluation_of_split(folder, "test").scores
    assert again["pseudo_perplexity"] == pytest.approx(record["scores"]["test"]["pseudo_perplexity"])
    with pytest.raises(UserError, match="has no train examples"):
        evaluation_of_split(folder, "train")
    compared = command("compare", "runs")
    assert compared.code == 0, compared.errors
    assert record["model"] in compared.output


@pytest.mark.slow
def test_a_file_that_is_large_enough_is_split_as_ever(command, model):
    write_jsonl(Path("train.jsonl"), texts(10))
    _, record = only_run(command, model, "--train", "train.jsonl")
    assert record["counts"]["examples"]["test"] == 2


@pytest.mark.parametrize("words", [(), ("--model", "majority"), ("--task-type", "classification")], ids=str)
def test_what_must_be_trained_needs_a_file_to_train_on(command, model, words):
    write_jsonl(Path("test.jsonl"), texts(3))
    steps = ("--set", "maximum_steps=0") if words else ()
    task_type = () if "--task-type" in words else ("--task-type", "language_modelling")
    chosen = () if "--model" in words else ("--model", model)
    result = command("run", *chosen, *words, *task_type, *steps, "--test", "test.jsonl")
    assert result.code == 2
    assert "train: no file to train on. Give train; test alone is enough for a language model" in result.errors


@pytest.mark.slow
def test_blank_rows_are_refused_or_skipped_and_counted(command, model):
    write_jsonl(Path("test.jsonl"), [*texts(2), {"text": " \n"}])
    refused = command("run", "--model", model, *AS_IT_IS, "--test", "test.jsonl")
    assert refused.code == 2
    assert "line 3): text: an empty document" in refused.output
    advice = '`--blank-rows skip` (in a suite, blank_rows = "skip") leaves such rows out'
    assert advice in refused.output.replace("\n", " ").replace("    ", "")
    _, record = only_run(command, model, "--test", "test.jsonl", "--blank-rows", "skip")
    assert record["counts"]["examples"]["test"] == 2
    assert record["counts"]["dropped"]["test rows that are blank"] == 1
    unknown = command("run", "--model", model, *AS_IT_IS, "--test", "test.jsonl", "--blank-rows", "drop")
    assert unknown.code == 2
