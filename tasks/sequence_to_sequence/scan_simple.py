"""Which actions does a command mean, as "jump twice and walk left"? 15,055 / 1,673 / 4,182 commands.

Source: Lake and Baroni 2018, experiment 1; the grammar is theirs, which commands judge is drawn here. Models of all
sorts solve it: the split by length, `scan_length`, tells them apart.
"""

from harness.data.scan import simple_split
from harness.data.sources import Generated
from harness.data.task import Task

task = Task(
    task_type="sequence_to_sequence",
    source=Generated(simple_split, "2"),
    metrics=("exact_text", "target_token_accuracy", "target_perplexity"),
    licence="none needed: made by its published grammar",
    citation="Lake and Baroni 2018, Generalization without Systematicity",
    near_duplicates="keep",
    examples={"train": 15_055, "validation": 1_673, "test": 4_182},
)
