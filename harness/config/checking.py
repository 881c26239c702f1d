"""What a TOML file or a command line sets, and what is wrong with it, one line per mistake, in a user's words."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from harness.errors import UserError, nearest, notice
from harness.regular_files import DEEPEST, is_deeper

Checked = TypeVar("Checked", bound="Strict")
MOST_SHOWN = 300  # Characters of a wrong value.
# What pydantic says of Python's types, in the words of a TOML file.
_WORDS = {
    "missing": "is missing",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "string_type": "must be text in quotes",
}


class Strict(BaseModel):
    """What a file or a command line may say, and nothing else.

    Attributes:
        renamed: Settings' earlier names, which are still read, with the current ones.
        renamed_values: By setting, a value's earlier spellings, likewise.
        earlier_defaults: Defaults of earlier versions, of settings that are now left open by default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    renamed: ClassVar[Mapping[str, str]] = {}
    renamed_values: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    earlier_defaults: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def current(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        """`content` with current names and values in place of earlier ones."""
        named = {
            name if (name := cls.renamed.get(key)) and name not in content else key: content[key] for key in content
        }
        return {key: cls._current_value(key, value) for key, value in named.items()}

    @classmethod
    def _current_value(cls, key: str, value: Any) -> Any:
        return cls.renamed_values.get(key, {}).get(value, value) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _renames_earlier_settings(cls, content: Any) -> Any:
        return cls.current(content) if isinstance(content, Mapping) else content


def checked(shape: type[Checked], content: object, where: str, mistakes: list[str]) -> Checked | None:
    """`content`, which a user wrote, as a `shape`; or None, with a line for each mistake added to `mistakes`."""
    given = content if isinstance(content, Mapping) else {}
    earlier = {old: new for old, new in shape.renamed.items() if old in given}
    twice = [
        f"{where}{old}: is the earlier name of {new}, which is set as well. Leave {old} out."
        for old, new in earlier.items()
        if new in given
    ]
    if twice:
        mistakes += twice
        return None
    for old, new in earlier.items():
        notice(f"{where}{old}: is now called {new}; the old name is still read.")
    for key, values in shape.renamed_values.items():
        if isinstance(value := given.get(key), str) and value in values:
            notice(f'{where}{key}: "{value}" is now called "{values[value]}"; the old name is still read.')
    return checked_record(shape, content, where, mistakes)


def valid(shape: type[Checked], content: object, where: str) -> Checked:
    """`content`, which a user wrote, as a `shape`.

    Raises:
        UserError: With a line for each mistake, after `where`.
    """
    mistakes: list[str] = []
    found = checked(shape, content, where, mistakes)
    if found is None:
        raise UserError(*mistakes)
    return found


def checked_record(shape: type[Checked], content: object, where: str, mistakes: list[str]) -> Checked | None:
    """The same of what the harness wrote: nobody need hear of its old names."""
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        mistakes.extend(mistake_lines(shape, error, where))
        return None


def mistake_lines(shape: type[BaseModel], error: ValidationError, where: str) -> list[str]:
    """A line for each thing that keeps a content from being a `shape`."""
    problems = error.errors()
    within = {problem["loc"][:-1] for problem in problems}  # A list of wrong items counts as empty, too.
    return [
        _line(shape, problem, where)
        for problem in problems
        if not (problem["type"] == "too_short" and problem["loc"] in within)
    ]


def _line(shape: type[BaseModel], problem: Any, where: str) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    given = repr(problem["input"])
    given = given if len(given) <= MOST_SHOWN else f"{given[: MOST_SHOWN - 1]}…"  # Rows given to a misspelt key.
    got = f" (got {given})" if key and problem["type"] not in {"missing", "too_short"} else ""
    if problem["type"] == "extra_forbidden":
        return f"{where}{key}: no such setting{got}.{nearest(str(problem['loc'][-1]), _beside(shape, problem['loc']))}"
    stated = str(problem["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    place = f"{where}{key}" if key else where.rstrip(" .:")
    if problem["type"] == "too_short":
        return f"{place}: {_too_few(problem['ctx'])}."
    return f"{place}: {_WORDS.get(problem['type'], stated)}{got}."


def _too_few(found: Mapping[str, Any]) -> str:
    least = "one" if found["min_length"] == 1 else found["min_length"]
    return f"{f'has {given}' if (given := found['actual_length']) else 'is empty'}. Name at least {least}"


def _beside(shape: type[BaseModel], place: Sequence[Any]) -> Sequence[str]:
    """The settings of the table that a place lies in."""
    for key in place[:-1]:
        inner = shape.model_fields[key].annotation if key in shape.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        shape = inner
    return list(shape.model_fields)


def read_toml(file: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        UserError: It is missing, no file, can't be read, is not UTF-8, not TOML, or deeper than any setting.
    """
    if file.exists() and not file.is_file():  # A pipe may never end.
        raise UserError(f"{file}: not a file. Name a TOML file.")
    try:
        return _usable(tomllib.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError) as error:
        known = [found.stem for found in file.parent.glob("*.toml")]
        raise UserError(f"{file}: no such file.{nearest(file.stem, known) or ' Check the path.'}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8 (byte {error.start}). Save the file as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: not TOML ({error}). Fix that line.") from error
    except OSError as error:
        raise UserError(f"{file}: can't be read ({error.strerror}). Name a TOML file.") from error


def _usable(content: dict[str, Any]) -> dict[str, Any]:
    if is_deeper(content, DEEPEST):
        raise ValueError("nested too deep")
    if _holds_nul(content):
        raise ValueError("a text holds the character NUL")
    return content


def _holds_nul(content: object) -> bool:
    if isinstance(content, Mapping):
        return any(map(_holds_nul, (*content, *content.values())))
    if isinstance(content, list):
        return any(map(_holds_nul, content))
    return isinstance(content, str) and "\0" in content


def parse_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Parse `key=value` pairs; a value is parsed as TOML, or kept as text if it is not valid TOML.

    >>> parse_settings(["learning_rate=3e-5", "strategy=windows"])
    {'learning_rate': 3e-05, 'strategy': 'windows'}

    Raises:
        UserError: If pairs have another form, with a line for each.
    """
    malformed = [pair for pair in pairs if not pair.partition("=")[0].strip() or not pair.partition("=")[2].strip()]
    if malformed:
        raise UserError(*(f"--set {pair}: not of the form key=value. Write --set epochs=2." for pair in malformed))
    return {key.strip(): _value(text.strip()) for key, _, text in (pair.partition("=") for pair in pairs)}


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
