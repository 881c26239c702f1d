"""Does a sentence follow from another, contradict it, or neither? 392,702 + 9,832 pairs of other genres."""

from tasks.glue import CITATION, glue
from tasks.task import Task

task = Task(
    kind="classification",
    source=glue("mnli", test="validation_mismatched"),
    metrics=("accuracy",),
    licence="OANC's licence for most texts, others by genre",
    citation=f"Williams et al. 2018, A Broad-Coverage Challenge Corpus; {CITATION}",
    text=("premise", "hypothesis"),
    labels=("entailment", "neutral", "contradiction"),
)
