"""What a model's runs took, and what it costs in use."""

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
    """What a run of the cell took, on average over its complete seeds on one machine. None: there is no such thing.

    Attributes:
        train_seconds: On the clock.
        train_seconds_least: Of the shortest run.
        train_seconds_most: Of the longest.
        train_processor_seconds: Of the processor, of all threads; None where training ran on another device, or by an
            earlier version that did not measure it, be it a rival's run.
        others_processors: Those that other work on the machine kept busy meanwhile; None: not measured.
        machine: What the runs were made on.
        among_machines: Whether other runs of the task were made on other ones.
        timed_runs: Over how many the average is taken.
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
        """What training is said to have taken: the processor's seconds, which other work hardly changes, if known."""
        return self.train_seconds if self.train_processor_seconds is None else self.train_processor_seconds


def cost_in_use(folders: Sequence[Path]) -> tuple[InferenceCost | None, list[str]]:
    """What `harness measure` found of the first of some runs that it measured, and a line for what can't be read."""
    problems: list[str] = []
    for folder in folders:
        with collected(problems):
            found = measured(folder)
            if found is not None:
                return found, problems
    return None, problems


def costs_of(by_model: Mapping[str, Sequence[RunRecord]]) -> dict[str, Cost | None]:
    """What a run of each model of a task took on average; None where it has none.

    Runs of different machines are not averaged: of each model those count that were made where most of the task's were,
    or, where it has none there, where most of its own were. Processor time stands for all of the models or for none.
    """
    machines = Counter(machine_of(record) for records in by_model.values() for record in records)
    kept = {model: _of_one_machine(records, machines) for model, records in by_model.items()}
    timed = all(map(_has_processor_time, (record for records in kept.values() for record in records)))
    return {
        model: _cost_of(records, has_processor_time=timed, among=len(machines) > 1) for model, records in kept.items()
    }


def machine_of(record: RunRecord) -> str:
    """What a run was made on, in words; runs of one machine have the same ones."""
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
    """What tells which training costs less, and its name: its time, or on different machines its operations.

    It is infinite where it is not known.
    """

    def training_time(cost: Cost | None) -> float:
        return inf if cost is None or cost.training_time is None else cost.training_time

    def operations(cost: Cost | None) -> float:
        return inf if cost is None else cost.training_flops or 0.0  # A simple baseline counts none.

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
    clock = [seconds for cost in costs if (seconds := cost.seconds.get("train", 0.0)) > 0]
    processor = [cost.processor_seconds.get("train", 0.0) for cost in costs] if has_processor_time else []
    others = [cost.others for cost in costs if cost.others is not None]
    return Cost(
        train_seconds=_average(clock),
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
    """The mean; None where nothing was measured, for a record writes 0 then."""
    measured = [value for value in values if value > 0]
    return float(np.mean(measured)) if measured else None
