"""Text that is shown by a terminal, browser or editor without side effects, and as much of it as there is room for."""

from __future__ import annotations

import re

# Control characters except tab and newline; separators that some programs take for a newline; characters that change
# the direction of writing; and surrogates, which no encoding has.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Replace each character of `text` that has side effects by a replacement character.

    >>> printable("\x1b[2Jcleared")
    '�[2Jcleared'
    """
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def truncated(text: str, most: int) -> str:
    """Cut a text to at most `most` characters, the last of which then says so.

    >>> truncated("abcdef", 6), truncated("abcdef", 5)
    ('abcdef', 'abcd…')
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def printable_json(text: str) -> str:
    r"""Equivalent JSON, with each character that has side effects escaped.

    >>> printable_json('"\x9b31m"')
    '"\\u009b31m"'
    """
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
