"""The forms that people's data comes in: packed, JSON of every shape, Arrow, spreadsheets, folders, patterns."""

import gzip
import json
import sys
from decimal import Decimal

import pyarrow
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value
from file_forms import CSV, LINES, PACKERS, ROWS, SQUAD, dataset, spreadsheet, zipped
from pyarrow import feather, ipc, parquet

from harness import errors
from harness.data.files import read_rows
from harness.data.sources import Files
from harness.errors import UserError


def written(folder, name, content):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def complaint(file):
    with pytest.raises(UserError) as raised:
        read_rows(file)
    return raised.value.lines


# Packed files.


@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.tsv", CSV.replace(",", "\t")),
        ("a.jsonl", LINES),
        ("a.ndjson", LINES),
        ("A.JSON", json.dumps(ROWS)),
    ],
)
def test_a_packed_file_is_read_as_what_it_holds(tmp_path, packed, name, content):
    assert read_rows(written(tmp_path, name + packed, PACKERS[packed](content.encode()))) == ROWS


@pytest.mark.parametrize("packed", PACKERS)
def test_a_file_that_was_packed_in_parts_is_read_whole(tmp_path, packed):
    first, second = CSV[:20].encode(), CSV[20:].encode()
    assert read_rows(written(tmp_path, f"a.csv{packed}", PACKERS[packed](first) + PACKERS[packed](second))) == ROWS


def test_a_zip_archive_with_one_file_is_read_as_that_file(tmp_path):
    assert read_rows(zipped(tmp_path / "a.zip", "a.csv")) == ROWS
    assert read_rows(zipped(tmp_path / "b.csv.zip", "folder/a.csv", "__MACOSX/._a.csv")) == ROWS


@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize(
    "damage", [lambda content: content[:-9], lambda content: b"text" + content, lambda content: content[:9]]
)
def test_a_damaged_packed_file_is_named(tmp_path, packed, damage):
    content = damage(PACKERS[packed](CSV.encode() * 50))
    (line,) = complaint(written(tmp_path, f"a.csv{packed}", content))
    assert line.startswith(f"{tmp_path}/a.csv{packed}: damaged, or not what its ending says (")


def test_an_archive_that_is_damaged_encrypted_or_has_several_files_is_told(tmp_path):
    several = complaint(zipped(tmp_path / "a.zip", "a.csv", "b.csv"))
    assert several == (f"{tmp_path}/a.zip: holds 2 files. Unpack it, and name one of them or their folder.",)
    content = bytearray(zipped(tmp_path / "b.zip", "a.csv").read_bytes())
    assert "damaged" in complaint(written(tmp_path, "c.zip", content[:40]))[0]
    damaged = content.copy()
    damaged[40] ^= 0xFF  # within the packed bytes
    assert "damaged" in complaint(written(tmp_path, "d.zip", damaged))[0]
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1  # the flag of an encrypted file
    assert complaint(written(tmp_path, "e.zip", content)) == (
        f"{tmp_path}/e.zip: encrypted. Unpack it with its password.",
    )


@pytest.mark.slow_but_first
@pytest.mark.parametrize("packed", [*PACKERS, ".zip"])
def test_a_bomb_is_refused_while_it_is_read_unless_the_limit_is_raised(tmp_path, monkeypatch, packed):
    content = "text\n" + "a" * 3_000_000
    file = tmp_path / f"a.csv{packed}"
    zipped(file, "a.csv", content=content) if packed == ".zip" else file.write_bytes(PACKERS[packed](content.encode()))
    monkeypatch.setenv("HARNESS_UNPACKED_GB", "0.002")
    said = f"{file}: holds more than 0.002 GB once unpacked. Unpack it, or set HARNESS_UNPACKED_GB to more gigabytes."
    assert complaint(file) == (said,)
    monkeypatch.setenv("HARNESS_UNPACKED_GB", "0.004")
    assert len(read_rows(file)[0]["text"]) == 3_000_000
    monkeypatch.setenv("HARNESS_UNPACKED_GB", "many")
    assert "not a number of gigabytes (got 'many')" in complaint(file)[0]


