"""Commands that need no model answer without the seconds that torch takes to be imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import reviews, write_csv
from synthetic_runs import add_runs

from harness.registry import FORMATS

FOR_TABLES = ("scipy", "pandas", "pyarrow")  # what help and lists need no more than models
HEAVY = ("torch", "transformers", "accelerate", "datasets", "evaluate", "sklearn", *FOR_TABLES)
ROOT = Path(__file__).parent.parent.parent


# Does each line of words in turn, and says of each what of `heavy` was imported by then.
PROGRAM = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
sys.path.insert(0, {root!r})
{first}
from harness.cli import main
for words in {lines!r}:
    sys.argv, said, code = ["harness", *words], io.StringIO(), 0
    with redirect_stdout(said), redirect_stderr(said):
        try:
            main()
        except SystemExit as stopped:
            code = stopped.code
    print(json.dumps([code, said.getvalue(), sorted(set({heavy!r}) & set(sys.modules))]))
"""


def answers_to(lines, folder, *, first=""):
    """The exit code of each command, what it said, and what of `HEAVY` was imported; in a process of their own."""
    program = PROGRAM.format(root=str(ROOT), first=first, lines=lines, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, cwd=folder, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


RUN = "runs/reviews/rotten_tomatoes/bert-mini/seed-0"
ANSWERS = [
    (["--help"], 0, "Usage"),
    (["export", "--help"], 0, "--dry-run"),
    (["export", "run", "out", "--to", "folder", "--int8"], 2, "is for an ONNX graph"),
    (["serve", "--help"], 0, "--compare"),
    (["list"], 0, "rotten_tomatoes"),
    (["list", "tasks", "--json"], 0, '"task type": "question_answering"'),
    (["list", "tsks"], 2, "Did you mean tasks?"),
    (["list", "studies"], 0, "claims"),
    (["plan", "demo"], 0, "Time"),
    (["plan", "demo", "--detect", "1", "--until", "decided"], 0, "3 to 10 seeds"),
    (["plan", "demo", "--only", "nosuch"], 2, "--only nosuch: neither a task nor a model of this suite."),
    (["plan", "demo", "--set", "epohs=1"], 2, "Did you mean epochs?"),
    (["plan", "wrong.toml"], 2, "Did you mean seeds?"),
    (["run", "wrong.toml"], 2, "Did you mean seeds?"),
    (["run", "nosuchsuite"], 2, "nosuchsuite.toml: no such file."),
    (["run", "demo", "--only", "nosuch"], 2, "--only nosuch: neither a task nor a model of this suite."),
    (["run", "--task", "nosuch", "--model", "majority"], 2, "'nosuch': no such task."),
    (["run", "--task", "boolq", "--model", "nosuch"], 2, "'nosuch': no such model"),
    (["run", "--task", "boolq", "--model", "majority", "--set", "epohs=1"], 2, "Did you mean epochs?"),
    (["compare", "nowhere"], 2, "nowhere: no records of runs there."),
    (["calibrate", "--examples", "30", "--repeats", "20"], 0, "told apart"),
    (["report", "--format", "htm"], 2, "Did you mean html?"),
    (["compare", "runs"], 0, "bert-mini"),
    *((["report", "runs", "--format", name], 0, "report.") for name in FORMATS.names()),
    (["runs", "ls", "runs"], 0, "6 runs"),
    (["errors", "runs", "--by", "label"], 0, "other seeds"),
    (["evaluate", "nowhere", "--split", "test"], 2, "nowhere: no such folder."),
    (["evaluate", "runs", "--input", "new.csv"], 2, "runs: no run, but a folder that holds 6."),
    (["evaluate", RUN, "--input", "new.csv"], 2, "made by another version"),
    (["predict", "nowhere", "--text", "dull"], 2, "nowhere: no such folder."),
    (["explain", "nowhere", "--text", "dull"], 2, "nowhere: no such folder."),
    (["explain", RUN], 2, "neither a text nor --curve is given"),
    (["explain", RUN, "--label", "negative", "--curve", "5"], 2, "--label needs a text"),
    (["errors", "nowhere"], 2, "nowhere: no such folder."),
    (["errors", "nowhere", "--by", "label"], 2, "nowhere: no records of runs there."),
    (["export", "nowhere", "out", "--to", "folder"], 2, "nowhere: no such folder."),
    (["serve", "nowhere"], 2, "nowhere: no such folder."),
    (["serve", "runs"], 2, "runs: no run, but a folder that holds 6."),
    (["measure", "nowhere"], 2, "nowhere: no complete runs there to measure."),
    (["diff", RUN, RUN.replace("bert-mini", "scratch")], 0, "single runs"),
]


@pytest.mark.slow
def test_an_answer_that_needs_no_model_imports_nothing_heavy(tmp_path):
    """Comparing recorded runs and showing them in every format included."""
    (tmp_path / "wrong.toml").write_text('tasks = ["boolq"]\nmodels = ["majority"]\nseds = [1]\n')
    add_runs(tmp_path / "runs", "bert-mini", 0.8)
    add_runs(tmp_path / "runs", "scratch", 0.7, family="scratch")
    found = answers_to([words for words, _, _ in ANSWERS], tmp_path)
    for (words, exit_code, said), (code, output, heavy) in zip(ANSWERS, found, strict=True):
        may = set() if words[0] in ("--help", "list") else set(FOR_TABLES)
        assert (code, set(heavy) - may) == (exit_code, set()), (words, output)
        assert said in output, words


# The workers stay away: what is asked is the process that starts them.
NO_WORKERS = "import harness.suites.runner; harness.suites.runner.in_workers = lambda *_, **__: iter(())"


@pytest.mark.slow
def test_the_process_that_starts_workers_and_one_that_finds_all_recorded_import_nothing_heavy(command, tmp_path):
    write_csv(tmp_path / "reviews.csv", reviews())
    (tmp_path / "own.toml").write_text(
        'tasks = ["own"]\nmodels = ["majority", "tfidf"]\nseeds = [0]\n[data.own]\ntrain = "reviews.csv"\n'
    )
    words = ["run", "own.toml", "--workers", "2"]
    ((code, output, heavy),) = answers_to([words], tmp_path, first=NO_WORKERS)
    assert (code, set(heavy) - set(FOR_TABLES)) == (0, set()), output
    assert command("run", "own.toml").code == 0
    ((code, output, heavy),) = answers_to([words], tmp_path)
    assert (code, set(heavy) - set(FOR_TABLES)) == (0, set()), output
    assert "2 of 2 runs are recorded already" in output


@pytest.mark.slow
def test_the_majority_imports_neither_transformers_nor_scikit_learn(tmp_path):
    write_csv(tmp_path / "reviews.csv", reviews())
    words = ["run", "--train", "reviews.csv", "--model", "majority"]
    ((code, output, heavy),) = answers_to([words], tmp_path)
    assert (code, {"transformers", "sklearn"} & set(heavy)) == (0, set()), output
