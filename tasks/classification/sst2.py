"""Is a phrase of a film review positive? 67,349 phrases + 872 sentences."""

from tasks.glue import CITATION, glue
from tasks.task import Task

task = Task(
    kind="classification",
    source=glue("sst2"),
    metrics=("accuracy",),
    licence="not stated",
    citation=f"Socher et al. 2013, Recursive Deep Models for Semantic Compositionality; {CITATION}",
    text=("sentence",),
    labels=("negative", "positive"),
)
