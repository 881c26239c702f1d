"""The simulations behind docs/statistics.md run on this code: each, once a row."""

import inspect
from importlib import import_module

import pytest

ROWS = {
    "best_of_levels": 12,
    "collapse_levels": 8,
    "error_levels": 1,
    "family_levels": 12,
    "margin_level": 2,
    "over_tasks": 3,
    "sequential_levels": 7,
    "tuned_levels": 6,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_a_simulation_prints_its_rows(name, capsys):
    main = import_module(f"experiments.{name}").main
    first = next(iter(inspect.signature(main).parameters))
    main(**{first: 6, **({"seeds": 3} if "seeds" in inspect.signature(main).parameters else {})})
    lines = [line for line in capsys.readouterr().out.splitlines() if "|" in line or "," in line]
    assert len(lines) >= ROWS[name]
    assert all("nan" not in line for line in lines)
