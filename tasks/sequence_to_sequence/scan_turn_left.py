"""Which actions does "turn left twice" mean, where "turn left" was only learnt alone? 19,920 / 1,970 / 1,208 commands.

Source: Lake and Baroni 2018, experiment 3. As published, a tenth of 21,890 commands to learn from are "turn left"
itself, and no other has it; all test commands do. 1,970 of those without it are kept to choose here, so validation
does not say how a model does on the test commands.
"""

from harness.data.scan import turn_left_split
from harness.data.sources import Generated
from harness.data.task import Task

task = Task(
    task_type="sequence_to_sequence",
    source=Generated(turn_left_split, "1"),
    metrics=("exact_text", "target_token_accuracy", "target_perplexity"),
    licence="none needed: made by its published grammar",
    citation="Lake and Baroni 2018, Generalization without Systematicity",
    near_duplicates="keep",
    keep_repeats=True,
    examples={"train": 19_920, "validation": 1_970, "test": 1_208},
)
