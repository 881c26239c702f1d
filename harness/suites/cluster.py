"""[cluster]: the resources of a suite's runs on a cluster, validated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from harness.config.checking import Strict
from harness.counted import counted
from harness.runs.options import Resources

_BYTES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def _like(pattern: str, words: str) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(words)
        return text

    return checked


_Names = Annotated[
    str, AfterValidator(_like(r"[\w.+-]+(,[\w.+-]+)*", "must be a name, or several with commas between"))
]
_Time = Annotated[
    str, AfterValidator(_like(r"(\d+-)?\d+(:\d+){0,2}", 'must be like "90" (minutes), "12:00:00" or "2-00:00:00"'))
]
_Memory = Annotated[str, AfterValidator(_like(r"[1-9]\d*[KMGT]?", 'must be like "16G", or "800M"'))]


class Cluster(Strict):
    """The [cluster] table of a suite. Everything left out keeps the cluster's default.

    Attributes:
        partition: The partition to submit to, or several separated by commas.
        account: The account to charge.
        time: The time limit of a run: "90" is minutes; "12:00:00"; "2-00:00:00" is two days.
        gpus_per_run: GPUs per run.
        cpus_per_run: CPU cores per run.
        memory: Memory per run, such as "16G".
        at_most: Maximum number of runs at a time.
        upload: Copy the working directory to the Ray nodes, if they do not share its disk.
    """

    partition: _Names | None = None
    account: _Names | None = None
    time: _Time | None = None
    gpus_per_run: int | None = Field(default=None, ge=0, strict=True)
    cpus_per_run: int | None = Field(default=None, ge=1, strict=True)
    memory: _Memory | None = None
    at_most: int | None = Field(default=None, ge=1, strict=True)
    upload: bool = Field(default=False, strict=True)

    def sbatch_options(self) -> Iterator[str]:
        """The settings as options of Slurm's `sbatch`; `at_most` belongs to the array."""
        options = {
            "partition": self.partition,
            "account": self.account,
            "time": self.time,
            "gpus": self.gpus_per_run,
            "cpus-per-task": self.cpus_per_run,
            "mem": self.memory,
        }
        yield from (f"--{name}={value}" for name, value in options.items() if value is not None)

    def resources(self) -> Resources:
        """The settings as resources of a Ray task; partition, account and time only apply to Slurm."""
        return Resources(
            cpus=self.cpus_per_run or 1,
            gpus=self.gpus_per_run or 0,
            memory_bytes=None if self.memory is None else memory_bytes(self.memory),
            at_most=self.at_most,
            upload=self.upload,
        )

    @property
    def time_seconds(self) -> int | None:
        """The time limit of a run in seconds; None if the cluster decides."""
        return None if self.time is None else seconds_of(self.time)

    def asked(self) -> str:
        """Describe the resources of a run; "" if none are set."""
        amounts = ((self.gpus_per_run, "GPU"), (self.cpus_per_run, "processor"))
        words = [counted(count, noun) for count, noun in amounts if count]
        return ", ".join([*words, *([f"{self.memory} of memory"] if self.memory else [])])


def seconds_of(time: str) -> int:
    """Convert a valid `time` to seconds: minutes, minutes:seconds or hours:minutes:seconds; after days, hours first.

    >>> seconds_of("90"), seconds_of("1:30"), seconds_of("12:00:00"), seconds_of("2-12")
    (5400, 90, 43200, 216000)
    """
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    units = (3600, 60, 1) if dash or len(parts) == 3 else (60, 1)
    return 86400 * int(days or 0) + sum(part * unit for part, unit in zip(parts, units, strict=False))


def memory_bytes(text: str) -> int:
    """Convert a valid `memory` to bytes; a number without a unit is in megabytes, as in Slurm.

    >>> memory_bytes("2G"), memory_bytes("800")
    (2147483648, 838860800)
    """
    unit = text[-1] if text[-1] in _BYTES else "M"
    return int(text.removesuffix(unit)) * _BYTES[unit]
