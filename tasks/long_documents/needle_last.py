"""Which colour does the last of four sentences about the vault name? 2,400 + 240 + 600 texts of 200 words.

Made by a generator, to tell ways of reading apart by order at a distance. Every text has the same four sentences in one
of 24 orders, so that a bag of words knows nothing. Between two of them, and after the last, are at least three others:
a window of 35 words and points has one colour at most, and can't tell whether another one follows.
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from harness.data.sources import Generated
from harness.data.task import Row
from harness.registry import TASKS

needle = TASKS.entry("needle").module()

SEED = 1_517
SENTENCES = 21
BETWEEN = 3
"""Fewest sentences between two about the vault, and after the last one."""


def rows(train: int = 2_400, validation: int = 240, test: int = 600) -> Mapping[str, list[Row]]:
    """Texts of 21 sentences and four about the vault; the last colours are equally frequent in every split."""
    random = Random(SEED)
    sizes = {"train": train, "validation": validation, "test": test}
    return {split: [_row(random, split, number) for number in range(size)] for split, size in sizes.items()}


def _row(random: Random, split: str, number: int) -> Row:
    last = needle.COLOURS[number % len(needle.COLOURS)]
    colours = [*_shuffled(random, [colour for colour in needle.COLOURS if colour != last]), last]
    text = [needle.sentence(random) for _ in range(SENTENCES)]
    for place, colour in reversed(list(zip(_places(random, len(colours)), colours, strict=True))):
        text.insert(place, f"The door of the vault is {colour}.")
    return {"id": f"{split}-{number}", "text": " ".join(text), "label": last}


def _shuffled(random: Random, colours: list[str]) -> list[str]:
    return random.sample(colours, len(colours))


def _places(random: Random, count: int) -> list[int]:
    """Draw before which of the other sentences those about the vault stand, in order."""
    free = SENTENCES - BETWEEN - (BETWEEN - 1) * (count - 1)
    return [place + (BETWEEN - 1) * index for index, place in enumerate(sorted(random.sample(range(free + 1), count)))]


task = replace(
    needle.task, source=Generated(rows, version="1"), examples={"train": 2_400, "validation": 240, "test": 600}
)
