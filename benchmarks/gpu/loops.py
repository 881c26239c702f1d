"""The loops of the GPU benchmark: each trains, and returns the seconds and the loss of each step that counts.

Every step ends when the device has finished it, because its loss is read. So a gain from a host that runs ahead is not
included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, SupportsFloat

import torch
import transformers

from benchmarks.gpu.made import LABELS
from harness.config.model import ModelConfig
from harness.config.run import RunConfig
from harness.config.training import Training
from harness.data.sources import Generated
from harness.data.task import Splits, Task
from harness.ops.device import fresh_accelerator
from harness.record import Measurements
from harness.registry import FAMILIES
from harness.task_types.texts import TextExample
from harness.training.finetuning import finetune_model
from harness.training.result import Stopwatch
from harness.training.run_context import RunContext

WARM = 3
"""First steps, which compile and allocate, and are not counted."""
Steps = list[tuple[float, float]]
"""Seconds and loss of each counted step."""


class _Timed:
    """Notes when each step ends."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.steps: Steps = []
        self._clock = clock
        self._last = clock()

    def on_step(self, step: int, _steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Note a step."""
        read = float(loss)
        now = self._clock()
        if step > WARM:
            self.steps.append((now - self._last, read))
        self._last = now

    def on_evaluate(self, _point: Any) -> None:
        """Leave the validation out."""
        self._last = self._clock()


def harness_steps(
    checkpoint: Path,
    texts: Sequence[TextExample],
    batch_size: int,
    *,
    clock: Callable[[], float] = time.perf_counter,
    **settings: Any,
) -> Steps:
    """The harness's whole fine-tuning, an epoch over the texts; `clock` gives the seconds."""
    recipe = Training.model_validate(
        {
            "batch_size": batch_size,
            "micro_batch_size": batch_size,
            "epochs": 1,
            "max_length": 512,
            "learning_rate": 2e-5,
            "weight_decay": 0.01,
            "evaluations_per_epoch": 1,
            **settings,
        }
    )
    model = ModelConfig.model_validate({"family": "bert", "checkpoint": str(checkpoint)})
    config = RunConfig(
        task="made", data="made", metrics=("accuracy",), model=model, seed=0, training=recipe, evaluate="validation"
    )
    task = Task(
        task_type="classification",
        source=Generated(dict, "1"),
        metrics=("accuracy",),
        licence="",
        citation="",
        labels=LABELS,
    )
    few = tuple(texts[:2])
    state = checkpoint.parent / "state"
    timed = _Timed(clock)
    accelerator = fresh_accelerator(recipe.precision, tracker=None, folder=state)
    context = RunContext(accelerator, state, Stopwatch(), timed, float("inf"), Measurements())
    finetune_model(FAMILIES.load("bert"), task, Splits(tuple(texts), few, few, LABELS), config=config, context=context)
    return timed.steps


class _Rows(torch.utils.data.Dataset[dict[str, Any]]):
    """Texts as the Trainer reads them; padded to one length where there is one."""

    def __init__(self, tokenizer: Any, texts: Sequence[TextExample], padded: int | None) -> None:
        how = {"padding": "max_length", "max_length": padded} if padded else {}
        self._rows = [{**tokenizer(text.text, truncation=True, **how), "labels": text.target} for text in texts]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._rows[index]


class _Watched(transformers.TrainerCallback):
    def __init__(self) -> None:
        self.steps: Steps = []
        self._last, self._number = time.perf_counter(), 0
        self.trainer: Any = None

    def on_step_end(self, *_: Any, **__: Any) -> None:
        loss = float(self.trainer.last_loss)
        now = time.perf_counter()
        self._number += 1
        if self._number > WARM:
            self.steps.append((now - self._last, loss))
        self._last = now


class _Trainer(transformers.Trainer):
    last_loss: torch.Tensor

    def training_step(self, *arguments: Any, **options: Any) -> torch.Tensor:
        self.last_loss = super().training_step(*arguments, **options)
        return self.last_loss


def trainer_steps(
    checkpoint: Path, texts: Sequence[TextExample], batch_size: int, *, best: bool, padded: int | None = None
) -> Steps:
    """The Trainer of transformers: at its best flags, or as its example scripts have it, padded and in fp32."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint)
    on_cpu = not torch.cuda.is_available()
    flags: dict[str, Any] = {"bf16": True, "train_sampling_strategy": "group_by_length"} if best else {"bf16": False}
    arguments = transformers.TrainingArguments(
        output_dir=str(checkpoint.parent / "trainer"),
        use_cpu=on_cpu,
        per_device_train_batch_size=batch_size,
        num_train_epochs=1,
        learning_rate=2e-5,
        weight_decay=0.01,
        optim="adamw_torch_fused",
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **flags,
    )
    watched = _Watched()
    collator = transformers.DataCollatorWithPadding(tokenizer) if padded is None else transformers.default_data_collator
    trainer = _Trainer(
        model,
        arguments,
        train_dataset=_Rows(tokenizer, texts, padded),
        data_collator=collator,
        processing_class=tokenizer,
        callbacks=[watched],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    watched.trainer = trainer
    trainer.train()
    return watched.steps
