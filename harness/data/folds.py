"""Folds of a cross-validation: every row in one of them, whole groups together, each label in its proportion."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

SEED = 20_170_612


def dealt(groups: Sequence[Sequence[int]], strata: Sequence[object], count: int) -> list[list[int]]:
    """The places in each of `count` folds, the same every time; a fold may be empty where groups are large.

    Where no label has a row for each fold, or rows have numbers instead of labels, folds are equal in size alone.

    Args:
        groups: The places that belong together; every place is in one group.
        strata: What each place counts as, such as its label.
        count: How many folds.
    """
    # sklearn's import takes a second, and only folds need it.
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # noqa: PLC0415

    if len(groups) < count:
        return [*map(list, groups), *([] for _ in range(count - len(groups)))]
    group_of = {place: number for number, group in enumerate(groups) for place in group}
    first = {stratum: number for number, stratum in reversed(list(enumerate(strata)))}
    balanced = max(Counter(strata).values()) >= count
    labels = [first[stratum] if balanced else 0 for stratum in strata]
    splitter = StratifiedGroupKFold if len(groups) < len(strata) else StratifiedKFold
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # A label with fewer rows than folds is in as many as it can be.
        split = splitter(count, shuffle=True, random_state=SEED).split(
            labels, labels, [group_of[place] for place in range(len(strata))]
        )
        return [places.tolist() for _, places in split]
