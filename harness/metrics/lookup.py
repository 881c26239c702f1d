"""Look up metrics by name: those of the task types, and those of the `evaluate` library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import PurePath

from harness.errors import UserError, nearest
from harness.metrics.metric import EVALUATE, LOWER, PLAIN, Metric, Unit, Values
from harness.registry import TASK_TYPES


@cache
def known_metrics() -> Mapping[str, Metric]:
    """Return all metrics of all task types, by name."""
    types = [TASK_TYPES.load(name) for name in TASK_TYPES.names()]
    return {metric.name: metric for task_type in types for metric in task_type.metrics}


def find_metric(name: str) -> Metric:
    """Return the metric `name`. Metrics of the `evaluate` library have "evaluate:" before their name or path.

    The library does not say whether higher is better for its metrics: it is, unless the name ends in ":lower".

    Raises:
        UserError: If there is no such metric; the message suggests the nearest one.
    """
    if name.startswith(EVALUATE):
        return Metric(
            name,
            lambda references, predictions, labels: _evaluated(name, references, predictions, labels)[name],
            higher_is_better=not name.endswith(LOWER),
            unit=PLAIN,
            title=PurePath(name.removeprefix(EVALUATE).removesuffix(LOWER)).name.removesuffix(".py").replace("_", " "),
        )
    known = known_metrics()
    if name not in known:
        raise UserError(f"{name!r}: no such metric.{nearest(name, known)}")
    return known[name]


def scores(
    names: Sequence[str], references: Values, predictions: Values, labels: Sequence[str] = ()
) -> dict[str, float]:
    """Compute the named scores. An `evaluate` metric with several gives "evaluate:name" and "evaluate:name.value".

    The first value keeps the ":lower" of its name. The others have none, because it does not apply to them.

    Raises:
        UserError: If a name is unknown, or an `evaluate` metric is not available.
    """
    assert len(references) == len(predictions) > 0, (len(references), len(predictions))
    found: dict[str, float] = {}
    for name in names:
        if name.startswith(EVALUATE):
            found |= _evaluated(name, references, predictions, labels)
        else:
            found[name] = find_metric(name).function(references, predictions, labels)
    return found


def check_labels(names: Sequence[str], labels: Sequence[str]) -> None:
    """Check that the named metrics can score these labels, before anything is trained.

    Raises:
        UserError: If one can't.
    """
    for name in names:
        check = find_metric(name).check
        if check is not None:
            check(labels)


def unit_of(name: str) -> Unit:
    """Return the unit of a metric; a plain number for a metric unknown to this version.

    >>> unit_of("accuracy").score(0.8341), unit_of("mean_squared_error").score(0.8341)
    ('83.4', '0.834')
    """
    return _shown(name).unit


def metric_name(name: str) -> str:
    """Return the metric's name in prose; for a script, the name of its file.

    >>> metric_name("macro_f1"), metric_name("mean_squared_error"), metric_name("evaluate:own/word_errors.py:lower")
    ('macro-F1', 'mean squared error', 'word errors')
    """
    return _shown(name).title or name.replace("_", " ")


def _shown(name: str) -> Metric:
    if name.startswith(EVALUATE):
        return find_metric(name)
    return known_metrics().get(name) or Metric(name, lambda *_: float("nan"), unit=PLAIN)


def _evaluated(name: str, references: Values, predictions: Values, labels: Sequence[str]) -> dict[str, float]:
    from harness.metrics.evaluate_library import evaluate_scores  # noqa: PLC0415 -- importing evaluate takes seconds

    return evaluate_scores(name, references, predictions, labels=labels)
