"""Which of four endings continues a scene? 73,546 + 20,006 captions of films, endings made by machine."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="multiple_choice",
    # The public test labels are withheld: validation judges, and our own validation is carved out of train.
    source=Hub(
        "allenai/swag",
        "regular",
        revision="dc48148372b3853a9c7bae7bb06c161b46d8364a",
        splits={"train": "train", "test": "validation"},
    ),
    metrics=("accuracy",),
    licence="not stated",
    citation="Zellers et al. 2018, SWAG: A Large-Scale Adversarial Dataset for Grounded Commonsense Inference",
    columns={
        "text": ("sent1", "sent2"),
        "choices": ("ending0", "ending1", "ending2", "ending3"),
    },
    labels=("0", "1", "2", "3"),
    group="video-id",
    examples={"train": 73_546, "test": 20_006},
)
