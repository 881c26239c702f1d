"""What digit does a nested list of operations come to? 6,000 + 300 + 600 lists of 10 to 40 symbols.

Learnt on a CPU in a minute. The generator of `listops` with other bounds: at most 3 operations within each other, and 5
arguments of each. Not the length of the Long Range Arena: it tells whether a way of reading computes with all of a
text, not how far.
"""

from collections.abc import Mapping
from dataclasses import replace

from harness.data.sources import Generated
from harness.data.task import Row
from harness.registry import TASKS

listops = TASKS.entry("listops").module()

BOUNDS = listops.Bounds(deepest=4, most_arguments=5, shortest=9, longest=41)


def rows(train: int = 6_000, validation: int = 300, test: int = 600) -> Mapping[str, list[Row]]:
    """Different expressions of 10 to 40 symbols, with their values."""
    found: Mapping[str, list[Row]] = listops.rows(train, validation, test, bounds=BOUNDS)
    return found


task = replace(
    listops.task,
    source=Generated(rows, version="1"),
    citation="Nangia and Bowman 2018, ListOps",
    examples={"train": 6_000, "validation": 300, "test": 600},
)
