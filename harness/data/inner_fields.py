"""Fields inside of objects, named by a path with dots, such as "review.text"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_ABSENT: Any = object()


def inner_fields(row: Mapping[str, object], paths: Iterable[str]) -> dict[str, object]:
    """Return the fields at the paths that exist inside of the row's objects, and that are not names of its columns.

    In a list of objects, a path leads to the list of their fields. A field of a missing object is missing (None).

    >>> inner_fields({"review": {"text": "a joy"}, "b.c": 1}, ["review.text", "review.stars", "b.c"])
    {'review.text': 'a joy'}
    >>> inner_fields({"answers": [{"text": "Bern"}, {"text": "Basel"}]}, ["answers.text"])
    {'answers.text': ['Bern', 'Basel']}
    """
    found = {path: _field_at(row, path) for path in paths if path not in row}
    return {path: field for path, field in found.items() if field is not _ABSENT}


def field_paths(row: Mapping[str, object]) -> list[str]:
    """Return the names of the columns, with the paths to the fields of an object in place of its own.

    >>> field_paths({"id": 1, "review": {"text": "a joy", "tags": []}, "answers": [{"text": "Bern"}]})
    ['id', 'review.text', 'review.tags', 'answers', 'answers.text']
    """
    return list(dict.fromkeys(path for name, field in row.items() for path in _paths_below(name, field)))


def _paths_below(name: str, field: object) -> Iterator[str]:
    found = next((item for item in field if isinstance(item, Mapping)), None) if isinstance(field, list) else field
    fields = found if isinstance(found, Mapping) else {}
    if not fields or found is not field:
        yield name
    for key, inner in fields.items():
        yield from _paths_below(f"{name}.{key}", inner)


def _field_at(found: object, path: str) -> Any:
    """Return the field at a path; names with dots come first."""
    if found is None:
        return None
    if isinstance(found, list):
        fields = [_field_at(item, path) for item in found]
        is_there = not fields or any(field is not _ABSENT for field in fields)
        return [None if field is _ABSENT else field for field in fields] if is_there else _ABSENT
    if not isinstance(found, Mapping):
        return _ABSENT
    if path in found:
        return found[path]
    dots = [place for place, character in enumerate(path) if character == "." and path[:place] in found]
    fields = [_field_at(found[path[:dot]], path[dot + 1 :]) for dot in reversed(dots)]
    return next((field for field in fields if field is not _ABSENT), _ABSENT)
