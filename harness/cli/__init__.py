"""The command line. Heavy modules are only imported when a command needs them."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from functools import cache
from typing import Any

import typer

from harness.cli import (  # noqa: F401 -- each adds its commands to the application
    calibrating,
    choosing,
    comparing,
    deploying,
    differing,
    doctor,
    erring,
    evaluating,
    explaining,
    models,
    recorded,
    reporting,
)
from harness.cli.app import MISTAKE, STOPPED, app
from harness.counted import counted
from harness.errors import UserError
from harness.output import console, prepare_streams, say

MOST_LINES = 200  # Mistakes shown at a time; the rest are shown once these are fixed.
USAGE_ERROR: Any = typer.BadParameter.__base__  # Its only name that every version of typer exports.


@cache
def command() -> Any:
    """Build the command line once per process: that takes typer as long as a short command."""
    return typer.main.get_command(app)


def main() -> None:
    """Run the command line; `harness --help` explains the exit codes."""
    prepare_streams()
    atexit.register(gc.freeze)  # Else Python collects half a million objects of torch once more before it ends.
    if os.name != "posix":
        sys.exit(_complain("harness: needs the file locks of Linux or macOS. On Windows, use WSL."))
    if len(sys.argv) < 2:
        sys.argv.append("--help")
    try:
        code = command()(prog_name="harness", standalone_mode=False)
    except UserError as error:
        code = _complain(*error.lines)
    except USAGE_ERROR as error:
        asked = getattr(error.ctx, "command_path", "") or "harness"
        code = _complain(f"{_in_one_line(error.format_message())} See: {asked} --help.")
    except typer.Abort:
        code = STOPPED
    except OSError as error:
        code = _complain(
            f"{error.filename or 'harness'}: {error.strerror or error}. Use another folder, or free some space."
        )
    if code == STOPPED:
        _complain("Stopped. What is recorded is kept. Run the same command again to continue.")
    sys.exit(code or 0)


def _in_one_line(message: str) -> str:
    """A message of typer without line breaks between choices."""
    line = " ".join(message.replace("Value error, ", "").split()).rstrip(".")
    return line if line.endswith("?") else f"{line}."


def _complain(*lines: str) -> int:
    """Show the mistakes, and return the exit code."""
    shown = console(stderr=True)
    for line in lines[:MOST_LINES]:
        say(shown, line, style="red")
    if len(lines) > MOST_LINES:
        say(shown, f"… and {counted(len(lines) - MOST_LINES, 'more line')}.", style="red")
    return MISTAKE
