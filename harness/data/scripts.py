"""Scripts without blanks between words: Thai, Lao, Burmese, Khmer, Japanese and Chinese."""

from __future__ import annotations

import re

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""Their characters, as part of a regular expression's set."""
_CHARACTER = re.compile(f"[{UNSPACED}]")


def count_unspaced(text: str) -> int:
    """Count the characters of such scripts.

    >>> count_unspaced("He lives in 北京市.")
    3
    """
    return len(_CHARACTER.findall(text))
