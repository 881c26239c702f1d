"""What a study leaves is read as it was written, refused where it is something else, and shown on a page."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.claims.claim import CLAIMS
from harness.claims.kinds import cost_by_length
from harness.claims.kinds.flexibility import FlexibilityNumbers
from harness.claims.measuring import measured
from harness.claims.page import html, markdown, told
from harness.claims.record import ClaimRecord, StudyRecord, numbers_of, other_settings, read_claim, write_claim
from harness.claims.study import read_study
from harness.config.files import config_file
from harness.errors import UserError
from harness.record import Provenance

FOLDER = Path("runs/claimed")


def record_of(claim, numbers):
    """What was measured of a claim, without settings."""
    return ClaimRecord(
        claim=claim,
        settings={},
        numbers=numbers,
        processor_seconds=1.0,
        provenance=Provenance(hardware={"processor": "<script>"}, finished="2026-11-28T00:00:00+00:00"),
    )


def test_what_was_recorded_otherwise_is_told_before_anything_is_made(command):
    Path("tiny.toml").write_text('tasks = ["rotten_tomatoes"]\nmodels = ["majority"]\n')
    Path("claimed.toml").write_text('[claims.parallelisation]\n[claims.overfitting]\nsuites = ["tiny.toml"]\n')
    FOLDER.mkdir(parents=True)
    write_claim(record_of("parallelisation", {}), FOLDER)
    assert "parallelisation  recorded with other settings  none" in command("plan", "claimed.toml").output
    (FOLDER / "overfitting.json").write_text((FOLDER / "parallelisation.json").read_text())
    found = command("run", "claimed.toml")
    advice = "Remove the file to measure it again (its runs are kept), or name another --runs folder."
    assert found.code == 2
    assert found.lines[0].startswith("runs/claimed/parallelisation.json: measured with other settings (layers None th")
    assert found.lines[0].endswith(advice)
    assert found.lines[1:] == [f"runs/claimed/overfitting.json: a record of the claim parallelisation. {advice}"]
    assert not (FOLDER / "tiny").exists()


def test_the_published_records_are_of_the_shipped_study_so_that_it_goes_on_from_them():
    folder = Path(__file__).parents[2] / "docs" / "results" / "claims"
    claims = read_study(config_file("studies", "claims")).claims
    assert {name: other_settings(read_claim(folder, name), claims[name]) for name in claims} == dict.fromkeys(
        claims, ""
    )


def test_numbers_of_nothing_are_refused(tmp_path):
    record = record_of("cost_by_length", {"models": {}, "window": 8, "threads": 1, "clock": "", "measured": []})
    with pytest.raises(UserError, match=r"cost_by_length\.json: numbers\.measured: "):
        numbers_of(record, tmp_path)


def test_a_score_without_bound_is_read_as_it_was_recorded(tmp_path):
    row = {
        "task": "a", "task_type": "b", "metric": "mean_squared_error", "model": "c", "against": "d", "score": math.inf,
        "low": None, "high": None, "other": 1.0, "gain": -math.inf, "gain_low": None, "gain_high": None, "p": None,
        "seeds": 1, "collapsed": 0,
    }  # fmt: skip
    numbers = FlexibilityNumbers.model_validate({"model": "c", "tasks": [row]})
    write_claim(record_of("flexibility", numbers.model_dump(mode="json")), tmp_path)
    assert numbers_of(read_claim(tmp_path, "flexibility"), tmp_path) == numbers


@pytest.fixture
def recorded(command):
    """A study with one measured claim, whose names are hostile."""
    numbers = cost_by_length.CostNumbers(
        models=dict.fromkeys((cost_by_length.FULL, cost_by_length.WINDOWS, cost_by_length.RECURRENCE), "<b>|x|</b>"),
        window=8,
        threads=1,
        clock="<i>time</i>",
        measured=tuple(
            cost_by_length.Measured(way=way, mode=mode, length=length, seconds=(length * 1.0, length * 1.1))
            for way in (cost_by_length.FULL, cost_by_length.WINDOWS, cost_by_length.RECURRENCE)
            for mode in cost_by_length.MODES
            for length in (16, 32)
        ),
    )
    FOLDER.mkdir(parents=True)
    study = StudyRecord(study="claimed", description="a < b & c", claims=("parallelisation", "cost_by_length"))
    (FOLDER / "study.json").write_text(study.model_dump_json())
    write_claim(record_of("cost_by_length", numbers.model_dump(mode="json")), FOLDER)
    return FOLDER


def test_the_page_escapes_names_draws_each_line_and_says_what_is_not_measured(recorded):
    page = html(told(recorded))
    assert "<title>a &lt; b &amp; c</title>" in page
    assert "<script>" not in page
    assert "&lt;b&gt;|x|&lt;/b&gt; on the whole document" in page
    assert page.count('class="path"') == 3
    assert page.count("not measured yet") == 2  # in the table, and at the claim
    assert "(as the length to the power of 1.00 against 1.00, a difference of 0.00 (no interval))" in page


def test_the_markdown_page_has_the_same_and_escapes_what_would_break_a_table(recorded):
    text = markdown(told(recorded))
    assert text.startswith("# a < b & c\n")
    assert r"\<b>\|x\|\</b> on the whole document" in text
    assert "## Cost by length" in text
    rows = [line for line in text.splitlines() if line.startswith("| full attention")]
    assert len(rows) == 4
    assert "Not measured yet." in text


def test_a_study_has_pages_in_the_formats_that_can_show_it(command, recorded):
    assert command("report", recorded, "--format", "markdown").code == 0
    assert (recorded / "report.md").is_file()
    assert command("report", recorded, "--format", "latex").lines == [
        "--format latex: a study has no report in this format. Use html or markdown."
    ]
    assert command("report", recorded, "--margin", "1").code == 2


def test_what_cannot_be_judged_is_not_recorded(command, monkeypatch):
    FOLDER.mkdir(parents=True)
    claim = CLAIMS.load("parallelisation")
    numbers = claim.numbers.model_construct(measured=())
    broken = SimpleNamespace(load=lambda _: replace(claim, measure=lambda *_: numbers))
    monkeypatch.setattr("harness.claims.measuring.CLAIMS", broken)
    with pytest.raises(IndexError):
        measured("parallelisation", claim.settings(), FOLDER)
    assert not list(FOLDER.iterdir())
