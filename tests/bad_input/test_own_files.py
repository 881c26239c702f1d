"""A user's own files with every mistake that such files have: told with their line, and never trained on."""

import gzip
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import questions, read_record, reviews, write_csv, write_jsonl


def run_folder():
    """The folder of the only run."""
    (found,) = Path("runs/single").glob("data*/majority/seed-0")
    return found


@dataclass(frozen=True)
class Refusal:
    file: str
    content: str | bytes
    said: str
    flags: tuple[str, ...] = ()


def rows(*extra):
    return "text,label\n" + "".join(f"{row['text']},{row['label']}\n" for row in reviews()) + "".join(extra)


def json_rows(*extra):
    return "".join(f'{{"text": "{row["text"]}", "label": "{row["label"]}"}}\n' for row in reviews()) + "".join(extra)


REFUSALS = {
    "column": Refusal("data.csv", rows(), "no column 'review' (its columns: text, label).", ("--text", "review")),
    "header only": Refusal("data.csv", "text,label\n", "data.csv: has no rows."),
    "empty file": Refusal("data.csv", "", "data.csv: has no rows."),
    "blank lines": Refusal("data.csv", "\n\n\n", "data.csv: has no rows."),
    "header twice": Refusal("data.csv", "text,text\na,b\n", "line 2): column 'text' appears twice."),
    "encoding": Refusal("data.csv", "text,label\nПривет,a\n".encode("cp1251"), "line 2: not UTF-8 (byte 0xcf"),
    "named encoding": Refusal(
        "data.csv", b"text,label\n\xff,a\n", "line 2: not utf-16-le", ("--encoding", "utf-16-le")
    ),
    "cut gzip": Refusal("data.csv.gz", gzip.compress(rows().encode())[:-20], "data.csv.gz: damaged, or not what"),
    "no gzip": Refusal("data.csv.gz", rows(), "data.csv.gz: damaged, or not what its ending says"),
    "spreadsheet": Refusal("data.xlsx", b"PK", "data.xlsx: no spreadsheet that can be read"),
    "half a character": Refusal(
        "data.jsonl", json_rows('{"text": "\\ud800", "label": "bad"}\n'), "line 41: broken JSON (half of a character"
    ),
    "deep json": Refusal("data.jsonl", json_rows('{"text": ' + "[" * 100_000 + "\n"), "line 41: broken JSON (nested"),
    "open quote": Refusal("data.csv", rows('"open,bad\n'), "data.csv, line 42: broken row"),
    "few fields": Refusal("data.csv", rows("only text\n"), "data.csv, line 42: 1 field, but the header has 2."),
    "one class": Refusal("data.csv", rows().replace("good", "bad"), "every row has the label 'bad'."),
    "no label": Refusal("data.csv", rows("a text,\n"), "data.csv, line 42): label: no label (got '')."),
    "target": Refusal(
        "data.csv", rows(), "line 2): label: not a finite number (got 'bad').", ("--kind", "regression")
    ),
    "infinite target": Refusal(
        "data.csv", "text,label\n" + "".join(f"film {n},{n}\n" for n in range(40)) + "x,inf\n",
        "line 42): label: not a finite number (got 'inf').", ("--kind", "regression"),
    ),
    "null": Refusal("data.jsonl", json_rows('{"text": null, "label": "bad"}\n'), "text: not text (got None)."),
    "number": Refusal("data.jsonl", json_rows('{"text": 3, "label": "bad"}\n'), "line 41): text: not text (got 3)."),
    "nan": Refusal("data.jsonl", json_rows('{"text": NaN, "label": "bad"}\n'), "line 41): text: not text (got nan)."),
    "nan label": Refusal("data.jsonl", json_rows('{"text": "x", "label": NaN}\n'), "label: no label (got nan)."),
    "key missing": Refusal("data.jsonl", json_rows('{"text": "x"}\n'), "line 41): no column 'label'"),
    "no object": Refusal("data.jsonl", json_rows("[1]\n"), "data.jsonl, line 41: not an object (got list)."),
    "broken json": Refusal("data.jsonl", json_rows('{"text": \n'), "data.jsonl, line 41: broken JSON"),
    "parquet": Refusal("data.parquet", "no parquet", "data.parquet: no parquet that can be read"),
    "too few": Refusal("data.csv", "text,label\na,x\nb,y\n", "too few to take test from (at least 10)."),
}  # fmt: skip


IN_FIELDS = {
    "one class", "no label", "target", "infinite target", "null", "number", "nan", "nan label", "too few",
}  # fmt: skip
"""Mistakes that only a run looks for; the others are found before any."""


def refused(command, refusal):
    content = refusal.content if isinstance(refusal.content, bytes) else refusal.content.encode()
    Path(refusal.file).write_bytes(content)
    result = command("run", "--model", "majority", "--train", refusal.file, *refusal.flags)
    assert result.code == 2
    return result


@pytest.mark.parametrize("name", sorted(REFUSALS.keys() - IN_FIELDS))
def test_a_file_that_can_not_be_read_as_a_table_with_its_columns_is_refused_before_any_run(command, name):
    assert REFUSALS[name].said in refused(command, REFUSALS[name]).errors
    assert not list(Path().rglob("run.json"))


def test_a_plan_finds_a_wrong_column(command):
    write_csv(Path("data.csv"), reviews())
    Path("mine.toml").write_text('tasks = ["a"]\nmodels = ["tfidf"]\n[data.a]\ntrain = "data.csv"\nlabel = "stars"\n')
    result = command("plan", "mine.toml")
    assert (result.code, "no column 'stars' (its columns: text, label)" in result.errors) == (2, True)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", sorted(IN_FIELDS))
