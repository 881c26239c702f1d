"""Loop c: a loop on accelerate as in run_glue_no_trainer.py, which pads a batch to its longest text."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate import Accelerator
from accelerate.utils import set_seed
from datasets import Dataset
from torch.utils.data import DataLoader

from benchmarks.loops.job import Job
from benchmarks.loops.rows import auto_class, rows_of
from benchmarks.loops.texts import read_texts
from benchmarks.loops.turns import Channel


def training(job: Job, channel: Channel) -> None:
    """Turns of one epoch each."""
    accelerator, model, loader = _prepared(job, shuffle=True)
    optimizer = torch.optim.AdamW(_groups(model, job.weight_decay), lr=job.learning_rate)
    steps = job.turns * len(loader)
    schedule = transformers.get_scheduler("linear", optimizer, math.ceil(0.1 * steps), steps)
    model, optimizer, loader, schedule = accelerator.prepare(model, optimizer, loader, schedule)
    for _ in range(job.turns):
        channel.wait()
        model.train()
        total = torch.zeros(())
        for batch in loader:
            loss = model(**batch).loss
            total += loss.detach()
            accelerator.backward(loss)
            # The scripts do not clip; here they do, so that all loops optimise alike.
            accelerator.clip_grad_norm_(model.parameters(), job.max_grad_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        channel.report(float(total / len(loader)))


def evaluation(job: Job, channel: Channel) -> None:
    """Turns of one evaluation each."""
    accelerator, model, loader = _prepared(job, shuffle=False)
    model, loader = accelerator.prepare(model, loader)
    model.eval()
    while True:
        channel.wait()
        losses = []
        for batch in loader:
            with torch.no_grad():
                outputs = model(**batch)
            accelerator.gather_for_metrics(outputs[1])
            losses.append(outputs.loss)
        channel.report(float(torch.stack(losses).mean()))


def _prepared(job: Job, *, shuffle: bool) -> tuple[Accelerator, Any, DataLoader[Any]]:
    set_seed(job.seed)
    texts = read_texts(Path(job.texts))
    tokenizer = transformers.AutoTokenizer.from_pretrained(job.checkpoint)
    data = Dataset.from_list(rows_of(texts, tokenizer))
    collator = transformers.DataCollatorWithPadding(tokenizer)
    loader = DataLoader(data, shuffle=shuffle, collate_fn=collator, batch_size=job.batch_size)
    model = getattr(transformers, auto_class(texts)).from_pretrained(job.checkpoint)
    return Accelerator(cpu=True, mixed_precision="no" if job.precision == "fp32" else "bf16"), model, loader


def _groups(model: Any, weight_decay: float) -> list[dict[str, Any]]:
    bare = ("bias", "LayerNorm.weight")
    named = list(model.named_parameters())
    return [
        {"params": [p for name, p in named if not name.endswith(bare)], "weight_decay": weight_decay},
        {"params": [p for name, p in named if name.endswith(bare)], "weight_decay": 0.0},
    ]
