"""Small files of which anything may have become: read whole if they are what they should be, and refused in a line."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from harness.errors import UserError

LARGEST_JSON = 256 << 20
"""Bytes of a JSON file; no record comes near."""
DEEPEST = 30
"""Levels of tables and lists in a file; a configuration has five."""
LONGEST_NUMBER = 300
"""Digits of a whole number in a JSON file; a longer one is no float."""


def check_regular(file: Path, advice: str, *, within: Path | None = None) -> None:
    """Refuse what is no file, such as a folder, or a pipe or a device, which may never end.

    Args:
        file: Where it should lie.
        advice: What to do if it does not.
        within: A folder that a link must not lead out of; default: it may lead anywhere.

    Raises:
        UserError: It is not there, is something else, or a link that leads out or nowhere.
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
    """The content of a JSON file, no deeper and with no larger numbers than can be used.

    Args:
        file: Where it lies.
        noun: What it should hold.
        advice: What to do if it does not.

    Raises:
        UserError: It is no file, too large, cut short, or no such JSON.
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
    """Whether tables and lists lie in each other more than `levels` deep."""
    if not isinstance(content, dict | list):
        return False
    parts = content.values() if isinstance(content, dict) else content
    return levels == 0 or any(is_deeper(part, levels - 1) for part in parts)
