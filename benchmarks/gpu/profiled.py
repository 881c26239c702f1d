"""Where the time of the harness's steps goes, by torch's profiler.

python -m benchmarks.gpu.profiled               # BERT base, MNLI-like texts, packed in bf16
python -m benchmarks.gpu.profiled --dry-run     # on a CPU, a tiny model
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
import transformers
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.loops import harness_steps
from benchmarks.gpu.made import LIKE, Lengths, made_texts, write_checkpoint
from benchmarks.loops.shapes import SHAPES

ROWS = 18


def main() -> None:
    """Profile a short training, and print the operations that took longest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true")
    asked = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    shape, lengths = (SHAPES["tiny"], Lengths(12, 24)) if asked.dry_run else (SHAPES["base"], LIKE["MNLI"])
    batch_size, steps = (4, 6) if asked.dry_run else (64, 15)
    on_gpu = torch.cuda.is_available()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_checkpoint(shape, Path(folder) / "checkpoint")
        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
        texts = made_texts(tokenizer, lengths.drawn(batch_size * steps))
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
        with profile(activities=activities) as found:
            harness_steps(checkpoint, texts, batch_size, execution="packed", precision="bf16")
    by = "self_cuda_time_total" if on_gpu else "self_cpu_time_total"
    print(found.key_averages().table(sort_by=by, row_limit=ROWS, max_name_column_width=60))


if __name__ == "__main__":
    main()
