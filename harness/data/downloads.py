"""Rows of a large file that the user downloads from its publisher."""

from __future__ import annotations

import codecs
import hashlib
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.content import DAMAGED
from harness.data.task import Row
from harness.errors import UserError

FOLDER = "HARNESS_DATA"
MILLION = 1_000_000
BOUNDS = {"train": (0, 90 * MILLION), "validation": (90 * MILLION, 95 * MILLION), "test": (95 * MILLION, 100 * MILLION)}
PIECE = 10_000


@dataclass(frozen=True)
class Download:
    """A file in the folder of the environment variable HARNESS_DATA, as such or in its archive.

    Attributes:
        name: The file name; the archive's name adds ".zip".
        address: The publisher's download address.
        size: The size in bytes.
        read: Returns the rows by split from the content.
    """

    name: str
    address: str
    size: int
    read: Callable[[bytes], Mapping[str, Sequence[Row]]]

    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Read the rows by split.

        Raises:
            UserError: If the file is missing, or has another size.
        """
        return self.read(self._content())

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's content."""
        return f"{self.name}:{hashlib.sha256(self._content()).hexdigest()}"

    def _content(self) -> bytes:
        file = self._file()
        content = self._unpacked(file) if file.suffix == ".zip" else file.read_bytes()
        if len(content) != self.size:
            raise UserError(
                f"{file}: {self.name} has {self.size:,} bytes (got {len(content):,}). Get it from {self.address}."
            )
        return content

    def _unpacked(self, archive: Path) -> bytes:
        """Extract the file from its archive, up to its expected size plus one byte."""
        try:
            with zipfile.ZipFile(archive) as opened, opened.open(self.name) as stream:
                return stream.read(self.size + 1)
        except (*DAMAGED, KeyError) as error:
            raise UserError(
                f"{archive}: no archive with {self.name} in it ({error}). Get it from {self.address}."
            ) from error

    def _file(self) -> Path:
        folder = os.environ.get(FOLDER)
        if not folder:
            raise UserError(
                f"{self.name}: not there. Get it from {self.address}, and let {FOLDER} name the folder that it is in."
            )
        files = [Path(folder) / self.name, Path(folder) / f"{self.name}.zip"]
        found = next((file for file in files if file.is_file()), None)
        if found is None:
            raise UserError(f"{files[0]}: no such file, and no {files[1].name} either. Get it from {self.address}.")
        return found


def first_hundred_million(
    content: bytes, bounds: Mapping[str, tuple[int, int]] = BOUNDS, piece: int = PIECE
) -> Mapping[str, list[Row]]:
    """Split the text: train in pieces of `piece` characters, validation and test in one, as for published results.

    A character across a bound belongs to the later split. One that is truncated by the end of the file is dropped.

    Raises:
        UserError: If the file is not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        texts = {split: decoder.decode(content[start:stop]) for split, (start, stop) in bounds.items()}
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 ({error.reason}). Get the file again.") from error
    train = texts["train"]
    pieces = [train[start : start + piece] for start in range(0, len(train), piece)]
    documents = {split: [text] for split, text in texts.items()} | {"train": pieces}
    return {split: [{"text": text} for text in found] for split, found in documents.items()}
