"""Loop d: a whole fine-tuning run of the harness, with progress as on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, SupportsFloat

from benchmarks.loops.job import Job
from benchmarks.loops.texts import Texts, read_texts
from benchmarks.loops.turns import Channel
from harness.config.model import ModelConfig
from harness.config.run import RunConfig
from harness.config.training import Training
from harness.data.sources import Generated
from harness.data.task import Splits, Task
from harness.ops.device import fresh_accelerator, seed_layers
from harness.record import CurvePoint, Measurements
from harness.registry import FAMILIES, TASK_TYPES
from harness.training.finetuning import RunContext, finetune_model
from harness.training.result import Stopwatch
from harness.training.task_model import forward_of

FAMILY = "bert"
VALIDATED = 2  # examples: a look at the validation split ends each epoch, outside of the turn
METRICS = {"classification": "accuracy", "question_answering": "qa_f1"}


class Turns:
    """Callbacks that make each epoch a turn."""

    def __init__(self, channel: Channel, steps: int) -> None:
        """Args: to whom to report, and the steps of an epoch."""
        self.channel, self.steps = channel, steps
        self.losses: list[float] = []

    def on_step(self, step: int, _steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Report the mean loss after an epoch's last step."""
        self.losses.append(float(loss))
        if step % self.steps == 0:
            self.channel.report(sum(self.losses) / len(self.losses))
            self.losses.clear()

    def on_evaluate(self, _point: CurvePoint) -> None:
        """Wait for the next turn."""
        self.channel.wait()


def training(job: Job, channel: Channel) -> None:
    """Turns of one epoch each; the first one loads the model, too."""
    texts = read_texts(Path(job.texts))
    splits = Splits(texts.examples, texts.examples[:VALIDATED], texts.examples[:VALIDATED], texts.labels)
    metric = METRICS[texts.kind]
    config = RunConfig(
        task="texts",
        data="texts",
        metrics=(metric,),
        model=_model(job),
        seed=job.seed,
        training=_recipe(job, texts),
        evaluate="validation",
    )
    task = Task(
        task_type=texts.kind,
        source=Generated(dict, "1"),
        metrics=(metric,),
        licence="",
        citation="",
        labels=texts.labels,
    )
    state = Path(f"{job.checkpoint}-state-{job.precision}")
    accelerator = fresh_accelerator(job.precision, tracker=None, folder=state)
    callbacks = Turns(channel, -(-len(texts.examples) // job.batch_size))
    context = RunContext(accelerator, state, Stopwatch(), callbacks, float("inf"), Measurements())
    channel.wait()
    finetune_model(FAMILIES.load(FAMILY), task, splits, config=config, context=context)


def evaluation(job: Job, channel: Channel) -> None:
    """Turns of one evaluation each."""
    texts = read_texts(Path(job.texts))
    recipe = _recipe(job, texts)
    kind = TASK_TYPES.load(texts.kind).objective(texts.labels, recipe)
    seed_layers(job.seed)
    loaded = FAMILIES.load(FAMILY).load(_model(job), kind.head(), labels=texts.labels, dropout=None, texts=list)
    accelerator = fresh_accelerator(job.precision, tracker=None, folder=Path(job.checkpoint))
    forward = forward_of(loaded, kind, accelerator, recipe, micro_batch_size=recipe.micro_batch_size)
    kind, features = texts.features(loaded.tokenizer, recipe)
    while True:
        channel.wait()
        channel.report(forward.evaluate(features, texts.examples)[0])


def _model(job: Job) -> ModelConfig:
    return ModelConfig.model_validate({"family": FAMILY, "checkpoint": job.checkpoint})


def _recipe(job: Job, texts: Texts) -> Training:
    settings: dict[str, Any] = {
        "learning_rate": job.learning_rate,
        "weight_decay": job.weight_decay,
        "max_grad_norm": job.max_grad_norm,
        "batch_size": job.batch_size,
        "micro_batch_size": job.batch_size,
        "epochs": job.turns,
        "evaluations_per_epoch": 1,
        "precision": job.precision,
    }
    return texts.recipe(**settings, **job.settings)
