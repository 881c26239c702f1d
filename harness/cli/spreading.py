"""`harness plan SUITE --on slurm|ray`: how the runs would be distributed over a cluster, and how long each takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from harness.cli.planning import Plan, unknown_lines
from harness.comparison.formatting import duration, duration_range
from harness.output import plain_table, say
from harness.runs.run import Run
from harness.suites.cluster import Cluster
from harness.suites.forecast import total, wall_seconds
from harness.suites.ranges import Range
from harness.suites.slurm import arrays, check_independent, most_tasks
from harness.suites.suite import Suite

MOST_NAMED = 3


def show_spread(on: str, suite: Suite, plan: Plan, waiting: Sequence[Run], console: Console) -> None:
    """Print the arrays or tasks for the runs, their resources, and the total time.

    Args:
        on: "slurm" or "ray".
        suite: The suite.
        plan: The forecast of the suite.
        waiting: The runs that are not recorded, in order.
        console: Where to print.

    Raises:
        UserError: If the suite's runs depend on each other, and are to be job arrays.
    """
    if on == "slurm":
        check_independent(suite, "--on slurm")
    if not waiting:
        console.print("All runs are recorded: there is nothing to submit.")
        return
    parts = arrays(waiting, most_tasks()) if on == "slurm" else [waiting]
    console.print(_table(on, parts, plan))
    for line in (*_asked_lines(suite.cluster), *_time_lines(on, suite.cluster, parts, plan), *unknown_lines(plan)):
        say(console, line)


def _table(on: str, parts: Sequence[Sequence[Run]], plan: Plan) -> Table:
    """One row per array."""
    what = {"slurm": "job array", "ray": "on Ray"}[on]
    headings = (what, "jobs" if on == "slurm" else "tasks", "time each", "hours in all")
    table = plain_table(*headings)
    for number, part in enumerate(parts, 1):
        seconds = _known(part, plan)
        about = sorted(one.about for one in seconds)
        each = f"{duration(about[0])} to {duration(about[-1])}" if about else "–"
        together = f"{total(seconds).about / 3600:.1f}" if seconds else "–"
        table.add_row(str(number) if on == "slurm" else "", f"{len(part):,}", each, together)
    return table


def _asked_lines(cluster: Cluster) -> Iterator[str]:
    asked = cluster.asked()
    yield (
        f"Each run asks for {asked}." if asked else "Each run asks for the cluster's defaults ([cluster] changes that)."
    )


def _time_lines(on: str, cluster: Cluster, parts: Sequence[Sequence[Run]], plan: Plan) -> Iterator[str]:
    """The total time, and the runs for which the time limit is too short."""
    if not plan.seconds:
        return
    ends = [wall_seconds(_known(part, plan) or [Range(0, 0, 0)], cluster.at_most or len(part)) for part in parts]
    if cluster.at_most:
        wall, how = total(ends), f"{cluster.at_most} at a time{', one array after the other' if len(parts) > 1 else ''}"
    else:
        wall, how = max(ends, key=lambda end: end.about), "if the cluster has room for all of them at once"
    sources = {run.source: 0 for run in plan.runs.values() if run.seconds is not None}
    yield f"From the first start to the last end: {duration_range(wall)}, {how}."
    yield f"Times are estimated from {', '.join(sources)}; the cluster's machines may be faster or slower."
    if on == "slurm":
        yield from _limit_lines(cluster, plan)


def _limit_lines(cluster: Cluster, plan: Plan) -> Iterator[str]:
    limit = cluster.time_seconds
    if limit is None:
        return
    over = [folder for folder, run in plan.runs.items() if run.left is not None and run.left.high > limit]
    if over:
        named = ", ".join("/".join(folder.parts[-3:]) for folder in over[:MOST_NAMED])
        more = f" and {len(over) - MOST_NAMED:,} more" if len(over) > MOST_NAMED else ""
        yield f'time = "{cluster.time}" may be too short for {named}{more}. Submitted again, they resume.'


def _known(part: Sequence[Run], plan: Plan) -> list[Range]:
    found = (plan.runs[run.folder].left for run in part)
    return [seconds for seconds in found if seconds is not None]
