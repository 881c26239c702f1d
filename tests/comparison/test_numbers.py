import pytest

from harness.comparison.formatting import NOTHING, amount, duration, memory, p_value, share
from harness.metrics.lookup import known_metrics, unit_of
from harness.metrics.metric import Unit
from harness.task_types.language_modelling.metrics import RATIOS


def test_every_metric_but_the_unbounded_is_shown_in_percent():
    unbounded = {name for name, metric in known_metrics().items() if metric.unit.most != 1}
    assert unbounded == {"mean_squared_error", *RATIOS}
    assert all(metric.unit.factor == 100 for name, metric in known_metrics().items() if name not in unbounded)


def test_a_difference_that_rounds_to_nothing_has_no_sign():
    assert [Unit(100, 1).signed(value) for value in (0.0004, -0.0004, 0.012, -0.012)] == ["0.0", "0.0", "+1.2", "−1.2"]


def test_an_unknown_metric_is_shown_in_its_own_unit():
    assert unit_of("evaluate:bleurt").score(-1.25) == "−1.250"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, NOTHING), (0.0, "0 %"), (0.004, "< 1 %"), (0.5, "50 %"), (0.996, "> 99 %"), (1.0, "100 %")],
)
def test_a_share_is_not_rounded_to_nothing_or_all(value: float | None, shown: str):
    assert share(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, NOTHING), (1e-9, "< 0.001"), (0.0496, "0.050"), (1.0, "1.000")])
def test_p_values_have_three_digits(value: float | None, shown: str):
    assert p_value(value) == shown


def test_costs_have_units_that_fit():
    assert (duration(0.02), duration(125), duration(4000), duration(20000)) == ("0.02 s", "2.1 min", "67 min", "5.6 h")
    assert (memory(9e8), amount(3.1e13), amount(999.9)) == ("900 MB", "31 T", "1 k")
