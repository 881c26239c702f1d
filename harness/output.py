"""Safe text output: for any text in a path or a stranger's record, and any encoding of the terminal."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from harness.printable import printable, printable_json

_SPELLINGS = {
    "·": "-", "–": "-", "—": "-", "−": "-", "×": "x", "±": "+/-", "✓": "+", "✗": "x", "↑": "^", "↓": "v",
    "“": '"', "”": '"', "’": "'", "…": "...", "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
_ERRORS = "harness.spelt_out"


def console(
    *, file: IO[str] | None = None, stderr: bool = False, quiet: bool = False, width: int | None = None
) -> Console:
    """A console without markup that prints only printable characters.

    Args:
        file: The target; default: standard output.
        stderr: Whether to use standard error instead.
        quiet: Whether to print nothing.
        width: Characters per line; default: the terminal's width.
    """
    # In a notebook, rich displays what it prints as HTML, even if it is to go to a file.
    in_notebook = False if file is not None else None
    return _Console(
        file=file, stderr=stderr, quiet=quiet, width=width,
        markup=False, emoji=False, highlight=False, force_jupyter=in_notebook,
    )  # fmt: skip


def say(shown: Console, line: str, *, style: str = "") -> None:
    """Print a sentence: in a terminal broken between words, below its own indentation; elsewhere on one line."""
    if not shown.is_terminal:
        return shown.print(Text(line, style=style), soft_wrap=True)
    words = line.lstrip(" ")
    return shown.print(Padding(Text(words, style=style), (0, 0, 0, len(line) - len(words)), expand=False))


def plain_table(*headings: str, title: str | None = None, numbers_from: int | None = None) -> Table:
    """A table without lines, whose long names are broken rather than cut; without a header if all headings are "".

    Args:
        headings: The headings of its columns.
        title: Its title, if any.
        numbers_from: The first of the columns that are aligned right; None: none is.
    """
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), show_header=any(headings))
    for place, heading in enumerate(headings):
        is_number = numbers_from is not None and place >= numbers_from
        table.add_column(heading, overflow="fold", justify="right" if is_number else "left")
    return table


def json_text(content: Any, *, indent: int | None = 1) -> str:
    """JSON for standard output: readable as far as its encoding allows, without characters that have side effects."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return printable_json(json.dumps(content, indent=indent, ensure_ascii=not is_unicode, default=str))


def prepare_streams() -> None:
    """Make the standard streams replace characters that their encoding lacks, instead of failing."""
    codecs.register_error(_ERRORS, _spelt_out)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


class _Console(Console):
    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def _spelt_out(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler of codecs: our own symbols in ASCII, any other character by its code."""
    assert isinstance(error, UnicodeEncodeError), "registered for writing alone"
    letters = error.object[error.start : error.end]
    spelt = (_SPELLINGS.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in letters)
    return "".join(spelt), error.end
