"""Labels that may be typing errors: rare ones, a letter away from a frequent one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations

from harness.counted import counted
from harness.data.labels import label_name

SHOWN_TYPOS = 5
MOST_LABELS = 200
"""Data with more labels, whose names resemble one another by chance, is not looked at."""
TIMES = 20
"""How many times as frequent the other label is."""


def typo_notes(fields: Iterable[object]) -> Iterator[str]:
    """Report labels that are spelt like one that is at least twenty times as frequent, but for one letter.

    Not compared are names of which neither has four letters, those that differ in a digit, and case.

    Args:
        fields: The fields, with a label each.
    """
    counts = Counter(name for field in fields if (name := label_name(field)) is not None)
    if len(counts) > MOST_LABELS:
        return
    likely = [
        f"{rare!r:.100} ({counted(counts[rare], 'row')}) and {common!r:.100} ({counts[common]:,})"
        for common, rare in (sorted(pair, key=counts.__getitem__, reverse=True) for pair in combinations(counts, 2))
        if counts[common] >= TIMES * counts[rare] and differ_by_a_letter(common, rare)
    ]
    if likely:
        more = f" and {len(likely) - SHOWN_TYPOS:,} more" if len(likely) > SHOWN_TYPOS else ""
        yield f"labels that may be typing errors are classes of their own: {', '.join(likely[:SHOWN_TYPOS])}{more}"


def differ_by_a_letter(first: str, second: str) -> bool:
    """Return whether one letter is missing, wrong or in its neighbour's place in one of two names.

    >>> differ_by_a_letter("earn", "ear"), differ_by_a_letter("trade", "tarde"), differ_by_a_letter("part 1", "part 2")
    (True, True, False)
    """
    short, long = sorted((first.casefold(), second.casefold()), key=len)
    if len(long) < 4 or len(long) - len(short) > 1 or short == long:
        return False
    start = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if any(map(str.isdigit, short[start : start + 1] + long[start : start + 1])):
        return False
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    swapped = short[:start] + short[start : start + 2][::-1] + short[start + 2 :]
    return short[start + 1 :] == long[start + 1 :] or swapped == long
