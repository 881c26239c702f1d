"""Format numbers for readers: bounded scores in percent, costs in suitable units."""

from __future__ import annotations

from harness.comparison.statistics import SIGNIFICANCE
from harness.suites.ranges import Range

NOTHING = "–"


def p_value(value: float | None) -> str:
    """Format a p-value, such as 0.013 or < 0.001, with as many digits as show on which side of 0.05 it is.

    >>> p_value(0.0496), p_value(0.0504)
    ('0.0496', '0.050')
    """
    if value is None:
        return NOTHING
    if value < 0.001:
        return "< 0.001"
    texts = (f"{value:.{digits}f}" for digits in range(3, 20))
    return next(text for text in texts if (float(text) < SIGNIFICANCE) == (value < SIGNIFICANCE))


def share(value: float | None) -> str:
    """Format a share in percent, such as 12 %; never rounded to 0 or 100 %."""
    if value is None:
        return NOTHING
    if 0 < value < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < value < 1 else f"{value:.0%}".replace("%", " %")


def ratio(value: float) -> str:
    """Format a ratio to two significant digits.

    >>> ratio(0.204), ratio(3.14), ratio(0.00017), ratio(640.0)
    ('0.2', '3.1', 'less than 0.001', '640')
    """
    if value < 0.001:
        return "less than 0.001"
    return f"{value:.2g}" if value < 99.5 else f"{value:.0f}"


def duration(seconds: float | None) -> str:
    """Format a duration, such as 0.41 s, 12 min or 3.2 h.

    >>> duration(0.0), duration(0.41), duration(95.0), duration(7300.0)
    ('0 s', '0.41 s', '95 s', '2.0 h')
    """
    if seconds is None:
        return NOTHING
    if seconds == 0:
        return "0 s"
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds >= 0.01 else "< 0.01 s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    size, unit = (seconds / 60, "min") if seconds < 7200 else (seconds / 3600, "h")
    return f"{size:.1f} {unit}" if size < 10 else f"{size:.0f} {unit}"


def duration_range(seconds: Range) -> str:
    """Format a duration with its range, such as about 20 min (12 to 40 min).

    >>> duration_range(Range(1200.0, 720.0, 2400.0))
    'about 20 min (12 min to 40 min)'
    """
    return f"about {duration(seconds.about)} ({duration(seconds.low)} to {duration(seconds.high)})"


def memory(size: float | None) -> str:
    """Format a number of bytes, such as 812 MB or 1.4 GB.

    >>> memory(1.4e9)
    '1.4 GB'
    """
    return NOTHING if size is None else f"{_scaled(size)}B"


def amount(value: float | None) -> str:
    """Format a large number to three significant digits, such as 11.2 M.

    >>> amount(11_171_074), amount(870.0), amount(999_960.0)
    ('11.2 M', '870', '1 M')
    """
    return NOTHING if value is None else _scaled(value).strip()


def _scaled(value: float) -> str:
    for size, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if float(f"{value:.3g}") >= size:
            return f"{value / size:.3g} {prefix}"
    return f"{value:.3g} "
