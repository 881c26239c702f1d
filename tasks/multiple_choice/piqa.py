"""Which of two ways reaches an everyday goal? 16,113 + 1,838 goals."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="multiple_choice",
    # The public test labels are withheld: validation judges, and our own validation is carved out of train.
    # The revision is the Hub's own conversion to parquet, since the publisher's is a program.
    source=Hub(
        "ybisk/piqa",
        revision="142c51238b3ca2bc61e9a075913871b8b600e8e1",
        splits={"train": "train", "test": "validation"},
    ),
    metrics=("accuracy",),
    licence="AFL-3.0",
    citation="Bisk et al. 2020, PIQA: Reasoning about Physical Commonsense in Natural Language",
    columns={"text": "goal", "choices": ("sol1", "sol2")},
    labels=("0", "1"),
    examples={"train": 16_113, "test": 1838},
)
