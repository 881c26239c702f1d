"""What a user may write, checked: a suite, a model, a training recipe; and RunConfig, what identifies a run.

Precedence, from the general to the particular, and nothing more: the defaults below < a suite's `[training]`
< the model file's own `[training]` < the suite's `[training_for.<model>]` < `--set`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.errors import UserError, nearest
from harness.registry import FAMILIES, TASKS
from tasks.own import own_task
from tasks.task import Task

CONFIGS = Path(__file__).parent.parent / "configs"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Training(_Strict):
    """A recipe for fine-tuning.

    The defaults are those of Devlin et al. 2019 (appendix A.3) with the corrections of Mosbach et al. 2021.

    Attributes:
        learning_rate: Peak of the linear schedule.
        batch_size: Training items (texts, or windows of question answering) an optimiser step, over all devices.
        micro_batch_size: Most windows in one forward pass; smaller ones give the same gradient in less memory.
        epochs: Passes over the training split.
        minimum_steps: Fewest optimiser steps, however small the data (Mosbach et al. 2021: few steps, unstable runs).
        maximum_steps: Most optimiser steps.
        warmup_ratio: Share of the steps in which the learning rate rises.
        weight_decay: AdamW's, on weight matrices only: none on biases and norms.
        max_grad_norm: The gradient is clipped to this length.
        precision: "fp32", or "bf16" (autocast; the weights stay in fp32).
        dropout: Replaces every dropout of the checkpoint's configuration.
        strategy: How a text longer than the model's window is read: its head, its head and tail, or in windows.
        max_length: Tokens in a window, special ones included; default: what the model allows, at most 512.
        stride: Tokens that neighbouring windows share (as in Hugging Face tokenizers); default 0, for questions 128.
        max_windows: Most windows of one text; what lies beyond is not read, and the record says how much.
        pool: How the logits of a text's windows become one.
        longest_answer: Most tokens in an answer (question answering).
        evaluations_per_epoch: How often the validation split is scored.
        patience: Evaluations without improvement before training stops early; none: never.
        train_examples: At most so many, the same ones for every model and seed; likewise for the other two.
    """

    learning_rate: float = Field(2e-5, gt=0, lt=1)
    batch_size: int = Field(16, ge=1)
    micro_batch_size: int = Field(32, ge=1)
    epochs: float = Field(3.0, gt=0)
    minimum_steps: int = Field(0, ge=0)
    maximum_steps: int | None = Field(None, ge=1)
    warmup_ratio: float = Field(0.1, ge=0, le=1)
    weight_decay: float = Field(0.01, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    precision: Literal["fp32", "bf16"] = "fp32"
    dropout: float | None = Field(None, ge=0, lt=1)
    strategy: Literal["head", "head_tail", "windows"] = "head"
    max_length: int | None = Field(None, ge=8)
    stride: int | None = Field(None, ge=0)
    max_windows: int = Field(64, ge=1)
    pool: Literal["mean", "max"] = "mean"
    longest_answer: int = Field(30, ge=1)
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


class ModelConfig(_Strict):
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
    architecture: dict[str, int | float | str | bool] = {}
    head: Literal["auto", "new"] = "auto"
    training: dict[str, Any] = Field({}, exclude=True)

    @model_validator(mode="after")
    def _weights_come_from_somewhere(self) -> Self:
        if self.checkpoint is None and self.family is None:
            raise ValueError("needs a checkpoint or a family")
        return self


class OwnData(_Strict):
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


class RunConfig(_Strict):
    """What identifies a run: two runs with the same one are the same run.

    Attributes:
        task: The task's name.
        data: Fingerprint of the task's source.
        metrics: Names of the metrics, the main one first.
        own: The files, where the data is the user's own.
        model: Which weights.
        seed: Of the new layers, the order of the data and the dropout.
        training: The recipe.
    """

    task: str
    data: str
    metrics: tuple[str, ...]
    own: OwnData | None = None
    model: ModelConfig
    seed: int = Field(ge=0, lt=2**32)
    training: Training

    def resolved(self) -> dict[str, Any]:
        """The configuration as it goes into the record."""
        return self.model_dump(mode="json")


class _SuiteFile(_Strict):
    description: str = ""
    tasks: tuple[str, ...] = Field(min_length=1)
    models: tuple[str, ...] = Field(min_length=1)
    baseline: str | None = None
    seeds: tuple[int, ...] = Field((0, 1, 2), min_length=1)
    training: dict[str, Any] = {}
    training_for: dict[str, dict[str, Any]] = {}
    data: dict[str, dict[str, Any]] = {}
    metrics: dict[str, tuple[str, ...]] = {}


@dataclass(frozen=True)
class Suite:
    """Models x tasks x seeds, checked.

    Attributes:
        name: The file's name without its ending; the folder of its runs.
        models: Configuration by name, in the order of the table's columns.
        recipes: The resolved recipe by model.
        own: The user's own data, by the name that `tasks` uses.
        metrics: Metrics by task, where the suite names others than the task's own.
    """

    name: str
    tasks: tuple[str, ...]
    models: Mapping[str, ModelConfig]
    recipes: Mapping[str, Training]
    seeds: tuple[int, ...]
    baseline: str | None
    own: Mapping[str, OwnData]
    metrics: Mapping[str, tuple[str, ...]]
    folder: Path


Checked = TypeVar("Checked", bound=BaseModel)


def checked(shape: type[Checked], content: object, where: str, mistakes: list[str]) -> Checked | None:
    """`content` as a `shape`; or None, with a line for each mistake added to `mistakes`."""
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        mistakes.extend(_line(shape, problem, where) for problem in error.errors())
        return None


def _line(shape: type[BaseModel], problem: Any, where: str) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    got = f" (got {problem['input']!r})" if key and problem["type"] != "missing" else ""
    if problem["type"] == "extra_forbidden":
        return f"{where}{key}: no such setting{got}.{nearest(str(problem['loc'][-1]), shape.model_fields)}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{where}{key or 'file'}: {message[0].lower()}{message[1:]}{got}."


def read_toml(file: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        UserError: It is missing, not UTF-8, or not TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = [found.stem for found in file.parent.glob("*.toml")]
        raise UserError(f"{file}: no such file.{nearest(file.stem, known)}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, IsADirectoryError) as error:
        raise UserError(f"{file}: not a TOML file ({error}).") from error


def read_suite(file: Path, *, overrides: Mapping[str, Any] | None = None) -> Suite:
    """The suite that `file` describes, with `overrides` (from `--set`) on top of every recipe.

    Raises:
        UserError: Everything that is wrong with the file, a line each.
    """
    mistakes: list[str] = []
    content = checked(_SuiteFile, read_toml(file), f"{file}: ", mistakes)
    if content is None:
        raise UserError(*mistakes)
    mistakes += _unknown_names(content, file)
    own = {
        name: table
        for name, raw in content.data.items()
        if (table := checked(OwnData, raw, f"{file}: data.{name}.", mistakes)) is not None
    }
    mistakes += [line for name, table in own.items() for line in _escaping(table, name, file)]
    models: dict[str, ModelConfig] = {}
    recipes: dict[str, Training] = {}
    for name in content.models:
        try:
            models[name] = find_model(name, beside=file.parent)
        except UserError as error:
            mistakes += [f"{file}: models: {line}" for line in error.lines]
            continue
        where = f"{file}: training (for {name})."
        layers = (content.training, models[name].training, content.training_for.get(name, {}), overrides or {})
        recipe = checked(Training, _merged(layers), where, mistakes)
        if recipe is not None:
            recipes[name] = recipe
    if mistakes:
        raise UserError(*dict.fromkeys(mistakes))
    own = {name: _resolved(table, file.parent) for name, table in own.items()}
    return Suite(
        file.stem, content.tasks, models, recipes, content.seeds, content.baseline, own, content.metrics, file.parent
    )


def _unknown_names(content: _SuiteFile, file: Path) -> list[str]:
    tasks = {*TASKS.files(), *content.data}
    lines = [
        f"{file}: tasks: {name!r}: no such task.{nearest(name, tasks)}" for name in content.tasks if name not in tasks
    ]
    named = {"training_for": content.training_for, "baseline": [content.baseline] if content.baseline else []}
    for key, names in named.items():
        lines += [
            f"{file}: {key}: {name!r} is not among this suite's models.{nearest(name, content.models)}"
            for name in names
            if name not in content.models
        ]
    for key, values in (("tasks", content.tasks), ("models", content.models), ("seeds", content.seeds)):
        lines += [
            f"{file}: {key}: {value!r} stands there twice."
            for value in sorted({v for v in values if values.count(v) > 1})
        ]
    return lines


def _escaping(table: OwnData, name: str, file: Path) -> list[str]:
    """A suite may come from a stranger: its paths stay below its own folder."""
    folder = file.parent.resolve()
    return [
        f"{file}: data.{name}.{key}: {path} lies outside the suite's folder. Move or link the file below {folder}."
        for key in ("train", "validation", "test")
        if (path := getattr(table, key)) is not None and not Path(folder, path).resolve().is_relative_to(folder)
    ]


def _resolved(table: OwnData, folder: Path) -> OwnData:
    paths = {key: str(folder / path) for key in ("train", "validation", "test") if (path := getattr(table, key))}
    return table.model_copy(update=paths)


def _merged(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {key: value for layer in layers for key, value in layer.items()}


def find_model(name: str, *, beside: Path | None = None) -> ModelConfig:
    """The model called `name`: a file of configs/models, a .toml file, a checkpoint's folder, or a Hub id.

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
    if model is not None:
        checked(Training, model.training, f"{file}: training.", mistakes)
        families = FAMILIES.files()
        if model.family is not None and model.family not in families:
            mistakes.append(f"{file}: family: {model.family!r}: no such model family.{nearest(model.family, families)}")
    if mistakes or model is None:
        raise UserError(*mistakes)
    return model


