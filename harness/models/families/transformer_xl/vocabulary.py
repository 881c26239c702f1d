"""Vocabularies: plain text with one word per line, and pickles of published models, from which only words are read.

A pickle is a program. Its opcodes are checked first, then it is run without access to anything harmful.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any, cast

from harness.errors import UserError

VOCABULARY = "vocab.txt"
# The header of torch.save's old format; two more headers follow, then the object.
TORCH_MAGIC = 0x1950A86A20F9469CFC6C
# Opcodes that create dictionaries, lists, strings and numbers, and call functions returned by `_Words`. They exclude
# those that set attributes, create instances or load persistent objects, and nested tuples, which as keys could take
# forever.
HARMLESS = {
    "PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1",
    "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_LIST",
    "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE1", "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET",
    "GLOBAL", "STACK_GLOBAL", "REDUCE",
}  # fmt: skip
MOST_CALLS = 100  # A vocabulary has two: its Counter and its OrderedDict.
ALLOWED = {("collections", "Counter"), ("collections", "OrderedDict")}


def read_words(file: Path) -> list[str]:
    """Read the words of a text vocabulary, in order.

    Raises:
        UserError: If a word occurs twice, or the file is not UTF-8.
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
    """Read the words of a published model's vocab.pkl or vocab.bin, in order, with encoding errors repaired.

    Raises:
        UserError: If the file would do more than create a dictionary of words, or has another content.
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
    """Repair words in UTF-8 that were decoded as latin-1 ("Ã©" for "é"), unless the result is another word.

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
            raise UserError(f"{file}: word {number}, {word!r}, appears twice or contains a line break. Copy it again.")
    if not words:
        raise UserError(f"{file}: holds no words. Copy it again.")
    return words


def _unpickled(stream: io.BytesIO) -> Any:
    """Return the object in a pickle, or in torch's old container."""
    first = _next_pickle(stream)
    if first != TORCH_MAGIC:
        return first
    _next_pickle(stream)  # The protocol version.
    _next_pickle(stream)  # The sizes of numbers.
    return _next_pickle(stream)


def _next_pickle(stream: io.BytesIO) -> Any:
    start, size, calls = stream.tell(), stream.getbuffer().nbytes, 0
    for opcode, argument, _ in pickletools.genops(stream):
        calls += opcode.name in {"REDUCE", "TUPLE1"}
        if opcode.name not in HARMLESS or calls > MOST_CALLS:
            raise pickle.UnpicklingError(f"it has the instruction {opcode.name}")
        # The memo is an array as long as its largest index, however few objects it has.
        if opcode.name == "LONG_BINPUT" and cast(int, argument) > size:
            raise pickle.UnpicklingError(f"it asks for a memo of {argument} objects")
    end = stream.tell()
    stream.seek(start)
    return _Words(io.BytesIO(stream.read(end - start))).load()


class _Words(pickle.Unpickler):
    """Creates only dictionaries, and rejects everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return lambda *parts: dict(*parts)  # Not the class, so that no object of this process can be reached.
