"""A study runs its suites, measures its claims once, and tells on a page what held."""

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from command_line import reviews, write_csv
from small_models import write_checkpoint

from harness.claims.claim import CLAIMS
from harness.claims.kinds import cost_by_length
from harness.claims.kinds.flexibility import FlexibilityNumbers
from harness.claims.measuring import measured
from harness.claims.page import html, markdown, told
from harness.claims.record import ClaimRecord, StudyRecord, numbers_of, read_claim, write_claim
from harness.claims.study import read_study
from harness.config.files import config_file
from harness.errors import UserError
from harness.record import Provenance

MODEL = 'family = "bert"\ncheckpoint = "{checkpoint}"\n'
SUITE = """
tasks    = ["mine"]
models   = ["small", "tfidf", "majority"]
baseline = "majority"
seeds    = [0]
[variants]
small = "./small.toml"
[training]
maximum_steps  = 2
train_examples = [10, 40]
[data.mine]
train = "reviews.csv"
"""
STUDY = """
description = "What holds of <small> models?"
[claims.parallelisation]
lengths = [2, 4]
tokens = 4
repeats = 2
vocabulary = 10
width = 8
layers = 1
[claims.overfitting]
suites = ["tiny.toml"]
plain = "majority"
regularised = "tfidf"
[claims.flexibility]
suites = ["once.toml"]
model = "small"
[claims.long_sequences]
suites = ["tiny.toml"]
[claims.interpretability]
suites = ["tiny.toml"]
run = "tiny/mine@10/small/seed-0"
examples = 2
steps = 2
"""
PARALLEL = STUDY.partition("[claims.overfitting]")[0]
FOLDER = Path("runs/claimed")


@pytest.fixture
def study(command):
    """A study of one claim that needs no runs."""
    Path("claimed.toml").write_text(PARALLEL)
    return "claimed.toml"


@pytest.mark.slow
def test_a_study_makes_runs_measures_each_claim_once_and_says_what_held(command):
    write_csv(Path("reviews.csv"), reviews(80))
    Path("small.toml").write_text(MODEL.format(checkpoint=write_checkpoint("bert", Path("small").absolute())))
    Path("tiny.toml").write_text(SUITE)
    Path("once.toml").write_text(SUITE.replace("[10, 40]", "10"))
    Path("claimed.toml").write_text(STUDY)
    assert "tiny: 6 new" in command("plan", "claimed.toml").output

    first = command("run", "claimed.toml")
    assert first.code == 0, first.errors
    records = {file.stem: json.loads(file.read_text()) for file in FOLDER.glob("*.json")}
    names = {"parallelisation", "overfitting", "flexibility", "long_sequences", "interpretability"}
    assert records.keys() == {*names, "study"}
    assert records["parallelisation"]["settings"]["lengths"] == [2, 4]
    assert records["parallelisation"]["provenance"]["hardware"]["threads"] >= 1
    assert records["overfitting"]["numbers"]["runs"][0]["examples"] == 10
    assert len(records["interpretability"]["numbers"]["gains"]) == 2

    again = command("run", "claimed.toml")
    assert again.output.count("  recorded already\n") == len(names)
    assert "6 of 6 runs are recorded already" in again.output
    sentences = [line for line in again.output.splitlines() if line.startswith("    ")]
    assert len(sentences) == len(names)
    assert {*sentences} <= {*first.output.splitlines()}
    assert "tiny: 6 complete" in command("plan", "claimed.toml", "--only", "overfitting").output

    assert command("report", FOLDER).code == 0
    page = (FOLDER / "report.html").read_text()
    sections = [f'<h2 id="{name}">' for name in ("parallelisation", "flexibility", "interpretability")]
    assert all(section in page for section in sections)
    assert "What holds of &lt;small&gt; models?" in page


SIMPLE = SUITE.replace('"small", ', "").replace('[variants]\nsmall = "./small.toml"\n', "")


@pytest.mark.slow
def test_a_claim_whose_runs_changed_is_measured_anew_and_one_that_fails_costs_no_other(command):
    write_csv(Path("reviews.csv"), reviews(80))
    Path("tiny.toml").write_text(SIMPLE)
    failing = '[claims.flexibility]\nsuites = ["tiny.toml"]\nmodel = "nobody"\n'
    settings = 'suites = ["tiny.toml"]\nplain = "majority"\nregularised = "tfidf"\n'
    Path("claimed.toml").write_text(f"{failing}[claims.overfitting]\n{settings}")
    found = command("run", "claimed.toml")
    assert found.code == 2
    assert found.lines == ["runs/claimed: no scores of nobody beside a simple baseline. Name suites that have both."]
    assert "✓ Overfitting" in found.output

    Path("tiny.toml").write_text(SIMPLE.replace("[10, 40]", "[10, 20, 40]"))
    grown = command("run", "claimed.toml", "--only", "overfitting")
    assert "recorded already\n" not in grown.output
    numbers = json.loads((FOLDER / "overfitting.json").read_text())["numbers"]
    assert {run["examples"] for run in numbers["runs"]} == {10, 20, 40}


