"""Where text is shown: whatever a path or a stranger's record holds, and whatever encoding the terminal has."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from harness.printable import printable

_SPELLINGS = {
    "·": "-", "–": "-", "—": "-", "−": "-", "×": "x", "±": "+/-", "✓": "+", "✗": "x", "↑": "^", "↓": "v",
    "“": '"', "”": '"', "’": "'", "…": "...", "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
_ERRORS = "harness.spelt_out"


def console(
    *, file: IO[str] | None = None, stderr: bool = False, quiet: bool = False, width: int | None = None
) -> Console:
    """A console for which no text is markup, and that shows nothing but printable characters.

    Args:
        file: Where to; default: the standard output.
        stderr: The standard error instead.
        quiet: Show nothing.
        width: Characters in a line; default: the terminal's.
    """
    return _Console(file=file, stderr=stderr, quiet=quiet, width=width, markup=False, emoji=False, highlight=False)


def prepare_streams() -> None:
    """Let the standard streams spell out what their encoding lacks, instead of failing at it."""
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
    """An error handler of codecs: our own signs in ASCII, any other character by its number."""
    assert isinstance(error, UnicodeEncodeError), "registered for writing alone"
    letters = error.object[error.start : error.end]
    spelt = (_SPELLINGS.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in letters)
    return "".join(spelt), error.end
