"""The processor's physical peak: multiply-adds in its registers. torch's products come close to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("registers.c")


@cache
def physical_peaks() -> dict[str, float]:
    """Operations a second of one core, by precision; empty where nothing compiles C here.

    A processor with matrix units of its own (AMX) does more in bf16 than its vector registers, which are measured: such
    a rate is left out.
    """
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "registers"
        command = [compiler, "-O3", "-march=native", "-ffp-contract=fast", str(SOURCE), "-o", str(program)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return {}
        printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    rates = {name: float(rate) for name, rate in (line.split() for line in printed.splitlines())}
    if _has_matrix_units():
        rates.pop("bf16", None)
    return rates


def _has_matrix_units() -> bool:
    info = Path("/proc/cpuinfo")
    return info.exists() and "amx_bf16" in info.read_text()