def test_data_with_a_mistake_fails_its_run_with_the_place(command, name):
    refusal = REFUSALS[name]
    assert refusal.said in refused(command, refusal).output
    record = read_record(run_folder())
    assert record["status"] == "failed"
    assert refusal.said in record["reason"]
    assert not (run_folder() / "error.txt").exists(), "a user's mistake leaves no traceback"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--task-type", "regresion"], "task_type: 'regresion': no such task type. Did you mean regression?"),
        (["--text", "a", "--text", "b", "--text", "c"], "text: takes at most 2 columns (got 3"),
        (["--question", "q", "--text", "t"], "text: names a column that question_answering does not use"),
        (["--kind", "classification", "--context", "c"], "context: names a column that classification does not use"),
        (["--test", "nowhere.csv"], "nowhere.csv: no such file."),
    ],
)
def test_flags_that_do_not_fit_are_refused_before_anything_is_read(command, flags, said):
    write_csv(Path("data.csv"), reviews())
    result = command("run", "--model", "majority", "--train", "data.csv", *flags)
    assert result.code == 2
    assert result.errors.startswith(said)
    assert not Path("runs").exists()


def test_a_file_of_an_unknown_kind_is_refused(command):
    Path("data.xls").write_bytes(b"PK")
    result = command("run", "--model", "majority", "--train", "data.xls")
    assert (result.code, "unknown kind of file ('.xls'). Did you mean .xlsx?" in result.errors) == (2, True)


@pytest.mark.slow
def test_test_labels_that_training_never_shows_are_told(command):
    write_csv(Path("data.csv"), reviews())
    write_csv(Path("test.csv"), [*reviews(10, start=100), {"text": "an odd film", "label": "ugly"}])
    result = command("run", "--model", "majority", "--train", "data.csv", "--test", "test.csv")
    assert result.code == 2
    assert "test.csv, line 12): label: label 'ugly' is not among those of the training data" in result.output


@pytest.mark.slow
def test_numbers_are_classes_unless_a_regression_is_asked_for(command):
    write_csv(Path("data.csv"), [{**row, "label": number % 3} for number, row in enumerate(reviews(60))])
    assert command("run", "--model", "majority", "--train", "data.csv").code == 0
    assert read_record(run_folder())["task_card"]["labels"] == ["0", "1", "2"]
    assert command("run", "--model", "majority", "--train", "data.csv", "--kind", "regression", "--redo").code == 0
    assert read_record(run_folder())["task_card"]["task_type"] == "regression"


@pytest.mark.slow
def test_an_answer_outside_its_context_is_counted_and_told_and_not_trained_on(command):
    asked = questions()
    asked[3]["answers"] = "a word that stands nowhere"
    write_jsonl(Path("data.jsonl"), asked)
    result = command("run", "--model", "majority", "--train", "data.jsonl", "--question", "question")
    assert result.code == 0
    reason = "train rows whose answer is not in its context"
    assert f": {reason}: 1\n" in result.output
    record = read_record(run_folder())
    assert record["counts"]["dropped"] == {reason: 1}
    assert sum(record["counts"]["examples"].values()) == len(asked) - 1


@pytest.mark.slow
@pytest.mark.parametrize("model", ["majority", "tfidf", "checkpoint"])
@pytest.mark.parametrize("strategy", ["head", "windows"])
def test_an_empty_text_and_a_very_long_one_are_read(command, checkpoints, model, strategy):
    long = [{"text": f"{word} film " * 10_000, "label": "bad"} for word in ("first", "second", "third", "fourth")]
    assert len(long[0]["text"]) >= 100_000
    train = [*reviews(), *long[:1], {"text": "", "label": "good"}]
    for name, split in (("data", train), ("valid", [*reviews(6, start=100), *long[1:2]]), ("test", long[2:])):
        write_jsonl(Path(f"{name}.jsonl"), split)
    files = ("--train", "data.jsonl", "--validation", "valid.jsonl", "--test", "test.jsonl")
    settings = ("--set", f"strategy={strategy}", "--set", "maximum_steps=1", "--set", "max_windows=4")
    name = checkpoints["bert"] if model == "checkpoint" else model
    result = command("run", "--model", name, *files, *settings)
    assert result.code == 0, result.output
    (record,) = [read_record(found.parent) for found in Path("runs").rglob("run.json")]
    assert record["counts"]["examples"]["train"] == len(train)
    if model == "checkpoint":
        tokens = record["counts"]["tokens"]["test"]
        assert tokens["seen"] < tokens["total"], "what was not read is counted"


@pytest.mark.slow
def test_near_duplicates_are_kept_on_demand_and_another_word_is_refused(command):
    long = " ".join(f"w{n}" for n in range(30))
    write_csv(Path("train.csv"), [*reviews(), {"text": f"{long} end", "label": "bad"}])
    write_csv(Path("validation.csv"), reviews(6, start=200))
    write_csv(Path("test.csv"), [*reviews(6, start=100), {"text": long, "label": "bad"}])
    files = ("--train", "train.csv", "--validation", "validation.csv", "--test", "test.csv")
    refused = command("run", "--model", "majority", *files, "--near-duplicates", "kept")
    assert refused.code == 2
    assert refused.errors == "harness run: --near_duplicates: must be 'drop' or 'keep' (got 'kept').\n"
    sizes = []
    for flags in ([], ["--near-duplicates", "keep", "--redo"]):
        assert command("run", "--model", "majority", *files, *flags).code == 0
        (found,) = Path("runs/single").glob("train-*/majority/seed-0")
        sizes.append(read_record(found)["counts"]["examples"]["train"])
    assert sizes == [40, 41]
