"""Job: what one worker does, and the available loops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Loop:
    """A way to train.

    Attributes:
        name: As tables call it.
        module: The file beside this one that has it.
        bf16: Whether it multiplies in bf16 where the processor does.
        settings: The module's own.
        environment: Of its process.
    """

    name: str
    module: str
    bf16: bool
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


PACKED, PADDED = {"execution": "packed"}, {"execution": "padded"}
NO_KERNELS = {"HARNESS_NATIVE": "0"}
LOOPS = {
    "a": Loop("a Trainer, default", "trainer", bf16=False, settings={"best": False}),
    "b": Loop("b Trainer, best flags", "trainer", bf16=True, settings={"best": True}),
    "b32": Loop("b Trainer, best flags", "trainer", bf16=False, settings={"best": True}),
    "c": Loop("c accelerate", "accelerated", bf16=False),
    "d": Loop("d harness", "ours", bf16=True, settings=PACKED),
    "dwhole": Loop("d harness, whole vocabulary", "ours", bf16=True, settings={**PACKED, "vocabulary": "whole"}),
    "dplain": Loop("d harness, plain torch", "ours", bf16=True, settings=PACKED, environment=NO_KERNELS),
    "d32": Loop("d harness", "ours", bf16=False, settings=PACKED),
    "dpad": Loop("d harness, padded", "ours", bf16=True, settings=PADDED),
}
BASE, RIVAL = "a", "b"  # the loops that the others are compared with


@dataclass(frozen=True)
class Job:
    """What a worker is to do.

    Attributes:
        module: The file with the loop.
        mode: "training" or "evaluation".
        checkpoint: A folder.
        texts: A file of `write_texts`.
        batch_size: Examples a step.
        turns: How many will be asked for; one of training is an epoch.
        precision: "fp32" or "bf16".
        settings: The module's own.
        learning_rate: Peak of a linear schedule with a tenth of warm-up.
        weight_decay: AdamW's.
        max_grad_norm: The gradient is clipped to this length.
        seed: Of order and dropout.
    """

    module: str
    mode: str = "training"
    checkpoint: str = ""
    texts: str = ""
    batch_size: int = 16
    turns: int = 1
    precision: str = "fp32"
    settings: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: float = 5e-5
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    seed: int = 0
