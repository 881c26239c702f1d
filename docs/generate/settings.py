"""The reference of every setting, out of the classes that check it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.claims.claim import CLAIMS
from harness.config.checking import Strict
from harness.config.model import ModelConfig
from harness.config.run import LocalFiles
from harness.config.training import Adaptation, Baselines, Evaluation, Execution, LongTexts, Optimisation
from harness.data.custom import column_roles
from harness.pretraining.recipe import CorporaRecipe, PretrainingPlan, PretrainingRecipe, TokenizerRecipe
from harness.registry import TASK_TYPES
from harness.suites.cluster import Cluster
from harness.suites.suite import _SuiteFile as SuiteFile
from harness.tuning.settings import TuningTable

BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
COLUMN_TYPE = "text, or a list of texts"
NO_DEFAULT = "required"


def settings_page() -> str:
    """Every setting of fine-tuning, of models, of suites, of studies, of own data and of pretraining."""
    parts = ["# Settings", INTRODUCTION]
    parts += ["## Fine-tuning", FINE_TUNING, *(_section(shape) for shape in recipe_parts())]
    parts += ["## Model files", MODEL_FILES, _table(ModelConfig)]
    parts += ["## Suites", SUITES, _table(SuiteFile), _section(TuningTable, title="[tuning]")]
    parts += [_section(Cluster, title="[cluster]")]
    parts += ["## Studies", STUDIES]
    parts += [_section(CLAIMS.load(name).settings, title=f"[claims.{name}]") for name in CLAIMS.names()]
    parts += ["## Own data", OWN_DATA, _own_data_table()]
    parts += ["## Pretraining", PRETRAINING, _table(PretrainingRecipe)]
    parts += [
        _section(shape, title=f"[{name}]")
        for name, shape in {"corpora": CorporaRecipe, "tokenizer": TokenizerRecipe, "training": PretrainingPlan}.items()
    ]
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """\
Generated from the classes that check what a file or the command line says. A setting that does not exist is an error
that names the nearest one; a value that does not fit is an error that says what would."""
FINE_TUNING = """\
In a suite's `[training]`, `[training_on.<task>]` and `[training_for.<model>]`, in a table of its `[variants]`, in a
model file's `[training]`, and on the command line as `--set name=value`. From the general to the particular: defaults,
`[training]`, the model file's `[training]`, `[training_on.<task>]`, the variant's table, `[training_for.<model>]`,
`--set`."""
MODEL_FILES = "`configs/models/<name>.toml`, or any `.toml` file that `--model` names."
SUITES = "`configs/suites/<name>.toml`, or any `.toml` file that `harness run` names."
STUDIES = "`configs/studies/<name>.toml`, or any `.toml` file that `harness run` names: a table per claim."
OWN_DATA = (
    "`[data.<name>]` in a suite; on the command line the options of the same names (`--task-type`, `--label`, …)."
)
PRETRAINING = "`configs/pretraining/<name>.toml`, or any `.toml` file that `harness pretrain` names."


def recipe_parts() -> Iterator[type[Strict]]:
    """The classes that a recipe for fine-tuning is made of, those of the task types last."""
    yield from (Optimisation, Adaptation, Execution, LongTexts, Evaluation, Baselines)
    for shape in dict.fromkeys(TASK_TYPES.load(name).settings for name in TASK_TYPES.names()):
        if shape.model_fields:
            yield shape


def described(shape: type[BaseModel]) -> Mapping[str, str]:
    """What the class's docstring says of each attribute, on one line."""
    lines = inspect.cleandoc(shape.__doc__ or "").partition("Attributes:\n")[2].splitlines()
    found: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if start := re.match(r"    (\w+): (.*)", line):
            name = start[1]
            found[name] = [start[2]]
        elif name and line.startswith("        "):
            found[name].append(line.strip())
    missing = shape.model_fields.keys() - found.keys()
    assert not missing, f"{shape.__name__}: its docstring says nothing of {', '.join(sorted(missing))}"
    return {name: " ".join(words) for name, words in found.items()}


def _section(shape: type[BaseModel], title: str = "") -> str:
    heading = title or (inspect.cleandoc(shape.__doc__ or "").splitlines() or [shape.__name__])[0].rstrip(".")
    return f"### {heading}\n\n{_table(shape)}"


def _table(shape: type[BaseModel]) -> str:
    words = described(shape)
    return _rows((name, type_of(field), default_of(field), words[name]) for name, field in shape.model_fields.items())


def _own_data_table() -> str:
    words = described(LocalFiles)
    files = [(name, type_of(field), default_of(field), words[name]) for name, field in LocalFiles.model_fields.items()]
    columns = [
        (role, COLUMN_TYPE, f"`{column.default or role}`", column.help) for role, column in column_roles().items()
    ]
    return _rows([*files, *columns])


def _rows(rows: Any) -> str:
    lines = ["| setting | is | default | meaning |", "| --- | --- | --- | --- |"]
    for name, kind, default, meaning in rows:
        lines.append(f"| `{name}` | {_escaped(kind)} | {_escaped(default)} | {_escaped(meaning)} |")
    return "\n".join(lines)


def type_of(field: FieldInfo) -> str:
    """What a setting may be, in the words of a TOML file, with its bounds."""
    bounds = [
        f"{sign} {value:,}"
        for constraint in field.metadata
        for name, sign in BOUNDS.items()
        if (value := getattr(constraint, name, None)) is not None
    ]
    return ", ".join([_words(field.annotation), *bounds])


def _words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_words(part) for part in arguments if part is not NoneType))
    if origin is tuple or origin is list:
        return "list"
    if origin is dict:
        return "table"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    plain = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    return plain.get(annotation, "list" if origin else str(annotation))


def default_of(field: FieldInfo) -> str:
    """A setting's default as a TOML file would say it."""
    if field.is_required():
        return NO_DEFAULT
    default = field.get_default(call_default_factory=True)
    if default == () and any(getattr(constraint, "min_length", 0) for constraint in field.metadata):
        return NO_DEFAULT
    if isinstance(default, BaseModel):
        return "–"
    if default is None or default in ("", (), {}):
        return "–"
    if isinstance(default, tuple):
        return f"`[{', '.join(map(str, default))}]`"
    return f"`{str(default).lower()}`" if isinstance(default, bool) else f"`{default}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
