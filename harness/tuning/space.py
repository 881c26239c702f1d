"""A search space: the values to try for each setting of a recipe."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from harness.config.checking import checked
from harness.config.training import SPLIT_LIMITS, Training
from harness.errors import nearest

# From the small learning rates of large pretrained encoders (Devlin et al. 2019, appendix A.3) to those of small models
# trained from scratch; and around the recipe's own length, whatever the size of the data.
DEFAULT: Mapping[str, Any] = {
    "learning_rate": {"log_uniform": [1e-5, 1e-3]},
    "batch_size": [8, 16, 32],
    "epochs": {"times": [0.5, 1, 2]},
    "warmup_ratio": {"uniform": [0.0, 0.2]},
    "dropout": [0.0, 0.1, 0.2],
    "baseline_penalty": {"log_uniform": [0.01, 100.0]},
}
DIGITS = 3
"""Significant digits of values drawn from a range, so that they are readable."""
_FORMS = "Write [8, 16], { uniform = [0.0, 0.2] }, { log_uniform = [1e-5, 1e-3] } or { times = [0.5, 2] }"


@dataclass(frozen=True)
class Dimension:
    """The values to try for one setting.

    Attributes:
        form: "choice" of the values, "times" for multiples of the recipe's own value, "uniform" between two values, or
            "log_uniform".
        values: The choices, the factors, or the two ends.
        is_whole: Whether the setting is an integer.
    """

    form: str
    values: tuple[Any, ...]
    is_whole: bool

    def drawn(self, share: float, own: Any) -> Any:
        """The quantile of the values at `share`, in [0, 1); `own` is the recipe's value."""
        if self.form in ("choice", "times"):
            return self.settled(int(share * len(self.values)), own)
        low, high = self.values
        found = low * (high / low) ** share if self.form == "log_uniform" else low + (high - low) * share
        return self.settled(found, own)

    def settled(self, found: float, own: Any) -> Any:
        """The value of the setting: for a choice, the one at index `found`; for a range, `found` rounded."""
        if self.form == "choice":
            return self.values[int(found)]
        if self.form == "times":
            return self._rounded(own * self.values[int(found)])
        low, high = self.values
        return min(max(self._rounded(found), float(low)), float(high))

    def _rounded(self, value: float) -> float:
        return max(round(value), 1) if self.is_whole else float(f"{value:.{DIGITS}g}")


Space = Mapping[str, Dimension]


def space_of(content: Mapping[str, Any], where: str, mistakes: list[str]) -> Space:
    """Validate the space described in a file.

    Args:
        content: The description of each setting.
        where: The prefix of each mistake, such as "suite.toml: tuning.space.".
        mistakes: Mistakes are appended to it.
    """
    found = {}
    for name, form in content.items():
        wrong = list(_setting_mistakes(name)) or list(_form_mistakes(name, form))
        mistakes += [f"{where}{name}: {line}" for line in wrong]
        if not wrong:
            found[name] = _dimension(name, form)
    return found


def digest_of(space: Space) -> str:
    """Digest of a space; equal spaces have equal digests."""
    content = {name: [dimension.form, dimension.values] for name, dimension in sorted(space.items())}
    return f"sha256:{hashlib.sha256(json.dumps(content).encode()).hexdigest()}"


def _dimension(name: str, form: Any) -> Dimension:
    key, values = next(iter(form.items())) if isinstance(form, Mapping) else ("choice", form)
    return Dimension(key, tuple(values) if isinstance(values, list) else (values,), _is_whole(name))


def _setting_mistakes(name: str) -> Iterator[str]:
    if name not in Training.model_fields:
        yield f"no such setting of a recipe.{nearest(name, Training.model_fields)}"
    elif name in SPLIT_LIMITS:
        yield "chooses the data, so scores could not be compared. Leave it out."


def _form_mistakes(name: str, form: Any) -> Iterator[str]:
    if isinstance(form, Mapping) and (len(form) != 1 or not {*form} <= {"times", "uniform", "log_uniform"}):
        yield f"not a form of values (got {form!r}). {_FORMS}."
        return
    dimension = _dimension(name, form)
    values = dimension.values
    if not values:
        yield f"is empty. {_FORMS}."
    elif dimension.form == "choice":
        yield from _value_mistakes(name, values)
    elif not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        yield f"must be numbers (got {list(values)!r}). {_FORMS}."
    elif dimension.form == "times":
        yield from _factor_mistakes(name, values)
    elif len(values) != 2 or not values[0] < values[1]:
        yield f"must be two numbers, the smaller one first (got {list(values)!r}). {_FORMS}."
    elif dimension.form == "log_uniform" and values[0] <= 0:
        yield f"a logarithm needs numbers above 0 (got {values[0]!r}). Write uniform, or begin above 0."
    else:
        yield from _value_mistakes(name, values)


def _factor_mistakes(name: str, factors: tuple[Any, ...]) -> Iterator[str]:
    if not {int, float} & {*_types(name)}:
        yield "is not a number that can be multiplied. List the values."
    if not all(0 < factor < math.inf for factor in factors):
        yield f"factors must be above 0 (got {list(factors)!r})."


def _value_mistakes(name: str, values: tuple[Any, ...]) -> Iterator[str]:
    for value in values:
        lines: list[str] = []
        checked(Training, {name: value}, "", lines)
        yield from (line.removeprefix(f"{name}: ") for line in lines)


def _is_whole(name: str) -> bool:
    types = _types(name)
    return int in types and float not in types


def _types(name: str) -> tuple[Any, ...]:
    """The types of a setting; for an optional number, those of the number and of None."""
    annotation = Training.model_fields[name].annotation
    return get_args(annotation) or (annotation,)
