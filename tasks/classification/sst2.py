"""Is a phrase of a film review positive? 67,349 phrases + 872 sentences."""

from harness.data.glue import CITATION, glue
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=glue("sst2"),
    metrics=("accuracy",),
    licence="not stated",
    citation=f"Socher et al. 2013, Recursive Deep Models for Semantic Compositionality; {CITATION}",
    columns={"text": ("sentence",)},
    labels=("negative", "positive"),
    examples={"train": 67_349, "test": 872},
)
