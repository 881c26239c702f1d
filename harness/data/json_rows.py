"""Rows of JSON: an object per line, a list of objects, SQuAD's nested format, or an object of columns."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.data.content import DataFile
from harness.data.placed_rows import PlacedRow, named, refuse
from harness.errors import UserError

DEEPEST = 100
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_WRITTEN_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_SPLIT = {"columns", "index", "data"}
_LAST_COMMA = re.compile(r",\s*\]\s*\Z")
_BETWEEN_ITEMS = re.compile(r"[\s,]*")
_FORMS = 'Write a list of objects, or an object {"column": value, ...} per line.'


class _BrokenJsonError(Exception):
    """JSON that can't be read. The message gives the reason and the position in the text."""


def read_json_lines(file: DataFile) -> list[PlacedRow]:
    """Read the rows of a file with an object per line, or on several lines each, or with a list of objects.

    A comma after an object is ignored.

    Raises:
        UserError: For all broken lines.
    """
    text = file.text()
    return _whole(file.name, text) if text.lstrip().startswith("[") else _lines(file.name, text)


def read_json(file: DataFile) -> list[PlacedRow]:
    """Read the rows of a file with a list of objects, SQuAD's articles, an object of rows or columns, or JSON lines.

    A list may be under "data", or under the only key. In SQuAD's format, a question is a row, with its context and the
    title of its article; one that "is_impossible" has no answers.

    Raises:
        UserError: If it is broken, or has another format.
    """
    text = file.text()
    first, _, rest = text.lstrip().partition("\n")
    if rest.strip() and isinstance(_attempted(first), Mapping):
        return _lines(file.name, text)
    return _whole(file.name, text)


def _lines(name: str, text: str) -> list[PlacedRow]:
    # Only "\n" ends a line: str.splitlines would also split at characters that JSON allows within a text.
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1)]
    halves = bool(_WRITTEN_HALF.search(text))
    first = next((line for _, line in lines if line), "{}")
    if isinstance(_without_comma(first), _BrokenJsonError):  # It may end on another line.
        objects = list(_objects(text))
        is_long = isinstance(next(_objects(first)), _BrokenJsonError)  # Then one that is damaged is told by its number.
        if _are_objects(objects[:1] if is_long else objects):
            return _rows(_numbered(name, objects), halves)
    return _rows(((f"{name}, line {number}", _without_comma(line)) for number, line in lines if line), halves)


def _without_comma(line: str) -> Any:
    """Parse a line, without the comma after an object, as between the items of a list."""
    before, comma, after = line.rpartition(",")
    return _attempted(before if comma and not after and before.rstrip().endswith("}") else line)


def _objects(text: str) -> Iterator[Any]:
    """Yield the values that follow one another in a text, up to the first broken one."""
    decoder, place = json.JSONDecoder(object_pairs_hook=_object), 0
    while (place := _after_blanks(text, place)) < len(text):
        try:
            item, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            item, place = _BrokenJsonError(str(error)), len(text)
        yield item


def _after_blanks(text: str, place: int) -> int:
    """Return the next position that is neither blank nor a comma."""
    return _BETWEEN_ITEMS.match(text, place).end()  # type: ignore[union-attr]


def _numbered(name: str, items: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for number, item in enumerate(items, start=1):
        yield f"{name}, row {number}", item


def _whole(name: str, text: str) -> list[PlacedRow]:
    if not text.strip():
        return []
    content = _attempted(text)
    if isinstance(content, _BrokenJsonError):
        content = _without_last_comma(text) or content
    if isinstance(content, _BrokenJsonError):
        raise UserError(f"{name}{_broken_item(text)}: broken JSON ({content}). Fix the file. {_FORMS}")
    found, halves = _list_in(content), bool(_WRITTEN_HALF.search(text))
    if isinstance(found, list) and found and all(_is_article(item) for item in found):
        return _rows(_questions(name, found), halves)
    items = _from_object(name, found) if isinstance(found, Mapping) else found
    return _rows(_numbered(name, items), halves)


def _without_last_comma(text: str) -> list[Any] | None:
    """Return the items of a list that has a comma after the last one, or of objects without a list; else None."""
    if _LAST_COMMA.search(text):
        found = _attempted(_LAST_COMMA.sub("]", text))
        return found if isinstance(found, list) else None
    objects = list(_objects(text)) if text.lstrip().startswith("{") else []
    return objects if _are_objects(objects) else None


def _list_in(content: Any) -> list[Any] | Mapping[str, Any]:
    """Return the list in a file, at the top, under "data" or under the only key; otherwise the object."""
    if isinstance(content, Mapping):
        inner = content.get("data") if len(content) != 1 else next(iter(content.values()))
        is_list = isinstance(inner, list) and inner and _are_objects(inner)
        return inner if is_list else content  # type: ignore[return-value]
    return content if isinstance(content, list) else [content]


def _from_object(name: str, content: Mapping[str, Any]) -> list[Any]:
    """Return the rows of an object with an object per row or a list per column; otherwise the object itself.

    Source: the orientations of pandas, `DataFrame.to_json`. Objects with numbers as keys are columns.
    """
    inner = list(content.values())
    if content.keys() == _SPLIT and _are_lists(inner) and all(isinstance(name, str) for name in content["columns"]):
        rows = [row for row in content["data"] if isinstance(row, list) and len(row) == len(content["columns"])]
        if len(rows) == len(content["data"]):
            return [_of_columns(content["columns"], row) for row in rows]
    if len(inner) > 1 and all(isinstance(rows, list) and rows and _are_objects(rows) for rows in inner):
        raise UserError(f"{name}: several lists of rows ({', '.join(content)!s:.100}). Save each as a file of its own.")
    if inner and _are_objects(inner):
        if not all(key.isdecimal() for item in inner for key in item):
            return inner
        inner = [list(column.values()) for column in inner]
    if not inner or not _are_lists(inner):
        return [content]
    lengths = {key: len(column) for key, column in zip(content, inner, strict=True)}
    if len(set(lengths.values())) > 1:
        raise UserError(f"{name}: columns of different lengths ({lengths!s:.200}). {_FORMS}")
    return [dict(zip(content, fields, strict=True)) for fields in zip(*inner, strict=True)]


def _of_columns(columns: Sequence[str], row: Sequence[Any]) -> Any:
    try:
        return _object(list(zip(columns, row, strict=True)))
    except ValueError as error:
        return _BrokenJsonError(str(error))


def _are_objects(items: Iterable[Any]) -> bool:
    return all(isinstance(item, Mapping) for item in items)


def _are_lists(items: Iterable[Any]) -> bool:
    return all(isinstance(item, list) for item in items)


def _is_article(item: Any) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("paragraphs"), list)


