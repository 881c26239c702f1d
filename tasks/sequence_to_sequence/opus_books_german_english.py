"""What is a German sentence of a novel in English? 51,467 sentences of books out of copyright.

Validation and test are carved out here.
"""

from harness.data.sources import Hub
from harness.data.task import Task
from harness.data.translations import german_english

task = Task(
    task_type="sequence_to_sequence",
    source=Hub(
        "Helsinki-NLP/opus_books",
        "de-en",
        splits={"train": "train"},
        prepare=german_english,
        revision="1f9f6191d0e91a3c539c2595e2fe48fc1420de9b",
    ),
    metrics=("bleu", "chrf", "target_token_accuracy", "target_perplexity"),
    licence="the books are in the public domain; see opus.nlpl.eu",
    citation="Tiedemann 2012, Parallel Data, Tools and Interfaces in OPUS",
    examples={"train": 51_467},
)
