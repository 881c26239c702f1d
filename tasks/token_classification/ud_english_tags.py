"""Which part of speech is each word? 12,544 + 2,001 + 2,077 sentences of English web text, 17 universal tags."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="token_classification",
    source=Hub("commul/universal_dependencies", "en_ewt"),
    metrics=("tag_accuracy",),
    licence="CC BY-SA 4.0",
    citation="Silveira et al. 2014, A Gold Standard Dependency Corpus for English; Universal Dependencies, English-EWT",
    columns={"tags": "upos"},
    examples={"train": 12_544, "validation": 2001, "test": 2077},
)
