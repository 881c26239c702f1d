"""How similar in meaning are two sentences, from 0 to 5? 5,749 + 1,500 pairs rated by people."""

from harness.data.glue import CITATION, glue
from harness.data.task import Task

task = Task(
    task_type="regression",
    source=glue("stsb"),
    metrics=("pearson", "spearman"),
    licence="CC BY-SA 4.0 (its sources have terms of their own)",
    citation=f"Cer et al. 2017, SemEval-2017 Task 1: Semantic Textual Similarity; {CITATION}",
    columns={"text": ("sentence1", "sentence2")},
    examples={"train": 5749, "test": 1500},
)
