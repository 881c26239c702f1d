"""What does a pronoun stand for, asked as entailment? 635 + 71 pairs.

Caveat: the pairs that judge repeat sentences of training with the other label, so that models do worse than chance.
"""

from harness.data.glue import CITATION, glue
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=glue("wnli"),
    metrics=("accuracy",),
    licence="CC BY 4.0 (the Winograd schema collection)",
    citation=f"Levesque et al. 2012, The Winograd Schema Challenge; {CITATION}",
    columns={"text": ("sentence1", "sentence2")},
    labels=("not_entailment", "entailment"),
    examples={"train": 635, "test": 71},
)
