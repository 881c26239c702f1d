"""How long a training step takes on a CPU: padded, padded and compiled by torch, and packed.

    python -m experiments.compiled_steps --shape mini

prints milliseconds of processor time per step, without compilation, measured in turns on one thread. Texts have the
lengths of MNLI.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import mean

import torch
import transformers

from benchmarks.gpu.loops import harness_steps
from benchmarks.gpu.made import LIKE, made_texts, write_checkpoint
from benchmarks.loops.shapes import SHAPES

BATCH_SIZE = 16
RECIPES = {
    "padded": {"execution": "padded"},
    "padded, compiled": {"execution": "padded", "compile": True},
    "packed": {"execution": "packed"},
}


def main() -> None:
    """Print a line for each round and recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="mini", choices=[*SHAPES])
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_checkpoint(SHAPES[asked.shape], Path(folder) / "checkpoint")
        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
        texts = made_texts(tokenizer, LIKE["MNLI"].drawn(BATCH_SIZE * asked.steps))
        for _ in range(asked.rounds):
            for name, recipe in RECIPES.items():
                settings = {**recipe, "precision": asked.precision}
                steps = harness_steps(checkpoint, texts, BATCH_SIZE, clock=time.process_time, **settings)
                print(f"{name}: {1000 * mean(seconds for seconds, _ in steps):.0f} ms", flush=True)


if __name__ == "__main__":
    main()
