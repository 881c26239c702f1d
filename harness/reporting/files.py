"""Report files: the extensions of formats, and the formats of extensions."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, cast

from harness.atomic_writes import write_atomically
from harness.errors import UserError
from harness.printable import printable
from harness.registry import FORMATS
from harness.reporting.sections import check_content, check_sections
from harness.reporting.tuning import trials_csv

_ENDINGS = {"markdown": "md", "latex": "tex"}


def ending_of(format_: str) -> str:
    """The extension of a format's files: its own name, unless another one is common.

    >>> ending_of("latex"), ending_of("html")
    ('.tex', '.html')
    """
    return f".{_ENDINGS.get(format_, format_)}"


def format_of(file: Path) -> str:
    """The format for the file's extension.

    >>> format_of(Path("tables/report.md"))
    'markdown'

    Raises:
        UserError: If no format has this extension.
    """
    known = {ending_of(name): name for name in FORMATS.names()}
    if file.suffix not in known:
        got = repr(file.suffix) if file.suffix else "none"
        raise UserError(f"{file}: no report format has this ending (got {got}). Use {', '.join(sorted(known))}.")
    return known[file.suffix]


def check_settings(format_: str, settings: Mapping[str, object]) -> None:
    """Reject a setting or section that a format does not have.

    Raises:
        UserError: If there is no such format, or it lacks a setting or a section.
    """
    known = inspect.signature(FORMATS.load(format_)).parameters
    wrong = [name for name in settings if name not in known]
    if wrong:
        raise UserError(*(f"--{name}: the format {format_} has no such setting. Leave it out." for name in wrong))
    if "only" in settings:
        check_sections(format_, cast("Collection[str]", settings["only"]))


def write_report(format_: str, results: Any, file: Path, settings: Mapping[str, object] | None = None) -> None:
    """Write a report, atomically, creating the folder if necessary.

    Args:
        format_: A registered report format.
        results: The result of `harness.comparison.comparison.compare`.
        file: The target file.
        settings: Settings of the format, such as LaTeX's columns or the sections.

    Raises:
        UserError: If there is no such format, it lacks a setting, the sections have no content, or a third-party format
            failed or returned no text.
    """
    render, settings = FORMATS.load(format_), settings or {}
    check_settings(format_, settings)
    entry = FORMATS.entry(format_)
    try:
        if settings.get("only"):
            check_content(format_, results, cast("Collection[str]", settings["only"]))
        content = printable(render(results, **settings)).encode()
    except UserError:
        raise
    except Exception as error:
        if entry.built_in:
            raise
        raise UserError(
            f"{entry.origin}: its render failed ({type(error).__name__}: {error}). "
            "Fix it; it takes the results and returns the report's text."
        ) from error
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, content)


def write_trials(results: Any, file: Path) -> None:
    """Write the trials of a comparison as CSV, atomically, creating the folder if necessary.

    Raises:
        UserError: If no model was tuned.
    """
    content = trials_csv(results)
    if not content:
        raise UserError(f"{file}: not written, because no model was tuned in {results.runs}. Leave --trials out.")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, content.encode())
