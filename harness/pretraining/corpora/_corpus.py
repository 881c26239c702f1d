"""Corpus: texts to pretrain on, document by document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.data.orange_tab import read_tab
from harness.data.sources import Packaged
from harness.data.task import Row


@dataclass(frozen=True)
class Corpus:
    """Texts without labels, out of an installed package. A document is whole, and as it was written.

    Attributes:
        source: Where the rows come from, under "train": a text each, in a column `text`.
        licence: The texts' licence.
        citation: Who to name.
    """

    source: Packaged
    licence: str
    citation: str

    def documents(self) -> Iterator[str]:
        """The documents that are not empty, in the source's order.

        Raises:
            UserError: The package isn't installed.
        """
        for row in self.source.rows()["train"]:
            if text := str(row["text"]).strip():
                yield text


def read_tab_texts(file: Path) -> Mapping[str, list[Row]]:
    """A text each, of one of Orange's .tab files."""
    return {"train": [{"text": row["Text"]} for row in read_tab(file)]}
