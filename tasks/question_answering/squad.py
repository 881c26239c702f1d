"""Which words of a Wikipedia paragraph answer a question? 87,599 + 10,570 questions, all with an answer."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="question_answering",
    # The public test labels are withheld: validation judges, and our own validation is carved out of train.
    source=Hub(
        "rajpurkar/squad",
        revision="7b6d24c440a36b6815f21b70d25016731768db1f",
        splits={"train": "train", "test": "validation"},
    ),
    metrics=("qa_f1", "exact_match"),
    licence="CC BY-SA 4.0",
    citation="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text",
    group="title",
    examples={"train": 87_599, "test": 10_570},
)
