"""The folder of a pretraining: a result is whole or not there, and never made of two recipes' checkpoints."""

import json
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.pretraining.recipe import PretrainingRecipe
from harness.pretraining.record import PretrainingRecord
from harness.pretraining.run_folder import PretrainingFolder
from harness.record import Provenance

TEXTS = {"plays": "nltk-plays==1.0", "files": "2 files, SHA-256 aaaa"}
OTHERS = {**TEXTS, "files": "2 files, SHA-256 bbbb"}


def recipe(**training):
    content = {
        "family": "bert",
        "objective": "bert",
        "corpora": {"names": ["plays"]},
        "training": {"tokens": 10_000, "keep": [0.1, 0.3], **training},
    }
    return PretrainingRecipe.model_validate(content)


def record(found, note=""):
    return PretrainingRecord(
        name="mine",
        config=found.resolved(),
        corpus={"corpora": {name: {"source": origin} for name, origin in TEXTS.items()}},
        parameters=1,
        steps=1,
        tokens=1,
        curve=(),
        first_losses=(),
        seconds={},
        processor_seconds=0.0,
        peak_memory_bytes=0,
        provenance=Provenance(packages={}, hardware={}, started="", finished=""),
        notes=(note,),
    )


@pytest.fixture
def place(tmp_path):
    return PretrainingFolder(tmp_path / "pretraining" / "mine")


def work(place, note, *shares):
    """Leave checkpoints, and a state as a run does that is under way."""
    for share in shares:
        place.checkpoint(share).mkdir(parents=True)
        (place.checkpoint(share) / "weights").write_text(note)
    place.state.mkdir()


def finish(place, found, note, *shares, redo=False):
    place.begin(found, TEXTS, redo=redo)
    work(place, note, *shares)
    place.finish(record(found, note), card_of)


def card_of(made, share):
    return f"card of {made.notes[0]} after {share}"


def checkpoints(place):
    """What each checkpoint's weights and card say."""
    return {
        folder.name: ((folder / "weights").read_text(), (folder / "README.md").read_text())
        for folder in place.folder.glob("checkpoint*")
    }


def card(note, share=1.0):
    return note, f"card of {note} after {share}"


def test_a_result_that_is_whole_is_in_its_place_with_its_cards_and_nothing_else(place):
    finish(place, recipe(), "first", 0.1, 1.0)
    assert sorted(path.name for path in place.folder.iterdir()) == ["checkpoint", "checkpoint-10", "pretraining.json"]
    assert checkpoints(place) == {"checkpoint": card("first"), "checkpoint-10": card("first", 0.1)}
    assert place.recorded(recipe(), TEXTS).notes == ("first",)


def test_another_recipe_is_refused_with_the_keys_that_differ(place):
    finish(place, recipe(), "first", 1.0)
    with pytest.raises(UserError) as caught:
        place.recorded(recipe(seed=1, learning_rate=0.5), TEXTS)
    first, *lines = str(caught.value).splitlines()
    assert "started with another recipe or other texts. Use --redo to replace it" in first
    assert [line.strip() for line in lines] == [
        "training.learning_rate: recorded 0.001, wanted 0.5",
        "training.seed: recorded 0, wanted 1",
    ]


def test_a_setting_that_was_not_there_yet_when_a_result_was_recorded_has_its_default(place):
    finish(place, recipe(), "first", 1.0)
    file = place.folder / "pretraining.json"
    recorded = json.loads(file.read_text())
    del recorded["sha256"], recorded["config"]["start"], recorded["config"]["training"]["duplicates"]
    file.write_text(json.dumps(recorded))
    assert place.recorded(recipe(), TEXTS).notes == ("first",)
    with pytest.raises(UserError, match=r"training.duplicates: recorded 10, wanted 3"):
        place.recorded(recipe(duplicates=3), TEXTS)


def test_another_recipe_s_work_that_could_be_gone_on_with_is_refused_too(place):
    place.begin(recipe(), TEXTS, redo=False)
    work(place, "first", 0.1)
    assert place.recorded(recipe(), TEXTS) is None
    with pytest.raises(UserError, match=r"training.seed: recorded 0, wanted 1"):
        place.recorded(recipe(seed=1), TEXTS)
    (place.partial / "config.json").write_text("{broken")
    with pytest.raises(UserError, match="no configuration"):
        place.recorded(recipe(), TEXTS)


def test_a_result_or_work_on_other_texts_is_refused_by_their_name(place):
    place.begin(recipe(), TEXTS, redo=False)
    work(place, "first", 1.0)
    line = "texts of files: recorded '2 files, SHA-256 aaaa', wanted '2 files, SHA-256 bbbb'"
    with pytest.raises(UserError, match=line):
        place.recorded(recipe(), OTHERS)
    place.finish(record(recipe(), "first"), card_of)
    with pytest.raises(UserError, match=line):
        place.recorded(recipe(), OTHERS)
    assert place.recorded(recipe(), TEXTS).notes == ("first",)


def test_another_tokenizer_in_the_same_folder_is_told_where_the_first_one_was_recorded(place):
    texts = {**TEXTS, "tokenizer": "SHA-256 aaaa"}
    place.begin(recipe(), texts, redo=False)
    work(place, "first", 1.0)
    assert place.recorded(recipe(), texts) is None
    other = {**TEXTS, "tokenizer": "SHA-256 bbbb"}
    with pytest.raises(UserError, match="    tokenizer: recorded 'SHA-256 aaaa', wanted 'SHA-256 bbbb'"):
        place.recorded(recipe(), other)
    place.finish(record(recipe(), "first"), card_of)
    assert place.recorded(recipe(), other), "a record of an earlier version names none"


