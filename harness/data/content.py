"""Read the content of a file: decompress it if necessary, and decode text."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import os
import re
import string
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from harness.errors import UserError

LIMIT = "HARNESS_UNPACKED_GB"
DEFAULT_LIMIT = 2.0
_CHUNK = 1 << 20
# Exceptions on damaged archives, by library.
DAMAGED = (
    *(OSError, EOFError, RuntimeError, ValueError, LookupError, OverflowError, MemoryError),
    *(struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# How other files begin.
_STARTS = {b"\x1f\x8b": ".gz", b"PK\x03\x04": ".xlsx or .zip", b"PAR1": ".parquet", b"ARROW1": ".arrow"}
# Characters that are rare within a word of a Western language, but are letters in other 8-bit encodings.
_STRANGE = re.compile("(?<=[a-z])[¡¢£¤¥¦§©®±²³¶¹¼½¾¿](?=[a-z])")
_HIGH = bytes(range(0x80, 0x100))
# Three different such bytes in a row are common in other alphabets, and hardly occur in Western languages.
_RUN = re.compile(rb"(?:([\x80-\xff])(?!\1)){3,}")


@dataclass(frozen=True)
class TextFormat:
    """The user's settings for text files; the rest is guessed."""

    separator: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class DataFile:
    """A file that is being read.

    Attributes:
        name: The name in messages.
        ending: The file's ending, of the inner file if it is compressed: ".csv" for "reviews.csv.gz".
        content: The content in bytes, decompressed.
        text_format: The user's settings.
        guesses: What was guessed about the file; extended while it is read.
    """

    name: str
    ending: str
    content: bytes
    text_format: TextFormat
    guesses: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Decode the text, without a byte-order mark and with line ends unchanged.

        Raises:
            UserError: If it is not in the user's encoding, or in none that can be guessed.
        """
        _refuse_other_content(self)
        known = self.text_format.encoding or _marked(self.content)
        guess = None if known else _guessed(self.content)
        if guess:
            self.guesses.append(f"encoding {guess}")
        return _decoded(self.name, self.content, known or guess or "utf-8")


def opened(file: Path, text_format: TextFormat) -> DataFile:
    """Read the content of a file, and decompress it according to its last ending.

    Raises:
        UserError: If it is compressed and damaged, encrypted, larger than the limit, or contains several files.
    """
    if file.suffix.lower() not in PACKED:
        return DataFile(str(file), ending_of(file), file.read_bytes(), text_format)
    with _archive_errors(file):
        stream, ending = PACKED[file.suffix.lower()](file)
        with stream:
            return DataFile(str(file), ending, b"".join(_limited(stream, file)), text_format)


def ending_of(file: Path) -> str:
    """Return the ending of a file, or of the inner file if it is compressed.

    >>> ending_of(Path("reviews.CSV.gz"))
    '.csv'
    """
    packed = file.suffix.lower() in PACKED
    return (Path(file.stem) if packed else file).suffix.lower()


def utf8_text(file: Path) -> str:
    """Read UTF-8 text from `file`, without a byte-order mark and with line ends unchanged.

    Raises:
        UserError: If it is not UTF-8.
    """
    return _decoded(str(file), file.read_bytes(), "utf-8")


def unpacked_limit() -> int:
    """Return the maximum number of bytes in a decompressed file.

    Raises:
        UserError: If the environment variable for it is not a number.
    """
    given = os.environ.get(LIMIT) or DEFAULT_LIMIT
    try:
        return int(float(given) * 1e9)
    except (ValueError, OverflowError) as error:
        raise UserError(f"{LIMIT}: not a number of gigabytes (got {given!r}). Set it to one, such as 8.") from error


def _limited(stream: BinaryIO, file: Path) -> Iterator[bytes]:
    """Yield the content of the stream, up to the limit, whatever size the archive states."""
    left = unpacked_limit()
    while chunk := stream.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise UserError(
                f"{file}: holds more than {unpacked_limit() / 1e9:g} GB once unpacked. "
                f"Unpack it, or set {LIMIT} to more gigabytes."
            )
        yield chunk


@contextmanager
def _archive_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise  # Reported by the reader of any file.
    except DAMAGED as error:
        raise UserError(
            f"{file}: damaged, or not what its ending says ({error!r:.100}). Get or pack it again."
        ) from error


def _zipped(file: Path) -> tuple[BinaryIO, str]:
    """Open the only file in an archive, and return its ending."""
    archive = zipfile.ZipFile(file)
    inside = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    if len(inside) != 1:
        raise UserError(f"{file}: holds {len(inside)} files. Unpack it, and name one of them or their folder.")
    if inside[0].flag_bits & 1:
        raise UserError(f"{file}: encrypted. Unpack it with its password.")
    return cast(BinaryIO, archive.open(inside[0])), Path(inside[0].filename).suffix.lower()


def _zstandard(file: Path) -> BinaryIO:
    import pyarrow  # noqa: PLC0415 -- arrow is heavy, and only these files need it

    return cast(BinaryIO, pyarrow.input_stream(str(file), compression="zstd"))


def _plain(opener: Callable[[Path], object]) -> Callable[[Path], tuple[BinaryIO, str]]:
    return lambda file: (cast(BinaryIO, opener(file)), ending_of(file))


PACKED: Mapping[str, Callable[[Path], tuple[BinaryIO, str]]] = {
    ".gz": _plain(gzip.open),
    ".bz2": _plain(bz2.open),
    ".xz": _plain(lzma.open),
    ".zst": _plain(_zstandard),
    ".zip": _zipped,
}


def _refuse_other_content(file: DataFile) -> None:
    """Refuse a file whose ending says that it is text, and whose first bytes say that it is something else."""
    ending = next((ending for start, ending in _STARTS.items() if file.content.startswith(start)), None)
    if ending is not None:
        raise UserError(f"{file.name}: no text, but what a {ending} file contains. Give it the ending of what it is.")


def _marked(content: bytes) -> str | None:
    """Return the encoding of a byte-order mark."""
    return next((encoding for mark, encoding in _MARKS.items() if content.startswith(mark)), None)


def _guessed(content: bytes) -> str | None:
    """Guess the encoding of text without a byte-order mark; None for UTF-8, or if it is unclear."""
    # In UTF-16, every other byte is zero in most languages.
    even, odd = content[0:4096:2].count(0), content[1:4096:2].count(0)
    if 5 * max(even, odd) > len(content[:4096]) and 10 * min(even, odd) < max(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        content.decode()
    except UnicodeDecodeError:
        return "cp1252" if _is_western(content) else None
    return None


def _is_western(content: bytes) -> bool:
    """Return whether content that is not UTF-8 reads as a Western language in cp1252, or in the similar Latin-1.

    Content that is mostly valid UTF-8 does not: a few of its bytes are damaged.
    """
    high = sum(content.count(byte) for byte in _HIGH)
    wrong = len(content) - len(content.decode(errors="ignore").encode())
    letters = sum(content.count(byte) for byte in string.ascii_letters.encode())
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return False
    in_runs = sum(found.end() - found.start() for found in _RUN.finditer(content))
    return 2 * wrong > high and 3 * high < letters and 5 * in_runs <= high and 50 * len(_STRANGE.findall(text)) <= high


def _decoded(name: str, content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = content.count(b"\n", 0, start) + 1
        called = "UTF-8" if encoding == "utf-8" else encoding
        raise UserError(
            f"{name}, line {line}: not {called} (byte {content[start]:#04x} at offset {start}). "
            f"Save the file as UTF-8, or name its encoding (--encoding)."
        ) from error
