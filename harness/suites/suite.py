"""Suite: models x tasks x seeds, from a TOML file.

Precedence, from general to specific: the defaults of `Training` < the suite's `[training]` < the model file's own
`[training]` < `[training_on.<task>]` < the table of the variant < `[training_for.<model>]` < `--set`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from harness.config.checking import Strict, checked, mistake_lines, read_toml
from harness.config.margin import Margins, checked_margin, margins_of
from harness.config.model import ModelConfig, find_model
from harness.config.run import LocalData, Seed
from harness.config.training import Training
from harness.data.files import every_file
from harness.errors import UserError, collected, nearest
from harness.metrics.metric import EVALUATE, LOWER
from harness.registry import TASKS
from harness.suites.cluster import Cluster
from harness.suites.recipes import RecipeLayers, Variants, original
from harness.suites.seeds import SeedRule, SequentialSeeds, seed_rule
from harness.suites.varied import tuned_too
from harness.tuning.settings import Tuning, tuning_of, tuning_of_some
from harness.varied import Varied


class _SuiteFile(Strict):
    """The content of a suite file.

    Attributes:
        description: The question that the suite asks, shown in reports.
        tasks: Names of tasks, or of tables in [data].
        models: Names of configs/models, .toml files below the suite's folder, names in [variants], folders or Hub ids.
        variants: A known model under another name with other settings: new name = known name, or a table with the known
            `model` and any training settings, such as { model = "minilm", frozen = "encoder" }.
        baseline: The model that the others are compared with.
        margin: The smallest difference that matters, in the units of the report: a number in points or a table by task.
        seeds: A list of seeds, one run each; or { start = 3, most = 10 } to add seeds until the comparisons of a task
            are decided (`harness/suites/seeds.py`). Simple baselines run once.
        training: Training settings of all runs. `train_examples`, `max_length`, `max_windows`, `memory` or `beams` may
            be a list, here and in [training_on], to compare the models at each value (`harness/suites/varied.py`).
        training_on: Training settings for one task; a table per task.
        training_for: Training settings for one model; a table per model.
        data: Your own data sets; a table for each.
        metrics: Metrics by task, the main one first, in place of the task's own.
        tuning: How many recipes to try per model on validation data, and their search space. Default: no tuning.
        cluster: The resources of each run on a cluster (`harness/suites/cluster.py`).
    """

    description: str = ""
    tasks: tuple[str, ...] = Field((), min_length=1, validate_default=True)
    models: tuple[str, ...] = Field((), min_length=1, validate_default=True)
    variants: Variants = Field({})
    baseline: str | None = None
    margin: Annotated[float | dict[str, float] | None, BeforeValidator(checked_margin)] = None
    seeds: tuple[Seed, ...] = Field((0, 1, 2), min_length=1)
    training: dict[str, Any] = Field({})
    training_on: dict[str, dict[str, Any]] = Field({})
    training_for: dict[str, dict[str, Any]] = Field({})
    data: dict[str, dict[str, Any]] = Field({})
    metrics: dict[str, tuple[str, ...]] = Field({})
    tuning: dict[str, Any] | None = None
    cluster: dict[str, Any] = Field({})


@dataclass(frozen=True)
class Suite:
    """A validated suite: models x tasks x seeds.

    Attributes:
        name: The name of the file without its extension, and of the folder of its runs.
        description: The question that the suite asks.
        models: Model configurations by name, in the order of the table's columns.
        recipes: Resolved training settings by task (with the value of a varied setting, if any) and model.
        local: Your own data by the name used in `tasks`.
        seeds: All seeds that may be run.
        metrics: Metrics by task, if they are not the task's own.
        rule: When the comparisons are looked at, if seeds are added until they are decided.
        margins: The smallest differences that matter.
        tuning: How recipes are chosen by trials, or None.
        varied: The values of a varied setting, by task.
        cluster: The resources of each run on a cluster.
        short_runs: What limits the runs, if the suite is shortened (`harness.suites.shortened`); else empty.
    """

    name: str
    tasks: tuple[str, ...]
    models: Mapping[str, ModelConfig]
    recipes: Mapping[tuple[str, str], Training]
    seeds: tuple[int, ...]
    baseline: str | None
    local: Mapping[str, LocalData]
    metrics: Mapping[str, tuple[str, ...]]
    description: str = ""
    rule: SeedRule | None = None
    margins: Margins | None = None
    tuning: Tuning | None = None
    varied: Mapping[str, tuple[Varied, ...]] = field(default_factory=dict)
    cluster: Cluster = field(default_factory=Cluster)
    short_runs: str = ""


def read_suite(
    file: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    trials: int | None = None,
    other_models: Sequence[str] = (),
    seed_count: int | None = None,
) -> Suite:
    """Read the suite that `file` describes.

    Args:
        file: The suite's file.
        overrides: Settings from `--set`, which override every recipe's.
        trials: Overrides the number of trials in [tuning].
        other_models: Models that replace the suite's own, if any; settings that only apply to its own are dropped.
        seed_count: Overrides the number of seeds.

    Raises:
        UserError: For everything that is wrong with the file, a line each.
    """
    mistakes: list[str] = []
    raw = read_toml(file) | ({} if seed_count is None else {"seeds": list(range(seed_count))})
    content, rule = _content(_with_models(raw, other_models) if other_models else raw, file, mistakes)
    mistakes += [*_name_mistakes(content, file), *_repeated_names(content, file)]
    local = _local_data(content, file, mistakes)
    metrics = _metrics(content, file, mistakes)
    models = _models(content, file, mistakes, "--models: " if other_models else f"{file}: models: ")
    layers = RecipeLayers(
        file, content.training, content.training_on, content.variants, content.training_for, overrides or {}
    )
    varied = layers.varied(content.tasks, mistakes)
    recipes = layers.recipes(models, varied, mistakes)
    tuning = tuning_of(content.tuning, content.models, f"{file}: ", mistakes, trials=trials)
    mistakes += [] if tuning is None else tuned_too(tuning.spaces, varied, f"{file}: ")
    cluster = checked(Cluster, content.cluster, f"{file}: cluster.", mistakes)
    if cluster is None or mistakes:
        raise UserError(*dict.fromkeys(mistakes))
    seeds = content.seeds if rule is None else rule.seeds
    known = (file.stem, content.tasks, models, recipes, seeds, content.baseline, local, metrics)
    return Suite(*known, content.description, rule, margins_of(content.margin), tuning, varied, cluster)


def _with_models(raw: Mapping[str, Any], models: Sequence[str]) -> dict[str, Any]:
    """The content of a file with its models replaced, without settings of models that it no longer has."""
    content = {**raw, "models": list(models)}
    for key in ("variants", "training_for"):
        if isinstance(raw.get(key), dict):
            content[key] = {name: table for name, table in raw[key].items() if name in models}
    if raw.get("baseline") not in models:
        content.pop("baseline", None)
    if isinstance(raw.get("tuning"), dict):
        content["tuning"] = tuning_of_some(raw["tuning"], models)
    return content


def _content(raw: dict[str, Any], file: Path, mistakes: list[str]) -> tuple[_SuiteFile, SeedRule | None]:
    """Validate the file's content. A key with a mistake counts as missing, so that the rest is still checked."""
    rule = None
    if isinstance(raw.get("seeds"), dict):
        wanted = checked(SequentialSeeds, raw.pop("seeds"), f"{file}: seeds.", mistakes)
        rule = None if wanted is None else seed_rule(wanted)
    try:
        return _SuiteFile.model_validate(raw), rule
    except ValidationError as error:
        mistakes += mistake_lines(_SuiteFile, error, f"{file}: ")
        wrong = {problem["loc"][0] for problem in error.errors()}
        return _SuiteFile.model_construct(**{key: value for key, value in raw.items() if key not in wrong}), rule


