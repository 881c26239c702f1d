"""Does a sentence follow from another, contradict it, or neither? 392,702 + 9,815 pairs of the training genres."""

from harness.data.glue import CITATION, glue
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=glue("mnli", test="validation_matched"),
    metrics=("accuracy",),
    licence="OANC's licence for most texts, others by genre",
    citation=f"Williams et al. 2018, A Broad-Coverage Challenge Corpus; {CITATION}",
    columns={"text": ("premise", "hypothesis")},
    labels=("entailment", "neutral", "contradiction"),
    examples={"train": 392_702, "test": 9815},
)
