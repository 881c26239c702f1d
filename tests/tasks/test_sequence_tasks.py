"""Data of texts that are written: SCAN's grammar by its published counts, and .po files read and kept apart."""

import pytest

from harness.data.loading import load_splits
from harness.data.po_files import grouped, translations
from harness.data.scan import commands, length_split, simple_split
from harness.registry import TASKS

PO = r"""
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\n"

#: some/file.py
msgid "Save"
msgstr "Speichern"

#. Default: "Long "
#. "text"
msgid "label_long"
msgstr ""
"Langer "
"\"Text\""

#, fuzzy
msgid "Doubtful"
msgstr "Zweifelhaft"

msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d Datei"
msgstr[1] "%d Dateien"

msgid "Untranslated"
msgstr ""

msgid "..."
msgstr "..."
"""


@pytest.mark.slow
def test_scan_has_as_many_commands_and_lengths_as_published():
    # Lake and Baroni 2018, sections 2 and 4: 20,910 commands; 16,728 + 4,182 at random, 16,990 + 3,920 by length.
    assert len({row["source"] for row in commands()}) == len(commands()) == 20_910
    simple, length = simple_split(), length_split()
    assert [len(simple["train"]) + len(simple["validation"]), len(simple["test"])] == [16_728, 4_182]
    assert [len(length["train"]) + len(length["validation"]), len(length["test"])] == [16_990, 3_920]
    actions = {split: [len(row["target"].split()) for row in rows] for split, rows in length.items()}
    assert max(actions["train"]) == max(actions["validation"]) == 22
    assert (min(actions["test"]), max(actions["test"])) == (24, 48)
    assert {row["source"] for row in simple["train"]}.isdisjoint(row["source"] for row in simple["test"])


def test_scan_s_meanings_are_those_of_the_paper():
    # Figure 1 of the paper.
    meanings = {row["source"]: row["target"] for row in commands()}
    assert meanings["jump left"] == "LTURN JUMP"
    assert meanings["jump around right"] == " ".join(["RTURN JUMP"] * 4)
    assert meanings["turn left twice"] == "LTURN LTURN"
    assert meanings["jump thrice"] == "JUMP JUMP JUMP"
    assert meanings["jump opposite left and walk thrice"] == "LTURN LTURN JUMP WALK WALK WALK"
    assert (
        meanings["jump opposite left after walk around left"]
        == "LTURN WALK LTURN WALK LTURN WALK LTURN WALK LTURN LTURN JUMP"
    )


@pytest.mark.slow
def test_scan_is_split_as_it_is_made_when_it_is_loaded():
    splits = load_splits(TASKS.load("scan_length"))
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (15_291, 1_699, 3_920)
    assert not splits.dropped


def test_a_po_file_gives_its_whole_and_undoubted_translations():
    assert list(translations(PO)) == [("Save", "Speichern"), ("Long text", 'Langer "Text"')]
    assert list(translations(PO.replace("\n", "\r\n"))) == list(translations(PO))


def test_strings_that_share_a_side_are_one_group_directly_or_through_others():
    rows = [
        {"source": "Speichern", "target": "Save"},
        {"source": "speichern!", "target": "Store"},
        {"source": "Ablegen", "target": "store"},
        {"source": "Auf", "target": "Open"},
        {"source": "Auf", "target": "Open"},
    ]
    found = grouped(rows)
    assert [row["group"] for row in found] == ["strings 0"] * 3 + ["strings 3"]
