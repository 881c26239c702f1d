"""Commands that need no model answer without the seconds that torch takes to be imported."""

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import reviews, write_csv
from synthetic_runs import add_runs

HEAVY = ("torch", "transformers", "accelerate", "datasets", "evaluate", "sklearn")
ROOT = Path(__file__).parent.parent.parent


def imported_by(words, folder, *, first=""):
    """The exit code of a command, what it said, and what of `HEAVY` it imported; in a process of its own."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{first}\n"
        f"sys.argv = ['harness', *{[str(word) for word in words]!r}]\n"
        "from harness.cli import main\n"
        "code = 0\n"
        "try: main()\n"
        "except SystemExit as stopped: code = stopped.code\n"
        f"print(code, *sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    exit_code, *heavy = done.stdout.splitlines()[-1].split()
    return int(exit_code), done.stdout + done.stderr, heavy


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (["--help"], 0, "Usage"),
        (["list"], 0, "rotten_tomatoes"),
        (["list", "tsks"], 2, "Did you mean tasks?"),
        (["plan", "demo"], 0, "new"),
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
        (["report", "--format", "htm"], 2, "Did you mean html?"),
    ],
)
def test_an_answer_that_needs_no_model_imports_nothing_heavy(tmp_path, words, exit_code, said):
    (tmp_path / "wrong.toml").write_text('tasks = ["boolq"]\nmodels = ["majority"]\nseds = [1]\n')
    code, output, heavy = imported_by(words, tmp_path)
    assert (code, heavy) == (exit_code, []), output
    assert said in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "runs"], "bert-mini"),
        (["report", "runs", "--format", "html"], "report.html"),
        (["report", "runs", "--format", "csv"], "report.csv"),
    ],
)
def test_a_comparison_reads_records_and_imports_nothing_heavy(tmp_path, words, said):
    add_runs(tmp_path / "runs", "bert-mini", 0.8)
    add_runs(tmp_path / "runs", "scratch", 0.7, family="scratch")
    code, output, heavy = imported_by(words, tmp_path)
    assert (code, heavy) == (0, []), output
    assert said in output


# The workers stay away: what is asked is the process that starts them.
NO_WORKERS = "import harness.suites.runner; harness.suites.runner.in_workers = lambda *_, **__: iter(())"


def test_the_process_that_starts_workers_and_one_that_finds_all_recorded_import_nothing_heavy(command, tmp_path):
    write_csv(tmp_path / "reviews.csv", reviews())
    (tmp_path / "own.toml").write_text(
        'tasks = ["own"]\nmodels = ["majority", "tfidf"]\nseeds = [0]\n[data.own]\ntrain = "reviews.csv"\n'
    )
    words = ["run", "own.toml", "--workers", "2"]
    code, output, heavy = imported_by(words, tmp_path, first=NO_WORKERS)
    assert (code, heavy) == (0, []), output
    assert command("run", "own.toml").code == 0
    code, output, heavy = imported_by(words, tmp_path)
    assert (code, heavy) == (0, []), output
    assert "2 of 2 runs are recorded already" in output
