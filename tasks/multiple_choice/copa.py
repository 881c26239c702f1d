"""Which of two sentences is the cause, or the effect, of another one? 400 + 100 sentences."""

from collections.abc import Sequence

from harness.data.sources import Hub
from harness.data.task import Row, Task

QUESTIONS = {"cause": "What was the cause of this?", "effect": "What happened as a result?"}


def asked(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with their question in words, as COPA's authors ask it."""
    return [{**row, "question": QUESTIONS[str(row["question"])]} for row in rows]


task = Task(
    task_type="multiple_choice",
    # The public test labels are withheld: validation judges, and our own validation is carved out of train.
    source=Hub(
        "aps/super_glue",
        "copa",
        revision="3de24cf8022e94f4ee4b9d55a6f539891524d646",
        splits={"train": "train", "test": "validation"},
        prepare=asked,
    ),
    metrics=("accuracy",),
    licence="BSD 2-clause",
    citation="Roemmele et al. 2011, Choice of Plausible Alternatives: An Evaluation of Commonsense Causal Reasoning",
    columns={"text": ("premise", "question"), "choices": ("choice1", "choice2")},
    labels=("choice1", "choice2"),
    examples={"train": 400, "test": 100},
)
