"""Does a sentence follow from another? 2,490 + 277 pairs."""

from tasks.glue import CITATION, glue
from tasks.task import Task

task = Task(
    kind="classification",
    source=glue("rte"),
    metrics=("accuracy",),
    licence="not stated",
    citation=f"Dagan et al. 2006, The PASCAL Recognising Textual Entailment Challenge, and its successors; {CITATION}",
    text=("sentence1", "sentence2"),
    labels=("entailment", "not_entailment"),
)
