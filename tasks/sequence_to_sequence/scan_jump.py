"""Which actions does "jump twice" mean, where "jump" was only learnt alone? 13,350 / 1,320 / 7,706 commands.

Source: Lake and Baroni 2018, experiment 3. As published, a tenth of 14,670 commands to learn from are "jump"
itself, and no other has it; all test commands do. 1,320 of those without it are kept to choose here, so validation
does not say how a model does on the test commands.
"""

from harness.data.scan import jump_split, scan_task

task = scan_task(jump_split, "1", {"train": 13_350, "validation": 1_320, "test": 7_706}, keep_repeats=True)
