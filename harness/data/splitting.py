"""Separate training, validation and test examples: split by group and label, without duplicates across splits.

A split that the publisher does not provide is taken from train with a fixed seed, the same for every run: 20 % for
test, then 10 % of the whole for validation, or 10 % for validation if only that is missing. In cross-validation each
fold of train is the test split once (`harness.data.folds`).
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

from harness.counted import counted_are
from harness.data.duplicates import Clusters, compared_characters, is_telling, near_duplicates, normalised
from harness.data.folds import dealt
from harness.data.task import Example
from harness.errors import UserError
from harness.fold import Fold

SEED = 20_170_612
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
LEAST_EXAMPLES = 10
# With more examples only texts that are equal after normalization count as duplicates: shingles would take half a
# minute and two gigabytes on 50,000 film reviews.
MOST_COMPARED = 30_000
MOST_CHARACTERS = 200_000_000

# Maximum fraction of a split that is dropped as near-duplicates. If there are more, such texts are alike by nature.
MOST_LEFT_OUT = 0.5
REPEATS_TRAINING = "repeats_training"
"""The column of predictions that marks test examples that nearly repeat a training example, if such rows were kept."""
REPEATED = "train rows that repeat an earlier one"
CONTRADICTED = "train rows that repeat an earlier one under another label"

Examples = Mapping[str, Sequence[Example]]
Parts = Mapping[Example, tuple[int, ...]]


@dataclass
class LeftOut:
    """What was dropped or changed on the way from rows to splits.

    Attributes:
        dropped: Number of rows that were dropped or changed, by reason.
        notes: Remarks for the record.
    """

    dropped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def told_first(self) -> Iterator[None]:
        """Start a `UserError` inside with what was dropped, which usually is the reason."""
        try:
            yield
        except UserError as error:
            raise UserError(*self._lines(), *error.lines) from error

    def _lines(self) -> list[str]:
        reasons = [f"{reason} ({count:,})" for reason, count in self.dropped.items() if count]
        return [*([f"Left out or changed before: {'; '.join(reasons)}."] if reasons else []), *self.notes]


def separated(
    examples: Examples, left_out: LeftOut, *, near: bool = True, repeats: bool = False, fold: Fold | None = None
) -> dict[str, list[Example]]:
    """Return train, validation and test without overlap.

    An example of train is dropped if it equals an earlier one or nearly repeats one of validation or test, and an
    example of validation if it repeats one of test. Missing splits are then taken from train. A published test split
    stays complete, so that scores are comparable with others.

    Args:
        examples: The examples by split.
        left_out: What was dropped before; extended here.
        near: Whether near-duplicates count as repeats too, not only equal examples.
        repeats: Whether to keep equal examples of train.
        fold: The fold of train that is the test split; None for the published test split, or one taken from train.

    Raises:
        UserError: If train has too few examples or groups to take a split from, or there is a test split beside folds.
    """
    kept = {split: list(rows) for split, rows in examples.items()} if repeats else _without_repeats(examples, left_out)
    equal = cache(lambda: _part_clusters(kept, near=False))
    parts = _part_clusters(kept, near=True) if near and not _is_large(kept) else equal()
    kept = _without_leaks(kept, parts, equal, left_out)
    if fold is not None:
        kept = _with_fold(kept, fold, parts, equal, left_out)
    return _with_missing_splits(kept, parts, equal, left_out)


def _with_fold(
    examples: dict[str, list[Example]], fold: Fold, parts: Parts, equal: Callable[[], Parts], left_out: LeftOut
) -> dict[str, list[Example]]:
    """Return the splits with one fold of train as the test split. The folds do not depend on the one requested."""
    train = examples["train"]
    if "test" in examples:
        raise UserError(f"test: there is a test split beside {fold.of} folds of train. Leave one of them out.")
    if len(train) < max(LEAST_EXAMPLES, 2 * fold.of):
        raise UserError(
            f"train: {counted_are(len(train), 'different example')} too few for {fold.of} folds. Give more."
        )
    strata = _strata(train)
    folds = dealt(_groups(train, parts), strata, fold.of)
    least = len(train) / fold.of / 2
    if min(map(len, folds)) < least:
        apart = dealt(_groups(train, equal()), strata, fold.of)
        if min(map(len, apart)) > min(map(len, folds)):
            folds = apart
            left_out.notes.append("folds: near-duplicates make groups too large to keep each in one fold")
    if not min(map(len, folds)):
        raise UserError(
            f"train: its rows form groups too large for {fold.of} folds (the same text, or the same group). "
            "Ask for fewer folds."
        )
    places = set(folds[fold.number - 1])
    test = [example for place, example in enumerate(train) if place in places]
    return {**examples, "train": [one for place, one in enumerate(train) if place not in places], "test": test}


def _with_missing_splits(
    examples: dict[str, list[Example]], parts: Parts, equal: Callable[[], Parts], left_out: LeftOut
) -> dict[str, list[Example]]:
    """Return the splits, with missing ones taken from train."""
    kept = dict(examples)
    whole = len(kept["train"])
    for split, share in (("test", TEST_SHARE), ("validation", VALIDATION_SHARE)):
        if split in kept:
            continue
        if whole < LEAST_EXAMPLES:
            raise UserError(
                f"train: {counted_are(whole, 'different example')} too few to take {split} from "
                f"(at least {LEAST_EXAMPLES}). Give more, or give a {split} split."
            )
        size = round(share * whole)
        stay, taken = carved(kept["train"], size, parts=parts)
        if len(taken) < size / 2:
            apart = carved(kept["train"], size, parts=equal())
            if len(apart[1]) > len(taken):
                stay, taken = apart
                left_out.notes.append(f"{split}: near-duplicates make groups too large to keep each on one side of it")
        if not taken:
            raise UserError(_not_carved(kept["train"], split, equal()))
        kept["train"], kept[split] = stay, taken
    return kept


def _not_carved(train: Sequence[Example], split: str, parts: Parts) -> str:
    """Return the reason why nothing could be taken from train."""
    if max(map(len, _groups(train, parts))) == 1:
        labels = len(set(_strata(train)))
        return (
            f"train: {labels} labels are too many to take {split} from {len(train)} rows. Give a {split} split; or if "
            "most rows have a label of their own, name another column, or another task type."
        )
    return (
        f"train: its rows form groups too large to take {split} from (the same text, or the same group). "
        f"Give a {split} split."
    )


def carved(examples: Sequence[Example], size: int, *, parts: Parts) -> tuple[list[Example], list[Example]]:
    """Divide examples into those that stay and about `size` that are taken, by whole groups and stratified by label.

    If groups are too large for that (a document whose sentences have many labels), it is only required that some
    examples of each label stay.

    Args:
        examples: The examples to divide.
        size: The number to take; fewer are taken if groups are large.
        parts: The clusters of each example's parts. Examples that share one belong to the same group.
    """
    groups = _groups(examples, parts)
    random.Random(SEED).shuffle(groups)
    strata = _strata(examples)
    counts = Counter(strata)
    taken = _within(groups, strata, {stratum: _quota(count, size / len(examples)) for stratum, count in counts.items()})
    if len(taken) < size / 2:
        taken = _within(groups, strata, {stratum: count - 1 for stratum, count in counts.items()}, most=size)
    stay = [example for place, example in enumerate(examples) if place not in taken]
    return stay, [examples[place] for place in sorted(taken)]


def _within(
    groups: Sequence[Sequence[int]], strata: Sequence[object], quotas: Mapping[object, int], *, most: int | None = None
) -> set[int]:
    """Return the indices of groups that fit, one after the other, into the quota of each stratum and into `most`."""
    left = Counter(quotas)
    taken: set[int] = set()
    for group in groups:
        wanted = Counter(strata[place] for place in group)
        fits = most is None or len(taken) + len(group) <= most
        if fits and all(count <= left[stratum] for stratum, count in wanted.items()):
            left -= wanted
            taken.update(group)
    return taken


def _without_repeats(examples: Examples, left_out: LeftOut) -> dict[str, list[Example]]:
    kept = {split: list(rows) for split, rows in examples.items()}
    unique: dict[tuple[str, ...], Example] = {}
    for example in kept["train"]:
        first = unique.setdefault(tuple(map(normalised, example.parts)), example)
        if first is not example:
            left_out.dropped[REPEATED if first.label_indices == example.label_indices else CONTRADICTED] += 1
    kept["train"] = list(unique.values())
    return kept


def _part_clusters(examples: Examples, *, near: bool) -> dict[Example, tuple[int, ...]]:
    """Assign each part of each example to a cluster of equal or nearly equal texts."""
    every = [example for split in examples.values() for example in split]
    texts = [part for example in every for part in example.parts]
    clusters = iter(near_duplicates(texts, exact_only=not near))
    return {example: tuple(next(clusters) for _ in example.parts) for example in every}


def _is_large(examples: Examples) -> bool:
    """Return whether shingles would take too long."""
    every = [example for split in examples.values() for example in split]
    if len(every) > MOST_COMPARED:
        return True
    parts = (part for one in every for part in one.parts)
    return sum(map(compared_characters, parts)) > MOST_CHARACTERS


def _without_leaks(
    examples: Mapping[str, list[Example]], parts: Parts, equal: Callable[[], Parts], left_out: LeftOut
) -> dict[str, list[Example]]:
    kept = dict(examples)
    for split, judges in (("validation", ("test",)), ("train", ("validation", "test"))):
        if split not in kept:
            continue
        others = [example for judge in judges for example in kept.get(judge, ())]
        reason = f"{split} rows that nearly repeat {' or '.join(judges)}"
        found = _not_among(kept[split], others, parts)
        lost = len(kept[split]) - len(found)
        if lost > MOST_LEFT_OUT * len(kept[split]):
            found = _not_among(kept[split], others, equal())
            if len(kept[split]) - len(found) < lost:
                left_out.notes.append(
                    f"{lost:,} of {len(kept[split]):,} {reason}: more than half; such texts are alike "
                    "anyway, so only equal ones are left out"
                )
        if len(found) < len(kept[split]):
            left_out.dropped[reason] += len(kept[split]) - len(found)
        kept[split] = found
    return kept


def _not_among(examples: Sequence[Example], others: Sequence[Example], parts: Parts) -> list[Example]:
    """Return the examples that repeat none of the others."""
    judged = {parts[example] for example in others}
    return [example for example in examples if parts[example] not in judged]


def repeating(trained: Sequence[Example], tested: Sequence[Example]) -> list[bool]:
    """Return whether each test example nearly repeats a training example in all parts, as dropped duplicates do."""
    both = {"train": trained, "test": tested}
    parts = _part_clusters(both, near=not _is_large(both))
    known = {parts[example] for example in trained}
    return [parts[example] in known for example in tested]


def _groups(examples: Sequence[Example], parts: Parts) -> list[list[int]]:
    """Return the indices of examples that belong together: in the same group, or with a nearly equal part."""
    clusters = Clusters(len(examples))
    first: dict[object, int] = {}
    for index, example in enumerate(examples):
        keys: list[object] = [example.group] if example.group else []
        joins = example.joining_parts
        telling = [place in joins or is_telling(text) for place, text in enumerate(example.parts)]
        keys += [cluster for cluster, tells in zip(parts[example], telling, strict=True) if tells]
        for key in [*keys, ("whole", parts[example])]:
            clusters.join(index, first.setdefault(key, index))
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for place in range(len(examples)):
        groups[clusters.root(place)].append(place)
    return list(groups.values())


def _strata(examples: Sequence[Example]) -> list[object]:
    """Return the stratum of each example: its label, or the rarest of several. Unlabelled examples are one stratum."""
    counts = Counter(label for example in examples for label in example.label_indices)
    return [min(example.label_indices, key=lambda label: (counts[label], label), default=None) for example in examples]


def _quota(count: int, share: float) -> int:
    """Return how many of `count` to take: the share, but at least one if two remain for the other splits."""
    return max(round(count * share), 1 if count >= 3 else 0)