# JSON.


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        json.dumps({"data": ROWS}),
        json.dumps({"version": "2", "data": ROWS}),
        json.dumps({"rows": ROWS}),
        json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]}),
        json.dumps({name: {str(number): row[name] for number, row in enumerate(ROWS)} for name in ROWS[0]}, indent=1),
        json.dumps({"first": ROWS[0], "second": ROWS[1]}),
        json.dumps({str(number): row for number, row in enumerate(ROWS)}, indent=1),
        '{"version": {},\n "data": ' + json.dumps(ROWS, indent=1) + "}\n",
        '{"data": ' + json.dumps(ROWS) + ', "about": {}\n}',
        LINES,
        f"\n{LINES}\n",
    ],
)
def test_json_is_read_in_every_shape(tmp_path, content):
    assert read_rows(written(tmp_path, "a.json", content)) == ROWS


def test_a_list_in_a_jsonl_file_is_read_as_well(tmp_path):
    assert read_rows(written(tmp_path, "a.jsonl", json.dumps(ROWS, indent=2))) == ROWS


def test_a_file_with_a_list_of_rows_per_split_is_told(tmp_path):
    content = json.dumps({"train": ROWS, "test": ROWS[:1]})
    said = f"{tmp_path}/a.json: several lists of rows (train, test). Save each as a file of its own."
    assert complaint(written(tmp_path, "a.json", content)) == (said,)


def test_one_object_is_one_row(tmp_path):
    row = {"question": "?", "context": "c", "answers": [{"text": "c", "answer_start": 0}]}
    for name in ("a.json", "a.jsonl"):
        assert read_rows(written(tmp_path, name, json.dumps(row))) == [row]


@pytest.mark.parametrize("shape", [SQUAD, SQUAD["data"]])
@pytest.mark.parametrize("indent", [None, 2])
def test_squad_is_read_in_its_own_form(tmp_path, shape, indent):
    rows = read_rows(written(tmp_path, "a.json", json.dumps(shape, indent=indent)))
    assert [(row["id"], row["title"], row["context"], row["answers"]) for row in rows] == [
        ("1", "Bern", "Bern is old.", [{"text": "Bern", "answer_start": 0}]),
        ("2", "Bern", "Bern is old.", []),
        ("3", "", "Basel too.", [{"text": "Basel", "answer_start": 0}]),
    ]
    assert rows[2].place.endswith("a.json, article 2, paragraph 1, question 1")


def test_a_paragraph_of_squad_without_questions_is_told(tmp_path):
    content = {"data": [{"paragraphs": [{"context": "Bern"}]}]}
    (line,) = complaint(written(tmp_path, "a.json", json.dumps(content)))
    assert line.endswith("a.json, article 1, paragraph 1: no list of questions under 'qas'. Fix the file.")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"text": "a"},\n {"text": }]', "a.json, row 2: broken JSON (Expecting value, line 2, column 11)."),
        ('[{"text": "a"}, {"text": "b"}', "a.json, row 3: broken JSON (Expecting ',' delimiter, column 30)."),
        ('{"text": "a"}\n{"text": }\n', "a.json, line 2: broken JSON (Expecting value, column 10)."),
        (
            '[{"text": "a"}, {"text": "b", "text": "c"}]',
            "a.json, row 2: broken JSON ('text' is named twice in one object).",
        ),
        (
            '{"text": "a"}\n{"text": "b", "text": "b"}\n',
            "a.json, line 2: broken JSON ('text' is named twice in one object).",
        ),
        ('{"text"', "a.json: broken JSON (Expecting ':' delimiter"),
        (
            '[{"text": "a"}, {"text": "\\ud83d"}]',
            "a.json, row 2: broken JSON (half of a character, \\ud83d, in '\\ud83d').",
        ),
        ('[{"text": "a"}, {"\\udc00": "b"}]', "a.json, row 2: broken JSON (half of a character, \\udc00"),
        ('[{"text": "a"}, 3]', "a.json, row 2: not an object (got int)."),
        ('{"text": ["a", "b"], "label": ["c"]}', "a.json: columns of different lengths ({'text': 2, 'label': 1})."),
        ("[" * 100_000, "a.json, row 1: broken JSON (nested more than 100 deep)."),
        ('[{"text": ' + "[" * 150 + "]" * 150 + "}]", "a.json, row 1: broken JSON (nested more than 100 deep)."),
        ('[{"text": ' + "9" * 5000 + "}]", "a.json, row 1: broken JSON (Exceeds the limit (4300 digits)"),
        ("", "a.json: has no rows."),
        ("[]", "a.json: has no rows."),
    ],
)
def test_broken_json_is_told_with_its_row(tmp_path, content, said):
    (line,) = complaint(written(tmp_path, "a.json", content))
    assert line.startswith(f"{tmp_path}/{said}")


