"""Separators, encodings and quotes: guessed where the file lets it, told in one line, and named by the user."""

import io

import pytest

from harness import errors
from harness.data.files import read_rows, read_standard_input
from harness.data.sources import Files
from harness.errors import UserError

ROWS = [{"text": f"a film, number {number}", "label": "good"} for number in range(5)]


@pytest.fixture
def told(monkeypatch, capsys):
    """What has been told since the last call."""
    errors.notice.cache_clear()
    return lambda: capsys.readouterr().err


def written(folder, content, name="a.csv"):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def table(separator):
    return f"text{separator}label\n" + "".join(f"a film, number {number}{separator}good\n" for number in range(5))


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
def test_the_separator_of_a_csv_file_is_found_and_told_in_one_line(tmp_path, told, separator, name):
    file = written(tmp_path, table(separator))
    assert read_rows(file) == ROWS
    assert told() == f"{file}: guessed separator {name}. If that is wrong, give --encoding or --separator.\n"


def test_a_separator_that_is_named_is_not_guessed(tmp_path, told):
    file = written(tmp_path, table(";"))
    assert read_rows(file, separator=";") == read_rows(file, separator="semicolon") == ROWS
    assert read_rows(file, separator="|")[0] == {"text;label": "a film, number 0;good"}
    assert read_rows(written(tmp_path, table("~"), "b.csv"), separator="~") == ROWS
    assert told() == ""


@pytest.mark.parametrize("content", ["text\none; two\nthree; four\n", "text\n1;2\n", "a,b\nx;y,z;w\n", "a,b\nc|d,e\n"])
def test_commas_are_kept_where_nothing_speaks_for_another_separator(tmp_path, told, content):
    rows = read_rows(written(tmp_path, content))
    assert list(rows[0]) == content.split("\n")[0].split(",")
    assert told() == ""


def test_a_few_broken_rows_do_not_change_the_separator_which_is_told_all_the_same(tmp_path, told):
    with pytest.raises(UserError) as raised:
        read_rows(written(tmp_path, table(";") + "broken\n"))
    assert "guessed separator semicolon" in told()
    assert "line 7: 1 field, but the header has 2" in str(raised.value)


def test_a_tsv_file_that_is_parted_by_commas_is_read(tmp_path):
    assert read_rows(written(tmp_path, "text,label\nx,1\n", "a.tsv")) == [{"text": "x", "label": "1"}]


def test_a_separator_of_several_characters_is_refused_wherever_it_is_named(tmp_path):
    for read in (lambda file: read_rows(file, separator="::"), lambda file: Files(file, separator="::").rows()):
        with pytest.raises(UserError, match="separator: must be one character"):
            read(written(tmp_path, table(";")))


def test_a_txt_file_is_a_table_where_a_separator_is_named(tmp_path):
    file = written(tmp_path, "text\tlabel\nx\t1\n", "a.txt")
    assert read_rows(file, separator="tab") == [{"text": "x", "label": "1"}]
    assert read_rows(file) == [{"id": "a.txt", "text": "text\tlabel\nx\t1\n"}]


def test_a_first_line_that_names_the_separator_for_excel_is_followed(tmp_path, told):
    file = written(tmp_path, f"sep=;\r\n{table(';')}")
    rows = read_rows(file)
    assert (rows, rows[0].place, told()) == (ROWS, f"{file}, line 3", "")
    assert read_rows(file, separator="semicolon") == ROWS


@pytest.mark.parametrize("empty", ["\n", ",\n", '"",""\n'])
def test_rows_without_content_before_and_after_a_table_are_none(tmp_path, empty):
    rows = read_rows(written(tmp_path, f"{empty}text,label\nx,1\ny,2\n{empty}{empty}"))
    assert rows == [{"text": "x", "label": "1"}, {"text": "y", "label": "2"}]
    assert rows[1].place.endswith("line 4")


def test_a_table_of_one_column_keeps_its_empty_texts(tmp_path):
    assert read_rows(written(tmp_path, 'text\nx\n""\ny\n""\n\n')) == [{"text": name} for name in ("x", "", "y", "")]


# Quotes.


@pytest.mark.parametrize("text", ['"It was said" and more', '"Great', '6" wide', 'so-called "film"', '"', 'Bad"'])
def test_a_stray_quote_in_a_tsv_file_is_a_character(tmp_path, text):
    file = written(tmp_path, f'text\tlabel\n{text}\tgood\n"plain\tbad\n', "a.tsv")
    assert read_rows(file) == [{"text": text, "label": "good"}, {"text": '"plain', "label": "bad"}]


def test_a_quote_that_opens_in_one_row_and_ends_in_another_swallows_no_row(tmp_path):
    file = written(tmp_path, 'text\tlabel\n"Great\t1\nfine\t0\nBad"\t0\n', "a.tsv")
    assert [row["text"] for row in read_rows(file)] == ['"Great', "fine", 'Bad"']


