"""Which actions does a long command mean, after training on short ones only? 15,291 / 1,699 / 3,920 commands.

Source: Lake and Baroni 2018, experiment 2: training commands mean at most 22 actions, test commands 24 to 48. The
validation split is drawn from the short ones, so it does not say how a model does on long ones.
"""

from harness.data.scan import length_split, scan_task

task = scan_task(length_split, "2", {"train": 15_291, "validation": 1_699, "test": 3_920})
