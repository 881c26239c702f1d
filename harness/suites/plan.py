"""The table of `harness plan`: one row per task and model, with the states of its seeds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from itertools import groupby

from rich.table import Table

from harness.output import plain_table
from harness.runs.run import Run, State
from harness.suites.seeds import SeedRule


def plan_table(
    planned: Sequence[Run],
    states: Sequence[State],
    rule: SeedRule | None = None,
    *,
    undecided: Collection[tuple[str, str]] = frozenset(),
) -> Table:
    """Tabulate the runs and their states; simple baselines and probes have no learning rate.

    Args:
        planned: The runs, trials included.
        states: The state of each run.
        rule: The looks, if seeds are added until comparisons are decided.
        undecided: The tasks and models whose recipe depends on trials that have not ended.
    """
    rows: defaultdict[tuple[str, str, bool], list[tuple[Run, State]]] = defaultdict(list)
    for run, state in zip(planned, states, strict=True):
        rows[run.config.task, run.model, run.trial is None].append((run, state))
    table = plain_table("task", "model", "seeds", "learning rate", "state")
    for (task, model, is_seed), row in rows.items():
        runs = [run for run, _ in row]
        which = _repeats(runs, rule) if is_seed else f"{len(runs)} trials"
        rate = "by trials" if is_seed and (task, model) in undecided else _learning_rates(runs)
        table.add_row(task, model, which, rate, counted([state for _, state in row]))
    return table


def _repeats(runs: Sequence[Run], rule: SeedRule | None) -> str:
    """The seeds, or their range, and the number of folds."""
    known = list(dict.fromkeys(run.config.seed for run in runs))
    seeds = listed_seeds(known) if rule is None or len(known) == 1 else f"{rule.looks[0]} to {rule.looks[-1]} seeds"
    fold = runs[0].config.fold
    return seeds if fold is None else f"{seeds} × {fold.of} folds"


def _learning_rates(runs: Sequence[Run]) -> str:
    """The learning rate of a model's runs, or its range."""
    rates = [run.config.training.learning_rate for run in runs]
    if runs[0].config.model.is_simple_baseline or runs[0].config.training.method == "probe":
        return "–"
    return f"{rates[0]:g}" if min(rates) == max(rates) else f"{min(rates):g} to {max(rates):g}"


def listed_seeds(seeds: Sequence[int]) -> str:
    """List the seeds in order; more than three consecutive ones as a range.

    >>> listed_seeds([0, 1, 5, 6, 7, 8, 3])
    '0, 1, 5 to 8, 3'
    """
    rows = groupby(enumerate(seeds), key=lambda pair: pair[1] - pair[0])
    together = [[seed for _, seed in row] for _, row in rows]
    return ", ".join(f"{row[0]} to {row[-1]}" if len(row) > 3 else ", ".join(map(str, row)) for row in together)


def counted(states: Sequence[State]) -> str:
    """Count the states.

    >>> counted(["new", "complete", "new"])
    '2 new, 1 complete'
    """
    return ", ".join(f"{count} {state}" for state, count in Counter(states).items())
