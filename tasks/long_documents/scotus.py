"""Which of thirteen issue areas is an opinion of the US Supreme Court on? 5,000 + 1,400 + 1,400, thousands of words."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="classification",
    source=Hub("coastalcph/lex_glue", "scotus", "fe9d5f8f254c32c0d9c343e86534523deb2fcb01"),
    metrics=("micro_f1", "macro_f1"),
    licence="CC BY 4.0 (LexGLUE)",
    citation="Chalkidis et al. 2022, LexGLUE: A Benchmark Dataset for Legal Language Understanding in English",
    labels=tuple(str(area) for area in range(1, 14)),
    examples={"train": 5000, "validation": 1400, "test": 1400},
)
