"""Which of four answers follows from a science fact? 4,957 + 500 + 500 questions."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="multiple_choice",
    source=Hub(
        "allenai/openbookqa",
        "main",
        revision="388097ea7776314e93a529163e0fea805b8a6454",
    ),
    metrics=("accuracy",),
    licence="Apache-2.0",
    citation="Mihaylov et al. 2018, Can a Suit of Armor Conduct Electricity? A New Dataset for Open Book "
    "Question Answering",
    columns={"text": "question_stem", "label": "answerKey"},
    labels=("A", "B", "C", "D"),
    examples={"train": 4957, "validation": 500, "test": 500},
)
