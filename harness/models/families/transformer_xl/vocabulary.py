"""Vocabularies: plain text, one word per line; and the pickles of published models, of which only words are taken.

A pickle is a program. Its opcodes are looked through first, then it is run with nothing in reach that could do harm.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any, cast

from harness.errors import UserError

VOCABULARY = "vocab.txt"
PICKLED_VOCABULARIES = ("vocab.pkl", "vocab.bin")
# What torch.save wrote first in its old form; two further headers follow, then the object.
TORCH_MAGIC = 0x1950A86A20F9469CFC6C
# Opcodes that make dictionaries, lists, texts and numbers, and call what `_Words` gives. Not among them are those that
# set attributes, make instances or ask for persistent objects, nor tuples of tuples, which could take forever as keys.
HARMLESS = {
    "PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1",
    "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_LIST",
    "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE1", "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET",
    "GLOBAL", "STACK_GLOBAL", "REDUCE",
}  # fmt: skip
MOST_CALLS = 100  # A vocabulary has two: its Counter and its OrderedDict.
ALLOWED = {("collections", "Counter"), ("collections", "OrderedDict")}


def read_words(file: Path) -> list[str]:
    """The words of a text vocabulary, in order.

    Raises:
        UserError: A word is there twice, or the file is not UTF-8.
    """
    try:
        with file.open(encoding="utf-8", newline="\n") as lines:
            words = [line.removesuffix("\n") for line in lines]
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8 ({error.reason}). Copy it again.") from error
    return _checked(words, file)


def write_words(words: list[str], file: Path) -> None:
    """Write `words`, one per line."""
    with file.open("w", encoding="utf-8", newline="\n") as lines:
        lines.writelines(f"{word}\n" for word in words)


def read_pickled_words(file: Path) -> list[str]:
    """The words of a published model's vocab.pkl or vocab.bin, in order, their letters fixed.

    Raises:
        UserError: The file would do more than make a dictionary of words, or is no such dictionary.
    """
    try:
        content = _unpickled(io.BytesIO(file.read_bytes()))
    except (pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, EOFError, AttributeError) as error:
        raise UserError(
            f"{file}: not a vocabulary of words alone ({error}). It was not opened; get it from where it was published."
        ) from error
    words = content.get("idx2sym") if isinstance(content, dict) else None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UserError(f"{file}: holds no list of words (idx2sym). Get it from where it was published.")
    return mended(_checked(words, file))


def mended(words: list[str]) -> list[str]:
    """Words that are a latin-1 reading of UTF-8 ("Ã©" for "é") as they were meant, where that is no other word.

    >>> mended(["cafÃ©", "café", "naÃ¯ve"])
    ['cafÃ©', 'café', 'naïve']
    """
    known = set(words)
    return [word if (meant := _meant(word)) in known else meant for word in words]


def _meant(word: str) -> str:
    try:
        return word.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return word


def _checked(words: list[str], file: Path) -> list[str]:
    known: dict[str, int] = {}
    for number, word in enumerate(words, start=1):
        if "\n" in word or known.setdefault(word, number) != number:
            raise UserError(
                f"{file}: word {number}, {word!r}, is there twice or has a line's end in it. Copy it again."
            )
    if not words:
        raise UserError(f"{file}: holds no words. Copy it again.")
    return words


def _unpickled(stream: io.BytesIO) -> Any:
    """The object in a pickle, or in torch's old container."""
    first = _next_pickle(stream)
    if first != TORCH_MAGIC:
        return first
    _next_pickle(stream)  # the protocol's version
    _next_pickle(stream)  # the sizes of numbers
    return _next_pickle(stream)


def _next_pickle(stream: io.BytesIO) -> Any:
    start, size, calls = stream.tell(), stream.getbuffer().nbytes, 0
    for opcode, argument, _ in pickletools.genops(stream):
        calls += opcode.name in {"REDUCE", "TUPLE1"}
        if opcode.name not in HARMLESS or calls > MOST_CALLS:
            raise pickle.UnpicklingError(f"it has the instruction {opcode.name}")
        # The memo is an array as long as its largest index, whatever little is in it.
        if opcode.name == "LONG_BINPUT" and cast(int, argument) > size:
            raise pickle.UnpicklingError(f"it asks for a memo of {argument} objects")
    end = stream.tell()
    stream.seek(start)
    return _Words(io.BytesIO(stream.read(end - start))).load()


class _Words(pickle.Unpickler):
    """Makes dictionaries of what it is told to make, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return lambda *parts: dict(*parts)  # Not the class, so that nothing of the process's own can be reached.
