"""Guess which columns contain a question, its choices and the right choice."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice

from harness.data.sampled_columns import SampledColumn, first_named_like
from harness.data.task import Row

# Names of columns, the most usual first.
QUESTIONS = ("question", "query", "stem", "goal", "prompt", "premise", "sentence", "sent2", "ctx b")
PASSAGES = ("passage", "context", "article", "paragraph", "document", "sent1", "ctx a")
LISTS = ("choices", "options", "endings", "candidates")
LABELS = ("answer", "answerkey", "answer key", "label", "correct", "correct answer", "gold", "target", "solution")
# Columns with one choice each, whose names differ only in a letter or number: a, choice1, option_b, ending0, answerC.
_ONE_OF_SEVERAL = re.compile(
    r"(?P<stem>|choices?|options?|endings?|answers?|sol|opt|candidates?) ?(?P<place>[a-z]|\d+)"
)


def columns_by_role(
    columns: Mapping[str, SampledColumn], named: Mapping[str, tuple[str, ...]]
) -> Mapping[str, tuple[str, ...]] | None:
    """Return the columns by role; None if there are no choices, no question, or no right choice."""
    choices = named.get("choices") or _list_of_choices(columns) or _a_column_each(columns)
    left = {name: column for name, column in columns.items() if name not in choices}
    label = named.get("label") or first_named_like(left, LABELS)
    texts = {name: column for name, column in left.items() if name not in label and not column.is_list}
    text = named.get("text") or first_named_like(texts, PASSAGES) + first_named_like(texts, QUESTIONS)
    found = {"text": text or first_named_like(texts, ("text",)), "choices": choices, "label": label}
    return found if all(found.values()) else None


def are_choices(columns: Sequence[SampledColumn]) -> bool:
    """Return whether columns may contain choices: lists, or texts that are not all numbers."""
    return all(column.is_list or not column.numbers for column in columns) or any(
        _has_parts(column) for column in columns
    )


def questions(row: Row) -> tuple[str, ...]:
    """Return the columns of a row that are named like a passage and a question, if any."""
    texts = {name: SampledColumn(name, (field,)) for name, field in row.items() if isinstance(field, str)}
    return tuple(
        name
        for names in (PASSAGES, QUESTIONS)
        for name in islice((found for known in names for found in texts if texts[found].plain_name == known), 1)
    )


def _list_of_choices(columns: Mapping[str, SampledColumn]) -> tuple[str, ...]:
    lists = {name: column for name, column in columns.items() if column.is_list or _has_parts(column)}
    return first_named_like(lists, LISTS)


def _has_parts(column: SampledColumn) -> bool:
    """Return whether the fields contain texts with names of choices, as in CommonsenseQA."""
    return all(isinstance(field, Mapping) for field in column.fields)


def _a_column_each(columns: Mapping[str, SampledColumn]) -> tuple[str, ...]:
    """Return the largest set of columns whose names differ in a letter or number that counts up."""
    series: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name, column in columns.items():
        if matched := _ONE_OF_SEVERAL.fullmatch(column.plain_name):
            series[matched["stem"]][matched["place"]] = name
    found = [_counted_up(places) for places in series.values()]
    return max(found, key=len, default=())


def _counted_up(places: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names in order, as far as their places count up from a, 0 or 1; empty if there is only one."""
    start = next((first for first in ("a", "0", "1") if first in places), None)
    if start is None:
        return ()
    found, place = [], start
    while place in places:
        found.append(places[place])
        place = chr(ord(place) + 1) if start == "a" else str(int(place) + 1)
    return tuple(found) if len(found) > 1 else ()
