"""A field of a table in a paper: a number to align, its interval, marks and notes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.comparison.formatting import NOTHING
from harness.reporting.entries import SIMPLE_BASELINE, Entry
from harness.reporting.latex.text import escaped

_ALIGNED = r"[+−]?\d[\d,]*(?:\.\d+)?"
_NUMBER = rf"{_ALIGNED}(?:e[+−]\d+)?"
_SCORE = re.compile(
    rf"(?P<value>{_NUMBER})(?: \((?P<low>{_NUMBER}) to (?P<high>{_NUMBER})\))?(?: \((?P<note>.*[A-Za-z].*)\))?"
)
_INTERVAL = re.compile(rf"(?P<low>{_NUMBER}) to (?P<high>{_NUMBER})(?: \((?P<note>.*[A-Za-z].*)\))?")
_MEASURED = re.compile(rf"(?P<value>(?:[<>] )?{_NUMBER}) (?P<unit>\S+)")
_LONGEST_WORDS = 12
"""Maximum length of words in a column of numbers; longer ones go into a note."""
MARKS = {"better": r"$\dagger$", "worse": r"$\ddagger$"}


@dataclass(frozen=True, slots=True)
class Field:
    """A field.

    Attributes:
        text: The text, not escaped.
        interval: The lower and upper end, to place below the number.
        notes: The notes to the table for this field.
        mark: A word of `MARKS`.
    """

    text: str
    interval: tuple[str, str] | None = None
    notes: tuple[str, ...] = ()
    mark: str = ""
    is_strong: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it can be aligned by its decimal point."""
        return re.fullmatch(_ALIGNED, self.text) is not None

    @property
    def width(self) -> float:
        """Approximate width in characters."""
        beneath = 0.8 * (sum(map(len, self.interval)) + 4) if self.interval else 0.0
        return max(len(self.text) + 0.7 * (len(self.notes) + bool(self.mark)), beneath)

    def latex(self, letters: Mapping[str, str], *, in_braces: bool) -> str:
        """Format the field.

        Args:
            letters: The letter of each note in the table.
            in_braces: Whether the column holds numbers, in which other text needs braces.
        """
        marks = [MARKS[self.mark]] if self.mark else []
        marks += [letters[note] for note in self.notes]
        behind = rf"\tnote{{{','.join(marks)}}}" if marks else ""
        bold = r"\bfseries " if self.is_strong else ""
        if in_braces and self.is_number:
            return f"{bold}{self.text.replace('−', '-').replace(',', '')}{behind}"
        text = f"{bold}{escaped(self.text)}{behind}"
        return f"{{{text}}}" if in_braces or bold else text

    def latex_beneath(self) -> str:
        """The interval, for a row of its own; empty if there is none."""
        return rf"{{\scriptsize {bracketed(*self.interval)}}}" if self.interval else ""


def bracketed(low: str, high: str) -> str:
    """Format an interval as LaTeX.

    >>> bracketed("−1.2", "3.4")
    '[$-$1.2, 3.4]'
    """
    return f"[{escaped(low)}, {escaped(high)}]"


def field_of(entry: Entry) -> Field:
    """The field that a report's entry makes.

    >>> field_of(Entry("60.2 (53.8 to 66.3) (1 of 3 collapsed)"))
    Field(text='60.2', interval=('53.8', '66.3'), notes=('1 of 3 collapsed',), mark='', is_strong=False)
    """
    found = _SCORE.fullmatch(entry.text)
    if found is None:
        return Field(entry.text, is_strong=entry.is_strong)
    interval = (found["low"], found["high"]) if found["low"] else None
    notes = (found["note"],) if found["note"] else ()
    return Field(found["value"], interval, notes, is_strong=entry.is_strong)


def name_of(entry: Entry) -> Field:
    """The field that names a row, with a note if the model is a simple baseline."""
    name = entry.text.removesuffix(SIMPLE_BASELINE)
    notes = () if name == entry.text else (SIMPLE_BASELINE.strip(" ()"),)
    return Field(name, notes=notes, is_strong=entry.is_strong)


def in_one_column(head: str, fields: Sequence[Field]) -> tuple[str, list[Field]]:
    """Align a column's heading and fields: a unit that all fields share moves to the heading.

    >>> in_one_column("Peak memory", [Field("2.1 GB"), Field("1.5 GB")])[0]
    'Peak memory (GB)'
    """
    measured = [_MEASURED.fullmatch(field.text) for field in fields]
    units = {found["unit"] for found in measured if found}
    if len(units) == 1 and all(found or one.text == NOTHING for found, one in zip(measured, fields, strict=True)):
        plain = [
            replace(one, text=found["value"]) if found else one for found, one in zip(measured, fields, strict=True)
        ]
        return f"{head} ({units.pop()})", plain
    if any(field.is_number for field in fields):
        return head, [_short(field) for field in fields]
    return head, list(fields)


def _short(field: Field) -> Field:
    """Move long words to a note."""
    if len(field.text) <= _LONGEST_WORDS:
        return field
    return replace(field, text=NOTHING, notes=(*field.notes, field.text))


def is_interval(text: str) -> re.Match[str] | None:
    """Match the parts of an interval: low, high and a note."""
    return _INTERVAL.fullmatch(text)
