"""What are the highlights of a news article? 287,113 + 13,368 + 11,490 articles of some 780 words.

Version 3.0.0, in which no entity is hidden.
"""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="sequence_to_sequence",
    source=Hub("abisee/cnn_dailymail", "3.0.0", revision="96df5e686bee6baa90b8bee7c28b81fa3fa6223d"),
    metrics=("rouge_1", "rouge_2", "rouge_l", "chrf", "target_perplexity"),
    licence="Apache-2.0 as the card says; the articles are their publishers'",
    citation="See et al. 2017, Get To The Point; Hermann et al. 2015",
    columns={"source": "article", "target": "highlights"},
    examples={"train": 287_113, "validation": 13_368, "test": 11_490},
)
