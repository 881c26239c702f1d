"""What a person sees of a long step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Item = TypeVar("Item")


def followed(items: Iterable[Item], title: str, console: Console, *, total: int | None = None) -> Iterator[Item]:
    """The items, with a bar of how many went by where there is a terminal; a line at the start elsewhere.

    Args:
        items: What is followed.
        title: What the bar is called.
        console: Where it is shown.
        total: How many there are, if `items` doesn't tell.
    """
    if not console.is_terminal:
        console.print(f"{title} ...", soft_wrap=True)
        yield from items
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield from progress.track(items, total=total, description=title)