def _questions(name: str, articles: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield each question of SQuAD's articles, with its place."""
    for number, article in enumerate(articles, start=1):
        for count, paragraph in enumerate(article["paragraphs"], start=1):
            place = f"{name}, article {number}, paragraph {count}"
            questions = paragraph.get("qas") if isinstance(paragraph, Mapping) else None
            if not isinstance(questions, list):
                raise UserError(f"{place}: no list of questions under 'qas'. Fix the file.")
            shared = {"title": article.get("title", ""), "context": paragraph.get("context")}
            for index, question in enumerate(questions, start=1):
                yield f"{place}, question {index}", _question(question, shared)


def _question(question: Any, shared: Mapping[str, Any]) -> Any:
    if not isinstance(question, Mapping):
        return question
    answers = [] if question.get("is_impossible") is True else question.get("answers", [])
    return {**shared, **question, "answers": answers}


def _rows(items: Iterable[tuple[str, Any]], halves: bool) -> list[PlacedRow]:
    """Convert items to rows, and report all that are broken or not objects, with their places.

    Args:
        items: The items with their places.
        halves: Whether the file contains halves of characters, or pairs of them.
    """
    rows: list[PlacedRow] = []
    problems: list[str] = []
    for place, item in items:
        reason = str(item) if isinstance(item, _BrokenJsonError) else _reason_against(item, halves)
        if reason is not None:
            problems.append(f"{place}: broken JSON ({reason}). Fix the line.")
        elif isinstance(item, Mapping):
            rows.append(PlacedRow(named(item), place))
        else:
            problems.append(f'{place}: not an object (got {type(item).__name__}). Write {{"column": value, ...}}.')
    refuse(problems)
    return rows


def _attempted(text: str) -> Any:
    """Parse JSON, or return the error if it can't be read."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if "\n" not in text else f"line {error.lineno}, column {error.colno}"
        return _BrokenJsonError(f"{error.msg}, {place}")
    except ValueError as error:  # From `_object`, or an integer with more digits than Python reads.
        return _BrokenJsonError(str(error).partition(";")[0])
    except RecursionError:
        return _BrokenJsonError(f"nested more than {DEEPEST} deep")


def _object(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, and refuse repeated keys."""
    found = dict(fields)
    if len(found) < len(fields):
        twice, _ = Counter(name for name, _ in fields).most_common(1)[0]
        raise ValueError(f"{twice!r:.60} is named twice in one object")
    return found


def _broken_item(text: str) -> str:
    """Return the position of the first item of a list that can't be read, as part of a message."""
    if not text.lstrip().startswith("["):
        return ""
    decoder, place, number = json.JSONDecoder(object_pairs_hook=_object), text.index("[") + 1, 0
    try:
        while True:
            number += 1
            place = decoder.raw_decode(text, _after_blanks(text, place))[1]
    except (ValueError, RecursionError):
        return f", row {number}"


def _reason_against(item: Any, halves: bool) -> str | None:
    """Return why an item can't be written again: too deep nesting, or halves of characters (lone surrogates)."""
    left = [(item, 1)]
    while left:
        part, depth = left.pop()
        if depth > DEEPEST:
            return f"nested more than {DEEPEST} deep"
        if halves and isinstance(part, str) and (half := _HALF_CHARACTER.search(part)):
            return f"half of a character, \\u{ord(half[0]):x}, in {part!a:.60}"
        inner = [*part, *part.values()] if isinstance(part, dict) else part if isinstance(part, list) else ()
        left += [(one, depth + 1) for one in inner if halves or isinstance(one, dict | list)]
    return None
