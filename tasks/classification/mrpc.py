"""Do two sentences from the news mean the same? 3,668 + 408 pairs."""

from harness.data.glue import CITATION, glue
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=glue("mrpc"),
    metrics=("accuracy", "f1"),
    licence="Microsoft Research's terms of download",
    citation=f"Dolan and Brockett 2005, Automatically Constructing a Corpus of Sentential Paraphrases; {CITATION}",
    columns={"text": ("sentence1", "sentence2")},
    labels=("not_equivalent", "equivalent"),
    examples={"train": 3668, "test": 408},
)
