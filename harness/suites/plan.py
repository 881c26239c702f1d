"""What `harness plan` shows: one row per task and model, with what of its seeds is there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from itertools import groupby

from rich.table import Table

from harness.registry import is_simple_baseline
from harness.runs.run import Run, State
from harness.suites.seeds import SeedRule


def plan_table(
    planned: Sequence[Run],
    states: Sequence[State],
    rule: SeedRule | None = None,
    *,
    undecided: Collection[tuple[str, str]] = frozenset(),
) -> Table:
    """A table of the runs and their states; simple baselines and probes have no learning rate.

    Args:
        planned: The runs, trials included.
        states: What of each is there.
        rule: When they are looked at, where seeds are added until comparisons are decided.
        undecided: The tasks and models whose recipe is not known before their trials have ended.
    """
    rows: defaultdict[tuple[str, str, bool], list[tuple[Run, State]]] = defaultdict(list)
    for run, state in zip(planned, states, strict=True):
        rows[run.config.task, run.model, run.trial is None].append((run, state))
    table = Table("task", "model", "seeds", "learning rate", "state", box=None, padding=(0, 2, 0, 0))
    for (task, model, is_seed), row in rows.items():
        runs = [run for run, _ in row]
        which = _repeats(runs, rule) if is_seed else f"{len(runs)} trials"
        rate = "by trials" if is_seed and (task, model) in undecided else _learning_rates(runs)
        table.add_row(task, model, which, rate, counted([state for _, state in row]))
    return table


def _repeats(runs: Sequence[Run], rule: SeedRule | None) -> str:
    """The seeds, or how many there may be, and how many folds each is trained on."""
    known = list(dict.fromkeys(run.config.seed for run in runs))
    seeds = listed_seeds(known) if rule is None or len(known) == 1 else f"{rule.looks[0]} to {rule.looks[-1]} seeds"
    fold = runs[0].config.fold
    return seeds if fold is None else f"{seeds} × {fold.of} folds"


def _learning_rates(runs: Sequence[Run]) -> str:
    """The learning rate of runs of one model, or the least and the greatest of several."""
    family, rates = runs[0].config.model.family, [run.config.training.learning_rate for run in runs]
    assert family is not None, "the family is resolved before a run is made"
    if is_simple_baseline(family) or runs[0].config.training.method == "probe":
        return "–"
    return f"{rates[0]:g}" if min(rates) == max(rates) else f"{min(rates):g} to {max(rates):g}"


def listed_seeds(seeds: Sequence[int]) -> str:
    """The seeds in their order; of more than three in a row, the first and the last.

    >>> listed_seeds([0, 1, 5, 6, 7, 8, 3])
    '0, 1, 5 to 8, 3'
    """
    rows = groupby(enumerate(seeds), key=lambda pair: pair[1] - pair[0])
    together = [[seed for _, seed in row] for _, row in rows]
    return ", ".join(f"{row[0]} to {row[-1]}" if len(row) > 3 else ", ".join(map(str, row)) for row in together)


def counted(states: Sequence[State]) -> str:
    """How many there are of each state.

    >>> counted(["new", "complete", "new"])
    '2 new, 1 complete'
    """
    return ", ".join(f"{count} {state}" for state, count in Counter(states).items())