def test_work_goes_on_where_a_setting_was_not_there_yet_when_it_was_begun(place):
    place.begin(recipe(), TEXTS, redo=False)
    work(place, "first", 0.1)
    file = place.partial / "config.json"
    begun = json.loads(file.read_text())
    del begun["start"], begun["sha256"]
    file.write_text(json.dumps(begun))
    assert place.recorded(recipe(), TEXTS) is None
    place.begin(recipe(), TEXTS, redo=False)
    assert place.state.exists()


def test_checkpoints_that_lost_their_record_are_replaced_and_other_folders_stay(place):
    finish(place, recipe(), "first", 0.1, 0.3, 1.0)
    (place.folder / "pretraining.json").unlink()
    (place.folder / "checkpoint-mine").mkdir()
    finish(place, recipe(), "second", 0.1, 1.0)
    finish(place, recipe(), "third", 0.1, 1.0, redo=True)
    assert sorted(path.name for path in place.folder.glob("checkpoint*")) == [
        "checkpoint",
        "checkpoint-10",
        "checkpoint-mine",
    ]
    assert (place.folder / "checkpoint" / "weights").read_text() == "third"


def test_what_another_recipe_left_before_its_first_state_never_gets_into_a_result(place):
    place.begin(recipe(), TEXTS, redo=False)
    work(place, "first", 0.1)
    place.state.rmdir()  # It was killed before it was saved.
    assert place.recorded(recipe(seed=1), TEXTS) is None
    finish(place, recipe(seed=1), "second", 0.3, 1.0)
    assert checkpoints(place) == {"checkpoint": card("second"), "checkpoint-30": card("second", 0.3)}


def test_the_same_recipe_s_work_stays_where_it_goes_on(place):
    place.begin(recipe(), TEXTS, redo=False)
    work(place, "first", 0.1)
    place.begin(recipe(), TEXTS, redo=False)
    assert place.state.exists()
    place.begin(recipe(), TEXTS, redo=True)
    assert sorted(path.name for path in place.partial.iterdir()) == ["config.json", "redo", "texts.json"]


def test_an_old_result_goes_with_all_of_its_checkpoints_and_only_when_the_new_one_is_whole(place):
    finish(place, recipe(), "first", 0.1, 0.3, 1.0)
    place.begin(recipe(seed=1), TEXTS, redo=True)
    assert set(checkpoints(place)) == {"checkpoint", "checkpoint-10", "checkpoint-30"}
    finish(place, recipe(seed=1), "second", 0.3, 1.0, redo=True)
    assert checkpoints(place) == {"checkpoint": card("second"), "checkpoint-30": card("second", 0.3)}
    assert place.recorded(recipe(seed=1), TEXTS).notes == ("second",)


@pytest.mark.parametrize("cut", range(10))
def test_a_move_into_place_that_is_cut_short_anywhere_is_gone_on_with(place, cut, monkeypatch):
    """A process may be killed before any of the calls that change the folder."""
    finish(place, recipe(), "first", 0.1, 1.0)
    calls = []

    def mortal(function):
        def call(*args, **options):
            if len(calls) == cut:
                raise KeyboardInterrupt
            calls.append(function)
            return function(*args, **options)

        return call

    place.begin(recipe(seed=1), TEXTS, redo=True)
    work(place, "second", 0.3, 1.0)
    with monkeypatch.context() as patched:
        for name in ("rename", "unlink"):
            patched.setattr(Path, name, mortal(getattr(Path, name)))
        patched.setattr(shutil, "rmtree", mortal(shutil.rmtree))
        with suppress(KeyboardInterrupt):
            place.finish(record(recipe(seed=1), "second"), card_of)
    assert len(calls) == min(cut, 9), "there are nine such calls"
    place.settle()
    assert checkpoints(place) == {"checkpoint": card("second"), "checkpoint-30": card("second", 0.3)}
    assert place.recorded(recipe(seed=1), TEXTS).notes == ("second",)


def test_a_redo_that_was_killed_goes_on_and_the_old_result_stays_until_it_ends(place):
    finish(place, recipe(), "first", 1.0)
    place.begin(recipe(), TEXTS, redo=True)
    place.state.mkdir()
    place.settle()
    assert place.recorded(recipe(), TEXTS) is None, "it is not done"
    place.begin(recipe(), TEXTS, redo=True)
    assert place.state.exists()
    assert checkpoints(place) == {"checkpoint": card("first")}
    (place.partial / "redo").unlink()  # As earlier versions left it.
    place.settle()
    assert not place.partial.exists()
    assert place.recorded(recipe(), TEXTS).notes == ("first",)


def test_a_checkpoint_that_is_not_the_recorded_one_is_told(place):
    finish(place, recipe(), "first", 0.1, 1.0)
    weights = place.folder / "checkpoint-10" / "weights"
    weights.write_text("other")
    with pytest.raises(UserError, match=r"checkpoint-10/weights: damaged, or of another run"):
        place.recorded(recipe(), TEXTS)
    shutil.rmtree(weights.parent)
    with pytest.raises(UserError, match=r"checkpoint-10/weights: no such file"):
        place.recorded(recipe(), TEXTS)


def test_a_record_that_was_damaged_is_not_believed(place):
    finish(place, recipe(), "first", 1.0)
    file = place.folder / "pretraining.json"
    file.write_text(file.read_text().replace('"steps": 1', '"steps": 2'))
    with pytest.raises(UserError, match=r"pretraining\.json: damaged, or changed by hand"):
        place.recorded(recipe(), TEXTS)


def test_two_claims_at_once_are_not_both_granted(place):
    with place.claimed() as ours, place.claimed() as theirs:
        assert (ours, theirs) == (True, False)
    with place.claimed() as again:
        assert again
