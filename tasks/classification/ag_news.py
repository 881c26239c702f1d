"""Is a news item on the world, sports, business or technology? 120,000 + 7,600 items."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=Hub(
        "fancyzhx/ag_news",
        revision="eb185aade064a813bc0b7f42de02595523103ca4",
        splits={"train": "train", "test": "test"},
    ),
    metrics=("accuracy", "macro_f1"),
    licence="not stated; offered for research",
    citation="Zhang et al. 2015, Character-level Convolutional Networks for Text Classification",
    labels=("World", "Sports", "Business", "Sci/Tech"),
    examples={"train": 120_000, "test": 7600},
)