def test_a_pair_of_halves_is_a_character(tmp_path):
    assert read_rows(written(tmp_path, "a.jsonl", '{"text": "\\ud83d\\ude00"}\n')) == [{"text": "\U0001f600"}]


# Arrow.


def test_feather_and_arrow_files_are_read(tmp_path):
    table = pyarrow.Table.from_pylist(ROWS)
    feather.write_feather(table, tmp_path / "a.feather")
    feather.write_feather(table, tmp_path / "b.feather", version=1)
    with ipc.new_file(tmp_path / "c.arrow", table.schema) as sink:
        sink.write_table(table)
    with ipc.new_stream(tmp_path / "d.arrow", table.schema) as sink:
        sink.write_table(table)
    for name in ("a.feather", "b.feather", "c.arrow", "d.arrow"):
        assert read_rows(tmp_path / name) == ROWS


def test_the_names_that_a_file_gives_its_labels_are_kept(tmp_path):
    dataset().to_parquet(tmp_path / "a.parquet")
    assert read_rows(tmp_path / "a.parquet") == ROWS
    several = Features({"labels": Sequence(ClassLabel(names=["x", "y"])), "n": Value("int64")})
    Dataset.from_dict({"labels": [[1, 0], [], [-1]], "n": [0, 1, 0]}, features=several).to_parquet(
        tmp_path / "b.parquet"
    )
    rows = read_rows(tmp_path / "b.parquet")
    assert rows == [{"labels": ["y", "x"], "n": 0}, {"labels": [], "n": 1}, {"labels": [-1], "n": 0}]


def test_a_data_set_that_was_saved_to_disk_is_read(tmp_path):
    dataset().save_to_disk(tmp_path / "saved", num_shards=2)
    assert read_rows(tmp_path / "saved") == ROWS
    (tmp_path / "saved" / "cache-1.arrow").write_bytes(b"of a map, and no data of the set's own")
    assert read_rows(tmp_path / "saved") == ROWS
    (tmp_path / "saved" / "data-00001-of-00002.arrow").unlink()
    assert "no file 'data-00001-of-00002.arrow', which state.json names" in complaint(tmp_path / "saved")[0]
    (tmp_path / "saved" / "state.json").write_text("{}")
    assert "not what `save_to_disk` writes" in complaint(tmp_path / "saved")[0]


def test_a_dictionary_of_data_sets_that_was_saved_to_disk_gives_its_splits(tmp_path):
    DatasetDict({"train": dataset(), "test": dataset()}).save_to_disk(tmp_path / "saved")
    assert Files(tmp_path / "saved").rows() == {"train": ROWS, "test": ROWS}