def _name_mistakes(content: _SuiteFile, file: Path) -> Iterator[str]:
    """Find names that do not exist."""
    tasks, models = {*TASKS.names(), *content.data}, content.models
    for name in content.tasks:
        if name not in tasks:
            yield f"{file}: tasks: {name!r}: no such task.{nearest(name, tasks)}"
    of_tasks: dict[str, Mapping[str, Any]] = {
        "metrics": content.metrics,
        "training_on": content.training_on,
        "margin": content.margin if isinstance(content.margin, Mapping) else {},
    }
    for key, named in of_tasks.items():
        for name in named:
            if content.tasks and name not in content.tasks:
                yield f"{file}: {key}: {name!r} is not among this suite's tasks.{nearest(name, content.tasks)}"
    named_models = {
        "training_for": content.training_for,
        "baseline": [content.baseline or ""],
        "variants": content.variants,
    }
    for key, names in named_models.items():
        for name in names:
            if name and models and name not in models:
                yield f"{file}: {key}: {name!r} is not among this suite's models.{nearest(name, models)}"


def _repeated_names(content: _SuiteFile, file: Path) -> Iterator[str]:
    for key, values in (("tasks", content.tasks), ("models", content.models), ("seeds", content.seeds)):
        for value, count in Counter(values).items():
            if count > 1:
                yield f"{file}: {key}: {value!r} appears twice. Leave one out."


