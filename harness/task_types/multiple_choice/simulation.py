"""No simulations: `harness calibrate` simulates accuracy on the labels of classification, scored in the same way."""

from __future__ import annotations

from collections.abc import Mapping

from harness.task_types.simulated import Simulation

SIMULATIONS: Mapping[str, Simulation] = {}
