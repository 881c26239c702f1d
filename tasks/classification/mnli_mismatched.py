"""Does a sentence follow from another, contradict it, or neither? 392,702 + 9,832 pairs of other genres."""

from dataclasses import replace

from harness.data.glue import glue
from harness.registry import TASKS

task = replace(
    TASKS.load("mnli"),
    source=glue("mnli", test="validation_mismatched"),
    examples={"train": 392_702, "test": 9832},
)
