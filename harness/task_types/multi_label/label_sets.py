"""Sets of labels, in the forms found in users' files.

A set is a list, or text: a list as written by Python, JSON or numpy, or names with a separator between them. In a list
of zeros and ones, of the same length for every text, each place says whether the text has that label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.data.labels import label_name, sorted_names
from harness.data.written_values import NotWrittenError, written_value

SEPARATORS = ("|", ";", ",")


def names_of(fields: Sequence[object]) -> tuple[str, ...]:
    """Return the names of the labels in a column; for lists of zeros and ones, one for each place."""
    places = indicated_places(fields)
    if places:
        return place_names(places)
    separator = separator_of(fields)
    return sorted_names(item for field in fields for item in _items(field, separator) or ())


def place_names(count: int) -> tuple[str, ...]:
    """Return names for labels that have none."""
    return tuple(f"LABEL_{place}" for place in range(count))


def items_of(field: object, labels: Sequence[str]) -> Sequence[object] | None:
    """Return the labels in a field, as names or indices; None if it is not a set.

    Args:
        field: The value of the field.
        labels: The known names. A separator within a name does not split it.
    """
    text = field.strip() if isinstance(field, str) else None
    if text is not None and label_name(text) in labels:
        return [text]
    found = next((items for items in _readings(field) if all(label_name(item) in labels for item in items)), None)
    if found is None:
        found = _items(field, separator_of([field]))
    if found is not None and is_indicated(found, labels):
        return [label for label, item in zip(labels, found, strict=True) if _bit(item)]
    return found


def separator_of(fields: Sequence[object]) -> str | None:
    """Return the first of the separators that occurs in a column of text."""
    texts = [field for field in fields if isinstance(field, str) and _listed(field) is None]
    return next((separator for separator in SEPARATORS if any(separator in text for text in texts)), None)


def indicated_places(fields: Sequence[object]) -> int:
    """Return the number of labels in lists of zeros and ones; 0 if the column is anything else."""
    separator = separator_of(fields)
    lists = [_items(field, separator) for field in fields]
    lengths = {len(items) if items is not None and _are_zeros_and_ones(items) else 0 for items in lists}
    return lengths.pop() if len(lengths) == 1 and 1 not in lengths else 0


def is_indicated(items: Sequence[object], labels: Sequence[str]) -> bool:
    """Return whether items are zeros and ones for the labels. Names or indices would not contain duplicates."""
    if len(items) != len(labels) or len(items) < 2 or not _are_zeros_and_ones(items):
        return False
    return len(set(map(_bit, items))) < len(items) or tuple(labels) == place_names(len(labels))


def _are_zeros_and_ones(items: Sequence[object]) -> bool:
    return all(_bit(item) is not None for item in items)


def _bit(item: object) -> bool | None:
    """Convert a zero or one, written as a number, text or boolean, to a boolean; None for anything else."""
    return {"0": False, "1": True}.get(label_name(int(item) if isinstance(item, bool) else item) or "")


def _readings(field: object) -> Iterator[Sequence[object]]:
    """Yield the field's items with each separator."""
    for separator in SEPARATORS:
        items = _items(field, separator)
        if items is not None:
            yield items


def _items(field: object, separator: str | None) -> Sequence[object] | None:
    listed = _listed(field)
    if listed is not None:
        return listed
    if isinstance(field, str):
        return [item for part in field.split(separator or "\0") if (item := part.strip())]
    # In a table of numbers, a single label can be a number.
    return [field] if isinstance(field, int | float) and label_name(field) is not None else None


def _listed(field: object) -> Sequence[object] | None:
    """Return the items of a list, or of text that spells one; None for any other field."""
    if not isinstance(field, str):
        return field if isinstance(field, list | tuple) else None
    text = field.strip()
    if text == "set()":
        return []
    if text[:1] + text[-1:] == "()":
        text = f"[{text[1:-1]}]"
    try:
        found = written_value(text)
    except NotWrittenError:
        return None
    return list(found) if isinstance(found, list | set) else None
