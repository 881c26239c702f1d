"""Does a Wikipedia sentence contain the answer to a question? 104,743 + 5,463 pairs made from SQuAD."""

from harness.data.glue import CITATION, glue
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=glue("qnli"),
    metrics=("accuracy",),
    licence="CC BY-SA 4.0",
    citation=f"Rajpurkar et al. 2016, SQuAD; {CITATION}",
    columns={"text": ("question", "sentence")},
    labels=("entailment", "not_entailment"),
    examples={"train": 104_743, "test": 5463},
)