def test_a_tsv_file_that_is_quoted_by_the_csv_rules_is_read_by_them(tmp_path):
    file = written(tmp_path, 'text\tlabel\n"two\nlines, and a\ttab"\tgood\n"a ""word"""\tbad\n', "a.tsv")
    assert [row["text"] for row in read_rows(file)] == ["two\nlines, and a\ttab", 'a "word"']


def test_a_csv_file_keeps_the_csv_rules(tmp_path):
    with pytest.raises(UserError, match="line 2: broken row"):
        read_rows(written(tmp_path, 'text,label\n"It was said" and more,good\n'))


# Encodings.

WESTERN = "text,label\nLe café était très agréable – « vraiment » l’été,good\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_a_file_says_of_its_encoding_is_followed_without_a_word(tmp_path, told, encoding):
    rows = read_rows(written(tmp_path, WESTERN.encode(encoding)))
    assert rows == [{"text": "Le café était très agréable – « vraiment » l’été", "label": "good"}]
    assert told() == ""


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-16-be"])
def test_an_encoding_that_can_be_told_is_guessed_and_told_in_one_line(tmp_path, told, encoding):
    file = written(tmp_path, WESTERN.encode(encoding))
    assert read_rows(file)[0]["text"].startswith("Le café était")
    assert told() == f"{file}: guessed encoding {encoding}. If that is wrong, give --encoding or --separator.\n"


@pytest.mark.parametrize(
    "text",
    ["Ääni kuului yöllä, ja hän jäi työhön", "Über — — ——— 5 £, £££", "« Où ? » … “naïve”, créée, œuvre", "¿¡Qué!?"],
)
def test_western_texts_with_many_marks_are_told_from_other_alphabets(tmp_path, text):
    assert (
        read_rows(
            written(
                tmp_path, f"text\n{text} and more of the same, as long as a text usually is\n".encode("cp1252"), "a.tsv"
            )
        )[0]["text"][:3]
        == text[:3]
    )


def test_latin_1_is_read_as_its_superset(tmp_path):
    assert read_rows(written(tmp_path, "text\nZürich, señor\n".encode("latin-1"), "a.tsv"))[0] == {
        "text": "Zürich, señor"
    }


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Привет, мир, как дела", "cp1251"),
        ("東京は大きな町です", "shift_jis"),
        ("北京是一个大城市", "gb18030"),
        ("Дом (house) and сад (garden) are two of the words that he knew at the time", "cp1251"),
        ("映画 is the word for a film, and 大きな町 is a large town in Japan", "shift_jis"),
        ("Być może był tam wcześniej, żółty i łagodny", "cp1250"),
    ],
)
def test_an_encoding_that_can_not_be_told_is_asked_for_and_followed(tmp_path, told, text, encoding):
    file = written(tmp_path, f"text;label\n{text};good\n".encode(encoding))
    with pytest.raises(UserError, match=r"line 2: not UTF-8 .* name its encoding \(--encoding\)"):
        read_rows(file)
    assert read_rows(file, encoding=encoding, separator=";") == [{"text": text, "label": "good"}]
    assert told() == ""


def test_utf_8_with_a_damaged_byte_is_not_taken_for_another_encoding(tmp_path):
    content = "text\ncafé, naïve, déjà\n".encode() + b"na\xefve\n"
    with pytest.raises(UserError, match="line 3: not UTF-8"):
        read_rows(written(tmp_path, content))


def test_a_file_that_is_not_in_the_encoding_that_is_named_is_told(tmp_path):
    with pytest.raises(UserError, match=r"line 2: not ascii \(byte 0xc3 at offset 8\)"):
        read_rows(written(tmp_path, "text\ncafé\n"), encoding="ascii")


def test_what_was_guessed_of_several_files_is_told_once(tmp_path, told):
    for number in range(3):
        written(tmp_path, "café au lait".encode("cp1252" if number else "utf-8"), f"{number}.txt")
    assert {row["text"] for row in read_rows(tmp_path)} == {"café au lait"}
    assert told().startswith(f"{tmp_path}: guessed encoding cp1252 in 2 of 3 files.")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", " text,label \na film,good\n"), ("a.jsonl", '{" text": "a film", "label ": "good"}\n')],
)
def test_blanks_around_the_names_of_columns_are_no_part_of_them(tmp_path, name, content):
    assert read_rows(written(tmp_path, content, name)) == [{"text": "a film", "label": "good"}]


def test_names_of_columns_that_differ_in_blanks_alone_are_told_as_one_that_appears_twice(tmp_path):
    (row,) = read_rows(written(tmp_path, "text,text ,label\na,b,good\n"))
    assert row.repeated == {"text"}
    assert row == {"label": "good"}


def test_standard_input_has_an_object_per_line(monkeypatch):
    def read(content):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
        return read_standard_input()

    assert read('{"text": "schön"}\n{"text": "b"}\n') == [{"text": "schön"}, {"text": "b"}]
    with pytest.raises(UserError, match="standard input: has no rows"):
        read("")
    with pytest.raises(UserError, match="standard input, line 1: broken JSON"):
        read("a film\n")
