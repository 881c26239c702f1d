"""Loops a and b: transformers' Trainer as run_glue.py and run_qa.py set it up, with its defaults and its best flags."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from datasets import Dataset
from transformers.trainer_pt_utils import get_length_grouped_indices

from benchmarks.loops.job import Job
from benchmarks.loops.rows import auto_class, padded_rows, rows_of
from benchmarks.loops.texts import STRETCH, Texts, read_texts
from benchmarks.loops.turns import Channel

BEST = {"optim": "adamw_torch_fused", "train_sampling_strategy": "group_by_length"}


class Lengthwise(torch.utils.data.Sampler[int]):
    """The order that `group_by_length` gives a large data set: on a small one the Trainer would sort less of it."""

    def __init__(self, lengths: Sequence[int], batch_size: int) -> None:
        """Args: the tokens of each example, and how many make a batch."""
        self.lengths, self.batch_size = lengths, batch_size

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        return iter(get_length_grouped_indices(self.lengths, self.batch_size, mega_batch_mult=STRETCH))


class Measured(transformers.Trainer):
    """A Trainer whose epochs are turns.

    Attributes:
        losses: Of the steps of this turn; read at its end only, so that no step waits for a number.
    """

    losses: tuple[torch.Tensor, ...] = ()

    def training_step(self, *arguments: Any, **options: Any) -> torch.Tensor:
        """The Trainer's own, its loss remembered."""
        loss: torch.Tensor = super().training_step(*arguments, **options)
        self.losses = (*self.losses, loss)
        return loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self._lengthwise(train_dataset or self.train_dataset) or super()._get_train_sampler(train_dataset)

    def _get_eval_sampler(self, eval_dataset: Any) -> Any:
        return self._lengthwise(eval_dataset) or super()._get_eval_sampler(eval_dataset)

    def _lengthwise(self, data: Any) -> Lengthwise | None:
        if self.args.train_sampling_strategy != "group_by_length":
            return None
        return Lengthwise([len(ids) for ids in data["input_ids"]], self.args.train_batch_size)


class Turns(transformers.TrainerCallback):
    """Waits before each epoch and reports after it."""

    def __init__(self, channel: Channel, trainer: Measured) -> None:
        """Args: to whom, and whose losses."""
        self.channel, self.trainer = channel, trainer

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """Wait."""
        self.trainer.losses = ()
        self.channel.wait()

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        """Report the mean loss."""
        self.channel.report(float(torch.stack(self.trainer.losses).mean()))


def training(job: Job, channel: Channel) -> None:
    """Turns of one epoch each."""
    trainer, _ = _prepared(job)
    trainer.add_callback(Turns(channel, trainer))
    trainer.train()


def evaluation(job: Job, channel: Channel) -> None:
    """Turns of one evaluation each."""
    trainer, data = _prepared(job)
    while True:
        channel.wait()
        channel.report(trainer.evaluate(data)["eval_loss"])


def _prepared(job: Job) -> tuple[Measured, Dataset]:
    texts = read_texts(Path(job.texts))
    tokenizer = transformers.AutoTokenizer.from_pretrained(job.checkpoint)
    rows = rows_of(texts, tokenizer)
    best = job.settings["best"]
    data = Dataset.from_list(rows if best else padded_rows(rows, tokenizer.pad_token_id, texts.max_length))
    collator = transformers.DataCollatorWithPadding(tokenizer) if best else transformers.default_data_collator
    trainer = Measured(
        _model(job, texts),
        _arguments(job, steps=math.ceil(len(rows) / job.batch_size) * job.turns),
        train_dataset=data,
        data_collator=collator,
        processing_class=tokenizer,
    )
    return trainer, data


def _model(job: Job, texts: Texts) -> Any:
    return getattr(transformers, auto_class(texts)).from_pretrained(job.checkpoint)


def _arguments(job: Job, *, steps: int) -> transformers.TrainingArguments:
    return transformers.TrainingArguments(
        output_dir=f"{job.checkpoint}-trainer",
        use_cpu=True,
        bf16=job.precision == "bf16",
        per_device_train_batch_size=job.batch_size,
        per_device_eval_batch_size=job.batch_size,
        num_train_epochs=job.turns,
        learning_rate=job.learning_rate,
        weight_decay=job.weight_decay,
        max_grad_norm=job.max_grad_norm,
        warmup_steps=math.ceil(0.1 * steps),
        seed=job.seed,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **(BEST if job.settings["best"] else {}),
    )