def test_decimals_are_numbers(tmp_path):
    table = pyarrow.table({"price": pyarrow.array([Decimal("1.50"), None]), "text": ["x", "y"]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read_rows(tmp_path / "a.parquet") == [{"price": 1.5, "text": "x"}, {"price": None, "text": "y"}]


@pytest.mark.parametrize("name", ["a.feather", "a.arrow", "a.parquet"])
@pytest.mark.parametrize("content", [b"", b"garbage", b"ARROW1\x00\x00 and no more", b"PAR1", b"FEA1 FEA1"])
def test_a_broken_arrow_file_is_the_users_error(tmp_path, name, content):
    (line,) = complaint(written(tmp_path, name, content))
    assert line.startswith(f"{tmp_path}/{name}: no ")


def test_arrow_text_that_is_not_utf_8_is_told(tmp_path):
    column = pyarrow.array([b"caf\xe9"]).cast(pyarrow.binary()).view(pyarrow.string())
    parquet.write_table(pyarrow.table({"text": column}), tmp_path / "a.parquet")
    assert "UTF8" in complaint(tmp_path / "a.parquet")[0]


def test_arrow_columns_that_are_there_twice_are_no_part_of_a_row(tmp_path):
    table = pyarrow.Table.from_arrays([pyarrow.array(["x"])] * 3, names=["text", "note", "note"])
    feather.write_feather(table, tmp_path / "a.feather")
    (row,) = read_rows(tmp_path / "a.feather")
    assert (row, row.repeated) == ({"text": "x"}, {"note"})


# Spreadsheets.


@pytest.mark.slow
def test_the_first_sheet_of_a_spreadsheet_is_read(tmp_path, capsys):
    errors.notice.cache_clear()
    file = spreadsheet(
        tmp_path / "a.xlsx", ["text", "label", None, "n"], ["a dull film", "bad", "x", 1], [], [1984, None, None, 2.5],
        more=["Notes"],
    )  # fmt: skip
    rows = read_rows(file)
    assert rows == [{"text": "a dull film", "label": "bad", "n": "1"}, {"text": "1984", "label": None, "n": "2.5"}]
    assert rows[1].place == f"{file}, row 4"
    assert (
        capsys.readouterr().err == f"{file}: sheet Sheet is read, Notes not. Save another one as a file of its own.\n"
    )


def test_a_spreadsheet_without_rows_or_that_is_none_is_told(tmp_path, monkeypatch):
    assert "has no rows" in complaint(spreadsheet(tmp_path / "a.xlsx", ["text"]))[0]
    assert "has no rows" in complaint(spreadsheet(tmp_path / "b.xlsx"))[0]
    assert "no spreadsheet that can be read" in complaint(written(tmp_path, "c.xlsx", "text"))[0]
    assert "no spreadsheet that can be read" in complaint(zipped(tmp_path / "d.xlsx", "a.csv"))[0]
    monkeypatch.setenv("HARNESS_UNPACKED_GB", "0.000001")
    assert "more than 1e-06. Save it as csv, or set HARNESS_UNPACKED_GB" in complaint(tmp_path / "a.xlsx")[0]


def test_without_its_reader_a_spreadsheet_says_what_to_install(tmp_path, monkeypatch):
    file = spreadsheet(tmp_path / "a.xlsx", ["text"], ["x"])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert complaint(file) == (f"{file}: needs openpyxl to be read. Install: pip install 'finetune-harness[excel]'",)


# Folders and patterns.


def test_shards_are_read_one_after_the_other(tmp_path, capsys):
    errors.notice.cache_clear()
    for number, row in enumerate(ROWS):
        parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / f"part-0000{number}.snappy.parquet")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "README.md").write_text("About it.")
    assert read_rows(tmp_path) == read_rows(tmp_path / "part-*.parquet") == ROWS
    assert read_rows(tmp_path)[1].place == f"{tmp_path}/part-00001.snappy.parquet, row 1"
    for number in range(2):
        written(tmp_path, f"numbered/000{number}.csv", CSV)
    assert read_rows(tmp_path / "numbered") == ROWS * 2
    assert capsys.readouterr().err == ""


