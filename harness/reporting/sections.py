"""The sections of a report, with the same names in all formats that have them."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence
from typing import Any

from harness.errors import UserError, notice
from harness.registry import FORMATS

SECTIONS = {
    "advice": "what to use, and what the data supports, in sentences",
    "scores": "each model's mean scores with intervals",
    "differences": "each model against the baseline",
    "over-tasks": "what is shown over all tasks together",
    "curves": "scores over the values of a setting that is varied",
    "runs": "what the scores are of: seeds, test examples, share of the text read",
    "errors": "where the models err",
    "training": "losses while a model was trained",
    "cost": "what training and use cost",
    "tuning": "which recipes were tried",
    "setup": "what each task is, and the configurations",
    "method": "how to read it, notes of the runs, how to reproduce it",
}
"""Their descriptions. Failures, gaps and warnings are not optional, because numbers mislead without them."""


def of_format(format_: str) -> Sequence[str] | None:
    """The sections of a format, as in the default of its `only`; None for one without sections, such as CSV."""
    known = inspect.signature(FORMATS.load(format_)).parameters.get("only")
    if known is None:
        return None
    return tuple(SECTIONS) if known.default in (None, known.empty) else tuple(known.default)


def check_sections(format_: str, only: Collection[str]) -> None:
    """Reject the name of a section that a format does not have.

    Raises:
        UserError: If a section does not exist in this format; the message lists those that do.
    """
    known = of_format(format_) or ()
    has = f"the format {format_} has no such section. It has: {', '.join(known)}."
    wrong = [name for name in only if name not in known]
    if wrong:
        raise UserError(*(f"--only {name}: {has}" for name in wrong))


def check_content(format_: str, results: Any, only: Collection[str]) -> None:
    """Reject sections without content in these results; if only some lack it, say so.

    Args:
        format_: A format that has these sections.
        results: The results to report.
        only: The requested sections.

    Raises:
        UserError: If none of them has any content; the message lists those that have.
    """
    render = FORMATS.load(format_)
    nothing = render(results, only=())

    def is_empty(section: str) -> bool:
        return bool(render(results, only=(section,)) == nothing)

    empty = [section for section in only if is_empty(section)]
    if not empty:
        return
    line = f"--only {','.join(empty)}: {results.runs} has nothing for it."
    if len(empty) < len(only):
        notice(line)
        return
    has = [section for section in of_format(format_) or () if section not in empty and not is_empty(section)]
    raise UserError(f"{line} Sections with content, as {format_}: {', '.join(has) or 'none'}.")