def task_of(config: RunConfig) -> Task:
    """The task that the configuration names: of the registry, or the user's own files."""
    if config.own is None:
        task: Task = TASKS.load(config.task)
        return task
    return own_task(**config.own.model_dump(exclude_none=True))


def recipe_for(model: ModelConfig, overrides: Mapping[str, Any]) -> Training:
    """The recipe of a single run: the model's own, with `overrides` from `--set` on top."""
    mistakes: list[str] = []
    recipe = checked(Training, _merged((model.training, overrides)), "--set ", mistakes)
    if recipe is None:
        raise UserError(*mistakes)
    return recipe


def parse_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """`key=value` pairs as settings; a value is read as TOML, and as text where it is none.

    >>> parse_settings(["learning_rate=3e-5", "strategy=windows"])
    {'learning_rate': 3e-05, 'strategy': 'windows'}
    """
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UserError(f"--set {pair}: not of the form key=value.")
        try:
            settings[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            settings[key.strip()] = value.strip()
    return settings


def differences(recorded: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The keys in which two resolved configurations differ, each with both values.

    >>> differences({"seed": 1, "training": {"epochs": 3.0}}, {"seed": 1, "training": {"epochs": 1.0}})
    ['training.epochs: recorded 3.0, wanted 1.0']
    """
    lines = []
    for key in sorted({*recorded, *wanted}):
        old, new = recorded.get(key), wanted.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            lines += differences(old, new, f"{prefix}{key}.")
        elif old != new:
            lines.append(f"{prefix}{key}: recorded {old!r}, wanted {new!r}")
    return lines
