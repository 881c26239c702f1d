"""Names and doubts in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.comparison.results import Cell

MOST_NAMED = 24
"""Maximum number of names in a sentence; the rest are counted, and the tables show them."""


def listed(items: Iterable[str]) -> str:
    """Join names to a list.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    >>> listed([f"model-{number}" for number in range(200)]).partition("model-22, ")[2]
    'model-23 and 176 more'
    """
    names = list(items)
    if len(names) > MOST_NAMED:
        names = [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def named(cell: Cell) -> str:
    """The model's name, with the reasons to doubt its mean."""
    return f"{cell.model} ({', '.join(cell.doubts)})" if cell.doubts else cell.model


def doubtful(doubts: Sequence[str]) -> str:
    """The reasons to doubt a claim in parentheses, to follow it; empty if there are none.

    >>> doubtful(["only 3 test examples"])
    ' (doubtful: only 3 test examples)'
    """
    return f" (doubtful: {'; '.join(doubts)})" if doubts else ""
