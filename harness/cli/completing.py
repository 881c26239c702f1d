"""Shell completion of names, installed by `harness --install-completion`. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

from harness.config.files import config_files
from harness.registry import FORMATS, TASKS


def tasks(incomplete: str) -> list[str]:
    """Tasks with this prefix."""
    return _beginning(incomplete, TASKS.names())


def models(incomplete: str) -> list[str]:
    """Model files that complete the last name in a comma-separated list."""
    return _completing_last(incomplete, config_files("models"))


def suites(incomplete: str) -> list[str]:
    """Suites and studies with this prefix."""
    return _beginning(incomplete, [*config_files("suites"), *config_files("studies")])


def tasks_and_models(incomplete: str) -> list[str]:
    """Tasks and models with this prefix."""
    return [*tasks(incomplete), *_beginning(incomplete, config_files("models"))]


def lists(incomplete: str) -> list[str]:
    """The lists of `harness list`."""
    from harness.cli.listing import LISTS  # noqa: PLC0415 -- a command's own

    return _beginning(incomplete, LISTS)


def formats(incomplete: str) -> list[str]:
    """Report formats with this prefix."""
    return _beginning(incomplete, FORMATS.names())


def sections(incomplete: str) -> list[str]:
    """Sections of a report that complete the last name in a comma-separated list."""
    from harness.reporting.sections import SECTIONS  # noqa: PLC0415 -- a command's own

    return _completing_last(incomplete, SECTIONS)


def _completing_last(incomplete: str, names: Iterable[str]) -> list[str]:
    """The list with its last name completed by each of `names` that is not in it yet."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _beginning(last, names) if name not in before.split(",")]


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
