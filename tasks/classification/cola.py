"""Is a sentence grammatical English? 8,551 + 1,043 sentences from the literature of linguistics."""

from tasks.glue import CITATION, glue
from tasks.task import Task

task = Task(
    kind="classification",
    source=glue("cola"),
    metrics=("matthews", "accuracy"),
    licence="not stated (sentences quoted from published works)",
    citation=f"Warstadt et al. 2019, Neural Network Acceptability Judgments; {CITATION}",
    text=("sentence",),
    labels=("unacceptable", "acceptable"),
)
