"""What is a German sentence of a novel in English? 51,467 sentences of books out of copyright.

Validation and test are carved out here. The revision is not pinned.
"""

from collections.abc import Sequence

from harness.data.sources import Hub
from harness.data.task import Row, Task


def pairs(rows: Sequence[Row]) -> list[Row]:
    """German with its English."""
    both = [dict(row["translation"]) for row in rows]  # type: ignore[call-overload]
    return [{"source": pair["de"], "target": pair["en"]} for pair in both]


task = Task(
    task_type="sequence_to_sequence",
    source=Hub("Helsinki-NLP/opus_books", "de-en", splits={"train": "train"}, prepare=pairs),
    metrics=("bleu", "chrf", "target_token_accuracy", "target_perplexity"),
    licence="the books are in the public domain; see opus.nlpl.eu",
    citation="Tiedemann 2012, Parallel Data, Tools and Interfaces in OPUS",
    examples={"train": 51_467},
)
