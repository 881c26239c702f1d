"""Which colour does the one sentence about the vault name? 1,200 + 240 + 600 texts of 300 words.

`needle` for small models: learnt on a CPU in minutes.
"""

from collections.abc import Mapping
from dataclasses import replace

from harness.data.sources import Generated
from harness.data.task import Row
from harness.registry import TASKS

needle = TASKS.entry("needle").module()


def rows() -> Mapping[str, list[Row]]:
    """The texts of `needle`, a quarter as long."""
    found: Mapping[str, list[Row]] = needle.rows(words=300)
    return found


task = replace(needle.task, source=Generated(rows, version="1"))
