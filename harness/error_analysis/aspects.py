"""Aspects that divide the test examples: those of predictions or of examples, and the user's columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from harness.comparison.clean import repeats_in
from harness.config.run import RunConfig, task_of
from harness.data.fields import FieldError, number_field
from harness.data.placed_rows import flattened
from harness.data.rows import identities
from harness.data.splitting import repeating
from harness.data.task import Row
from harness.error_analysis.answered import AnsweredTask, ModelAnswers
from harness.errors import UserError, nearest, notice
from harness.record import RECORD
from harness.runs.identity import recorded_config
from harness.runs.run_splits import read_splits
from harness.task_types.analysed import Aspect

LENGTH, DUPLICATES, GROUP = "length", "duplicates", "group"
OF_ANY_TASK = ("label", LENGTH, DUPLICATES, GROUP, "probability", "threshold", "found")
"""The aspects of `harness errors --by` for any task."""
REPEATS, CLEAN = "repeat a training text", "clean"
MOST_PARTS = 12
"""If a column has more values, the most frequent ones are shown, and the others together."""
OTHERS = "others"
FEW_NUMBERS = 6
"""A column with more distinct numbers is divided into quarters."""


def recorded_aspects(task: AnsweredTask) -> list[Aspect]:
    """Return the aspects known from predictions: the length, and those of the task type."""
    found = [] if (length := length_aspect(task)) is None else [length]
    return [*found, *task.task_type.recorded_aspects(task.first.tables[0])]


def length_aspect(task: AnsweredTask) -> Aspect | None:
    """Divide examples into quarters by length, in words if there is a simple baseline, else in a model's tokens.

    None if all have the same length, or none is recorded.
    """
    model = next((model for model in task.models if model.is_simple_baseline), task.models[0])
    unit = "words" if model.is_simple_baseline else f"tokens of {model.model}"
    lengths = model.answers.column("length")
    if not lengths or any(length is None for length in lengths):
        return None
    aspect = quarters(f"length in {unit}", [float(length) for length in lengths])
    return aspect if len(aspect.parts) > 1 else None


def quarters(name: str, numbers: Sequence[float]) -> Aspect:
    """Divide into quarters by a number, fewer if many are equal. Each part is named by its smallest and largest number.

    >>> quarters("length", [1, 2, 3, 4, 5, 6, 7, 9]).parts
    ('1 to 2', '3 to 4', '5 to 6', '7 to 9')
    """
    values = np.array(numbers, dtype=np.float64)
    inner = np.unique(np.quantile(values, [0.25, 0.5, 0.75], method="lower"))
    places = np.searchsorted(inner, values, side="left")
    spans = {place: values[places == place] for place in sorted(set(places.tolist()))}
    for digits in range(6, 18):  # As many as distinguish the parts.
        names = {place: _span(numbers_of_it, digits) for place, numbers_of_it in spans.items()}
        if len({*names.values()}) == len(names):
            break
    return Aspect(name, tuple(names[place] for place in places.tolist()), tuple(names.values()))


def _span(values: Any, digits: int) -> str:
    low, high = (_shown(float(end), digits) for end in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _shown(number: float, digits: int) -> str:
    comma = "," if abs(number) >= 10_000 else ""  # Years have none.
    return f"{number:{comma}.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:{comma}.{digits}g}"


def aspect_called(task: AnsweredTask, name: str) -> Aspect:
    """Return the aspect with a name: one of predictions, one of examples, or a column of the user's data.

    Raises:
        UserError: If there is none, or the data is not available or has changed.
    """
    plain = name.replace("-", " ")
    for aspect in recorded_aspects(task):
        if plain == (LENGTH if aspect.name.startswith(f"{LENGTH} in ") else aspect.name):
            return aspect
    model = task.models[0]
    if name == LENGTH:
        raise UserError(f"--by {LENGTH}: the test examples of {task.task} are all of one length, or none is recorded.")
    if name == DUPLICATES:
        return _duplicates(model)
    if name == GROUP:
        return _groups(task, model)
    examples = _examples(model)
    ids = [str(identity) for identity in model.answers.column("id")]
    known = [examples[identity] for identity in ids]
    read = {aspect.name: aspect for aspect in task.task_type.read_aspects(known)}
    return read[plain] if plain in read else _column(task, model, name.removeprefix("column:"), list(read))


def _groups(task: AnsweredTask, model: ModelAnswers) -> Aspect:
    groups = [value or None for value in model.answers.column(GROUP)]
    if not any(groups):
        raise UserError(f"--by {GROUP}: the test examples of {task.task} are in no groups. Name a column of the data.")
    return categories(GROUP, groups, has_numbers=False)


def categories(name: str, fields: Sequence[object], *, has_numbers: bool = True) -> Aspect:
    """Return the aspect of a column: quarters of numbers if these are allowed, else its most frequent values."""
    numbers = [_number(field) if has_numbers else None for field in fields]
    different = {number for number in numbers if number is not None}
    if len(different) > FEW_NUMBERS and None not in numbers:
        return quarters(name, [number for number in numbers if number is not None])
    texts = [None if field in (None, "") else str(field) for field in fields]
    counts = Counter(text for text in texts if text is not None)
    if counts and len(counts) > len(fields) / 2:
        raise UserError(
            f"--by {name}: nearly every example has a different value ({len(counts):,}). Name another column."
        )
    shown = dict(counts.most_common(MOST_PARTS))
    others = OTHERS if OTHERS not in shown else f"all {OTHERS}"
    values = tuple(text if text is None or text in shown else others for text in texts)
    return Aspect(name, values, (*shown, *([others] if len(counts) > MOST_PARTS else [])))


def _number(field: object) -> float | None:
    try:
        return number_field(field, "")
    except FieldError:
        return None


def every_aspect(task: AnsweredTask) -> tuple[list[Aspect], list[str]]:
    """Return all aspects, including the label and the other columns of the data, and the text of each example.

    If the data is unavailable, a notice is printed, and only the aspects of predictions are returned, without texts.
    """
    model, found = task.models[0], [*recorded_aspects(task)]
    references = model.answers.column("reference")
    if all(isinstance(reference, str) for reference in references):
        with suppress(UserError):  # Nearly every example has a different label.
            found.append(categories("label", references, has_numbers=False))
    try:
        examples, rows = _examples(model), _rows(model)
    except UserError as error:
        notice(f"{task.task}: without its texts and columns, as its data can't be read again: {error.lines[0]}")
        return found, [""] * model.answers.count
    known = [examples[str(identity)] for identity in model.answers.column("id")]
    found += task.task_type.read_aspects(known)
    used = {"id", *task_of(_configs(model)[0]).every_column}
    for column in dict.fromkeys(column for row in rows for column in row if column not in used):
        with suppress(UserError):  # Nearly every example has a different value.
            found.append(categories(column, [row.get(column) for row in rows]))
    return found, ["\n".join(example.parts) for example in known]


def _rows(model: ModelAnswers) -> list[Row]:
    """Return the row of the data for each test example."""
    rows: dict[str, Row] = {}
    for config in _configs(model):
        _check_unchanged(config)
        tables = task_of(config).source.rows()
        # Test examples come from the test split, else from train. Ids are unique within a split only.
        for split in ("test",) if tables.get("test") else ("validation", "train"):
            found = tables.get(split, ())
            rows |= dict(zip(identities(found, split), found, strict=True))
    return [flattened(rows.get(str(identity), {})) for identity in model.answers.column("id")]


def _column(task: AnsweredTask, model: ModelAnswers, name: str, read: Sequence[str]) -> Aspect:
    found = _rows(model)
    columns = list(dict.fromkeys(column for row in found for column in row))
    if name not in columns:
        names = [*task.task_type.recorded_aspects(task.first.tables[0])]
        own = [*(one.name.replace(" ", "-") for one in names), *(one.replace(" ", "-") for one in read)]
        known = dict.fromkeys([*OF_ANY_TASK, *own, *columns])
        raise UserError(f"--by {name or repr(name)}: {task.task} has no such parts.{nearest(name, known)}")
    return categories(name, [row.get(name) for row in found])


def repeats_aspect(model: ModelAnswers) -> Aspect | None:
    """Return which test examples nearly repeat a training example, if this is recorded in predictions; else None."""
    found = repeats_in(model.answers.tables[0])
    return None if found is None else _repeats(found.tolist())


def _duplicates(model: ModelAnswers) -> Aspect:
    """Return the same, from the data itself if it is not recorded in predictions."""
    recorded = repeats_aspect(model)
    if recorded is not None:
        return recorded
    repeats: dict[str, bool] = {}
    for config in _configs(model):
        splits = read_splits(config)
        found = repeating(splits.train, splits.test)
        repeats |= {example.id: one for example, one in zip(splits.test, found, strict=True)}
    return _repeats([repeats[str(identity)] for identity in model.answers.column("id")])


def _repeats(found: Sequence[bool]) -> Aspect:
    return Aspect("near-duplicates of training", tuple(REPEATS if one else CLEAN for one in found), (CLEAN, REPEATS))


def _examples(model: ModelAnswers) -> dict[str, Any]:
    return {example.id: example for config in _configs(model) for example in read_splits(config).test}


def _configs(model: ModelAnswers) -> list[RunConfig]:
    return [recorded_config(record.config, folder / RECORD) for folder, record in model.runs]


def _check_unchanged(config: RunConfig) -> None:
    if task_of(config).source.fingerprint() != config.data:
        raise UserError(f"{config.task}: its data has changed since the run was recorded.")
