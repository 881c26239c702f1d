"""The entry points of installed packages, by which a package adds entries of its own to a registry."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points


def points_of(group: str) -> list[EntryPoint]:
    """The entry points of a group, by name; what was installed meanwhile is seen. Nothing is imported."""
    return sorted(_points(group, _search_path()), key=lambda point: point.name)


def package_of(point: EntryPoint) -> str:
    """The package that an entry point comes from, in a user's words."""
    return f"package {point.dist.name} {point.dist.version}" if point.dist else f"entry point {point.value}"


@lru_cache(maxsize=8)
def _points(group: str, search_path: tuple[tuple[str, int], ...]) -> EntryPoints:
    """The group's. Finding them reads every package's metadata, and a command asks hundreds of times."""
    return entry_points(group=group)


def _search_path() -> tuple[tuple[str, int], ...]:
    """Where packages are, and when something was last put there or taken away."""
    found = []
    for place in sys.path:
        try:
            found.append((place, os.stat(place or ".").st_mtime_ns))  # noqa: PTH116 -- hundreds of times
        except OSError:
            continue
    return tuple(found)
