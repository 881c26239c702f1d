"""The output of `harness list` and `harness cache`. Only the tasks' own files are imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.filesize import decimal
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.cache import CachedFiles
from harness.config.files import config_files
from harness.counted import counted
from harness.data.sources import Files, Generated, Hub, Packaged
from harness.errors import UserError, nearest
from harness.output import plain_table
from harness.registry import (
    CORPORA,
    FAMILIES,
    FORMATS,
    OBJECTIVES,
    OPTIMIZERS,
    SCHEDULES,
    TASK_TYPES,
    TASKS,
    Entry,
    Registry,
)

Rows = list[tuple[str, ...]]
NOTHING = "-"
HEADINGS = {"tasks": ("name", "task type", "train + test", "offline", "description")}
"""The columns of lists that have more than names and descriptions."""
WIDE = 110
"""Terminal width in characters from which descriptions fit next to the other columns."""


def listed(what: str) -> Rows:
    """One row per entry: its name and its description.

    Raises:
        UserError: If there is no such list.
    """
    if what not in LISTS:
        raise UserError(f"harness list {what}: no such list.{nearest(what, LISTS)}")
    return LISTS[what]()


def _tasks() -> Rows:
    return [(entry.name, *_facts(entry), TASKS.description(entry)) for entry in _claims(TASKS)]


def _facts(entry: Entry) -> tuple[str, str, str]:
    """The task's type, its size, and whether it runs offline; "-" if unknown, as for third-party code.

    No third-party code is executed for a list.
    """
    if not entry.built_in:
        return NOTHING, NOTHING, NOTHING
    task = entry.module().task
    sizes = [f"{task.examples[split]:,}" for split in ("train", "test") if split in task.examples]
    return task.task_type, " + ".join(sizes) or NOTHING, _offline(task.source)


def _offline(source: object) -> str:
    """Whether the rows are available without a network: "yes", "no", or what must be installed."""
    if isinstance(source, Hub):
        return "yes" if Path(source.path).exists() else "no"
    if isinstance(source, Packaged):
        return "yes" if source.is_installed else f"with {source.distribution}"
    return "yes" if isinstance(source, Files | Generated) else NOTHING


def contents(names: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    """The entries of each list by its name, with fields named like the table's columns."""
    return {
        name: [dict(zip(HEADINGS.get(name, ("name", "description")), row, strict=True)) for row in listed(name)]
        for name in names
    }


def _described(registry: Registry) -> Rows:
    return [(entry.name, registry.description(entry)) for entry in _claims(registry)]


def _claims(registry: Registry) -> Iterator[Entry]:
    """Every claim to every name: two rows if two places claim a name, so that both are visible."""
    for claims in registry.entries().values():
        yield from claims


def _configs(folder: str) -> Rows:
    return [(name, _first_comment(file)) for name, files in config_files(folder).items() for file in files]


def _first_comment(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").split("\n")[0].removeprefix("#").strip()
    except (OSError, UnicodeDecodeError) as error:  # A broken file of the user does not hide the others.
        return f"{file}: can't be read ({error})."


LISTS: dict[str, Callable[[], Rows]] = {
    "tasks": _tasks,
    "models": lambda: _configs("models"),
    "families": lambda: _described(FAMILIES),
    "task-types": lambda: _described(TASK_TYPES),
    "suites": lambda: _configs("suites"),
    "studies": lambda: _configs("studies"),
    "formats": lambda: _described(FORMATS),
    "recipes": lambda: _configs("pretraining"),
    "corpora": lambda: _described(CORPORA),
    "objectives": lambda: _described(OBJECTIVES),
    "optimizers": lambda: _described(OPTIMIZERS),
    "schedules": lambda: _described(SCHEDULES),
}


def shown_list(name: str, rows: Rows, *, width: int) -> Iterator[RenderableType]:
    """Format a list as a table; if the terminal is narrow for several columns, descriptions are on lines below.

    Args:
        name: The name of the list.
        rows: Its entries.
        width: The width of the terminal in characters.
    """
    headings = HEADINGS.get(name, ())
    if headings and width < WIDE:
        for entry, task_type, size, offline, description in rows:
            yield Text.assemble((entry, "bold"), f"  {task_type}, {size}, offline: {offline}")
            yield Padding(description, (0, 0, 0, 2))
        return
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=bool(headings))
    for heading in headings:
        table.add_column(heading, no_wrap=heading == "name", header_style="dim")
    for row in rows:
        table.add_row(*row)
    yield table


def cache_table(kept: Sequence[CachedFiles], title: str) -> Table:
    """One row per kind of cached data, and the total size."""
    table = plain_table("", "", "", "", title=title)
    for part in kept:
        table.add_row(part.what, counted(part.files, "file"), decimal(part.bytes), str(part.folder))
    table.add_row(
        "in all", counted(sum(part.files for part in kept), "file"), decimal(sum(part.bytes for part in kept)), ""
    )
    return table