def test_texts_of_the_same_name_in_several_folders_are_told_apart(tmp_path):
    for name in ("a/1.txt", "b/1.txt", "b/2.txt"):
        written(tmp_path, name, f"text {name}")
    assert [row["id"] for row in read_rows(tmp_path / "*/*.txt")] == ["a/1.txt", "b/1.txt", "b/2.txt"]
    assert [row["id"] for row in read_rows(tmp_path / "b/*.txt")] == ["1.txt", "2.txt"]


def test_a_pattern_that_nothing_fits_is_named(tmp_path):
    assert complaint(tmp_path / "part-*.csv")[0].startswith(f"{tmp_path}/part-*.csv: no such file.")


def test_a_path_with_a_pattern_s_signs_is_itself_where_it_is_there(tmp_path):
    assert read_rows(written(tmp_path, "a[1].csv", CSV)) == ROWS


def test_a_folder_with_files_of_several_kinds_names_them(tmp_path):
    written(tmp_path, "a.csv", CSV)
    written(tmp_path, "b.jsonl", LINES)
    said = f"{tmp_path}: holds files of several kinds (.csv, .jsonl). Name a file, or a pattern."
    assert complaint(tmp_path) == (said,)
    (tmp_path / "b.jsonl").unlink()
    written(tmp_path, "1.txt", "a text whose label is in the table")
    assert complaint(tmp_path)[0].endswith("move it into a folder called after the label.")


@pytest.mark.parametrize(
    "names",
    [
        {"train": "train.csv", "validation": "dev.csv", "test": "test.csv"},
        {"train": "Train.csv.gz", "validation": "validation.csv", "test": "test.csv"},
        {"train": "train-00000-of-00001.csv", "validation": "valid-00000-of-00001.csv"},
        {"train": "train/a.csv", "validation": "val/b.csv", "test": "testing/a.csv"},
        {"train": "training.csv", "test": "test.csv"},
        {"train": "imdb_train.csv", "validation": "imdb.dev.csv", "test": "Test-imdb.csv.gz"},
        {"train": "train-00000-of-00001-0123456789abcdef.csv", "test": "test-00000-of-00001-0123456789abcdef.csv"},
    ],
)
def test_a_folder_with_a_file_for_each_split_gives_all_splits(tmp_path, names):
    for split, name in names.items():
        content = f"text\n{split}\n"
        written(tmp_path, name, gzip.compress(content.encode()) if name.endswith(".gz") else content)
    found = Files(tmp_path).rows()
    assert found == {split: [{"text": split}] for split in names}
    assert Files(tmp_path).rows_without("test").get("test", ()) == ()


def test_the_shards_of_a_split_are_read_together_and_a_split_that_is_named_goes_first(tmp_path):
    for number, row in enumerate(ROWS):
        written(tmp_path, f"data/train-0000{number}-of-00002.jsonl", json.dumps(row))
    written(tmp_path, "data/test-00000-of-00001.jsonl", LINES)
    other = written(tmp_path, "other.csv", "text\nother\n")
    assert Files(tmp_path / "data").rows() == {"train": ROWS, "test": ROWS}
    assert Files(tmp_path / "data", test=other).rows() == {"train": ROWS, "test": [{"text": "other"}]}


def test_what_no_split_is_called_by_is_left_unread_and_told(tmp_path, capsys):
    errors.notice.cache_clear()
    for name in ("train.csv", "test.csv", "sample_submission.csv"):
        written(tmp_path, name, CSV)
    assert set(Files(tmp_path).rows()) == {"train", "test"}
    said = f"{tmp_path}: sample_submission.csv not read, because no split has such a name.\n"
    assert capsys.readouterr().err == said


