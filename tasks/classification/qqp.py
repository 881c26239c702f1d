"""Do two questions on Quora ask the same? 363,846 + 40,430 pairs."""

from harness.data.glue import CITATION, glue
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=glue("qqp"),
    metrics=("accuracy", "f1"),
    licence="Quora's terms, non-commercial",
    citation=f"Iyer et al. 2017, First Quora Dataset Release: Question Pairs; {CITATION}",
    columns={"text": ("question1", "question2")},
    labels=("not_duplicate", "duplicate"),
    examples={"train": 363_846, "test": 40_430},
)
