r"""Split a question's table to fit pages: by columns if it is too wide, by rows if it is too long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase
from textwrap import wrap

from harness.reporting.latex.fields import MARKS, Field, in_one_column
from harness.reporting.latex.text import escaped

COLUMN, PAGE, ONE_COLUMN_PAGE = 50.0, 106.0, 76.0
"""Characters of \\small per line: in a column, across both, and on a one-column page (article, 10 pt)."""
_BETWEEN = 1.8
_MOST_LINES = 44
Row = tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one heading, such as those of a task."""

    title: Field | None
    rows: tuple[Row, ...]

    @property
    def lines(self) -> int:
        """Number of lines on a page."""
        return (self.title is not None) + sum(map(_lines, self.rows))


@dataclass(frozen=True, slots=True)
class Question:
    """The table of a question, not yet split into pages.

    Attributes:
        name: The name in its label.
        caption: The caption.
        heads: One heading per column; line breaks are kept.
        groups: The groups of rows.
        notes: Notes on the whole table, as LaTeX.
        marks: The meaning of each mark, by its word in `MARKS`, as LaTeX.
    """

    name: str
    caption: str
    heads: tuple[Field, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()
    marks: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Tabular:
    """A table for the template; everything is LaTeX.

    Attributes:
        environment: table, or table* across two columns.
        columns: The column specification of `tabular`.
        lines: Everything between the rules.
        notes: The notes, each with its letter or mark, which may be empty.
    """

    environment: str
    caption: str
    label: str
    columns: str
    heads: str
    lines: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]


def tabulars(question: Question, *, columns: int, prefix: str) -> Iterator[Tabular]:
    """Split the question's table into as many parts as pages require.

    Args:
        question: The question.
        columns: Number of columns of the paper.
        prefix: The prefix of labels, so that one paper can include two reports.
    """
    whole = _aligned(question)
    widest = ONE_COLUMN_PAGE if columns == 1 else PAGE
    parts = [piece for part in _by_columns(whole, widest) for piece in _by_rows(part)]
    for number, part in enumerate(parts, 1):
        is_wide = columns == 2 and sum(_widths(part)) > COLUMN
        yield _tabular(
            part if number == 1 else replace(part, caption=f"{part.caption} (continued)"),
            "table*" if is_wide else "table",
            label=f"tab:{prefix}-{part.name}" if number == 1 else f"tab:{prefix}-{part.name}-{number}",
        )


def _aligned(question: Question) -> Question:
    """Move units that a whole column shares to its heading."""
    rows = [row for group in question.groups for row in group.rows]
    heads, columns = list(question.heads), [list(column) for column in zip(*rows, strict=True)]
    for place in range(1, len(columns)):
        text, columns[place] = in_one_column(heads[place].text, columns[place])
        heads[place] = replace(heads[place], text=text)
    left = iter(zip(*columns, strict=True))
    groups = tuple(replace(group, rows=tuple(next(left) for _ in group.rows)) for group in question.groups)
    return replace(question, heads=tuple(heads), groups=groups)


def _widths(question: Question) -> list[float]:
    rows = [row for group in question.groups for row in group.rows]
    columns = list(zip(*rows, strict=True))
    return [max(_head_width(head), *(one.width for one in column)) + _BETWEEN for head, column in
            zip(question.heads, columns, strict=True)]  # fmt: skip


def _head_width(head: Field) -> float:
    return float(max(map(len, _broken(head.text)), default=0) + len(head.notes))


def _broken(head: str) -> list[str]:
    """The lines of a heading."""
    return [line for part in head.split("\n") for line in wrap(part, 11, break_long_words=False) or [""]]


def _by_columns(question: Question, widest: float) -> Iterator[Question]:
    """Repeat the first column with as many of the others as fit next to it."""
    first, *others = _widths(question)
    taken: list[int] = []
    used = first
    for place, width in enumerate(others, 1):
        if taken and used + width > widest:
            yield _with_columns(question, taken)
            taken, used = [], first
        taken.append(place)
        used += width
    yield _with_columns(question, taken)


