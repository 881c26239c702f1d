"""Which words name a person, place, organisation or something else? 14,041 + 3,250 + 3,453 sentences of Reuters news.

The usual test of entity recognition; tags are BIO. The publisher's Hub copy is a script, which is never run: this is
one in parquet. It has no documents, so intervals take sentences for independent.
"""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="token_classification",
    source=Hub("hgissbkh/conll2003", revision="5486892e8a93564824714d4f5068cf07f5b3a95f"),
    metrics=("entity_f1", "entity_precision", "entity_recall", "tag_accuracy"),
    licence="research use (Reuters)",
    citation="Tjong Kim Sang and De Meulder 2003, Introduction to the CoNLL-2003 Shared Task",
    columns={"tags": "ner_tags"},
    examples={"train": 14_041, "validation": 3250, "test": 3453},
)
