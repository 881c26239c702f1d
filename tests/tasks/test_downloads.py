"""A large file that the user downloads: where it is looked for, what is wrong with it, how it is split."""

import zipfile

import pytest

from harness.data.downloads import Download, first_hundred_million
from harness.errors import UserError

SOURCE = Download("enwik8", "http://example.org/enwik8.zip", 8, lambda content: {"train": [{"text": content.decode()}]})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    return tmp_path


def test_without_a_folder_it_says_where_to_get_the_file(monkeypatch):
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    with pytest.raises(UserError, match=r"^enwik8: not there\. Get it from http://.* and let HARNESS_DATA name"):
        SOURCE.rows()


def test_a_file_is_read_whole_or_out_of_its_archive(folder):
    (folder / "enwik8").write_bytes(b"8 bytes.")
    plain = SOURCE.rows(), SOURCE.fingerprint()
    (folder / "enwik8").unlink()
    with zipfile.ZipFile(folder / "enwik8.zip", "w") as archive:
        archive.writestr("enwik8", b"8 bytes.")
    assert (SOURCE.rows(), SOURCE.fingerprint()) == plain == ({"train": [{"text": "8 bytes."}]}, plain[1])


@pytest.mark.parametrize(
    ("name", "content", "wrong"),
    [
        ("enwik8", b"9 bytes..", r"enwik8 has 8 bytes \(got 9\)"),
        ("enwik8.zip", b"no archive", "no archive with enwik8 in it"),
        ("text8", b"8 bytes.", r"enwik8: no such file, and no enwik8\.zip either"),
    ],
)
def test_another_file_is_refused(folder, name, content, wrong):
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=wrong):
        SOURCE.rows()


def test_an_archive_that_is_damaged_encrypted_or_a_bomb_is_refused(folder):
    archive = folder / "enwik8.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("enwik8", b"0" * 5_000_000)
    with pytest.raises(UserError, match=r"enwik8 has 8 bytes \(got 9\)"):
        SOURCE.rows()
    content = bytearray(archive.read_bytes())
    content[content.index(b"enwik8") + 6] ^= 0xFF  # the first packed byte
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"no archive with enwik8 in it \("):
        SOURCE.rows()
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1  # the flag of an encrypted file
    archive.write_bytes(content)
    with pytest.raises(UserError, match="encrypted"):
        SOURCE.rows()


def test_a_character_that_a_bound_cuts_is_whole_in_the_later_split():
    content = "abcé fg€h".encode()  # the bounds cut through é and €, the end through nothing
    bounds = {"train": (0, 4), "validation": (4, 9), "test": (9, len(content))}
    rows = first_hundred_million(content, bounds, piece=2)
    assert [row["text"] for row in rows["train"]] == ["ab", "c"]
    assert rows["validation"] == [{"text": "é fg"}]
    assert rows["test"] == [{"text": "€h"}]


def test_a_character_that_the_end_cuts_is_left_out():
    content = "ab€".encode()[:-1]
    assert first_hundred_million(content, {"train": (0, 1), "test": (1, 4)})["test"] == [{"text": "b"}]


def test_what_is_no_utf_8_is_refused():
    with pytest.raises(UserError, match="not UTF-8"):
        first_hundred_million(b"a\xff", {"train": (0, 2)})
