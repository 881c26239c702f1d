"""What is a news article about, in one sentence? 204,045 + 11,332 + 11,334 articles of the BBC, some 430 words each."""

from harness.data.sources import Hub
from harness.data.task import Task

task = Task(
    task_type="sequence_to_sequence",
    source=Hub("EdinburghNLP/xsum", revision="7d4d486c2f8ef850b1a11aead99b894ff3dd7da9"),
    metrics=("rouge_1", "rouge_2", "rouge_l", "chrf", "target_perplexity"),
    licence="not stated; the articles are the BBC's",
    citation="Narayan et al. 2018, Don't Give Me the Details, Just the Summary!",
    columns={"source": "document", "target": "summary"},
    examples={"train": 204_045, "validation": 11_332, "test": 11_334},
)
