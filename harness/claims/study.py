"""Study: claims to be measured, as a TOML file of configs/studies names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import Field

from harness.claims.claim import CLAIMS, OfRuns, Settings
from harness.config.checking import Strict, checked, parse_settings, read_toml
from harness.config.files import config_files
from harness.errors import UserError, nearest

KEY = "claims"  # By which a study's file is told from a suite's.


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
    """The file of the study called `name`, of configs/studies or a path; None where no study is called so.

    Raises:
        UserError: It is a path to a file that can't be read; or there are several.
    """
    if name.endswith(".toml"):
        file = Path(name)
        return file if file.is_file() and KEY in read_toml(file) else None
    files = config_files("studies").get(name, [])
    if len(files) > 1:
        raise UserError(f"{name!r}: {len(files)} studies of this name. Rename one, or give its path.")
    return files[0] if files else None


def read_study(file: Path, overrides: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> Study:
    """The study that `file` describes.

    Args:
        file: A TOML file.
        overrides: Settings in place of the file's, by claim.

    Raises:
        UserError: Everything that is wrong with it, a line each.
    """
    mistakes: list[str] = []
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
    """The claims that `only` names; all of them where it names none.

    Raises:
        UserError: It names something else.
    """
    wrong = [name for name in only or () if name not in study.claims]
    if wrong:
        raise UserError(*(f"--only {name}: no claim of this study.{nearest(name, study.claims)}" for name in wrong))
    return {name: settings for name, settings in study.claims.items() if not only or name in only}


def by_claim(pairs: Sequence[str]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """What `claim.key=value` pairs set of claims, and the other pairs, which are of the recipes of suites.

    >>> by_claim(["cost_by_length.repeats=2", "epochs=1"])
    ({'cost_by_length': {'repeats': 2}}, ['epochs=1'])

    Raises:
        UserError: Every pair of another form.
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
    """Refuse settings of claims that aren't measured, and of recipes where no claim reads runs.

    Raises:
        UserError: Every such setting.
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
    """The settings, suites that are files made to start where the study's file lies."""
    if not isinstance(settings, OfRuns):
        return settings
    suites = tuple(str(file.parent / suite) if suite.endswith(".toml") else suite for suite in settings.suites)
    return settings.model_copy(update={"suites": suites})


def refuse_shared_folders(suites: Sequence[str]) -> None:
    """Refuse suites whose runs would lie in one folder, which has the name of a suite's file.

    Raises:
        UserError: Every two of one name.
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
