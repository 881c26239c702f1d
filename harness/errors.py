"""Errors caused by the user, as opposed to bugs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from heapq import nsmallest
from itertools import pairwise, takewhile
from pathlib import Path
from traceback import extract_tb

from harness.printable import printable

# Up to `MOST_LISTED` known words are all listed, else `FEW`. At most `MOST_COMPARED` are compared with a wrong word.
MOST_LISTED, FEW, MOST_COMPARED = 50, 10, 500


class UserError(Exception):
    """An error that the user can fix: shown line by line, without a traceback; exit code 2.

    Each line reads `Where: what is wrong (what was got). What to do.`
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback: the line that called the harness, and the messages."""
        here = str(Path(__file__).parent)
        frames = takewhile(lambda frame: not frame.filename.startswith(here), extract_tb(self.__traceback__))
        *_, caller = [None, *frames]
        called = f"line {caller.lineno}: {caller.line}\n" if caller is not None else ""
        return [f"{called}{type(self).__name__}: {printable(str(self))}"]


@contextmanager
def collected(mistakes: list[str], where: str = "") -> Iterator[None]:
    """Append the lines of a UserError in the block to `mistakes`, each after `where`, and continue after the block.

    >>> mistakes = []
    >>> with collected(mistakes, "models: "):
    ...     raise UserError("'bret': no such model.")
    >>> mistakes
    ["models: 'bret': no such model."]
    """
    try:
        yield
    except UserError as error:
        mistakes += [f"{where}{line}" for line in error.lines]


_listeners: list[Callable[[str], None]] = []


def pass_on_notices(listener: Callable[[str], None]) -> None:
    """Also pass every notice from now on to `listener`, as in a process whose standard error nobody sees."""
    _listeners.append(listener)


@cache
def notice(line: str) -> None:
    """Tell the user something that does not stop the program, once, on standard error."""
    for listener in _listeners:
        listener(line)
    sys.stderr.write(f"{printable(line)}\n")


def nearest(wrong: str, known: Iterable[str]) -> str:
    """A closing sentence that suggests the known word closest to `wrong`, or lists the known words.

    >>> nearest("learning_rat", ["learning_rate", "epochs"])
    ' Did you mean learning_rate?'
    """
    words = sorted(known)
    close = get_close_matches(wrong, _likely(wrong, words), n=1, cutoff=0.6)
    if close:
        return f" Did you mean {close[0]}?"
    return f" Known: {listed(wrong, words)}." if words else ""


def listed(wrong: str, known: Iterable[str]) -> str:
    """List the known words; of many, those closest to `wrong` and the number of others; "none" if there are none.

    >>> listed("c", ["a", "b"])
    'a, b'
    """
    words = list(known)
    if len(words) <= MOST_LISTED:
        return ", ".join(words) or "none"
    return f"{', '.join(_likely(wrong, words)[:FEW])} and {len(words) - FEW:,} more"


def _likely(wrong: str, words: Sequence[str]) -> Sequence[str]:
    """Preselect the words that share most pairs of letters with `wrong`: comparing very many takes seconds."""
    if len(words) <= MOST_LISTED:
        return words
    pairs = set(pairwise(wrong))
    return nsmallest(MOST_COMPARED, words, key=lambda word: (-len(pairs.intersection(pairwise(word))), len(word)))
