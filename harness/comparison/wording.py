"""Names and doubts as parts of a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.comparison.results import Cell

MOST_NAMED = 24
"""Names that a sentence lists; of more it counts the rest, which the tables show."""


def listed(items: Iterable[str]) -> str:
    """The names as a list in a sentence.

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
    """The model's name, with what makes its mean doubtful."""
    return f"{cell.model} ({', '.join(cell.doubts)})" if cell.doubts else cell.model


def doubtful(doubts: Sequence[str]) -> str:
    """What makes a claim doubtful, in brackets to stand behind it; empty where nothing does.

    >>> doubtful(["only 3 test examples"])
    ' (doubtful: only 3 test examples)'
    """
    return f" (doubtful: {'; '.join(doubts)})" if doubts else ""
