"""Numbers as a reader sees them: scores in percent where they are bounded, costs in units that fit."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import PurePath

from reports.statistics import Estimate
from tasks.metrics import EVALUATE, LOWER
from tasks.perplexities import RATIOS

NOTHING = "–"

CORRELATIONS = frozenset({"matthews", "pearson", "spearman"})

PERCENT_METRICS = CORRELATIONS | frozenset(
    {
        "accuracy",
        "macro_f1",
        "micro_f1",
        "macro_f1_with_none",
        "micro_f1_with_none",
        "f1",
        "exact_match",
        "qa_f1",
    }
)
"""Metrics of at most 1, shown times 100, as benchmarks do; any other is shown in its own unit."""


@dataclass(frozen=True, slots=True)
class Unit:
    """How a metric is shown.

    Attributes:
        factor: What a score is multiplied by.
        decimals: Digits after the point.
        least: No score is below; an interval is cut there, for half widths know no bounds.
        most: No score is above.
    """

    factor: float
    decimals: int
    least: float = -inf
    most: float = inf

    def score(self, value: float) -> str:
        """Such as 83.4."""
        return f"{value * self.factor:.{self.decimals}f}".replace("-", "−")

    def signed(self, value: float) -> str:
        """Such as +1.2 or −0.4; a difference that rounds to nothing has no sign."""
        text = f"{value * self.factor:+.{self.decimals}f}"
        return text[1:] if float(text) == 0 else text.replace("-", "−")

    def with_interval(self, estimate: Estimate) -> str:
        """Such as 83.4 ± 1.9; without the interval where there is none."""
        if estimate.half_width is None:
            return self.score(estimate.value)
        return f"{self.score(estimate.value)} ± {self.score(estimate.half_width)}"

    def interval(self, estimate: Estimate, *, signed: bool = False) -> str:
        """Such as 81.5 to 85.3."""
        if estimate.low is None or estimate.high is None:
            return NOTHING
        if signed:
            return f"{self.signed(estimate.low)} to {self.signed(estimate.high)}"
        return f"{self.score(self.bounded(estimate.low))} to {self.score(self.bounded(estimate.high))}"

    def ends(self, estimate: Estimate) -> tuple[float, float, float]:
        """The interval's low end, the mean and the high end, as numbers to be drawn; all the mean without interval."""
        low = estimate.value if estimate.low is None else self.bounded(estimate.low)
        high = estimate.value if estimate.high is None else self.bounded(estimate.high)
        return low * self.factor, estimate.value * self.factor, high * self.factor

    def bounded(self, value: float) -> float:
        """`value`, or the bound that it lies beyond."""
        return min(max(value, self.least), self.most)


def unit_of(metric: str) -> Unit:
    """How `metric` is shown.

    >>> unit_of("accuracy").score(0.8341), unit_of("mean_squared_error").score(0.8341)
    ('83.4', '0.834')
    """
    if metric in CORRELATIONS:
        return Unit(100, 1, -1.0, 1.0)
    if metric in PERCENT_METRICS:
        return Unit(100, 1, 0.0, 1.0)
    if metric in RATIOS:
        return Unit(1, 2, 1.0) if RATIOS[metric].exponential else Unit(1, 3, 0.0)
    return Unit(1, 3, 0.0) if metric == "mean_squared_error" else Unit(1, 3)


def metric_name(metric: str) -> str:
    """The metric's name in prose; of a script, its file's.

    >>> metric_name("macro_f1"), metric_name("mean_squared_error"), metric_name("evaluate:own/word_errors.py:lower")
    ('macro-F1', 'mean squared error', 'word errors')
    """
    names = {"f1": "F1", "micro_f1": "micro-F1", "macro_f1": "macro-F1", "qa_f1": "token F1"}
    names |= {"pearson": "Pearson correlation", "spearman": "Spearman correlation", "matthews": "Matthews correlation"}
    names |= {"pseudo_perplexity": "pseudo-perplexity", "pseudo_bits_per_byte": "pseudo-bits per byte"}
    if metric.startswith(EVALUATE):
        metric = PurePath(metric.removeprefix(EVALUATE).removesuffix(LOWER)).name.removesuffix(".py")
    return names.get(metric, metric.replace("_", " "))


def p_value(value: float | None) -> str:
    """Such as 0.013 or < 0.001."""
    if value is None:
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def share(value: float | None) -> str:
    """A share in percent, such as 12 %; never rounded to nothing or to all."""
    if value is None:
        return NOTHING
    if 0 < value < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < value < 1 else f"{value:.0%}".replace("%", " %")


def duration(seconds: float | None) -> str:
    """Such as 0.41 s, 12 min or 3.2 h.

    >>> duration(0.41), duration(95.0), duration(7300.0)
    ('0.41 s', '95 s', '2.0 h')
    """
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds >= 0.01 else "< 0.01 s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    size, unit = (seconds / 60, "min") if seconds < 7200 else (seconds / 3600, "h")
    return f"{size:.1f} {unit}" if size < 10 else f"{size:.0f} {unit}"


def memory(size: float | None) -> str:
    """Bytes, such as 812 MB or 1.4 GB.

    >>> memory(1.4e9)
    '1.4 GB'
    """
    return NOTHING if size is None else f"{_scaled(size)}B"


def amount(value: float | None) -> str:
    """A large number in three figures, such as 11.2 M.

    >>> amount(11_171_074), amount(870.0), amount(999_960.0)
    ('11.2 M', '870', '1 M')
    """
    return NOTHING if value is None else _scaled(value).strip()


def _scaled(value: float) -> str:
    for size, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if float(f"{value:.3g}") >= size:
            return f"{value / size:.3g} {prefix}"
    return f"{value:.3g} "
