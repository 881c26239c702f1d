"""Text that a terminal, a browser or an editor shows and does not act on."""

from __future__ import annotations

import re

# Control characters but for the tab and the newline; the separators that some programs take for a newline; what turns
# the direction of writing; and halves of surrogate pairs, which no encoding has.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""`text` with a replacement character in place of each that would be acted on.

    >>> printable("\x1b[2Jcleared")
    '�[2Jcleared'
    """
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def printable_json(text: str) -> str:
    r"""JSON that says the same, with an escape in place of each character that would be acted on.

    >>> printable_json('"\x9b31m"')
    '"\\u009b31m"'
    """
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
