"""Answers written as text in a CSV file."""

from __future__ import annotations

import re

from harness.data.fields import FieldError
from harness.data.written_values import NotWrittenError, is_bracketed, written_value

_MEANT = re.compile(r"""\{\s*["'](text|answer_start)["']""")


def is_written(field: object) -> bool:
    """Return whether a field contains answers with their positions, possibly as text."""
    return isinstance(field, dict) or (isinstance(field, str) and bool(_MEANT.search(field)))


def parsed(field: object, context: str = "") -> object:
    """Parse a field whose text is a list or dictionary of answers; return any other field unchanged.

    A text in brackets that occurs in the context is an answer, not a list.

    Raises:
        FieldError: If the text looks like such a value but cannot be read.
    """
    if not isinstance(field, str) or not is_bracketed(field) or field in context:
        return field
    try:
        found = written_value(field)
    except NotWrittenError as error:
        if _MEANT.search(field):
            raise FieldError(f"answers: can't be read ({error}; got {field!r:.100}). Write JSON.") from error
        return field
    is_answers = isinstance(found, dict) and "text" in found
    items = found if isinstance(found, list) else [None]
    return found if is_answers or all(isinstance(item, str | dict | int | float) for item in items) else field
