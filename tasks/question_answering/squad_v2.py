"""Which words of a Wikipedia paragraph answer a question, if any? 130,319 + 11,873 questions, a third unanswerable."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="question_answering",
    # The public test labels are withheld: validation judges, and our own validation is carved out of train.
    source=Hub(
        "rajpurkar/squad_v2",
        revision="3ffb306f725f7d2ce8394bc1873b24868140c412",
        splits={"train": "train", "test": "validation"},
    ),
    metrics=("qa_f1", "exact_match", "has_answer_f1", "has_answer_exact_match", "no_answer_accuracy"),
    licence="CC BY-SA 4.0",
    citation="Rajpurkar et al. 2018, Know What You Don't Know: Unanswerable Questions for SQuAD",
    group="title",
    examples={"train": 130_319, "test": 11_873},
)
