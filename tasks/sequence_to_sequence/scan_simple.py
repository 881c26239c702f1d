"""Which actions does a command mean, as "jump twice and walk left"? 15,055 / 1,673 / 4,182 commands.

Source: Lake and Baroni 2018, experiment 1; the grammar is theirs, which commands judge is drawn here. Models of all
sorts solve it: the split by length, `scan_length`, tells them apart.
"""

from harness.data.scan import scan_task, simple_split

task = scan_task(simple_split, "2", {"train": 15_055, "validation": 1_673, "test": 4_182})
