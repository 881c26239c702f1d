"""Which articles were violated, by the facts of a case of the European Court of Human Rights? 9,000 + 1,000 + 1,000.

Several of ten articles, or none. Scored as in LexGLUE, where "none" counts as an article of its own.
"""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="multi_label",
    source=Hub("coastalcph/lex_glue", "ecthr_a", "fe9d5f8f254c32c0d9c343e86534523deb2fcb01"),
    metrics=("micro_f1_with_none", "macro_f1_with_none"),
    licence="CC BY 4.0 (LexGLUE)",
    citation="Chalkidis et al. 2022, LexGLUE: A Benchmark Dataset for Legal Language Understanding in English",
    columns={"label": "labels"},
    labels=("2", "3", "5", "6", "8", "9", "10", "11", "14", "P1-1"),
    examples={"train": 9000, "validation": 1000, "test": 1000},
)
