"""Make a suite from one file of the user: guess the task, and compare common models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from os.path import relpath
from pathlib import Path
from typing import Any

from harness.config.checking import parse_settings
from harness.config.files import config_files
from harness.config.margin import margins_of
from harness.config.model import ModelConfig, find_model, recipe_for
from harness.config.run import LocalData
from harness.data.custom import columns_named
from harness.data.files import files_by_split, read_rows
from harness.data.guessing import Guess, guessed, looks_headless, split_column
from harness.data.sources import SPLITS
from harness.errors import UserError, collected, nearest, notice
from harness.rare_label import RareLabel
from harness.registry import TASK_TYPES, TASKS, baseline_settings
from harness.suites.expansion import folder_name
from harness.suites.seeds import SequentialSeeds, seed_rule
from harness.suites.suite import Suite
from harness.suites.unread import gives_weight
from harness.tuning.settings import tuning_by_default

PRETRAINED = ("minilm", "bert-mini", "roberta-mini")
FROM_SCRATCH = "scratch"
WEIGHED: Mapping[str, Any] = {"class_weights": "balanced"}


@dataclass(frozen=True)
class Question:
    """What a user wants to know about a file.

    Attributes:
        guess: The task guessed from its rows.
        local: The file, with its task type and columns resolved.
        models: Names of models, in the order in which they get time.
        left_out: Common models that are not available on this machine, with the reason.
        seeds: The number of seeds, fixed or sequential.
        settings: Training settings of every recipe, as key=value.
        metric: The main metric; None: that of the task type.
        margin: The margin of non-inferiority, in the units that scores are shown in.
        trials: Number of trials for each model on validation data; None: no tuning.
        weighed: Models to try again with balanced class weights, by the name of the variant.
    """

    guess: Guess
    local: LocalData
    models: tuple[str, ...]
    left_out: Mapping[str, str]
    seeds: int | SequentialSeeds
    settings: tuple[str, ...] = ()
    metric: str | None = None
    margin: float | None = None
    trials: int | None = None
    weighed: Mapping[str, str] = field(default_factory=dict)

    @property
    def every_model(self) -> dict[str, str]:
        """The models by name in the suite, variants included."""
        return {**{name: name for name in self.models}, **self.weighed}

    @property
    def missing_baseline(self) -> tuple[str, ...]:
        """Advice in one line if no simple baseline is among the models; else empty."""
        baselines = _simple_baselines(self.guess.task_type)
        if not baselines or any(find_model(name).is_simple_baseline for name in self.models):
            return ()
        return (f"No simple baseline is compared. Add {' or '.join(baselines)} to see what training gains.",)


def asked_of(
    file: Path,
    *,
    columns: Mapping[str, tuple[str, ...]],
    task_type: str | None,
    models: Sequence[str],
    seeds: int | SequentialSeeds,
    settings: Sequence[str] = (),
    metric: str | None = None,
    margin: float | None = None,
    trials: int | None = None,
    **local: Any,
) -> Question:
    """Determine what is asked of a file, or of a folder with one file per split.

    Args:
        file: The path given by the user.
        columns: The columns given by the user, by role; the others are guessed.
        task_type: The task type given by the user; None: it is guessed.
        models: The models given by the user; if empty, common ones that are available on this machine.
        seeds: Number of runs of each model.
        settings: Training settings of every recipe, as key=value.
        metric: The main metric; None: that of the task type.
        margin: The margin of non-inferiority.
        trials: Number of trials for each model; None: no tuning.
        local: Other options of the file, such as its separator.

    Raises:
        UserError: If it can't be read, the task can't be determined, or a model does not exist.
    """
    by_split = files_by_split(file)
    train = by_split["train"].files[0] if "train" in by_split else file
    rows = read_rows(train, separator=local.get("separator"), encoding=local.get("encoding"))
    guess = guessed(rows, named=columns_named(columns), task_type=task_type, where=str(file))
    headless = looks_headless(rows, guess.columns)
    if headless is not None:
        notice(
            f"{file}: {headless!r} is read as the name of a column, and is one of its labels. If the file has no line "
            "of names, add one."
        )
    divided = split_column(rows, guess.columns) if train == file else None
    if divided is not None:
        notice(
            f"{file}: column {divided!r} names splits and is not read: rows are split anew. To keep its splits, give a "
            "folder with a file for each: train.csv, test.csv and so on."
        )
    settled = LocalData.model_validate(
        {"train": str(file), "task_type": guess.task_type, **guess.columns, **{k: v for k, v in local.items() if v}}
    )
    wanted = models or [*_simple_baselines(guess.task_type), *PRETRAINED, FROM_SCRATCH]
    found, left_out = _available(wanted, needed=bool(models))
    return Question(guess, settled, tuple(found), left_out, seeds, tuple(settings), metric, margin, trials)


def with_weights_tried(question: Question, rare: RareLabel) -> Question:
    """Add class weights to try, if they may matter: if a rare label affects the main metric.

    They are tried with the simple baselines that support class weights, which take seconds, and with the first trained
    model that has a checkpoint. So the report shows their effect on the data at the cost of one more model.
    """
    settings = parse_settings(question.settings)
    if question.metric not in rare.metrics or gives_weight(settings):
        return question
    models = {name: find_model(name) for name in question.models}
    baselines = [
        name for name, model in models.items() if model.family and set(WEIGHED) & {*baseline_settings(model.family)}
    ]
    trained = [name for name, model in models.items() if not model.is_simple_baseline]
    pretrained = [name for name in trained if models[name].checkpoint is not None]
    tried = {f"{name}-balanced": name for name in [*baselines, *(pretrained or trained)[:1]]}
    return replace(question, weighed={name: model for name, model in tried.items() if name not in models})


def suite_of(question: Question) -> Suite:
    """Make the suite for the question.

    Raises:
        UserError: If a recipe has mistakes.
    """
    name = suite_name(Path(str(question.local.train)))
    models = {name: find_model(model) for name, model in question.every_model.items()}
    overrides = parse_settings(question.settings)
    of_variants = dict.fromkeys(question.weighed, WEIGHED)
    is_fixed = isinstance(question.seeds, int)
    rule = None if is_fixed else seed_rule(question.seeds)  # type: ignore[arg-type]
    return Suite(
        name=name,
        tasks=(name,),
        models=models,
        recipes={
            (name, model): recipe_for(config, {**of_variants.get(model, {}), **overrides})
            for model, config in models.items()
        },
        seeds=tuple(range(question.seeds)) if rule is None else rule.seeds,  # type: ignore[arg-type]
        baseline=None,
        local={name: question.local},
        metrics={name: _metrics(question)} if question.metric else {},
        # A report asks its question itself, with the suite's name.
        description=f"{Path(str(question.local.train)).name}, read as {question.guess}.",
        rule=rule,
        margins=margins_of(question.margin),
        tuning=None if question.trials is None else tuning_by_default(question.trials, models),
    )


def suite_name(file: Path) -> str:
    """The name of the suite for a file of the user."""
    return folder_name(file.name.partition(".")[0])


def suite_toml(question: Question, file: Path) -> str:
    """The same suite as TOML, with paths relative to the folder of `file`.

    Raises:
        UserError: If the data is outside that folder, where a suite may not read.
    """
    suite, folder = suite_of(question), file.absolute().parent
    task = _table_name(suite.name)
    data = question.local.model_dump(exclude_defaults=True)
    for split in SPLITS:
        if data.get(split):
            data[split] = _below(Path(data[split]), folder, file)
    columns = {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}
    rule = question.seeds
    seeds = list(suite.seeds) if isinstance(rule, int) else f"{{ start = {rule.start}, most = {rule.most} }}"
    lines = [
        f"description = {_value(suite.description)}",
        f"tasks = {_value([task])}",
        f"models = {_value(list(suite.models))}",
        f"seeds = {seeds}",
    ]
    if question.margin is not None:
        lines.append(f"margin = {_value(question.margin)}")
    if suite.metrics:
        lines += ["", "[metrics]", f"{_value(task)} = {_value(list(suite.metrics[suite.name]))}"]
    if question.weighed:
        tables = {name: {"model": model, **WEIGHED} for name, model in question.weighed.items()}
        lines += ["", "[variants]", *(f"{_value(name)} = {_inline(table)}" for name, table in tables.items())]
    if question.settings:
        settings = parse_settings(question.settings)
        lines += ["", "[training]", *(f"{key} = {_value(value)}" for key, value in settings.items())]
    if question.trials is not None:
        lines += ["", "[tuning]", f"trials = {question.trials}"]
    lines += ["", f"[data.{_value(task)}]", *(f"{key} = {_value(value)}" for key, value in columns.items())]
    return "\n".join(lines) + "\n"


def _table_name(name: str) -> str:
    """A name that a suite's file accepts for data of its own."""
    plain = name.lstrip("-+") or "mine"
    return f"{plain}-file" if plain in TASKS.names() else plain


