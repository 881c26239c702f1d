"""Does a sentence follow from another? 2,490 + 277 pairs."""

from harness.data.glue import CITATION, glue
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=glue("rte"),
    metrics=("accuracy",),
    licence="not stated",
    citation=f"Dagan et al. 2006, The PASCAL Recognising Textual Entailment Challenge, and its successors; {CITATION}",
    columns={"text": ("sentence1", "sentence2")},
    labels=("entailment", "not_entailment"),
    examples={"train": 2490, "test": 277},
)
