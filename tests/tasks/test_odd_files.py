"""Files as programs and people write them, a little beside the rules: read if their meaning is clear."""

import gzip
import json

import pytest

from harness.data.custom import custom_task
from harness.data.files import read_rows
from harness.data.guessing import guessed
from harness.data.loading import load_splits
from harness.errors import UserError

ROWS = [{"text": f"a film, number {number}", "label": "good"} for number in range(3)]


def written(folder, name, content):
    file = folder / name
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", "".join(f"{json.dumps(row)},\n" for row in ROWS)),
        ("a.jsonl", "".join(f"{json.dumps(row)} ,\r\n" for row in ROWS)),
        ("a.jsonl", "\n".join(json.dumps(row, indent=1) for row in ROWS)),
        ("a.jsonl", ",\n".join(json.dumps(row, indent=1) for row in ROWS)),
        ("a.jsonl", "\n".join(json.dumps(row).replace(', "label', ',\n"label') for row in ROWS)),
        ("a.json", "\n".join(json.dumps(row, indent=1) for row in ROWS)),
        ("a.json", json.dumps(ROWS, indent=1)[:-2] + ",\n]\n"),
        ("a.jsonl", json.dumps(ROWS)[:-1] + ",]"),
        (
            "a.json",
            json.dumps({"columns": ["text", "label"], "index": [0, 1, 2], "data": [[*row.values()] for row in ROWS]}),
        ),
        ("a.tsv", "text\tlabel\n" + "".join(f"{row['text']}\t{row['label']}\t\n" for row in ROWS)),
    ],
)
def test_a_comma_too_many_and_objects_on_several_lines_are_read(tmp_path, name, content):
    rows = read_rows(written(tmp_path, name, content))
    assert rows == ROWS
    assert rows[1].place.endswith(("line 2", "row 2", "line 3"))


def test_a_field_too_many_in_some_rows_only_is_told(tmp_path):
    with pytest.raises(UserError, match="line 2: 3 fields, but the header has 2"):
        read_rows(written(tmp_path, "a.csv", "text,label\na,good,\nb,bad\n"))


def test_blank_lines_between_rows_are_none_unless_there_is_one_column(tmp_path):
    file = written(tmp_path, "a.csv", "text,label\n\na,good\n\nb,bad\n")
    assert [(row["text"], row.place[-6:]) for row in read_rows(file)] == [("a", "line 3"), ("b", "line 5")]
    with pytest.raises(UserError, match="line 3: 0 fields, but the header has 1"):
        read_rows(written(tmp_path, "b.csv", "text\na\n\nb\n"))


def test_texts_that_a_parquet_file_has_as_bytes_are_texts_and_other_bytes_are_not(tmp_path):
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({"text": [b"a film", "schön".encode()], "image": [b"\xff", b"\xfe"]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert [*read_rows(tmp_path / "a.parquet")[1].values()] == ["schön", b"\xfe"]


def test_a_column_of_prices_with_commas_is_the_target_and_no_identifier():
    rows = [{"Text": f"eine Wohnung mit {n} Zimmern", "Preis": f"{n + 1}.200,{n % 90 + 10}"} for n in range(40)]
    found = guessed(rows, named={})
    assert (found.task_type, found.columns["label"]) == ("regression", ("Preis",))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"text": "x"},\n{"text": "y"},,\n', "line 2: broken JSON"),
        ("a.jsonl", '{"text": "x",\n"label": "y"}\n{"text": ', "row 2: broken JSON (Expecting value: line 3"),
        ("a.jsonl", '{"text": "x"} y\n{"text": "y"}', "line 1: broken JSON (Extra data, column 15)"),
        ("a.json", '{"columns": ["a", "a"], "index": [0], "data": [[1, 2]]}', "row 1: broken JSON ('a' is named twice"),
        ("a.jsonl", "3,\n", "line 1: broken JSON"),
        ("a.json", '[{"text": "x"},, ]', "row 2: broken JSON"),
        ("a.json", '{"text": "x", }', "broken JSON"),
        ("a.json", '{"text": "x"}\n3', "line 2: not an object (got int)"),
    ],
)
def test_json_that_is_broken_otherwise_is_told_by_its_place(tmp_path, name, content, said):
    with pytest.raises(UserError) as told:
        read_rows(written(tmp_path, name, content))
    assert said in told.value.lines[0]


def test_blanks_between_a_comma_and_a_quote_are_no_part_of_the_field(tmp_path):
    file = written(tmp_path, "a.csv", 'id, text, label\n1, "a film, and more", "good"\n2, plain, "bad"\n')
    assert read_rows(file) == [
        {"id": "1", "text": "a film, and more", "label": "good"},
        {"id": "2", "text": "plain", "label": "bad"},
    ]


@pytest.mark.parametrize("text", ['"He said, ""so"""', '"a, ""b"", c"', " plain"])
def test_blanks_and_quotes_within_a_field_stay(tmp_path, text):
    (row,) = read_rows(written(tmp_path, "a.csv", f"text,label\n{text}, good\n"))
    assert row == {"text": text.removeprefix('"').removesuffix('"').replace('""', '"'), "label": " good"}


@pytest.mark.parametrize(
    ("content", "ending"),
    [(gzip.compress(b"text,label\n"), ".gz"), (b"PK\x03\x04\x14", ".xlsx or .zip"), (b"PAR1\x15\x04", ".parquet")],
    ids=["gzip", "zip", "parquet"],
)
def test_a_file_with_another_file_s_ending_is_told(tmp_path, content, ending):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UserError, match=f"a.csv: no text, but what a {ending} file contains"):
        read_rows(tmp_path / "a.csv")


def test_a_title_above_the_names_of_the_columns_is_told(tmp_path):
    file = written(tmp_path, "a.csv", "Reviews of May,,\n,,\ntext,label,date\na film,good,2024\n")
    with pytest.raises(UserError) as told:
        read_rows(file)
    assert told.value.lines == (
        f"{file}, line 3: the first row names 1 of the 3 columns with content here (Reviews of May). "
        "Remove the rows above the names of the columns.",
    )


def test_one_row_with_remarks_in_unnamed_columns_is_no_title(tmp_path):
    content = "text,label,,,,\na film,good,,,,\na film,bad,,,,\na play,good,see,page,two,\n"
    rows = read_rows(written(tmp_path, "a.csv", content))
    assert rows[2] == {"text": "a play", "label": "good"}


@pytest.mark.parametrize("content", [",text,label\n0,a film,good\n", "text,label,,,,\na film,good,,,,\n"])
def test_an_unnamed_index_and_empty_columns_are_left_out(tmp_path, content):
    assert read_rows(written(tmp_path, "a.csv", content)) == [{"text": "a film", "label": "good"}]


def test_a_label_that_spells_a_missing_one_is_told(tmp_path):
    labels = [*["a", "b"] * 10, "NaN", "NaN"]
    rows = "".join(f"x{n} y{n},{label}\n" for n, label in enumerate(labels))
    splits = load_splits(custom_task(train=written(tmp_path, "a.csv", f"text,label\n{rows}")))
    assert splits.notes == ("a missing label is written as an empty field, so these are labels like others: 'NaN'",)


def test_a_column_of_ids_is_no_text_however_long_its_fields_are():
    rows = [
        {"user_id": f"user-{n % 7}-{'x' * 80}", "post": f"the film {n} was seen by many", "kind": "ab"[n % 2]}
        for n in range(40)
    ]
    assert guessed(rows, named={"label": ("kind",)}).columns["text"] == ("post",)
