"""Training costs of a model's runs, and its inference cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np

from harness.errors import collected
from harness.record import RunRecord
from harness.runs.inference_cost import InferenceCost, measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The mean cost of a run of the cell, over its complete seeds on one machine. None: not measured.

    Attributes:
        train_seconds: Wall-clock training time in seconds; 0 for a model that is scored without training.
        train_seconds_least: That of the shortest run.
        train_seconds_most: That of the longest run.
        train_processor_seconds: CPU time of all threads; None if training used another device, or if any run, including
            those of other models, was recorded by a version that did not measure it.
        others_processors: Number of CPUs kept busy by other work meanwhile; None: not measured.
        machine: The machine of the runs.
        among_machines: Whether other runs of the task were made on other machines.
        timed_runs: Number of runs that are averaged.
    """

    train_seconds: float | None
    train_seconds_least: float | None = None
    train_seconds_most: float | None = None
    train_processor_seconds: float | None = None
    others_processors: float | None = None
    machine: str = ""
    among_machines: bool = False
    timed_runs: int = 0
    train_tokens_per_second: float | None
    peak_memory_bytes: float | None
    parameters: float | None
    training_flops: float | None
    trained_parameters: float | None = None

    @property
    def training_time(self) -> float | None:
        """The training time to report: CPU time if known, because other work hardly changes it."""
        return self.train_seconds if self.train_processor_seconds is None else self.train_processor_seconds


def cost_in_use(folders: Sequence[Path]) -> tuple[InferenceCost | None, list[str]]:
    """The result of `harness measure` for the first measured run, and a line for each unreadable file."""
    problems: list[str] = []
    for folder in folders:
        with collected(problems):
            found = measured(folder)
            if found is not None:
                return found, problems
    return None, problems


def costs_of(by_model: Mapping[str, Sequence[RunRecord]]) -> dict[str, Cost | None]:
    """The mean cost of a run of each model of a task; None for models without any.

    Runs of different machines are not averaged. For each model, the runs on the task's most common machine count, or,
    if there are none, those on the model's own most common one. CPU time is used for all models or for none.
    """
    machines = Counter(machine_of(record) for records in by_model.values() for record in records)
    kept = {model: _of_one_machine(records, machines) for model, records in by_model.items()}
    timed = all(map(_has_processor_time, (record for records in kept.values() for record in records)))
    return {
        model: _cost_of(records, has_processor_time=timed, among=len(machines) > 1) for model, records in kept.items()
    }


def machine_of(record: RunRecord) -> str:
    """Describe the machine of a run; runs on the same machine have the same description."""
    hardware = record.provenance.hardware
    cores = hardware.get("cores")
    processes = hardware.get("processes", 1)
    known = (
        hardware.get("gpu"),
        hardware.get("processor"),
        f"{cores} cores" if cores else None,
        f"{processes} processes" if processes != 1 else None,
    )
    return ", ".join(str(part) for part in known if part)


def cheaper_by(costs: Sequence[Cost | None]) -> tuple[Callable[[Cost | None], float], str]:
    """The measure of training cost and its name: time, or operations if the machines differ.

    It is infinite if unknown.
    """

    def training_time(cost: Cost | None) -> float:
        return inf if cost is None or cost.training_time is None else cost.training_time

    def operations(cost: Cost | None) -> float:
        return inf if cost is None else cost.training_flops or 0.0  # A simple baseline counts no operations.

    if len({cost.machine for cost in costs if cost is not None}) > 1:
        return operations, "training operations"
    return training_time, "training time"


def _of_one_machine(records: Sequence[RunRecord], machines: Mapping[str, int]) -> list[RunRecord]:
    own = Counter(map(machine_of, records))
    usual = max(machines, key=lambda name: machines[name], default="")
    chosen = usual if usual in own else max(own, key=lambda name: own[name], default="")
    return [record for record in records if machine_of(record) == chosen]


def _has_processor_time(record: RunRecord) -> bool:
    on_processor = record.provenance.hardware.get("device", "cpu") == "cpu"
    return on_processor and "train" in record.cost.processor_seconds


def _cost_of(records: Sequence[RunRecord], *, has_processor_time: bool, among: bool) -> Cost | None:
    if not records:
        return None
    costs = [record.cost for record in records]
    is_untrained = all(record.config.get("training", {}).get("maximum_steps") == 0 for record in records)
    clock = [seconds for cost in costs if (seconds := cost.seconds.get("train", 0.0)) > 0]
    processor = [cost.processor_seconds.get("train", 0.0) for cost in costs] if has_processor_time else []
    others = [cost.others for cost in costs if cost.others is not None]
    return Cost(
        train_seconds=0.0 if is_untrained else _average(clock),
        train_seconds_least=min(clock, default=None),
        train_seconds_most=max(clock, default=None),
        train_processor_seconds=_average(processor),
        others_processors=sum(others) / len(others) if others else None,
        machine=machine_of(records[0]),
        among_machines=among,
        timed_runs=len(records),
        train_tokens_per_second=_average([cost.train_tokens_per_second for cost in costs]),
        peak_memory_bytes=_average([float(cost.peak_memory_bytes) for cost in costs]),
        parameters=_average([float(record.counts.parameters) for record in records]),
        training_flops=_average([cost.training_flops for cost in costs]),
        trained_parameters=_average([float(record.counts.trained_parameters or 0) for record in records]),
    )


def _average(values: Sequence[float]) -> float | None:
    """The mean of the measured values; None if there are none. Records hold 0 for unmeasured ones."""
    measured = [value for value in values if value > 0]
    return float(np.mean(measured)) if measured else None
