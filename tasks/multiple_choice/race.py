"""Which of four answers to a question on a passage is right? 87,866 + 4,887 + 4,934 questions of English exams."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="multiple_choice",
    source=Hub(
        "ehovy/race",
        "all",
        revision="2fec9fd81f1dc971569a9b729c43f2f0e6436637",
    ),
    metrics=("accuracy",),
    licence="for research without profit",
    citation="Lai et al. 2017, RACE: Large-scale ReAding Comprehension Dataset From Examinations",
    columns={"text": ("article", "question"), "choices": "options", "label": "answer"},
    labels=("A", "B", "C", "D"),
    group="example_id",
    examples={"train": 87_866, "validation": 4887, "test": 4934},
)
