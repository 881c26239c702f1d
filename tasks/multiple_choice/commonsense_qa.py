"""Which of five answers does common sense give? 9,741 + 1,221 questions."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="multiple_choice",
    # The public test labels are withheld: validation judges, and our own validation is carved out of train.
    source=Hub(
        "tau/commonsense_qa",
        revision="94630fe30dad47192a8546eb75f094926d47e155",
        splits={"train": "train", "test": "validation"},
    ),
    metrics=("accuracy",),
    licence="MIT",
    citation="Talmor et al. 2019, CommonsenseQA: A Question Answering Challenge Targeting Commonsense Knowledge",
    columns={"text": "question", "label": "answerKey"},
    labels=("A", "B", "C", "D", "E"),
    examples={"train": 9741, "test": 1221},
)
