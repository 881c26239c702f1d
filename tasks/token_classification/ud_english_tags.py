"""Which part of speech is each word? 12,544 + 2,001 + 2,077 sentences of English web text, 17 universal tags.

Caveat: pinned by the name of a release of Universal Dependencies, 2.17, which its publisher could move; no public
source that we could read names the commit. The records of its runs say so.
"""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="token_classification",
    source=Hub("commul/universal_dependencies", "en_ewt", revision="2.17"),
    metrics=("tag_accuracy",),
    licence="CC BY-SA 4.0",
    citation="Silveira et al. 2014, A Gold Standard Dependency Corpus for English; Universal Dependencies, English-EWT",
    columns={"tags": "upos"},
    examples={"train": 12_544, "validation": 2001, "test": 2077},
)
