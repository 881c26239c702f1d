"""Training on one GPU: the Trainer of transformers, and the harness.

The Trainer runs padded in fp32 (a) and with its best flags (b); the harness packed (d), padded (dpad), and padded with
a model compiled by torch (dcomp), which CUDA graphs replay (dgraph; not in a dry run).

    python -m benchmarks.gpu.race --seconds 130
    python -m benchmarks.gpu.race --dry-run         # on a CPU, with tiny models: works everything through

prints Markdown tables, a case each as long as there is time: what a step takes on the clock, real tokens a second, and
their model operations as a share of the best matrix product here and of the card's data sheet. All loops start from the
same checkpoint and read the same texts; the loss is the mean of the same number of steps.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean, median

import torch
import transformers

from benchmarks.gpu.loops import Steps, harness_steps, trainer_steps
from benchmarks.gpu.made import LARGE, LIKE, Lengths, made_texts, write_checkpoint
from benchmarks.loops.shapes import SHAPES, Shape

DATA_SHEET = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "A10": 125e12}
"""Dense bf16 operations a second, by a part of the card's name."""
TRAINING = 3
"""A step's operations as a multiple of a forward pass's."""


@dataclass(frozen=True)
class Case:
    """A model on texts of some lengths."""

    shape: Shape
    data: str
    lengths: Lengths
    batch_size: int
    steps: int
    loops: tuple[str, ...]


CASES = (
    Case(SHAPES["base"], "MNLI", LIKE["MNLI"], 64, 40, ("b", "d", "dpad", "a")),
    Case(SHAPES["base"], "SQuAD", LIKE["SQuAD"], 32, 30, ("b", "d", "dpad")),
    Case(LARGE, "IMDb", LIKE["IMDb"], 32, 20, ("b", "d")),
    Case(LARGE, "MNLI", LIKE["MNLI"], 64, 20, ("b", "d")),
    # Last, because compiling takes long.
    Case(SHAPES["base"], "MNLI", LIKE["MNLI"], 64, 40, ("dpad", "dcomp", "dgraph")),
)
DRY = (Case(SHAPES["tiny"], "MNLI", Lengths(12, 24), 4, 6, ("b", "d", "dpad", "a", "dcomp")),)


def main() -> None:
    """Race as many cases as there is time for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=130.0, help="No case begins after so many.")
    parser.add_argument("--dry-run", action="store_true")
    asked = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    ends = time.monotonic() + asked.seconds
    peak = product_rate(256 if asked.dry_run else 8192)
    print(f"Best bf16 matrix product here: {peak / 1e12:.3g} TFLOP/s. Data sheet: {_sheet_words()}.\n", flush=True)
    for case in DRY if asked.dry_run else CASES:
        if time.monotonic() > ends:
            print(f"{case.shape.name}, {case.data}-like: not measured, for want of time.\n", flush=True)
            continue
        for line in table(case, peak):  # As they come: what is cut off leaves the rows before.
            print(line, flush=True)
        print(flush=True)


def table(case: Case, peak: float) -> Iterator[str]:
    """The lines of a case."""
    lengths = case.lengths.drawn(case.batch_size * case.steps)
    tokens = sum(lengths) / case.steps
    operations = TRAINING * sum(case.shape.flops(n, outputs=2, per_token=False) for n in lengths) / case.steps
    each = tokens / case.batch_size
    yield f"### {case.shape.name}, {case.data}-like: {each:.0f} tokens a text, batches of {case.batch_size}"
    yield ""
    yield "| loop | ms a step | 1,000 tokens a second | x b | of torch's best | of the data sheet | loss |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    rival = None
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_checkpoint(case.shape, Path(folder) / "checkpoint")
        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
        texts = made_texts(tokenizer, lengths)
        for name in case.loops:
            steps = _loops(case)[name](checkpoint, texts, case.batch_size)
            seconds = mean(one for one, _ in steps)
            rival = seconds if name == "b" else rival
            share, sheet = operations / seconds / peak, data_sheet()
            cells = [
                _NAMES[name],
                f"{1000 * seconds:.1f} (median {1000 * median(one for one, _ in steps):.1f})",
                f"{tokens / seconds / 1000:.1f}",
                "" if rival is None else f"{rival / seconds:.2f}",
                f"{100 * share:.1f} %",
                "" if sheet is None else f"{100 * operations / seconds / sheet:.1f} %",
                f"{mean(loss for _, loss in steps):.4f}",
            ]
            yield f"| {' | '.join(cells)} |"
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


_NAMES = {
    "a": "a Trainer, padded to the longest, fp32",
    "b": "b Trainer, best flags, bf16",
    "d": "d harness, packed, bf16",
    "dpad": "d harness, padded, bf16",
    "dcomp": "d harness, padded, compiled, bf16",
    "dgraph": "d harness, padded, compiled, CUDA graphs, bf16",
}


def _loops(case: Case) -> dict[str, Callable[..., Steps]]:
    return {
        "a": partial(trainer_steps, best=False, padded=case.lengths.most),
        "b": partial(trainer_steps, best=True),
        "d": partial(harness_steps, execution="packed", precision="bf16"),
        "dpad": partial(harness_steps, execution="padded", precision="bf16"),
        "dcomp": partial(harness_steps, execution="padded", compile=True, precision="bf16"),
        "dgraph": partial(harness_steps, execution="padded", compile="cuda_graphs", precision="bf16"),
    }


def product_rate(size: int) -> float:
    """Operations a second of a bf16 product of square matrices, the best of ten."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    left, right = (torch.randn(size, size, dtype=torch.bfloat16, device=device) for _ in range(2))
    best = 0.0
    for _ in range(10):
        started = time.perf_counter()
        product = left @ right
        product[0, 0].item()  # Waits for it.
        best = max(best, 2 * size**3 / (time.perf_counter() - started))
    return best


def data_sheet() -> float | None:
    """What the card's data sheet promises; None where the card is not known."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return next((rate for part, rate in DATA_SHEET.items() if part in name), None)


def _sheet_words() -> str:
    sheet = data_sheet()
    return "not known of this device" if sheet is None else f"{sheet / 1e12:.0f} TFLOP/s"


if __name__ == "__main__":
    main()
