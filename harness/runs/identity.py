"""When two runs are the same run: by their resolved configurations, regardless of file locations."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import PurePath
from typing import Any

from pydantic import ValidationError

from harness.config.checking import checked_record
from harness.config.run import RunConfig
from harness.config.training import Training
from harness.data.sources import SPLITS
from harness.errors import UserError
from harness.metrics.metric import EVALUATE, LOWER

FILES = "files:"
"""How the checksum of a user's files begins, in `data`."""


def identity(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a resolved configuration that identify a run.

    The user's files, checkpoint and tokenizer folders, and metric scripts are identified by content (`data`, `weights`,
    `files`), not by path. A setting that did not exist yet when the configuration was recorded has its default.

    >>> identity({"seed": 0, "local": {"train": "a.csv", "label": "stars"}})
    {'seed': 0, 'local': {'label': 'stars'}}
    """
    try:
        config = RunConfig.model_validate(resolved)
    except ValidationError:  # Of another version: compared as it is.
        known = _without(dict(resolved), "local", SPLITS)
        return _without(known, "model", ("checkpoint",)) if known.get("weights") else known
    parts = {name.partition("/")[0] for name in config.files} | ({"checkpoint"} if config.weights else set())
    known = _without(config.resolved(), "local", SPLITS)
    known = _without(known, "model", parts & {"checkpoint", "tokenizer"})
    return {**known, "metrics": [without_folder(name, config.files) for name in config.metrics]}


def run_differences(recorded: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The differences between a recorded run and the wanted one, a line each; none if they are the same run.

    Records of versions without `files` are compared as those versions did, ignoring the contents of files.
    """
    if {**recorded, "seed": None} == {**wanted, "seed": None}:  # The usual case, which needs no validation or renaming.
        return differences({"seed": recorded.get("seed")}, {"seed": wanted.get("seed")})
    if "files" not in recorded or "files" not in wanted:
        recorded, wanted = ({**config, "files": {}} for config in (recorded, wanted))
    before, now = identity(recorded), identity(wanted)
    changed = _changed_files(before, now, wanted)
    if changed:
        before = {**before, "data": now["data"]}
    return [*changed, *differences(_with_left_open(before, now), now)]


def differences(recorded: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The keys in which two resolved configurations differ, with both values.

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


def recorded_config(recorded: Mapping[str, Any], where: object) -> RunConfig:
    """Return the configuration in a record, to use the run again.

    Raises:
        UserError: If it has settings that this version does not know, or is not as it was recorded.
    """
    mistakes: list[str] = []
    config = checked_record(RunConfig, recorded, f"{where}: config.", mistakes)
    if config is None:
        raise UserError(*mistakes, f"{where}: made by another version. Use that version, or run it again with --redo.")
    return config


def _changed_files(before: Mapping[str, Any], now: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """A line with the names of the user's files, whose checksums say nothing, if their content has changed."""
    old, new = str(before.get("data")), str(now.get("data"))
    if old == new or not (old.startswith(FILES) and new.startswith(FILES)):
        return []
    local = wanted.get("local") or {}
    names = [PurePath(path).name for split in SPLITS if (path := local.get(split))]
    return [f"data: the content of {' or '.join(names) or 'the files'} has changed since."]


def _with_left_open(recorded: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The recorded configuration; settings at an earlier default are None if the wanted one leaves them open (None)."""
    before, now = recorded.get("training"), wanted.get("training")
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return recorded
    defaults = Training.earlier_defaults.items()
    left_open = {key: None for key, default in defaults if now.get(key) is None and before.get(key) == default}
    return {**recorded, "training": {**before, **left_open}}


def without_folder(metric: str, files: Container[str]) -> str:
    """The metric's name without the folder of a script that is identified by its content."""
    path, lower = PurePath(metric.removeprefix(EVALUATE).removesuffix(LOWER)), metric.endswith(LOWER)
    name = path.name.removesuffix(".py")
    known = metric.startswith(EVALUATE) and f"metrics/{name}.py" in files
    return f"{EVALUATE}{name}{LOWER if lower else ''}" if known else metric


def _without(content: dict[str, Any], table: str, keys: Container[str]) -> dict[str, Any]:
    inner = content.get(table)
    if not isinstance(inner, Mapping):
        return content
    return {**content, table: {key: value for key, value in inner.items() if key not in keys}}
