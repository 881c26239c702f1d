"""Samples of columns, to guess what they contain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from harness.data.labels import is_list, label_name

LOOKED_AT = 2_000
_NOT_WORDS = re.compile(r"[\W_]+")
# Points may separate thousands, which are refused when the rows are read.
_COMMA_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]{3})*(,[0-9]+)?")
_DOCUMENT = re.compile(r"\S+\.(txt|md|html?|xml|pdf|docx?|rtf)", re.IGNORECASE)
_IDENTIFIERS = {"id", "ids", "index", "idx", "uid", "uuid", "guid", "key", "row", "number", "no", "nr"}


class UnclearError(Exception):
    """Several columns fit one role."""

    def __init__(self, role: str, candidates: Sequence[str]) -> None:
        super().__init__(role, candidates)
        self.role, self.candidates = role, tuple(candidates)


@dataclass(frozen=True)
class SampledColumn:
    """A column with the fields of the first rows, without empty ones."""

    name: str
    fields: tuple[object, ...]

    @cached_property
    def plain_name(self) -> str:
        """The name in lower case, with its words separated by blanks.

        >>> SampledColumn("Review_Text", ()).plain_name
        'review text'
        """
        return _NOT_WORDS.sub(" ", self.name.casefold()).strip()

    @cached_property
    def values(self) -> frozenset[str]:
        """The distinct values."""
        return frozenset(name for field in self.fields if (name := label_name(field)) is not None)

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        """The fields as numbers; empty if one of them is not a number."""
        try:
            return tuple(float(field) for field in self.fields if not isinstance(field, bool))  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            return ()

    @property
    def has_decimal_commas(self) -> bool:
        """Whether the fields are numbers with a decimal comma, such as "1,5", and not lists of two numbers.

        Most of them have one, or those that do have the same decimals, as in grades of 2, 2,5 and 3.
        """
        texts = [field.strip() if isinstance(field, str) else "" for field in self.fields]
        decimals = [text.partition(",")[2] for text in texts if "," in text]
        are_alike = len(decimals) > 2 and len(set(decimals)) == 1
        return (are_alike or len(decimals) > 0.8 * len(texts)) and all(map(_COMMA_NUMBER.fullmatch, texts))

    @property
    def mean_length(self) -> float:
        """Mean number of characters per field; 0 if one of them is not text."""
        texts = [field for field in self.fields if isinstance(field, str)]
        return sum(map(len, texts)) / len(texts) if texts and len(texts) == len(self.fields) else 0.0

    @property
    def is_list(self) -> bool:
        """Whether most fields are lists."""
        return 2 * sum(map(is_list, self.fields)) > len(self.fields)

    @property
    def is_binary(self) -> bool:
        """Whether all values are zeros and ones, or yes and no."""
        return {value.casefold() for value in self.values} in ({"0", "1"}, {"true", "false"}, {"yes", "no"})

    @property
    def has_several_words(self) -> bool:
        """Whether most fields are texts of several words, not times such as "2026-01-31 12:00"."""
        texts = [field.strip() for field in self.fields if isinstance(field, str)]
        return 2 * sum(" " in text and any(map(str.isalpha, text)) for text in texts) > len(self.fields)

    @cached_property
    def names_files(self) -> bool:
        """Whether the fields are names of documents, whose texts are elsewhere."""
        return all(isinstance(field, str) and _DOCUMENT.fullmatch(field.strip()) for field in self.fields)

    @property
    def is_called_identifier(self) -> bool:
        """Whether its name is that of an identifier of rows, such as "film_id"."""
        return self.plain_name.split(" ")[-1] in _IDENTIFIERS

    @property
    def is_identifier(self) -> bool:
        """Whether it identifies rows: by its name, or because every row has a different integer or word."""
        if self.is_called_identifier:
            return True
        if len(self.values) < len(self.fields) or len(self.fields) < 20 or self.has_decimal_commas:
            return False
        whole = bool(self.numbers) and all(map(float.is_integer, self.numbers))
        return whole or (not self.numbers and 0 < self.mean_length < 40 and not any(" " in str(f) for f in self.fields))


def sampled_columns(rows: Sequence[Mapping[str, object]]) -> dict[str, SampledColumn]:
    """Sample the columns of the first rows, in order. Empty columns are left out."""
    fields: dict[str, list[object]] = {}
    for row in rows[:LOOKED_AT]:
        for name, field in row.items():
            fields.setdefault(name, []).extend([field] if field not in (None, "") else [])
    return {name: SampledColumn(name, tuple(found)) for name, found in fields.items() if found}


def named_like(columns: Mapping[str, SampledColumn], names: Sequence[str]) -> Iterator[str]:
    """Yield the columns named as one of `names`, or that start or end with it, in the order of `names`."""
    for name in names:
        for column in columns.values():
            words = column.plain_name
            if words == name or words.endswith(f" {name}") or words.startswith(f"{name} "):
                yield column.name


def first_named_like(columns: Mapping[str, SampledColumn], names: Sequence[str]) -> tuple[str, ...]:
    """Return the first column of `named_like`; empty if there is none."""
    return tuple(islice(named_like(columns, names), 1))


def columns_named_like(
    columns: Mapping[str, SampledColumn], named: Mapping[str, tuple[str, ...]], names: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]] | None:
    """Return a column for each role of `names`, unless `named` has one; None if one is missing, or `named` has more."""
    found = {role: named.get(role) or first_named_like(columns, usual) for role, usual in names.items()}
    return found if named.keys() <= found.keys() and all(found.values()) else None
