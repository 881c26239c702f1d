"""The entry points of installed packages, with which packages add entries to a registry."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points


def points_of(group: str) -> list[EntryPoint]:
    """The entry points of a group, by name, including newly installed ones. Nothing is imported."""
    return sorted(_points(group, _search_path()), key=lambda point: point.name)


def package_of(point: EntryPoint) -> str:
    """Name the package of an entry point for users."""
    return f"package {point.dist.name} {point.dist.version}" if point.dist else f"entry point {point.value}"


@lru_cache(maxsize=8)
def _points(group: str, search_path: tuple[tuple[str, int], ...]) -> EntryPoints:
    """The group's entry points, cached: finding them reads the metadata of every package, and is needed often."""
    return entry_points(group=group)


def _search_path() -> tuple[tuple[str, int], ...]:
    """The places of packages, with the times of their last changes."""
    found = []
    for place in sys.path:
        try:
            found.append((place, os.stat(place or ".").st_mtime_ns))  # noqa: PTH116 -- hundreds of times
        except OSError:
            continue
    return tuple(found)
