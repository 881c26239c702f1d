"""The command line: what it says, where, and with which exit code."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from command_line import read_record, reviews, write_csv
from synthetic_runs import add_runs
from waiting import LONGEST, wait_for

FLOOR = ("--task", "boolq", "--model", "majority")
# Python 3.14 sees no suffix in "..csv".
NO_STEM = pytest.param("d/..csv", marks=pytest.mark.skipif(sys.version_info >= (3, 14), reason="is refused there"))
COMMANDS = ("list", "plan", "run", "compare", "report", "predict", "perplexity", "convert")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "tsks"], "harness list tsks: no such list. Did you mean tasks?"),
        (["run", "--task", "bolq", "--model", "majority"], "'bolq': no such task. Did you mean boolq?"),
        (["run", "--task", "boolq", "--model", "minilmm"], "'minilmm': no such model in configs/models"),
        (["run", "--task", "boolq"], "harness run: name a suite, or --models with --task"),
        (["run", "--model", "majority"], "harness run: name a suite, or --models with --task"),
        (["run", "nowhere.toml"], "nowhere.toml: no such file."),
        (["run", "nowhere.toml", "--seed", "0"], "harness run: --seed can't be used with a suite"),
        (["run", "nowhere.toml", "--new-head"], "harness run: --new-head can't be used with a suite"),
        (
            ["run", "nowhere.toml", "--task", "boolq", "--kind", "x"],
            "harness run: --task, --task-type can't be used with",
        ),
        (["run", "--task", "boolq", "--model", "majority", "--train", "x.csv"], "harness run: name a suite, or"),
        (
            ["run", "--task", "boolq", "--model", "majority", "--label", "y"],
            "harness run: --label can't be used with --task",
        ),
        (
            ["run", "--task", "boolq", "--model", "majority", "--only", "x"],
            "harness run: --only: only for a suite.",
        ),
        (["run", "--task", "boolq", "--model", ","], "--models: no names (got ',')."),
        (
            ["run", "--task", "boolq", "--model", "tfidf", "--seed", "1", "--seeds", "2"],
            "--seed names one seed, and --seeds",
        ),
        (["plan", "demo", "--models", "minilmm"], "--models: 'minilmm': no such model in configs/models"),
        (
            ["run", "--task", "boolq", "--model", "majority", "--seed", "-1"],
            "Invalid value for '--seed': Input should be greater than or equal to 0.",
        ),
        (
            ["run", "--task", "boolq", "--model", "majority", "--set", "epochs"],
            "--set epochs: not of the form key=value.",
        ),
        (
            ["run", "--task", "boolq", "--model", "majority", "--set", "epochs=abc"],
            "--set epochs: must be a valid number",
        ),
        (
            ["run", "--task", "boolq", "--model", "majority", "--set", "epohs=1"],
            "--set epohs: no such setting (got 1).",
        ),
        (["run", "--task", "boolq", "--model", "a/not-cached"], "a/not-cached: not in the local cache"),
        (["run", "--task", "boolq", "--model", "package:no-such-package/x"], "package:no-such-package/x: package"),
        (["plan", "nowhere"], "configs/suites/nowhere.toml: no such file."),
        (["compare", "nowhere"], "nowhere"),
        (["report", "--format", "htm"], "'htm': no such report format. Did you mean html?"),
        (["predict", "nowhere", "--text", "x"], "nowhere: no such folder."),
        (["predict", "nowhere", "--output", "x.txt"], "x.txt: can't write .txt. Use .jsonl or .csv."),
        (["run", *FLOOR, "--track", "tensorbord"], "--track tensorbord: no such tracker. Did you mean tensorboard?"),
        (["run", "--colour"], "No such option: --colour"),
        (["rnu"], "No such command 'rnu'."),
        (["plan"], "Missing argument"),
        (["export", "a", "b"], "Missing option '--to'. Choose from: folder, onnx, hub. See: harness export --help."),
        (["export", "a", "b", "--to", "fodler"], "Invalid value for '--to': 'fodler' is not one of"),
        (["runs", "lst"], "No such command 'lst'. Did you mean 'ls'? See: harness runs --help."),
        (["explain", "a", "--text", "b", "--html", "no/x.html"], "--html no/x.html: its folder does not exist."),
    ],
)
def test_a_mistake_is_told_in_one_line_with_exit_code_two_and_nothing_is_written(command, words, said):
    result = command(*words)
    assert result.code == 2
    (line,) = result.lines
    assert said in line
    assert result.output == ""
    assert list(Path().iterdir()) == []


def test_all_wrong_settings_are_told_at_once(command):
    settings = ("--set", "epochs=abc", "--set", "learning_rate=-1", "--set", "epohs=1")
    result = command("run", "--task", "boolq", "--model", "majority", *settings)
    assert len(result.lines) == 3


def test_a_message_that_looks_like_markup_is_shown_as_it_is(command):
    assert command("list", "[red]x[/red]").lines[0].startswith("harness list [red]x[/red]: no such list.")


@pytest.mark.parametrize("words", [[], ["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_is_shown_where_it_is_asked_for(command, words):
    result = command(*words)
    assert result.code == 0
    assert "Usage: harness" in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example_of_itself(command, name):
    output = command(name, "--help").output
    assert f"harness {name} " in output[output.index("Example") :]


def test_the_help_names_every_command(command):
    output = command("--help").output
    assert all(f" {name} " in output for name in COMMANDS)


@pytest.mark.parametrize("name", ["tasks", "models", "corpora", "formats"])
def test_a_list_says_what_each_entry_is(command, name):
    lines = [line for line in command("list", name).output.splitlines()[1:] if line.strip()]
    assert len(lines) >= 3
    assert all(len(line.split()) >= 3 for line in lines)


def test_the_list_of_tasks_says_what_each_asks_for_how_large_it_is_and_whether_it_needs_a_network(command):
    found = {one["name"]: one for one in json.loads(command("list", "tasks", "--json").output)["tasks"]}
    assert [found["cola"][name] for name in ("task type", "train + test", "offline")] == [
        *("classification", "8,551 + 1,043", "no")
    ]
    assert found["listops"]["offline"] == "yes"
    assert "task type" in command("list", "tasks").output.splitlines()[1]


def test_in_80_columns_a_tasks_description_stands_below_its_facts(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = command("list", "tasks").output.splitlines()
    place = lines.index("cola  classification, 8,551 + 1,043, offline: no")
    assert lines[place + 1].startswith("  Is a sentence grammatical English?")


@pytest.mark.slow
def test_a_shell_completes_commands():
    words = {"_HARNESS_COMPLETE": "complete_bash", "COMP_WORDS": "harness li", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "harness"], capture_output=True, text=True, check=False, env={**os.environ, **words}
    )
    assert done.stdout.split() == ["list"]


@pytest.mark.slow
def test_the_package_runs_as_a_module(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "harness", "list", "formats"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "markdown" in result.stdout


def test_a_suite_of_ones_own_is_run_compared_and_reported_in_every_format(command, checkpoints):
    folder = Path("study")
    folder.mkdir()
    write_csv(folder / "reviews.csv", [{"review": row["text"], "stars": row["label"]} for row in reviews(60)])
    (folder / "own.toml").write_text(f'family = "bert"\ncheckpoint = "{checkpoints["bert"]}"\n')
    (folder / "mine.toml").write_text(
        'tasks = ["mine"]\nmodels = ["own.toml", "tfidf", "majority"]\nbaseline = "majority"\nseeds = [0, 1]\n'
        "[training]\nmaximum_steps = 2\nevaluations_per_epoch = 1\n"
        '[data.mine]\ntrain = "reviews.csv"\ntext = ["review"]\nlabel = "stars"\n'
    )
    assert "4 new" in command("plan", "study/mine.toml").output.splitlines()
    result = command("run", "study/mine.toml")
    assert result.code == 0, result.output + result.errors
    assert result.output.splitlines()[-1] == "Records in runs/mine. Next: harness compare runs/mine"
    shown = command("compare", "runs/mine")
    assert shown.code == 0
    assert all(name in shown.output for name in ("tfidf", "majority", "own"))
    from harness.registry import FORMATS

    formats = list(FORMATS.names())
    assert len(formats) >= 4
    for name in formats:
        written = command("report", "runs/mine", "--format", name, "--output", f"reports/mine.{name}")
        assert written.code == 0, written.errors
        assert "tfidf" in Path(f"reports/mine.{name}").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("content", ["{", "[]", '{"baseline": 1}', "[" * 100_000])
def test_a_damaged_suite_file_among_the_runs_is_told_and_takes_down_no_report(command, content):
    write_csv(Path("data.csv"), reviews())
    command("run", "--model", "majority", "--train", "data.csv")
    Path("runs/suite.json").write_text(content)
    result = command("compare")
    assert result.code == 0
    assert re.search(r"runs/suite.json: (baseline: |description: )?not ", result.output)
    assert "majority" in result.output


@pytest.mark.slow
def test_a_suite_file_that_is_gone_or_another_suites_is_told(command):
    write_csv(Path("data.csv"), reviews())
    Path("tiny.toml").write_text('tasks = ["own"]\nmodels = ["majority", "tfidf"]\n[data.own]\ntrain = "data.csv"\n')
    assert command("run", "tiny.toml").code == 0
    assert "suite.json" not in command("compare", "runs/tiny").output
    shutil.copy("tiny.toml", "other.toml")
    assert command("run", "other.toml", "--only", "majority").code == 0
    shutil.copy("runs/other/suite.json", "runs/tiny/suite.json")
    assert "runs/tiny/suite.json: left by the suite 'other', not by tiny" in command("compare", "runs/tiny").output
    Path("runs/tiny/suite.json").unlink()
    assert (
        "runs/tiny/suite.json: is missing, and with it the suite's question" in command("compare", "runs/tiny").output
    )
    command("run", "--model", "majority", "--train", "data.csv")
    assert "is gone" not in command("compare", "runs/single").output


@pytest.mark.slow
def test_compare_and_report_take_a_margin(command):
    for model in ("bert-mini", "scratch"):
        add_runs(Path("runs"), model, 0.85, examples=1000)
    shown = command("compare", "--margin", "8", "--baseline", "scratch")
    assert shown.code == 0
    assert "bert-mini is equivalent to scratch within 8 points." in " ".join(shown.output.split())
    assert command("report", "--margin", "rotten_tomatoes=8", "--format", "markdown").code == 0
    assert "equivalent to scratch within 8 points" in Path("runs/report.md").read_text(encoding="utf-8")
    for words, said in (
        ("half", "--margin: must be a number above 0, or TASK=NUMBER (got 'half')."),
        ("rotten=1", "margin 'rotten': no such task in runs. Known: rotten_tomatoes."),
    ):
        refused = command("compare", "--margin", words)
        assert (refused.code, refused.errors.strip()) == (2, said)


@pytest.mark.slow
def test_a_report_that_cannot_be_written_is_told(command):
    write_csv(Path("data.csv"), reviews())
    command("run", "--model", "majority", "--train", "data.csv")
    Path("occupied").touch()
    result = command("report", "--output", "occupied/report.html")
    assert (result.code, result.errors.startswith("occupied: ")) == (2, True)


def test_a_folder_of_runs_that_cannot_be_made_is_refused_before_any_run(command, tmp_path):
    file = write_csv(tmp_path / "films.csv", reviews())
    refused = command("run", "--train", file, "--model", "majority", "--runs", file / "runs")
    assert (refused.code, refused.output) == (2, "")
    assert refused.errors.strip() == f"{file / 'runs/single'}: Not a directory. Use another folder, or free some space."


def test_a_single_run_is_skipped_when_it_is_recorded(command):
    write_csv(Path("data.csv"), reviews())
    command("run", "--model", "majority", "--train", "data.csv")
    (file,) = Path("runs/single").glob("data-*/majority/seed-0/run.json")
    finished = read_record(file.parent)["provenance"]["finished"]
    again = command("run", "--model", "majority", "--train", "data.csv")
    assert (again.code, "1 of 1 runs are recorded already" in again.output) == (0, True)
    assert read_record(file.parent)["provenance"]["finished"] == finished


@pytest.mark.slow
def test_files_of_one_name_are_told_apart_and_models_on_the_same_file_are_compared(command):
    for folder, start in (("old", 0), ("new", 100)):
        Path(folder).mkdir()
        write_csv(Path(folder, "reviews.csv"), reviews(start=start))
        for model in ("majority", "tfidf"):
            result = command("run", "--model", model, "--train", f"{folder}/reviews.csv")
            assert result.code == 0, result.output + result.errors
    found = sorted(file.parts[2:4] for file in Path("runs").rglob("run.json"))
    tasks = sorted({task for task, _ in found})
    assert [len(task.removeprefix("reviews-")) for task in tasks] == [8, 8]
    assert found == [(task, model) for task in tasks for model in ("majority", "tfidf")]


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", [NO_STEM, "a b/ü.csv"])
def test_any_files_name_makes_a_folder_of_the_same_depth(command, name):
    Path(name).parent.mkdir()
    write_csv(Path(name), reviews())
    result = command("run", "--model", "majority", "--train", name)
    assert result.code == 0, result.output + result.errors
    (file,) = Path("runs").rglob("run.json")
    assert len(file.parts) == 6


@pytest.mark.slow
def test_ctrl_c_stops_with_advice_and_the_same_command_goes_on(tmp_path, checkpoints):
    write_csv(tmp_path / "data.csv", reviews(200))
    words = [sys.executable, "-m", "harness", "run", "--model", str(checkpoints["bert"]), "--train", "data.csv"]
    words += ["--set", "epochs=10000", "--checkpoint-seconds", "0"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list(tmp_path.rglob("step-*")) or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LONGEST)
    assert process.returncode == 130
    assert (
        errors.strip().splitlines()[-1] == "Stopped. What is recorded is kept. Run the same command again to continue."
    )
    assert "Traceback" not in errors
    assert list(tmp_path.rglob("step-*")), "the saved state stays"


def test_a_system_without_locks_is_refused_in_plain_words(command, monkeypatch):
    monkeypatch.setattr("harness.cli.os", SimpleNamespace(name="nt"))
    result = command("list", "tasks")
    assert (result.code, result.output) == (2, "")
    assert "needs the file locks of Linux or macOS" in result.errors
