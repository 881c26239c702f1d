"""Folds of a cross-validation, stratified by label, with whole groups."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

SEED = 20_170_612


def dealt(groups: Sequence[Sequence[int]], strata: Sequence[object], count: int) -> list[list[int]]:
    """Divide the examples into `count` folds, deterministically. A fold may be empty if groups are large.

    If no label has an example for each fold, or there are numbers instead of labels, only the sizes are balanced.

    Args:
        groups: The indices that belong together; every index is in one group.
        strata: The stratum of each index, such as its label.
        count: The number of folds.
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
        warnings.simplefilter("ignore", UserWarning)  # A label with fewer rows than folds is in as many as possible.
        split = splitter(count, shuffle=True, random_state=SEED).split(
            labels, labels, [group_of[place] for place in range(len(strata))]
        )
        return [places.tolist() for _, places in split]
