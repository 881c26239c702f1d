"""`import harness`: light, and every public name is there."""

import subprocess
import sys
from pathlib import Path

import pytest

import harness

ROOT = Path(__file__).parent.parent.parent
HEAVY = ("torch", "transformers", "accelerate", "datasets", "numpy", "pandas", "pydantic", "pyarrow", "rich", "typer")
NAMES = {"Comparison", "FinishedRun", "UserError", "compare", "evaluate", "finetune", "load_runs", "predict"}


def imported_after(statement):
    """What of `HEAVY` a statement imports, in a process of its own."""
    code = f"import sys\n{statement}\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.split()


def test_importing_the_package_imports_nothing_heavy():
    assert imported_after("import harness\nharness.__version__, dir(harness), harness.__all__") == []


@pytest.mark.slow
def test_comparing_and_loading_runs_need_no_torch():
    assert not {"torch", "transformers", "accelerate"} & set(
        imported_after("import harness\nharness.compare, harness.load_runs, harness.UserError")
    )


def test_every_public_name_is_there_and_is_listed():
    assert set(harness.__all__) - {"__version__"} == set(harness._MODULES) == NAMES
    assert set(dir(harness)) == {*NAMES, "__version__"}  # What a notebook proposes after a dot.
    for name in NAMES:
        assert getattr(harness, name).__name__ == name
        assert getattr(harness, name).__doc__


def test_the_command_lines_error_is_the_interfaces():
    from harness.errors import UserError

    assert harness.UserError is UserError


def test_another_name_is_no_attribute():
    with pytest.raises(AttributeError, match="'harness' has no attribute 'finetunes'"):
        harness.finetunes  # noqa: B018


def test_a_notebook_shows_an_error_with_the_line_that_called_and_no_traceback():
    with pytest.raises(harness.UserError) as caught:
        harness.load_runs("no/such\x1b[2Jfolder")
    where, said = "\n".join(caught.value._render_traceback_()).split("\n")
    assert where.endswith(': harness.load_runs("no/such\\x1b[2Jfolder")')
    assert said == f"UserError: {caught.value}".replace("\x1b", "\N{REPLACEMENT CHARACTER}")
    assert harness.UserError("one", "two")._render_traceback_() == ["UserError: one\ntwo"]
