"""Which examples train, choose and judge: splits carved by group and label, and none that repeat another's.

A split that the publisher didn't make is carved out of train with one fixed seed, the same for every run: 20 % for a
test split, then 10 % of the whole for validation; 10 % for validation where only that is missing.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from harness.data.duplicates import Clusters, near_duplicates, normalised
from harness.data.task import Example
from harness.errors import UserError

SEED = 20_170_612
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
LEAST_EXAMPLES = 10
# Beyond this many examples only texts that are equal once normalised count as repeated: shingles would take half a
# minute and two gigabytes on 50,000 film reviews.
MOST_COMPARED = 30_000
MOST_CHARACTERS = 200_000_000
# A part of a pair that is shorter than this says little about where it comes from ("Yes.").
LEAST_TELLING_WORDS = 8

Examples = Mapping[str, Sequence[Example]]


def separated(examples: Examples) -> tuple[dict[str, list[Example]], dict[str, int]]:
    """Train, validation and test that share nothing, and how many examples were left out, by reason.

    An example of train that equals an earlier one, or nearly repeats one of validation or test, is dropped, and one of
    validation that repeats test from validation. Missing splits are carved out of what remains of train. A test split
    that the publisher made stays whole, so that its scores are the ones that others report.

    Raises:
        UserError: Train has too few examples to carve from, or too few groups.
    """
    kept, dropped = _without_repeats(examples)
    parts = _part_clusters(kept)
    kept, leaked = _without_leaks(kept, parts)
    dropped |= leaked
    whole = len(kept["train"])
    for split, share in (("test", TEST_SHARE), ("validation", VALIDATION_SHARE)):
        if split not in kept:
            if whole < LEAST_EXAMPLES:
                raise UserError(
                    f"train: {whole} different examples are too few to take {split} from "
                    f"(at least {LEAST_EXAMPLES}). Give more, or give a {split} split."
                )
            kept["train"], kept[split] = carved(kept["train"], round(share * whole), parts=parts)
            if not kept[split]:
                raise UserError(
                    f"train: its rows form groups too large to take {split} from "
                    f"(the same text, or the same group). Give a {split} split."
                )
    return kept, dropped


def carved(
    examples: Sequence[Example], size: int, *, parts: Mapping[Example, tuple[int, ...]]
) -> tuple[list[Example], list[Example]]:
    """The examples that stay, and about `size` that are taken: whole groups, each label in its proportion.

    Where groups are too large for that (a document whose sentences have many labels), no more is asked than that
    something of each label stays.

    Args:
        examples: What to carve from.
        size: How many to take; fewer come out where groups are large.
        parts: The clusters of each example's parts: examples that share one belong to one group.
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
    """The places in those groups that fit, one after the other, into the quota of each stratum, and into `most`."""
    left = Counter(quotas)
    taken: set[int] = set()
    for group in groups:
        wanted = Counter(strata[place] for place in group)
        fits = most is None or len(taken) + len(group) <= most
        if fits and all(count <= left[stratum] for stratum, count in wanted.items()):
            left -= wanted
            taken.update(group)
    return taken


def _without_repeats(examples: Examples) -> tuple[dict[str, list[Example]], dict[str, int]]:
    kept = {split: list(rows) for split, rows in examples.items()}
    unique: dict[tuple[str, ...], Example] = {}
    for example in kept["train"]:
        unique.setdefault(tuple(map(normalised, example.parts)), example)
    repeats = len(kept["train"]) - len(unique)
    kept["train"] = list(unique.values())
    return kept, {"train rows that repeat an earlier one": repeats} if repeats else {}


def _part_clusters(examples: Examples) -> dict[Example, tuple[int, ...]]:
    """The near-duplicate cluster of every part of every example."""
    every = [example for split in examples.values() for example in split]
    texts = [part for example in every for part in example.parts]
    large = len(every) > MOST_COMPARED or sum(map(len, texts)) > MOST_CHARACTERS
    clusters = iter(near_duplicates(texts, exact_only=large))
    return {example: tuple(next(clusters) for _ in example.parts) for example in every}


def _without_leaks(
    examples: Mapping[str, list[Example]], parts: Mapping[Example, tuple[int, ...]]
) -> tuple[dict[str, list[Example]], dict[str, int]]:
    kept = dict(examples)
    dropped: dict[str, int] = {}
    for split, judges in (("validation", ("test",)), ("train", ("validation", "test"))):
        judged = {parts[example] for judge in judges for example in kept.get(judge, ())}
        if split in kept:
            kept[split] = [example for example in kept[split] if parts[example] not in judged]
            if len(kept[split]) < len(examples[split]):
                dropped[f"{split} rows that nearly repeat {' or '.join(judges)}"] = len(examples[split]) - len(
                    kept[split]
                )
    return kept, dropped


def _groups(examples: Sequence[Example], parts: Mapping[Example, tuple[int, ...]]) -> list[list[int]]:
    """Places of examples that belong together: of one group, or with a part that is nearly the same."""
    clusters = Clusters(len(examples))
    first: dict[object, int] = {}
    for place, example in enumerate(examples):
        keys: list[object] = [example.group] if example.group else []
        texts = example.parts
        telling = [len(texts) == 1 or len(text.split()) >= LEAST_TELLING_WORDS for text in texts]
        keys += [cluster for cluster, tells in zip(parts[example], telling, strict=True) if tells]
        for key in [*keys, ("whole", parts[example])]:
            clusters.join(place, first.setdefault(key, place))
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for place in range(len(examples)):
        groups[clusters.root(place)].append(place)
    return list(groups.values())


def _strata(examples: Sequence[Example]) -> list[object]:
    """What each example counts as: its label; of several labels the rarest; all others are the same."""
    counts = Counter(label for example in examples for label in example.label_indices)
    return [min(example.label_indices, key=lambda label: (counts[label], label), default=None) for example in examples]


def _quota(count: int, share: float) -> int:
    """How many of `count` to take: the share, but at least one where two remain (for the other splits)."""
    return max(round(count * share), 1 if count >= 3 else 0)
