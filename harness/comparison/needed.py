"""What would distinguish two models that a comparison leaves open: more seeds or more test examples."""

from __future__ import annotations

from dataclasses import dataclass

from harness.counted import counted


@dataclass(frozen=True, slots=True)
class Needed:
    """The sample sizes that detect the observed difference with 80 % power, if it is the true one.

    Attributes:
        leader: The model with the better score.
        rival: The other model.
        more_seeds: Additional seeds for each model that has seeds; None if no number suffices.
        more_examples: Additional test examples; None if no number suffices.
    """

    leader: str
    rival: str
    more_seeds: int | None
    more_examples: int | None

    def __str__(self) -> str:
        """Say it in a sentence.

        >>> str(Needed("bert", "tfidf", 4, None))
        'If bert is as far ahead of tfidf as here, about 4 more seeds of each would show it 4 times in 5.'
        >>> str(Needed("bert", "tfidf", 1, None))
        'If bert is as far ahead of tfidf as here, about 1 more seed of each would show it 4 times in 5.'
        """
        found = []
        if self.more_seeds is not None:
            found.append(f"about {counted(self.more_seeds, 'more seed')} of each")
        if self.more_examples is not None:
            found.append(f"about {_rounded(self.more_examples):,} more test examples")
        ahead = f"If {self.leader} is as far ahead of {self.rival} as here,"
        if not found:
            return f"{ahead} neither more seeds alone nor more test examples alone would show it."
        return f"{ahead} {' or '.join(found)} would show it 4 times in 5."


def _rounded(count: int) -> int:
    """Round to two significant digits: forecasts are no more precise.

    >>> _rounded(1234), _rounded(7)
    (1200, 7)
    """
    return round(count, 2 - len(str(count)))
