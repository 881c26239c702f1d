"""What is a German sentence of news and parliament in English? 4,548,885 + 2,169 + 2,999 sentences.

All of it is held in memory: set `train_examples`.
"""

from harness.data.sources import Hub
from harness.data.task import Task
from harness.data.translations import german_english

task = Task(
    task_type="sequence_to_sequence",
    source=Hub("wmt/wmt16", "de-en", prepare=german_english, revision="41d8a4013aa1489f28fea60ec0932af246086482"),
    metrics=("bleu", "chrf", "target_token_accuracy", "target_perplexity"),
    licence="not stated; see statmt.org/wmt16",
    citation="Bojar et al. 2016, Findings of the 2016 Conference on Machine Translation",
    examples={"train": 4_548_885, "validation": 2_169, "test": 2_999},
)
