"""What a user may write, checked: a model, a training recipe, own data; and RunConfig, what identifies a run.

Suites are read in harness/grid/suite.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from harness.checking import Strict, checked, read_toml
from harness.errors import UserError, nearest
from harness.registry import CONFIGS, FAMILIES, TASKS
from tasks.own import own_task
from tasks.sources import SPLITS
from tasks.task import Task

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Training(Strict):
    """A recipe for fine-tuning.

    The defaults are those of Devlin et al. 2019 (appendix A.3) with the corrections of Mosbach et al. 2021.

    Attributes:
        learning_rate: Peak of the linear schedule.
        batch_size: Training items (texts, or windows of question answering) an optimiser step, over all devices.
        micro_batch_size: Most windows in one forward pass; smaller ones give the same gradient in less memory.
        epochs: Passes over the training split.
        minimum_steps: Fewest optimiser steps, however small the data (Mosbach et al. 2021: few steps, unstable runs).
        maximum_steps: Most optimiser steps; 0: the model is judged as it is.
        warmup_ratio: Share of the steps in which the learning rate rises.
        weight_decay: AdamW's, on weight matrices only: none on biases and norms.
        max_grad_norm: The gradient is clipped to this length.
        precision: "fp32", "bf16" (autocast; the weights stay in fp32), or "auto": bf16 where the processor has it.
        execution: How windows lie in memory: "packed", end to end without padding, where the family can be read so, or
            "padded" to one length. The numbers are the same, up to rounding.
        vocabulary: Which rows of the embedding are kept in training: those that are "used" by the data, or the "whole".
            What is saved is the whole, and the same, up to rounding.
        dropout: Replaces every dropout of the checkpoint's configuration.
        strategy: How a long text is read: its head, its head and tail, in windows, or from end to end in segments,
            each with a memory of those before ("recurrence") or without one ("segments", the control).
        max_length: Tokens in a window, special ones included; default: what the model allows, at most 512.
        stride: Tokens that neighbouring windows share (as in Hugging Face tokenizers); default 0, for questions 128.
        max_windows: Most windows, or segments, of one text; what lies beyond is not read, and the record says how
            much. Default: 64 windows, any number of segments.
        segment: Tokens in a segment.
        memory: States of each layer that a segment sees of those before it; default: as many as in a segment.
        gradient_segments: The gradient flows back through the memory of so many segments, counted from the text's
            end, so that 1 stops it at each segment's start, as Dai et al. 2019 train.
        pool: What of a text its label is read from: of windows, their logits' "mean" or "max"; of segments, the "mean"
            of all states, the "last" state, or the mean of the last states of all segments, "segment_ends".
        hidden_every: Of so many tokens of a document a masked model foretells one, alone hidden (language modelling).
        longest_answer: Most tokens in an answer (question answering).
        empty_windows: Share of the training windows without an answer that are kept, the same ones for every seed
            (question answering; Alberti et al. 2019, "A BERT baseline for the Natural Questions", keep few, for most of
            a long context's are such). All are read in validation and test.
        repeat_question: Whether the question stands behind the context once more, so that the last state, which points
            at the answer, has just read it (question answering in segments).
        evaluations_per_epoch: How often the validation split is scored.
        patience: Evaluations without improvement before training stops early; none: never.
        train_examples: At most so many, the same ones for every model and seed; likewise for the other two.
    """

    learning_rate: float = Field(2e-5, gt=0, lt=1)
    batch_size: int = Field(16, ge=1)
    micro_batch_size: int = Field(32, ge=1)
    epochs: float = Field(3.0, gt=0)
    minimum_steps: int = Field(0, ge=0)
    maximum_steps: int | None = Field(None, ge=0)
    warmup_ratio: float = Field(0.1, ge=0, le=1)
    weight_decay: float = Field(0.01, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    execution: Literal["packed", "padded"] = "packed"
    vocabulary: Literal["used", "whole"] = "used"
    dropout: float | None = Field(None, ge=0, lt=1)
    strategy: Literal["head", "head_tail", "windows", "recurrence", "segments"] = "head"
    max_length: int | None = Field(None, ge=8)
    stride: int | None = Field(None, ge=0)
    max_windows: int | None = Field(None, ge=1)
    segment: int = Field(256, ge=8)
    memory: int | None = Field(None, ge=1)
    gradient_segments: int = Field(1, ge=1)
    pool: Literal["mean", "max", "last", "segment_ends"] = "mean"
    hidden_every: int = Field(8, ge=1)
    longest_answer: int = Field(30, ge=1)
    empty_windows: float = Field(1.0, ge=0, le=1)
    repeat_question: bool = False
    evaluations_per_epoch: int = Field(2, ge=1)
    patience: int | None = Field(None, ge=1)
    train_examples: int | None = Field(None, ge=1)
    validation_examples: int | None = Field(None, ge=1)
    test_examples: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _windows_advance(self) -> Self:
        if self.stride is not None and self.max_length is not None and self.stride >= self.max_length:
            raise ValueError(f"stride {self.stride} is not smaller than the window, max_length {self.max_length}")
        return self

    @property
    def segmented(self) -> bool:
        """Whether a text is read from end to end, segment by segment."""
        return self.strategy in ("recurrence", "segments")

    @property
    def remembered(self) -> int:
        """States of each layer that a segment sees of those before it."""
        return 0 if self.strategy == "segments" else self.memory or self.segment

    @property
    def pools(self) -> tuple[str, ...]:
        """What `pool` may be under the strategy."""
        return ("mean", "last", "segment_ends") if self.segmented else ("mean", "max")


class ModelConfig(Strict):
    """Which weights.

    Attributes:
        family: A file's name in harness/models; default: the one that knows the checkpoint's model_type.
        checkpoint: A Hub id, a folder, or `package:DISTRIBUTION/FOLDER` for weights that a pip package carries.
        revision: The Hub commit, tag or branch.
        init: "pretrained", or "random": the same architecture, untrained.
        tokenizer: Another checkpoint's tokenizer, or "trained": made from the task's training texts.
        vocabulary_size: Entries of a trained tokenizer.
        architecture: Settings of the transformers configuration, for a model that is made from nothing.
        head: "new" leaves the checkpoint's own classification head out.
        training: The recipe that suits this model.
    """

    family: str | None = None
    checkpoint: str | None = None
    revision: str | None = None
    init: Literal["pretrained", "random"] = "pretrained"
    tokenizer: str | None = None
    vocabulary_size: int = Field(8192, ge=100)
    architecture: dict[str, int | float | str | bool | list[int]] = Field({})
    head: Literal["auto", "new"] = "auto"
    training: dict[str, Any] = Field({}, exclude=True)

    @model_validator(mode="after")
    def _weights_come_from_somewhere(self) -> Self:
        if self.checkpoint is None and self.family is None:
            raise ValueError("needs a checkpoint or a family")
        return self


class OwnData(Strict):
    """A user's own files as a task: see `tasks.own.own_task`."""

    train: str
    validation: str | None = None
    test: str | None = None
    kind: str | None = None
    text: tuple[str, ...] = ()
    label: str | None = None
    question: str | None = None
    context: str | None = None
    answers: str | None = None
    group: str | None = None

    def files(self) -> dict[str, str]:
        """The path of each split that is given."""
        return {split: path for split in SPLITS if (path := getattr(self, split)) is not None}


class RunConfig(Strict):
    """What identifies a run: two runs with the same one are the same run.

    Attributes:
        task: The task's name.
        data: Fingerprint of the task's source.
        weights: Fingerprint of the checkpoint, where it is a folder of the user's.
        metrics: Names of the metrics, the main one first.
        own: The files, where the data is the user's own.
        model: Which weights.
        seed: Of the new layers, the order of the data and the dropout.
        training: The recipe.
    """

    task: str
    data: str
    weights: str = ""
    metrics: tuple[str, ...]
    own: OwnData | None = None
    model: ModelConfig
    seed: Seed
    training: Training

    def resolved(self) -> dict[str, Any]:
        """The configuration as it goes into the record."""
        return self.model_dump(mode="json")


def find_model(name: str, *, beside: Path | None = None) -> ModelConfig:
    """The model called `name`: a file of configs/models, a .toml file, a checkpoint's folder, or a Hub id.

    A relative path in a file starts from that file's folder.

    Args:
        name: As a user writes it.
        beside: The folder that a relative `.toml` path starts from; default: the working directory.

    Raises:
        UserError: It is none of them, or its file has mistakes.
    """
    known = {file.stem: file for file in (CONFIGS / "models").glob("*.toml")}
    if name in known:
        return _read_model(known[name])
    if name.endswith(".toml"):
        return _read_model((beside or Path()) / name)
    if Path(name).is_dir() or "/" in name or name.startswith("package:"):
        return ModelConfig.model_validate({"checkpoint": name})
    raise UserError(
        f"{name!r}: no such model in configs/models, no folder, and no Hub id (owner/name).{nearest(name, known)}"
    )


def _read_model(file: Path) -> ModelConfig:
    mistakes: list[str] = []
    content = read_toml(file)
    model = checked(ModelConfig, content, f"{file}: ", mistakes)
    if isinstance(content.get("training"), dict):
        checked(Training, content["training"], f"{file}: training.", mistakes)
    if model is not None:
        model = _with_paths_from(file.parent, model)
        mistakes += [f"{file}: {line}" for line in _model_mistakes(model)]
    if mistakes or model is None:
        raise UserError(*mistakes)
    return model


def _model_mistakes(model: ModelConfig) -> Iterator[str]:
    families, checkpoint = FAMILIES.files(), model.checkpoint
    if model.family is not None and model.family not in families:
        yield f"family: {model.family!r}: no such model family.{nearest(model.family, families)}"
    from_hub = checkpoint and not checkpoint.startswith(("package:", *".~/")) and not Path(checkpoint).is_dir()
    if model.revision is not None and not from_hub:
        yield f"revision: only a checkpoint of the Hub has one (got {model.revision!r} for {checkpoint}). Leave it out."


def _with_paths_from(folder: Path, model: ModelConfig) -> ModelConfig:
    """The model, its relative folders made to start from `folder`."""
    names = {"checkpoint": model.checkpoint, "tokenizer": model.tokenizer}
    return model.model_copy(update={key: _path_from(folder, name) for key, name in names.items() if name})


def _path_from(folder: Path, name: str) -> str:
    if name != "trained" and (folder / name).is_dir():
        return str(folder / name)
    # Absolute, so that a folder that is missing can't be taken for a Hub id.
    return str((folder / name).absolute()) if name.startswith(("./", "../")) else name


def task_of(config: RunConfig) -> Task:
    """The task that the configuration names: of the registry, or the user's own files."""
    if config.own is None:
        task: Task = TASKS.load(config.task)
        return task
    return own_task(**config.own.model_dump(exclude_none=True), metrics=config.metrics)


def recipe_of(layers: Mapping[str, Mapping[str, Any]], mistakes: list[str]) -> Training | None:
    """The recipe of `layers`, each on top of those before it; or None, with a line a mistake added to `mistakes`.

    Args:
        layers: Settings by the place where they stand, such as "--set ".
        mistakes: Is added to. A mistake is told of the place where it stands, whatever is on top of it.
    """
    alone = [checked(Training, layer, where, mistakes) for where, layer in layers.items()]
    if any(layer is None for layer in alone):
        return None
    merged = {key: value for layer in layers.values() for key, value in layer.items()}
    place = list(layers)[-1]
    recipe = checked(Training, merged, place, mistakes)
    if recipe is not None and recipe.pool not in recipe.pools:
        mistakes.append(
            f"{place}pool: {recipe.pool!r} is not known to strategy {recipe.strategy!r}. "
            f"Choose one of {', '.join(recipe.pools)}."
        )
        return None
    return recipe


def recipe_for(model: ModelConfig, overrides: Mapping[str, Any]) -> Training:
    """The recipe of a single run: the model's own, with `overrides` from `--set` on top."""
    mistakes: list[str] = []
    recipe = recipe_of({"training.": model.training, "--set ": overrides}, mistakes)
    if recipe is None:
        raise UserError(*mistakes)
    return recipe
