"""Which part of speech is each word? 12,544 + 2,001 + 2,077 sentences of English web text, 17 universal tags.

Caveat: the commit is the newest of September 2026, after release 2.18 of Universal Dependencies.
"""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="token_classification",
    source=Hub("commul/universal_dependencies", "en_ewt", revision="6b8168e1a6c048c9f8c731aca07daa7aaba228c6"),
    metrics=("tag_accuracy",),
    licence="CC BY-SA 4.0",
    citation="Silveira et al. 2014, A Gold Standard Dependency Corpus for English; Universal Dependencies, English-EWT",
    columns={"tags": "upos"},
    examples={"train": 12_544, "validation": 2001, "test": 2077},
)
