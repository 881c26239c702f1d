"""Data of texts that are written: SCAN's grammar by its published counts, and .po files read and kept apart."""

from pathlib import Path

import pytest

from harness.data.loading import load_splits
from harness.data.po_files import grouped, translations
from harness.data.scan import commands, length_split, primitive_split, simple_split
from harness.record import read_record
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


@pytest.mark.slow
@pytest.mark.parametrize(("primitive", "learnt", "judging"), [("jump", 14_670, 7_706), ("turn left", 21_890, 1_208)])
def test_scan_s_primitives_are_learnt_alone_as_often_as_published(primitive, learnt, judging):
    # The lines of the published files tasks_train_addprim_jump.txt and tasks_train_addprim_turn_left.txt, and tests.
    split = primitive_split(primitive)
    assert (len(split["train"]) + len(split["validation"]), len(split["test"])) == (learnt, judging)
    alone = [row for row in split["train"] if row["source"] == primitive]
    assert len(alone) == learnt // 10
    assert all(f" {primitive} " in f" {row['source']} " != f" {primitive} " for row in split["test"])
    others = [row["source"] for rows in (split["train"], split["validation"]) for row in rows if row not in alone]
    assert len(set(others)) == len(others) == learnt - learnt // 10
    assert not any(f" {primitive} " in f" {source} " for source in others)


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
    sizes = {"scan_length": (15_291, 1_699, 3_920), "scan_jump": (13_350, 1_320, 7_706)}
    for name, expected in sizes.items():
        splits = load_splits(TASKS.load(name))
        assert (len(splits.train), len(splits.validation), len(splits.test)) == expected
        assert not splits.dropped


@pytest.mark.slow
def test_a_small_model_begins_to_learn_summaries_beside_the_first_sentence(command):
    settings = ("batch_size=8", "train_examples=64", "max_length=64", "validation_examples=20", "test_examples=40")
    names = ("scratch-small", "lead")
    chosen = [word for name in names for word in ("--only", name)]
    chosen += [word for one in settings for word in ("--set", one)]
    found = command("run", "summaries", *chosen)
    assert found.code == 0, found.errors
    trained, lead = (read_record(Path(f"runs/summaries/xsum_sample/{name}/seed-0/run.json")) for name in names)
    first, *_, last = trained.curve
    assert last.validation_loss < first.validation_loss
    # A sentence of the article shares words with its summary: the words of another text do so by chance alone.
    assert lead.scores["test"]["rouge_1"] > trained.scores["test"]["rouge_1"]
    assert {*lead.scores["test"]} <= {*trained.scores["test"]} == {*TASKS.load("xsum_sample").metrics}


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
