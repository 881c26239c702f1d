"""Study: claims to measure, as listed in a TOML file of configs/studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import Field

from harness.claims.claim import CLAIMS, OfRuns, Settings
from harness.config.checking import Strict, checked, parse_settings, read_toml
from harness.config.files import config_files, refuse_shared_folder
from harness.errors import UserError, collected, nearest

KEY = "claims"  # The key that distinguishes a study's file from a suite's.


class _StudyFile(Strict):
    """The content of a study file.

    Attributes:
        description: The question that the study asks, shown on its page.
        claims: A table per claim with its settings; an empty table uses the defaults.
    """

    description: str = ""
    claims: dict[str, dict[str, Any]] = Field(min_length=1)


@dataclass(frozen=True)
class Study:
    """A validated study: claims to measure.

    Attributes:
        name: The name of the file without its extension, and of the folder of its records.
        description: The question that the study asks.
        claims: The settings of each claim, in the order of the file.
    """

    name: str
    description: str
    claims: Mapping[str, Settings]


def study_file(name: str) -> Path | None:
    """Return the file of the study called `name`, in configs/studies or as a path; None if there is no such study.

    Raises:
        UserError: If the path's file can't be read, or if there are several studies of the name.
    """
    if name.endswith(".toml"):
        file = Path(name)
        return file if file.is_file() and KEY in read_toml(file) else None
    files = config_files("studies").get(name, [])
    if len(files) > 1:
        raise UserError(f"{name!r}: {len(files)} studies of this name. Rename one, or give its path.")
    return files[0] if files else None


def read_study(file: Path, overrides: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> Study:
    """Read and validate a study.

    Args:
        file: A TOML file.
        overrides: Settings that replace the file's, by claim.

    Raises:
        UserError: If it is invalid, with a line for each mistake.
    """
    mistakes: list[str] = []
    with collected(mistakes):
        refuse_shared_folder(file.stem, file)
    if file.stem in config_files("suites"):
        mistakes.append(f"{file}: a suite is called {file.stem}, too, and both would share a folder. Rename the study.")
    content = checked(_StudyFile, read_toml(file), f"{file}: ", mistakes)
    claims: dict[str, Settings] = {}
    for name, table in ({} if content is None else content.claims).items():
        if name not in CLAIMS.names():
            mistakes.append(f"{file}: claims.{name}: no such claim.{nearest(name, CLAIMS.names())}")
            continue
        table = {**table, **overrides.get(name, {})}
        settings = checked(CLAIMS.load(name).settings, table, f"{file}: claims.{name}.", mistakes)
        if settings is not None:
            claims[name] = _placed(settings, file)
    if content is None or mistakes:
        raise UserError(*mistakes)
    return Study(file.stem, content.description, claims)


def chosen(study: Study, only: Sequence[str] | None) -> dict[str, Settings]:
    """Return the claims that `only` names, with their settings; all if it is empty or None.

    Raises:
        UserError: If it names others.
    """
    wrong = [name for name in only or () if name not in study.claims]
    if wrong:
        raise UserError(*(f"--only {name}: no claim of this study.{nearest(name, study.claims)}" for name in wrong))
    return {name: settings for name, settings in study.claims.items() if not only or name in only}


def by_claim(pairs: Sequence[str]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Split pairs into settings of claims (`claim.key=value`), and pairs for the recipes of suites (the others).

    >>> by_claim(["cost_by_length.repeats=2", "epochs=1"])
    ({'cost_by_length': {'repeats': 2}}, ['epochs=1'])

    Raises:
        UserError: If a claim's setting is malformed.
    """
    claims: dict[str, dict[str, Any]] = {}
    recipes = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        claim, dot, key = name.partition(".")
        if dot:
            claims.setdefault(claim.strip(), {}).update(parse_settings([f"{key}{equals}{value}"]))
        else:
            recipes.append(pair)
    return claims, recipes


def refuse_unused(wanted: Mapping[str, Settings], claims: Mapping[str, object], recipes: Sequence[str]) -> None:
    """Check that there are no settings of claims that aren't measured, or of recipes if no claim reads runs.

    Raises:
        UserError: If there are, with a line for each.
    """
    mistakes = [
        f"--set {claim}.…: no claim that is measured here.{nearest(claim, wanted)}"
        for claim in claims
        if claim not in wanted
    ]
    if not any(settings.read for settings in wanted.values()):
        mistakes += [
            f"--set {pair}: none of these claims reads runs. Write --set CLAIM.{pair} for a claim's own setting."
            for pair in recipes
        ]
    if mistakes:
        raise UserError(*mistakes)


def _placed(settings: Settings, file: Path) -> Settings:
    """Return the settings, with suites given as files resolved against the folder of the study's file."""
    if not isinstance(settings, OfRuns):
        return settings
    suites = tuple(str(file.parent / suite) if suite.endswith(".toml") else suite for suite in settings.suites)
    return settings.model_copy(update={"suites": suites})


def refuse_shared_folders(suites: Sequence[str]) -> None:
    """Check that no suites share a folder of runs, which is named after a suite's file.

    Raises:
        UserError: If suites do, with a line for each shared name.
    """
    by_name: dict[str, list[str]] = {}
    for suite in suites:
        by_name.setdefault(Path(suite).name.removesuffix(".toml"), []).append(suite)
    mistakes = [
        f"suites: {' and '.join(alike)} have one name, and would share the folder {name}. Rename one of the files."
        for name, alike in by_name.items()
        if len(alike) > 1
    ]
    if mistakes:
        raise UserError(*mistakes)
