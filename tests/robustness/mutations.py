"""Ways in which a file is damaged."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path

Damage = Callable[[bytes, bytes, random.Random], bytes]


def flip(content: bytes, other: bytes, chooser: random.Random) -> bytes:
    """One bit is another."""
    place, changed = chooser.randrange(len(content)), bytearray(content)
    changed[place] ^= 1 << chooser.randrange(8)
    return bytes(changed)


def zero(content: bytes, other: bytes, chooser: random.Random) -> bytes:
    """Some bytes are zeros, as after a power failure."""
    start = chooser.randrange(len(content))
    stop = min(start + chooser.randint(1, 512), len(content))
    return content[:start] + bytes(stop - start) + content[stop:]


def cut(content: bytes, other: bytes, chooser: random.Random) -> bytes:
    """The end is missing."""
    return content[: chooser.randrange(len(content))]


def lengthen(content: bytes, other: bytes, chooser: random.Random) -> bytes:
    """Something follows."""
    return content + chooser.randbytes(chooser.randint(1, 64))


def swap(content: bytes, other: bytes, chooser: random.Random) -> bytes:
    """It is another file of the same sort."""
    return other


def digit(content: bytes, other: bytes, chooser: random.Random) -> bytes:
    """A digit is another: what no parser can see."""
    digits = [found.start() for found in re.finditer(rb"[0-9]", content)]
    if not digits:
        return flip(content, other, chooser)
    place, changed = chooser.choice(digits), bytearray(content)
    changed[place] = ord("0") + (changed[place] - ord("0") + chooser.randint(1, 9)) % 10
    return bytes(changed)


DAMAGES: Mapping[str, Damage] = {function.__name__: function for function in (flip, zero, cut, lengthen, swap, digit)}


def mutated(file: Path, other: bytes, chooser: random.Random) -> str:
    """Damage a file, or take it away; the name of what was done.

    Args:
        file: The file.
        other: The content of another one of its sort.
        chooser: Draws what is done, and where.
    """
    name = chooser.choice([*DAMAGES, "empty", "delete"])
    content = file.read_bytes()
    if name == "delete":
        file.unlink()
    elif name == "empty" or not content:
        file.write_bytes(b"" if content else b"?")
    else:
        file.write_bytes(DAMAGES[name](content, other, chooser))
    return name
