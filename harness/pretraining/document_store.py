"""Storage of documents in three files: all texts, their lengths, and which documents are held out."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

LEAST_FOR_ONE = 10  # With at least this many documents, at least one is held out.


@dataclass(frozen=True)
class DocumentStore:
    """Documents of one corpus, read one at a time.

    Attributes:
        folder: The folder of the files.
        lengths: Length of each document, in bytes of UTF-8 [documents].
        held_out: Whether each document is kept from training [documents].
    """

    folder: Path
    lengths: NDArray[np.int64]
    held_out: NDArray[np.bool_]

    def documents(self, *, held_out: bool | None = None) -> Iterator[str]:
        """Yield documents in order: all of them (None), those held out (True), or those for training (False)."""
        with (self.folder / "texts.utf8").open("rb") as stream:
            for length, held in zip(self.lengths, self.held_out, strict=True):
                if held_out is None or held == held_out:
                    yield stream.read(int(length)).decode()
                else:
                    stream.seek(int(length), 1)

    def count(self, *, held_out: bool) -> int:
        """Return the number of documents that are held out, or are not."""
        return int((self.held_out == held_out).sum())


def read_document_store(folder: Path) -> DocumentStore:
    """Open the documents that a `TextWriter` wrote.

    Raises:
        OSError: If the files don't exist.
        ValueError: If they are incomplete.
    """
    lengths = np.fromfile(folder / "lengths.int64", dtype=np.int64)
    held_out = np.fromfile(folder / "held_out.bool", dtype=np.bool_)
    if len(lengths) != len(held_out) or lengths.sum() != (folder / "texts.utf8").stat().st_size:
        raise ValueError(f"{folder}: not whole")
    return DocumentStore(folder, lengths, held_out)


class TextWriter:
    """Writes documents one after the other, keeping only one number per document in memory.

    Whether a document is held out depends only on its text and the seed, not on the other documents or their order.
    The exception: if none of ten or more documents is drawn, the one with the lowest draw is held out.
    """

    def __init__(self, folder: Path, *, share: float, seed: int) -> None:
        folder.mkdir(parents=True)
        self._folder, self._share, self._seed = folder, share, seed
        self._lots = array("d")

    def __enter__(self) -> Self:
        self._texts = (self._folder / "texts.utf8").open("wb")
        self._lengths = (self._folder / "lengths.int64").open("wb")
        return self

    def write(self, text: str, *, identity: str) -> None:
        """Add a document.

        Args:
            text: The text to store.
            identity: The text before anything was cut out of it, which decides with the seed if it is held out.
        """
        content = text.encode()
        self._texts.write(content)
        self._lengths.write(np.int64(len(content)).tobytes())
        self._lots.append(_lot(identity, self._seed))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._texts.close()
        self._lengths.close()
        lots: NDArray[Any] = np.frombuffer(self._lots)
        held_out = lots < self._share
        if len(lots) >= LEAST_FOR_ONE and not held_out.any():
            held_out[lots.argmin()] = True
        held_out.tofile(self._folder / "held_out.bool")


def _lot(text: str, seed: int) -> float:
    """Return a pseudo-random number in [0, 1) that is a function of the text and the seed."""
    digest = hashlib.blake2b(text.encode(), digest_size=8, salt=seed.to_bytes(16, "little", signed=True)).digest()
    return int.from_bytes(digest, "little") / 2**64
