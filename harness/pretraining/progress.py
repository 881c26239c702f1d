"""Progress display for long steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Item = TypeVar("Item")


def followed(items: Iterable[Item], title: str, console: Console, *, total: int | None = None) -> Iterator[Item]:
    """Yield the items while showing a progress bar on a terminal; elsewhere, print a line at the start.

    Args:
        items: The items.
        title: Title of the bar.
        console: Where it is shown.
        total: Number of items, if `items` has no length.
    """
    if not console.is_terminal:
        console.print(f"{title} ...", soft_wrap=True)
        yield from items
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield from progress.track(items, total=total, description=title)