def _simple_baselines(task_type: str) -> list[str]:
    """The simple baselines of configs/models that support the task type."""
    found = []
    for name in config_files("models"):
        if (config := find_model(name)).is_simple_baseline:
            mistakes: list[str] = []
            with collected(mistakes):
                TASK_TYPES.load(task_type).baseline(config.resolved_family)
            found += [] if mistakes else [name]
    return found


def _available(models: Sequence[str], *, needed: bool) -> tuple[list[str], dict[str, str]]:
    """The models whose checkpoints are here or can be downloaded, and why the others are left out."""
    from harness.models.checkpoint import find_checkpoint  # noqa: PLC0415 -- a plan of named families needs none

    found, left_out = [], {}
    for name in dict.fromkeys(models):
        try:
            config: ModelConfig = find_model(name)
            if config.checkpoint is not None:
                find_checkpoint(config.checkpoint, config.revision, files=["config.json"])
        except UserError as error:
            if needed:
                raise UserError(*(f"--models: {line}" for line in error.lines)) from error
            left_out[name] = error.lines[0]
        else:
            found.append(name)
    return found, left_out


def _metrics(question: Question) -> tuple[str, ...]:
    """The main metric given by the user, followed by those of the task type."""
    task_type = TASK_TYPES.load(question.guess.task_type)
    known = [metric.name for metric in task_type.metrics]
    if question.metric not in known:
        wrong = f"--metric {question.metric}: does not score {question.guess.task_type}."
        raise UserError(f"{wrong}{nearest(str(question.metric), known)}")
    return tuple(dict.fromkeys(chain([str(question.metric)], task_type.default_metrics)))


def _below(path: Path, folder: Path, file: Path) -> str:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"{file}: a suite reads files below its own folder only. Write it to {path.absolute().parent / file.name}."
        )
    return relpath(path.resolve(), folder.resolve())


def _inline(table: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in table.items()) + " }"


def _value(value: Any) -> str:
    """Format a TOML value: texts, numbers and lists are written as in JSON."""
    return json.dumps(value, ensure_ascii=False)