def _local_data(content: _SuiteFile, file: Path, mistakes: list[str]) -> dict[str, LocalData]:
    """Validate the tables of own data, and make their paths relative to the suite's folder."""
    found, tasks = {}, {*TASKS.names()} if content.data else set()
    for name, raw in content.data.items():
        table = checked(LocalData, raw, f"{file}: data.{name}.", mistakes)
        mistakes += _table_name_mistakes(name, file, tasks)
        if table is not None:
            mistakes += _outside(table, name, file)
            paths = {split: str(file.parent / path) for split, path in table.files().items()}
            found[name] = table.model_copy(update=paths)
    return found


def _table_name_mistakes(name: str, file: Path, tasks: Container[str]) -> Iterator[str]:
    if name in tasks:
        yield f"{file}: data.{name}: a task of this name exists already. Choose another."
    if not re.fullmatch(r"\w[\w.+-]*", name):
        yield f"{file}: data.{name}: can't be a folder's name. Use letters, digits, _ and -."


def _outside(table: LocalData, name: str, file: Path) -> Iterator[str]:
    """Reject paths outside the suite's folder, also through links: a suite may come from a stranger."""
    for split, path in table.files().items():
        if not _below(path, file):
            yield f"{file}: data.{name}.{split}: {_advice(path, file)}"
            continue
        mistakes: list[str] = []
        with collected(mistakes):
            parts = [str(part.absolute()) for part in every_file(file.parent / path)]
            mistakes += [_advice(part, file) for part in parts if not _below(part, file)]
        yield from (f"{file}: data.{name}.{split}: {mistake}" for mistake in mistakes)


def _below(path: str, file: Path) -> bool:
    folder = file.parent.resolve()
    return Path(folder, path).resolve().is_relative_to(folder)


def _advice(path: str, file: Path) -> str:
    return f"{path} lies outside the suite's folder. Copy the file below {file.parent.resolve()}."


def _metrics(content: _SuiteFile, file: Path, mistakes: list[str]) -> dict[str, tuple[str, ...]]:
    """The metrics by task, with paths of scripts relative to the suite's folder."""
    found = {}
    for task, names in content.metrics.items():
        scripts = {name: path for name in names if (path := _script(name, file.parent)) is not None}
        for path in scripts.values():
            mistakes += _script_mistakes(path, file, f"{file}: metrics.{task}: {path}")
        found[task] = tuple(_placed(name, file.parent / scripts[name]) if name in scripts else name for name in names)
    return found


def _script(name: str, folder: Path) -> str | None:
    """The path in a metric's name; None for our own metrics and those that the `evaluate` library knows by name."""
    if not name.startswith(EVALUATE):
        return None
    path = name.removeprefix(EVALUATE).removesuffix(LOWER)
    is_path = path.endswith(".py") or Path(path).is_absolute() or ".." in Path(path).parts or path.startswith("./")
    return path if is_path or Path(folder, path).exists() else None


def _script_mistakes(path: str, file: Path, where: str) -> Iterator[str]:
    """Check a script, or a folder containing a script of the same name, as the library accepts both."""
    folder = file.parent.resolve()
    script = Path(folder, path) if path.endswith(".py") else Path(folder, path, f"{Path(path).name}.py")
    if not script.resolve().is_relative_to(folder):
        yield f"{where} lies outside the suite's folder. Copy the script below {folder}."
    elif not script.is_file():
        yield f"{where}: no such script. Check the path."


def _placed(name: str, path: Path) -> str:
    return f"{EVALUATE}{path}{LOWER if name.endswith(LOWER) else ''}"


def _models(content: _SuiteFile, file: Path, mistakes: list[str], where: str) -> dict[str, ModelConfig]:
    found = {}
    for name in content.models:
        with collected(mistakes, where):
            known = original(name, content.variants)
            if known.endswith(".toml") and not _below(known, file):
                raise UserError(_advice(known, file))
            found[name] = find_model(known, beside=file.parent)
    return found
