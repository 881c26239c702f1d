"""Which actions does a long command mean, after training on short ones only? 15,291 / 1,699 / 3,920 commands.

Source: Lake and Baroni 2018, experiment 2: training commands mean at most 22 actions, test commands 24 to 48. The
validation split is drawn from the short ones, so it does not say how a model does on long ones.
"""

from harness.data.scan import length_split
from harness.data.sources import Generated
from harness.data.task import Task

task = Task(
    task_type="sequence_to_sequence",
    source=Generated(length_split, "2"),
    metrics=("exact_text", "target_token_accuracy", "target_perplexity"),
    licence="none needed: made by its published grammar",
    citation="Lake and Baroni 2018, Generalization without Systematicity",
    near_duplicates="keep",
    examples={"train": 15_291, "validation": 1_699, "test": 3_920},
)