def _with_columns(question: Question, places: Sequence[int]) -> Question:
    kept = [0, *places]
    groups = tuple(
        replace(group, rows=tuple(tuple(row[place] for place in kept) for row in group.rows))
        for group in question.groups
    )
    return replace(question, heads=tuple(question.heads[place] for place in kept), groups=groups)


def _by_rows(question: Question) -> Iterator[Question]:
    """Whole groups, as many as fit on a page; a group that is longer than a page is split."""
    held: list[Group] = []
    for group in (piece for whole in question.groups for piece in _pages(whole)):
        if held and sum(one.lines for one in held) + group.lines > _MOST_LINES:
            yield replace(question, groups=tuple(held))
            held = []
        held.append(group)
    yield replace(question, groups=tuple(held))


def _pages(group: Group) -> Iterator[Group]:
    rows: list[Row] = []
    for row in group.rows:
        if rows and sum(map(_lines, rows)) + _lines(row) >= _MOST_LINES:
            yield replace(group, rows=tuple(rows))
            rows = []
        rows.append(row)
    yield replace(group, rows=tuple(rows))


def _lines(row: Row) -> int:
    return 2 if any(one.interval for one in row) else 1


def _tabular(question: Question, environment: str, *, label: str) -> Tabular:
    rows = [row for group in question.groups for row in group.rows]
    titles = [group.title for group in question.groups if group.title is not None]
    fields = [*question.heads, *titles, *(one for row in rows for one in row)]
    letters = _letters(note for one in fields for note in one.notes)
    kinds = [_kind(column) for column in zip(*rows, strict=True)]
    marks = [
        (MARKS[word], text) for word, text in (question.marks or {}).items() if any(f.mark == word for f in fields)
    ]
    return Tabular(
        environment,
        escaped(question.caption),
        label,
        "".join(["l", *kinds[1:]]),
        " & ".join(_head(head, letters, is_first=not place) for place, head in enumerate(question.heads)),
        tuple(_body(question.groups, kinds, letters)),
        (*(("", note) for note in question.notes), *marks, *((letter, escaped(n)) for n, letter in letters.items())),
    )


def _letters(notes: Iterable[str]) -> dict[str, str]:
    """A letter for each note: a to z, then aa and so on."""
    return {note: ascii_lowercase[place % 26] * (place // 26 + 1) for place, note in enumerate(dict.fromkeys(notes))}


def _head(head: Field, letters: dict[str, str], *, is_first: bool) -> str:
    lines = r"\\".join(map(escaped, _broken(head.text)))
    notes = rf"\tnote{{{','.join(letters[note] for note in head.notes)}}}" if head.notes else ""
    return rf"{{\shortstack[{'l' if is_first else 'c'}]{{{lines}{notes}}}}}"


def _body(groups: Sequence[Group], kinds: Sequence[str], letters: dict[str, str]) -> Iterator[str]:
    for number, group in enumerate(groups):
        if number:
            yield r"\addlinespace"
        if group.title is not None:
            title = group.title.latex(letters, in_braces=False)
            yield rf"\multicolumn{{{len(kinds)}}}{{l}}{{\itshape {title}}} \\"
        for row in group.rows:
            shown = (one.latex(letters, in_braces=kind.startswith("S")) for one, kind in zip(row, kinds, strict=True))
            end = r"\\*" if _lines(row) == 2 else r"\\"
            yield f"{' & '.join(shown)} {end}"
            if _lines(row) == 2:
                yield rf"{' & '.join(one.latex_beneath() for one in row)} \\"


def _kind(column: Sequence[Field]) -> str:
    r"""The column type: S for numbers, sized to fit; otherwise centred, or right-aligned for amounts with units."""
    numbers = [one.text.replace(",", "") for one in column if one.is_number]
    has_units = any(one.text[:1].isdigit() and not one.is_number for one in column)
    if has_units or not numbers:
        return "r" if has_units else "c"
    sign = "+" if any(text[0] in "+−" for text in numbers) else ""
    whole = max(len(text.lstrip("+−").partition(".")[0]) for text in numbers)
    decimals = max(len(text.partition(".")[2]) for text in numbers)
    return f"S[table-format={sign}{whole}.{decimals}]"
