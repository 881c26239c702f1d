"""Questions with choices in one text, with a letter and a line for each, as in the sample packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from string import ascii_uppercase

from harness.data.samples import read_objects
from harness.data.task import Row

_AROUND = ' \n"'


def read_lettered(*files: Path) -> Mapping[str, list[Row]]:
    """Read the questions of files, with their choices as a list and the letter of the right one."""
    return {"train": [_question(row) for file in files for row in read_objects(file)]}


def choices_in(text: str) -> list[str]:
    r"""Return the choices in a text: each starts with the next letter, at the start of a line.

    >>> choices_in("\nA. a city\nB. E. coli\nand more\nC. none")
    ['a city', 'E. coli\nand more', 'none']
    """
    lines = f"\n{text}"
    starts = list(_starts(lines))
    return [lines[start + 3 : end].strip(_AROUND) for start, end in pairwise([*starts, len(lines)])]


def _starts(lines: str) -> Iterator[int]:
    """Yield where the line of each choice starts, at the end of the line before."""
    found = 0
    for letter in ascii_uppercase:
        found = lines.find(f"\n{letter}.", found)
        if found < 0:
            return
        yield found


def _question(row: Mapping[str, str]) -> dict[str, object]:
    question, options = row["question"], row["options"]
    if not choices_in(options):  # In CommonsenseQA, one question contains its first choices.
        question, _, first = question.partition("\nA.")
        options = f"A.{first}{options}"
    return {**row, "question": question, "choices": choices_in(options), "label": row["answer"][0]}
