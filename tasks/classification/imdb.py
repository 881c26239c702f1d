"""Is a film review positive? 25,000 + 25,000 reviews of some 230 words."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=Hub(
        "stanfordnlp/imdb",
        revision="e6281661ce1c48d982bc483cf8a173c1bbeb5d31",
        splits={"train": "train", "test": "test"},
    ),
    metrics=("accuracy",),
    licence="not stated; offered for research",
    citation="Maas et al. 2011, Learning Word Vectors for Sentiment Analysis",
    labels=("neg", "pos"),
    examples={"train": 25_000, "test": 25_000},
)
