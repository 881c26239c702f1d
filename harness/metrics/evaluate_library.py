"""Metrics of the `evaluate` library. Importing it takes seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real  # numpy's numbers are Real, but not all of them float
from typing import Any

import evaluate

from harness.errors import UserError
from harness.metrics.metric import EVALUATE, LOWER, Values


def evaluate_scores(
    name: str, references: Values, predictions: Values, *, labels: Sequence[str] = ()
) -> dict[str, float]:
    """Compute a metric of the `evaluate` library on our predictions.

    Inputs are converted to its form: label names or indices, rows of 0 and 1 for several labels, rows of indices for
    the tags of words, the dictionaries of its "squad" metrics, or plain texts and numbers. Its first value is named
    `name`, others `name.value` without ":lower".

    Args:
        name: "evaluate:" and the name of a metric on the Hub or the path of a script (which is executed), with ":lower"
            if less is better.
        references: The references, as in predictions.parquet.
        predictions: The predictions, as in predictions.parquet.
        labels: The label names, in the order of their indices.

    Raises:
        UserError: If the metric is not available, or does not accept such predictions.
    """
    loaded = _loaded(name)
    predictions = [_text_of(row) for row in predictions]
    if None in predictions:  # With `validate_by = "loss"` no text is generated in training.
        return {name: math.nan}
    inputs = _inputs(loaded, references, predictions, labels)
    try:
        results = loaded.compute(**inputs)
    except (ValueError, TypeError) as error:
        # The library raises these if the data does not have the form of the metric.
        raise UserError(f"{name}: can't score this task ({error}). Choose a metric for its task type.") from error
    numbers = {key: float(value) for key, value in results.items() if isinstance(value, Real)}
    if not numbers:
        raise UserError(f"{name}: returns no number (got {', '.join(results)}). Choose another metric.")
    first = next(iter(numbers))
    return {name if key == first else f"{name.removesuffix(LOWER)}.{key}": value for key, value in numbers.items()}


def _loaded(name: str) -> Any:
    try:
        return evaluate.load(name.removeprefix(EVALUATE).removesuffix(LOWER))
    except (OSError, ImportError) as error:
        first = str(error).splitlines()[0]
        raise UserError(
            f"{name}: the metric is not available ({first}). Check the name or path and the network, "
            f"or use a built-in metric, which needs none."
        ) from error


def _inputs(loaded: Any, references: Values, predictions: Values, labels: Sequence[str]) -> dict[str, Any]:
    """Convert the predictions and references to the form of the loaded metric."""
    if isinstance(loaded.features, dict) and isinstance(loaded.features.get("predictions"), dict):
        return _squad_form(loaded.features["predictions"], references, predictions)
    if labels and not _takes_names(loaded.features):
        indices = _indices([*references, *predictions], labels)
        return {"references": indices[: len(references)], "predictions": indices[len(references) :]}
    return {"references": list(references), "predictions": list(predictions)}


def _takes_names(features: Any) -> bool:
    """Return whether a metric takes names of labels, or sequences of names such as tags of words, and not indices."""
    wanted = features.get("predictions") if isinstance(features, dict) else None
    return getattr(getattr(wanted, "feature", wanted), "dtype", None) == "string"


def _text_of(prediction: Any) -> Any:
    """Return the generated text, without the cost of the reference; any other prediction unchanged."""
    return prediction["text"] if isinstance(prediction, dict) and "text" in prediction else prediction


def _indices(rows: Values, labels: Sequence[str]) -> list[Any]:
    """Return label indices; for rows of several labels, whether each label is there, or indices if any is repeated."""
    index = {label: number for number, label in enumerate(labels)}
    if isinstance(rows[0], str):
        return [index[row] for row in rows]
    if any(len(set(row)) < len(row) for row in rows):  # A set has no label twice, but sentences have the same tags.
        return [[index[label] for label in row] for row in rows]
    return [[int(label in row) for label in labels] for row in rows]


def _squad_form(wanted: dict[str, Any], references: Values, predictions: Values) -> dict[str, Any]:
    """Return the dictionaries of "squad" and "squad_v2". The latter also takes a probability of no answer."""
    formatted = [{"id": str(row), "prediction_text": text} for row, text in enumerate(predictions)]
    if "no_answer_probability" in wanted:
        formatted = [row | {"no_answer_probability": float(not row["prediction_text"])} for row in formatted]
    known = [
        {"id": str(row), "answers": {"text": list(texts), "answer_start": [0] * len(texts)}}
        for row, texts in enumerate(references)
    ]
    return {"predictions": formatted, "references": known}
