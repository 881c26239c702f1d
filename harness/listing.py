"""What `harness list` and `harness cache` show. Nothing is imported but file names and first lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.filesize import decimal
from rich.table import Table

from harness.cache import Kept
from harness.errors import UserError, nearest
from harness.registry import CONFIGS, CORPORA, FORMATS, OBJECTIVES, TASKS, Registry

Rows = list[tuple[str, ...]]


def listed(what: str) -> Rows:
    """A row an entry: its name and what it is.

    Raises:
        UserError: There is no such list.
    """
    if what not in LISTS:
        raise UserError(f"harness list {what}: no such list.{nearest(what, LISTS)}")
    return LISTS[what]()


def _tasks() -> Rows:
    return [(name, file.parent.name, TASKS.description(name)) for name, file in TASKS.files().items()]


def _described(registry: Registry) -> Rows:
    return [(name, registry.description(name)) for name in registry.files()]


def _configs(folder: str) -> Rows:
    files = sorted((CONFIGS / folder).glob("*.toml"), key=lambda file: file.stem)
    return [(file.stem, file.read_text(encoding="utf-8").split("\n")[0].removeprefix("#").strip()) for file in files]


LISTS: dict[str, Callable[[], Rows]] = {
    "tasks": _tasks,
    "models": lambda: _configs("models"),
    "suites": lambda: _configs("suites"),
    "formats": lambda: _described(FORMATS),
    "recipes": lambda: _configs("pretraining"),
    "corpora": lambda: _described(CORPORA),
    "objectives": lambda: _described(OBJECTIVES),
}


def cache_table(kept: Sequence[Kept], title: str) -> Table:
    """A row a kind of thing that is kept between runs, and what they take in all."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False)
    for part in kept:
        table.add_row(part.what, f"{part.files} files", decimal(part.bytes), str(part.folder))
    table.add_row("in all", f"{sum(part.files for part in kept)} files", decimal(sum(part.bytes for part in kept)), "")
    return table
