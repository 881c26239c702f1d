"""Is a sentence grammatical English? 8,551 + 1,043 sentences from the linguistics literature."""

from harness.data.glue import CITATION, glue
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=glue("cola"),
    metrics=("matthews", "accuracy"),
    licence="not stated (sentences quoted from published works)",
    citation=f"Warstadt et al. 2019, Neural Network Acceptability Judgments; {CITATION}",
    columns={"text": ("sentence",)},
    labels=("unacceptable", "acceptable"),
    examples={"train": 8551, "test": 1043},
)
