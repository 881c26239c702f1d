"""Damage is found by checksums, in files and in JSON documents."""

import json

import pytest

from harness.checksums import check_seal, seal, with_digest, without_digest


@pytest.fixture
def sealed(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a").write_text("first")
    (tmp_path / "inner" / "b").write_text("second")
    seal(tmp_path)
    return tmp_path


def test_a_sealed_folder_is_whole_and_may_be_sealed_again(sealed):
    check_seal(sealed)
    seal(sealed)
    check_seal(sealed)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: (folder / "a").write_text("firsT"), "a"),
        (lambda folder: (folder / "inner" / "b").unlink(), "inner/b"),
        (lambda folder: (folder / "c").touch(), "c"),
        (lambda folder: (folder / "checksums.json").write_text("[]"), "a, inner/b"),
        (lambda folder: (folder / "a").rename(folder / "c"), "a, c"),
    ],
)
def test_what_was_damaged_lost_or_added_is_named(sealed, damage, named):
    damage(sealed)
    with pytest.raises(ValueError, match=f": {named}: not as written"):
        check_seal(sealed)


def test_a_folder_that_was_never_sealed_is_told_from_a_whole_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        check_seal(tmp_path)


def test_a_document_is_the_same_however_it_is_spaced_and_another_with_any_other_value():
    document = {"b": [1.5, "é", None], "a": {"x": True}}
    written = with_digest(document)
    assert without_digest(json.loads(json.dumps(written, indent=3, sort_keys=True))) == document
    assert without_digest(document) == document, "earlier versions wrote no digest"
    for damaged in ({**written, "b": [1.5, "e", None]}, {**written, "c": 1}, {**written, "sha256": None}):
        with pytest.raises(ValueError, match="SHA-256"):
            without_digest(damaged)
