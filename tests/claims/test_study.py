"""A study runs its suites, measures its claims once, and tells on a page what held."""

import json
from pathlib import Path

import pytest
from command_line import reviews, write_csv
from small_models import write_checkpoint

from harness.claims.claim import CLAIMS
from harness.claims.kinds import long_sequences
from harness.claims.study import read_study
from harness.config.files import config_file

MODEL = 'family = "bert"\ncheckpoint = "{checkpoint}"\n'
SUITE = """
tasks    = ["mine"]
models   = ["small", "tfidf", "majority"]
baseline = "majority"
seeds    = [0]
[variants]
small = "./small.toml"
[training]
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
[claims.cost_by_length]
lengths = [16, 32]
repeats = 2
window = 8
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
"""
SHORT = ("--set", "maximum_steps=2", "--set", "interpretability.steps=2")
PARALLEL = STUDY.partition("[claims.cost_by_length]")[0]
FOLDER = Path("runs/claimed")


@pytest.fixture
def study(command):
    """A study of one claim that needs no runs."""
    Path("claimed.toml").write_text(PARALLEL)
    return "claimed.toml"


@pytest.mark.slow
def test_a_study_makes_runs_measures_each_claim_once_and_says_what_held(command, monkeypatch):
    write_csv(Path("reviews.csv"), reviews(80))
    Path("small.toml").write_text(MODEL.format(checkpoint=write_checkpoint("bert", Path("small").absolute())))
    Path("tiny.toml").write_text(SUITE)
    Path("once.toml").write_text(SUITE.replace("[10, 40]", "10"))
    Path("claimed.toml").write_text(STUDY)
    assert "tiny: 6 new" in command("plan", "claimed.toml", *SHORT).output
    with monkeypatch.context() as patch:
        patch.setattr(f"{long_sequences.__name__}.comparisons", interrupted)
        stopped = command("run", "claimed.toml", *SHORT)
    assert stopped.code != 0
    assert not (FOLDER / "long_sequences.json").exists()

    first = command("run", "claimed.toml", *SHORT)
    assert first.code == 0, first.errors
    assert first.output.count("  recorded already\n") == 4
    records = {file.stem: json.loads(file.read_text()) for file in FOLDER.glob("*.json")}
    names = {*CLAIMS.names()}
    assert records.keys() == {*names, "study"}
    assert records["parallelisation"]["settings"]["lengths"] == [2, 4]
    assert records["parallelisation"]["provenance"]["hardware"]["threads"] >= 1
    assert records["overfitting"]["numbers"]["runs"][0]["examples"] == 10
    assert len(records["interpretability"]["numbers"]["gains"]) == 2
    assert records["interpretability"]["settings"]["steps"] == 2

    again = command("run", "claimed.toml", *SHORT)
    assert again.output.count("  recorded already\n") == len(names)
    assert "6 of 6 runs are recorded already" in again.output
    sentences = [line for line in again.output.splitlines() if line.startswith("    ")]
    assert len(sentences) == len(names)
    assert {*sentences} <= {*first.output.splitlines()}
    assert "tiny: 6 complete" in command("plan", "claimed.toml", "--only", "overfitting", *SHORT[:2]).output

    assert command("report", FOLDER).code == 0
    page = (FOLDER / "report.html").read_text()
    sections = [f'<h2 id="{name}">' for name in ("parallelisation", "flexibility", "interpretability")]
    assert all(section in page for section in sections)
    assert "changed by --set maximum_steps=2 and --set interpretability.steps=2" in page
    assert "What holds of &lt;small&gt; models?" in page


def interrupted(*_, **__):
    raise KeyboardInterrupt


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
        (("run", "claimed.toml", "--seeds", "3"), "harness run: --seeds can't be used with a study."),
        (("plan", "claimed.toml", "--detect", "1"), "harness plan: --detect can't be used with a study."),
        (("plan", "claimed.toml", "--workers", "2"), "harness plan: --workers can't be used with a study."),
        (("run", "claimed.toml", "--only", "paralelisation"), "--only paralelisation: no claim of this study. Did you"),
        (
            ("run", "claimed.toml", "--set", "epochs=2"),
            "--set epochs=2: none of these claims reads runs. Write --set",
        ),
        (
            ("plan", "claimed.toml", "--set", "paralelisation.repeats=2"),
            "--set paralelisation.…: no claim that is measured here. Did you mean parallelisation?",
        ),
        (
            ("run", "claimed.toml", "--set", "parallelisation.repeats=0"),
            "claimed.toml: claims.parallelisation.repeats: must be greater",
        ),
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


def test_a_study_whose_folder_would_hold_other_output_is_refused(command, study):
    Path("single.toml").write_text(PARALLEL)
    assert command("plan", "single.toml").lines == [
        "single.toml: the folder single of runs is for runs outside any suite. Rename the file, for example "
        "my_single.toml."
    ]


def test_a_folder_is_a_suites_or_a_studys(command, study):
    FOLDER.mkdir(parents=True)
    (FOLDER / "suite.json").write_text("{}")
    assert command("run", study).lines == [
        "runs/claimed: holds the runs of a suite. Rename the study, or use another --runs folder."
    ]
    (FOLDER / "suite.json").rename(FOLDER / "study.json")
    Path(study).write_text('tasks = ["rotten_tomatoes"]\nmodels = ["majority"]\n')
    assert command("run", study).lines == [
        "runs/claimed: has what a study measured. Rename the suite, or name another --runs folder."
    ]
