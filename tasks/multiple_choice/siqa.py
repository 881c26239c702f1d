"""Which of three answers fits what people do and feel? 33,410 + 1,954 questions."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="multiple_choice",
    # The public test labels are withheld: validation judges, and our own validation is carved out of train.
    # The revision is the Hub's own conversion to parquet, since the publisher's is a program.
    source=Hub(
        "allenai/social_i_qa",
        revision="537a2ec8ec565adc0b70b70752893e59e024df26",
        splits={"train": "train", "test": "validation"},
    ),
    metrics=("accuracy",),
    licence="CC BY 4.0",
    citation="Sap et al. 2019, Social IQa: Commonsense Reasoning about Social Interactions",
    columns={"text": ("context", "question"), "choices": ("answerA", "answerB", "answerC")},
    labels=("1", "2", "3"),
    group="context",
    examples={"train": 33_410, "test": 1954},
)
