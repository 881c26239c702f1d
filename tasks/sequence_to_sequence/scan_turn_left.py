"""Which actions does "turn left twice" mean, where "turn left" was only learnt alone? 19,920 / 1,970 / 1,208 commands.

Source: Lake and Baroni 2018, experiment 3. As published, a tenth of 21,890 commands to learn from are "turn left"
itself, and no other has it; all test commands do. 1,970 of those without it are kept to choose here, so validation
does not say how a model does on the test commands.
"""

from harness.data.scan import scan_task, turn_left_split

task = scan_task(turn_left_split, "1", {"train": 19_920, "validation": 1_970, "test": 1_208}, keep_repeats=True)