def test_a_mistake_in_a_suite_is_told_before_anything_is_measured(command):
    Path("tiny.toml").write_text('tasks = ["nosuch"]\nmodels = ["majority"]\n')
    Path("claimed.toml").write_text(PARALLEL + '[claims.overfitting]\nsuites = ["tiny.toml"]\n')
    found = command("run", "claimed.toml")
    assert (found.code, len(found.lines)) == (2, 1)
    assert found.lines[0].startswith("tiny.toml: tasks: 'nosuch': no such task.")
    assert not FOLDER.exists()


@pytest.mark.slow
def test_other_settings_are_no_result_of_these_and_redo_replaces_them(command, study):
    assert command("run", study).code == 0
    Path(study).write_text(PARALLEL.replace("repeats = 2", "repeats = 3"))
    refused = command("run", study)
    assert refused.code == 2
    assert (
        "measured with other settings (repeats 2 there, 3 asked for). Remove the file to measure it again"
        in refused.errors
    )
    assert command("run", study, "--redo").code == 0
    record = FOLDER / "parallelisation.json"
    assert json.loads(record.read_text())["settings"]["repeats"] == 3
    record.write_text(record.read_text().replace('"hidden"', '"width"'))
    damaged = command("report", FOLDER)
    assert damaged.code == 2
    assert damaged.lines[0].startswith("runs/claimed/parallelisation.json: damaged, or changed by hand")


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        ("[claims.paralelisation]\n", "claims.paralelisation: no such claim. Did you mean parallelisation?"),
        ("[claims.parallelisation]\nrepeats = 0\n", "claims.parallelisation.repeats: "),
        ("[claims.parallelisation]\nlenths = [1]\n", "claims.parallelisation.lenths: no such setting"),
        ("[claims.parallelisation]\nlengths = [64, 64]\n", "claims.parallelisation.lengths: must ascend, each once"),
        ("[claims.parallelisation]\nlengths = [0, 1]\n", "claims.parallelisation.lengths.0: must be greater than 0"),
        ("[claims.cost_by_length]\nlengths = [1, 20]\n", "claims.cost_by_length.lengths.0: must be greater than or"),
        ("[claims.cost_by_length]\nlengths = [9]\n", "claims.cost_by_length.lengths: has 1. Name at least 2."),
        ("[claims.flexibility]\nsuites = []\n", "claims.flexibility.suites: is empty. Name at least one."),
        ("[claims]\n", "claims: is empty. Name at least one."),
        ('claims = ["parallelisation"]\n', "claims: must be a table"),
    ],
)
def test_a_study_with_a_mistake_is_refused_by_its_place(command, content, mistake):
    Path("wrong.toml").write_text(content)
    for words in (("plan", "wrong.toml"), ("run", "wrong.toml")):
        found = command(*words)
        assert found.code == 2
        assert found.lines[0].startswith(f"wrong.toml: {mistake}")


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        (("run", "claimed.toml", "--seeds", "3"), "harness run: --seeds can't stand beside a study."),
        (("plan", "claimed.toml", "--detect", "1"), "harness plan: --detect can't stand beside a study."),
        (("plan", "claimed.toml", "--workers", "2"), "harness plan: --workers can't stand beside a study."),
        (("run", "claimed.toml", "--only", "paralelisation"), "--only paralelisation: no claim of this study. Did you"),
    ],
)
def test_what_only_a_suite_has_is_refused_of_a_study(command, study, words, mistake):
    found = command(*words)
    assert found.code == 2
    assert found.lines[0].startswith(mistake)
    assert not FOLDER.exists()


def test_the_shipped_study_has_every_claim_and_no_mistake():
    study = read_study(config_file("studies", "claims"))
    assert list(study.claims) == [
        "parallelisation", "cost_by_length", "overfitting", "flexibility", "long_sequences", "interpretability",
    ]  # fmt: skip


def test_suites_and_studies_of_one_name_are_refused(command):
    for name, content in (("claimed", '["tiny.toml", "other/tiny.toml"]'), ("demo", '["tiny.toml"]')):
        Path(f"{name}.toml").write_text(f"[claims.flexibility]\nsuites = {content}\n")
    assert command("plan", "claimed.toml").lines == [
        "suites: tiny.toml and other/tiny.toml have one name, and would share the folder tiny. Rename one of the files."
    ]
    assert command("plan", "demo.toml").lines == [
        "demo.toml: a suite is called demo, too, and both would share a folder. Rename the study."
    ]


def test_a_folder_is_a_suites_or_a_studys(command, study):
    FOLDER.mkdir(parents=True)
    (FOLDER / "suite.json").write_text("{}")
    assert command("run", study).lines == [
        "runs/claimed: has the runs of a suite. Rename the study, or name another --runs folder."
    ]
    (FOLDER / "suite.json").rename(FOLDER / "study.json")
    Path(study).write_text('tasks = ["rotten_tomatoes"]\nmodels = ["majority"]\n')
    assert command("run", study).lines == [
        "runs/claimed: has what a study measured. Rename the suite, or name another --runs folder."
    ]


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
    Path("claimed.toml").write_text(PARALLEL + '[claims.overfitting]\nsuites = ["tiny.toml"]\n')
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
    assert "(as the length to the power of 1.00 against 1.00, a difference of 0.00 (0.00 to 0.00))" in page


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
        "--format latex: a study has no page in it. Use html or markdown."
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
