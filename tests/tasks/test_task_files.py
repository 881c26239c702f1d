"""Reading csv, tsv, jsonl and parquet, and saying where they are broken; other forms: test_file_forms.py."""

import os

import pytest

from harness.data.files import read_rows
from harness.data.placed_rows import column_problem
from harness.errors import UserError


def written(folder, name, content):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def complaint(file):
    with pytest.raises(UserError) as raised:
        read_rows(file)
    return raised.value.lines


def test_csv_fields_stay_text_and_an_empty_field_is_an_empty_text(tmp_path):
    file = written(tmp_path, "a.csv", 'text,label\n"Good, very",1\n"",0\n')
    assert read_rows(file) == [{"text": "Good, very", "label": "1"}, {"text": "", "label": "0"}]


def test_a_row_knows_the_line_it_starts_on_even_after_a_field_of_several_lines(tmp_path):
    file = written(tmp_path, "a.csv", 'text\n"one\ntwo"\nthree\n')
    assert [row.place.rpartition(", ")[2] for row in read_rows(file)] == ["line 2", "line 4"]


def test_a_field_may_be_longer_than_the_csv_module_allows_by_itself(tmp_path):
    long = "x" * 200_000  # csv.field_size_limit() is 131,072 by default
    assert read_rows(written(tmp_path, "a.csv", f"text\n{long}\n"))[0]["text"] == long


def test_every_row_with_too_few_or_too_many_fields_is_named_by_its_line(tmp_path):
    lines = complaint(written(tmp_path, "a.csv", "text,label\nfine,1\nbroken\nfine,0\na,b,c\n"))
    assert [line.split(":")[0].rpartition(", ")[2] for line in lines] == ["line 3", "line 5"]
    assert "1 field, but the header has 2" in lines[0]


def test_a_blank_line_in_the_middle_of_a_csv_is_not_skipped_silently(tmp_path, capsys):
    file = written(tmp_path, "a.csv", "text,label\nx,1\n\ny,0\n")
    assert read_rows(file) == [{"text": "x", "label": "1"}, {"text": "y", "label": "0"}]
    assert capsys.readouterr().err == f"{file}: 1 blank line between rows left out.\n"


def test_an_unclosed_quote_is_named_by_the_line_it_starts_on(tmp_path):
    assert "line 3: broken row" in complaint(written(tmp_path, "a.csv", 'text,label\nx,1\n"y,0\nz,1\n'))[0]


def test_after_ten_broken_rows_the_rest_is_counted(tmp_path):
    lines = complaint(written(tmp_path, "a.csv", "text,label\n" + "broken\n" * 14))
    assert len(lines) == 11
    assert lines[-1].startswith("and 4 more")


def test_columns_that_are_there_twice_and_those_without_a_name_are_no_part_of_a_row(tmp_path):
    (row,) = read_rows(written(tmp_path, "a.csv", ",text,note,note,,\n0,x,y,z,,\n"))
    assert row == {"text": "x"}
    assert row.repeated == {"note"}
    assert column_problem(row, "note") == "column 'note' appears twice. Give each column a name of its own."


def test_jsonl_keeps_values_and_separators_that_are_no_line_ends(tmp_path):
    file = written(tmp_path, "a.jsonl", '{"text": "a\u2028b", "label": 1}\n\n{"text": "c", "label": [2]}\n')
    assert read_rows(file) == [{"text": "a\u2028b", "label": 1}, {"text": "c", "label": [2]}]


def test_every_broken_jsonl_line_is_named(tmp_path):
    lines = complaint(written(tmp_path, "a.jsonl", '{"text": "a"}\n{"text": \n[1]\n'))
    assert "line 2: broken JSON" in lines[0]
    assert "line 3: not an object (got list)" in lines[1]


def test_parquet_gives_python_values(tmp_path):
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": ["a"], "labels": [[1, 2]]}), tmp_path / "a.parquet")
    assert read_rows(tmp_path / "a.parquet") == [{"text": "a", "labels": [1, 2]}]


def test_a_broken_parquet_file_is_the_users_error(tmp_path):
    assert "no parquet" in complaint(written(tmp_path, "a.parquet", b"garbage"))[0]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_file_is_an_error(tmp_path, name, content):
    assert "has no rows" in complaint(written(tmp_path, name, content))[0]


def test_a_header_alone_is_an_error(tmp_path):
    assert "has no rows" in complaint(written(tmp_path, "a.csv", "text,label\n"))[0]


def test_a_missing_file_is_named(tmp_path):
    assert "no such file" in complaint(tmp_path / "nowhere.csv")[0]
    os.mkfifo(tmp_path / "pipe.csv")
    assert complaint(tmp_path / "pipe.csv")[0].startswith(f"{tmp_path}/pipe.csv: a pipe or a device")


def test_an_unknown_suffix_names_the_nearest_known_one(tmp_path):
    assert "Did you mean .jsonl?" in complaint(written(tmp_path, "a.jsnl", "{}"))[0]
