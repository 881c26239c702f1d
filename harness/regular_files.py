"""Read small files that may contain anything, or reject them with one line."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from harness.errors import UserError

LARGEST_JSON = 256 << 20
"""Maximum size of a JSON file in bytes; records are far smaller."""
DEEPEST = 30
"""Maximum nesting of tables and lists in a file; configurations have five levels."""
LONGEST_NUMBER = 300
"""Maximum digits of an integer in a JSON file; a longer one does not fit a float."""


def check_regular(file: Path, advice: str, *, within: Path | None = None) -> None:
    """Reject what is not a regular file, such as a folder, or a pipe or device, which may never end.

    Args:
        file: The file.
        advice: What to do if it is not a file.
        within: A folder that a link must not leave; default: links may lead anywhere.

    Raises:
        UserError: If it does not exist, is something else, or is a link that leads out or nowhere.
    """
    try:
        mode, target = file.stat().st_mode, file.resolve()
    except OSError as error:
        raise UserError(f"{file}: can't be read ({error.strerror}). {advice}") from error
    if not stat.S_ISREG(mode):
        raise UserError(f"{file}: not a file. {advice}")
    if within is not None and not target.is_relative_to(within.resolve()):
        raise UserError(f"{file}: a link that leads outside {within}. {advice}")


def read_json(file: Path, noun: str, advice: str) -> Any:
    """Read a JSON file, with limits on its nesting and its numbers.

    Args:
        file: The file.
        noun: What it should contain, for messages.
        advice: What to do if it does not.

    Raises:
        UserError: If it is no file, too large, truncated, or not such JSON.
    """
    check_regular(file, advice)
    try:
        too_large = file.stat().st_size > LARGEST_JSON
        content = None if too_large else json.loads(file.read_bytes().decode(), parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: not a whole {noun} ({error}). {advice}") from error
    except OSError as error:
        raise UserError(f"{file}: can't be read ({error.strerror}). {advice}") from error
    if too_large or is_deeper(content, DEEPEST):
        raise UserError(f"{file}: not a whole {noun} ({'too large' if too_large else 'nested too deep'}). {advice}")
    return content


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def is_deeper(content: Any, levels: int) -> bool:
    """Return whether tables and lists are nested more than `levels` deep."""
    if not isinstance(content, dict | list):
        return False
    parts = content.values() if isinstance(content, dict) else content
    return levels == 0 or any(is_deeper(part, levels - 1) for part in parts)
