"""Corpus: documents to pretrain on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.data.orange_tab import read_tab
from harness.data.sources import Packaged
from harness.data.task import Row


@dataclass(frozen=True)
class Corpus:
    """Unlabelled texts from an installed package. Documents are complete and uncleaned.

    Attributes:
        source: The source of the rows, under "train", with one document each in a column `text`.
        licence: The texts' licence.
        citation: The work to cite.
    """

    source: Packaged
    licence: str
    citation: str

    def documents(self) -> Iterator[str]:
        """Yield the documents that are not empty, stripped of surrounding blanks, in the source's order.

        Raises:
            UserError: If the package isn't installed.
        """
        for row in self.source.rows()["train"]:
            if text := str(row["text"]).strip():
                yield text


def read_tab_texts(file: Path) -> Mapping[str, list[Row]]:
    """Read one of Orange's .tab files, with one text per row."""
    return {"train": [{"text": row["Text"]} for row in read_tab(file)]}