def test_a_file_with_the_name_of_a_split_goes_before_one_whose_name_holds_it(tmp_path, capsys):
    errors.notice.cache_clear()
    for name in ("train.csv", "test.csv", "test_labels.csv"):
        written(tmp_path, name, f"text\n{name}\n")
    assert Files(tmp_path).rows() == {split: [{"text": f"{split}.csv"}] for split in ("train", "test")}
    assert "test_labels.csv not read" in capsys.readouterr().err


def test_texts_belong_to_splits_by_a_word_of_their_names_only_if_all_do(tmp_path):
    for name in ("wiki.train.txt", "wiki.test.txt"):
        written(tmp_path, f"wiki/{name}", name)
        written(tmp_path, f"novels/{name}", name)
    written(tmp_path, "novels/emma.txt", "a novel")
    assert set(Files(tmp_path / "wiki").rows()) == {"train", "test"}
    assert len(Files(tmp_path / "novels").rows()["train"]) == 3


def test_files_that_are_read_as_one_table_are_told(tmp_path, capsys):
    errors.notice.cache_clear()
    for name in ("spring.csv", "autumn.csv", "train-or-test.csv"):
        written(tmp_path, name, CSV)
    assert read_rows(tmp_path) == ROWS * 3
    said = "autumn.csv, spring.csv, train-or-test.csv are read as one table. Name a file to read it alone."
    assert capsys.readouterr().err == f"{tmp_path}: {said}\n"


def test_files_of_train_alone_that_are_no_shards_are_one_table(tmp_path):
    for name in ("train_a.csv", "train_b.csv"):
        written(tmp_path, name, CSV)
    assert Files(tmp_path).rows() == {"train": ROWS * 2}
    written(tmp_path, "test.csv", CSV)
    with pytest.raises(UserError, match=r"train_a\.csv, train_b\.csv may each be train\."):
        Files(tmp_path).rows()


def test_two_files_for_one_split_are_told(tmp_path):
    for name in ("train.csv", "train.jsonl", "test.csv"):
        written(tmp_path, name, CSV)
    with pytest.raises(UserError, match=r"train\.csv, train\.jsonl may each be train\. Name one of them\."):
        Files(tmp_path).rows()


def test_a_folder_of_texts_per_class_gives_their_class(tmp_path):
    for name in (
        "bad/1.txt",
        "bad/2",
        "bad/LICENSE",
        "good/_1.txt",
        "good/.hidden",
        "good/_SUCCESS",
        "_temporary/1.txt",
    ):
        written(tmp_path, name, f"text {name}")
    written(tmp_path, "README.txt", "About it.")
    assert read_rows(tmp_path) == [
        {"id": "bad/1.txt", "text": "text bad/1.txt", "label": "bad"},
        {"id": "bad/2", "text": "text bad/2", "label": "bad"},
        {"id": "good/_1.txt", "text": "text good/_1.txt", "label": "good"},
    ]


def test_folders_of_texts_per_class_and_split(tmp_path):
    for split in ("train", "test"):
        for label in ("neg", "pos"):
            written(tmp_path, f"{split}/{label}/0_1.txt", f"a {label} text")
    rows = Files(tmp_path).rows()
    assert {split: [row["label"] for row in found] for split, found in rows.items()} == {
        "train": ["neg", "pos"],
        "test": ["neg", "pos"],
    }


def test_the_fingerprint_of_a_folder_changes_with_its_content_and_its_classes(tmp_path):
    file = written(tmp_path, "one/bad/1.txt", "a text")
    written(tmp_path, "two/good/1.txt", "a text")
    first = Files(tmp_path / "one").fingerprint()
    assert first != Files(tmp_path / "two").fingerprint()
    file.write_text("another text")
    assert first != Files(tmp_path / "one").fingerprint()


def test_the_fingerprint_of_one_file_is_that_of_earlier_versions(tmp_path):
    from hashlib import sha256

    file = written(tmp_path, "a.csv", CSV)
    assert Files(file, test=file).fingerprint() == f"files:{sha256(f'train:{CSV}test:{CSV}'.encode()).hexdigest()}"
