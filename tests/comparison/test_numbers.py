import math

import pytest

from harness.comparison.formatting import NOTHING, amount, duration, memory, p_value, ratio, share
from harness.metrics.lookup import known_metrics, unit_of
from harness.metrics.metric import Unit
from harness.task_types.language_modelling.metrics import RATIOS


def test_every_metric_but_the_unbounded_is_shown_in_percent():
    unbounded = {name for name, metric in known_metrics().items() if metric.unit.most != 1}
    assert unbounded == {"mean_squared_error", "target_perplexity", *RATIOS}
    assert all(metric.unit.factor == 100 for name, metric in known_metrics().items() if name not in unbounded)


def test_a_difference_that_rounds_to_nothing_has_no_sign():
    assert [Unit(100, 1).signed(value) for value in (0.0004, -0.0004, 0.012, -0.012)] == ["0.0", "0.0", "+1.2", "−1.2"]


def test_a_score_that_rounds_to_nothing_has_no_sign():
    assert [Unit(100, 1).score(value) for value in (-0.0004, 0.0004, -0.012)] == ["0.0", "0.0", "−1.2"]
    assert [Unit(1, 3).score(value) for value in (-0.0, 0.0)] == ["0.000", "0.000"]


def test_a_number_of_any_scale_is_not_rounded_to_nothing_nor_written_out_to_the_last_digit():
    plain = Unit(1, 3, 0.0)
    assert [plain.score(value) for value in (0.01, 0.0099, 0.00042, 3.2e-9)] == [
        "0.010",
        "0.0099",
        "0.00042",
        "3.2e−09",
    ]
    assert [plain.score(value) for value in (999999.0, 1e6, 9.87654e28)] == ["999999.000", "1.000e+06", "9.877e+28"]
    assert [plain.signed(value) for value in (-4.2e-4, 4.2e-4, -2e10, 0.0)] == [
        "−0.00042",
        "+0.00042",
        "−2.000e+10",
        "0.000",
    ]
    assert Unit(100, 1).score(0.00004) == "0.0"


def test_an_unknown_metric_is_shown_in_its_own_unit():
    assert unit_of("evaluate:bleurt").score(-1.25) == "−1.250"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, NOTHING),
        (0.0, "0 %"),
        (0.004, "< 1 %"),
        (0.01, "1 %"),
        (0.5, "50 %"),
        (0.99, "99 %"),
        (0.996, "> 99 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_is_not_rounded_to_nothing_or_all(value: float | None, shown: str):
    assert share(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [
        (None, NOTHING), (1e-9, "< 0.001"), (0.001, "0.001"), (0.0494, "0.049"), (0.0496, "0.0496"),
        (0.049999, "0.049999"), (math.nextafter(0.05, 0), "0.049999999999999996"),
        (0.05, "0.050"), (0.0504, "0.050"), (1.0, "1.000"),
    ],
)  # fmt: skip
def test_p_values_have_three_digits_or_as_many_as_keep_them_below_the_level(value: float | None, shown: str):
    assert p_value(value) == shown


def test_costs_have_units_that_fit():
    assert (duration(0.02), duration(125), duration(4000), duration(20000)) == ("0.02 s", "2.1 min", "67 min", "5.6 h")
    assert (memory(9e8), amount(3.1e13), amount(999.9)) == ("900 MB", "31 T", "1 k")


def test_where_a_unit_begins_it_is_used():
    durations = (None, 0.009, 0.01, 9.94, 10.0, 119.4, 120.0, 594.0, 600.0, 7199.0, 7200.0, 36000.0)
    assert [duration(seconds) for seconds in durations] == [
        NOTHING, "< 0.01 s", "0.01 s", "9.9 s", "10 s", "119 s", "2.0 min", "9.9 min", "10 min", "120 min", "2.0 h",
        "10 h",
    ]  # fmt: skip
    assert [ratio(value) for value in (0.00099, 0.001, 99.4, 99.6, 100.0)] == [
        "less than 0.001", "0.001", "99", "100", "100",
    ]  # fmt: skip
    assert [amount(value) for value in (None, 999.0, 1e3, 1e6, 1e9, 1e12, 1e15, 1e18)] == [
        NOTHING, "999", "1 k", "1 M", "1 G", "1 T", "1 P", "1 E",
    ]  # fmt: skip
    assert (memory(None), memory(512)) == (NOTHING, "512 B")
