"""Do two sentences from the news say the same? 3,668 + 408 pairs."""

from tasks.glue import CITATION, glue
from tasks.task import Task

task = Task(
    kind="classification",
    source=glue("mrpc"),
    metrics=("accuracy", "f1"),
    licence="Microsoft Research's terms of download",
    citation=f"Dolan and Brockett 2005, Automatically Constructing a Corpus of Sentential Paraphrases; {CITATION}",
    text=("sentence1", "sentence2"),
    labels=("not_equivalent", "equivalent"),
)
