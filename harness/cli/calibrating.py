"""The command that simulates comparisons of artificial models, to measure their error rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.app import app
from harness.errors import UserError
from harness.output import console, plain_table

if TYPE_CHECKING:
    from harness.calibration.fitting import Numbers

OWN_REPEATS, GRID_REPEATS = 1000, 200
SEEDS, EXAMPLES, METRIC = 3, 1000, "accuracy"
"""The defaults."""


@app.command(
    epilog="""Examples:\n
    harness calibrate --seeds 3 --examples 2000 --metric macro_f1 --luck 2.0\n
    harness calibrate runs/demo\n
    harness calibrate --grid --markdown calibration.md"""
)
def calibrate(
    runs: Annotated[Path | None, typer.Argument(help="A folder of runs to take the settings below from.")] = None,
    seeds: Annotated[
        int | None, typer.Option(help=f"Number of seeds per model. Default: {SEEDS}.", min=2, max=1000)
    ] = None,
    examples: Annotated[
        int | None, typer.Option(help=f"Examples in the test set. Default: {EXAMPLES:,}.", min=10, max=1_000_000)
    ] = None,
    metric: Annotated[str | None, typer.Option(help=f"The metric to compare models by. Default: {METRIC}.")] = None,
    groups: Annotated[
        str | None,
        typer.Option(help="Groups of examples, such as documents: 10 (of equal size), zipf or zipf:50. Default: none."),
    ] = None,
    luck: Annotated[
        float | None,
        typer.Option(
            help="Standard deviation of a model's score over seeds, as reports show it. Default: small.", min=0
        ),
    ] = None,
    score: Annotated[float | None, typer.Option(help="The models' score, as reports show it.")] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="Run the standard grid: every metric, luck and group size.")
    ] = False,
    repeats: Annotated[
        int | None,
        typer.Option(help=f"Draws per setting. Default: {OWN_REPEATS:,}, or {GRID_REPEATS} with --grid.", min=20),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draws. The same seed gives the same numbers.", min=0)] = 0,
    markdown: Annotated[Path | None, typer.Option(help="Write the grid's tables to this file.")] = None,
) -> None:
    """Measure how often the comparison errs, on simulated models whose true scores are known."""
    own: Any = {
        "seeds": seeds, "examples": examples, "metric": metric, "groups": groups, "luck": luck, "score": score
    }  # fmt: skip
    given = [f"--{name}" for name, value in own.items() if value is not None]
    if grid:
        if given or runs is not None:
            raise UserError(f"--grid: brings its own settings (got {', '.join(given) or runs}). Leave one of them out.")
        _show_grid(repeats or GRID_REPEATS, seed, markdown)
        return
    if markdown is not None:
        raise UserError(f"--markdown {markdown}: is for the standard grid. Add --grid.")
    from harness.calibration.recorded import recorded_numbers  # noqa: PLC0415 -- heavy

    for title, numbers in (recorded_numbers(runs) if runs is not None else {"": None}).items():
        _show_own(title, _with_options(numbers, **own), repeats or OWN_REPEATS, seed)


def _with_options(
    numbers: Numbers | None,
    *,
    seeds: int | None,
    examples: int | None,
    metric: str | None,
    groups: str | None,
    luck: float | None,
    score: float | None,
) -> Numbers:
    """The numbers of recorded runs, if any, overridden by the user's options."""
    from harness.calibration.fitting import Numbers, rescaled, sizes_of  # noqa: PLC0415 -- heavy
    from harness.metrics.lookup import find_metric  # noqa: PLC0415 -- heavy

    known = numbers or Numbers(METRIC, SEEDS, EXAMPLES)
    chosen = find_metric(metric or known.metric)
    factor = chosen.unit.factor
    is_same = chosen.name == known.metric
    sizes = known.sizes if known.sizes is None or examples is None else rescaled(known.sizes, examples)
    return Numbers(
        chosen.name,
        seeds or known.seeds,
        examples or known.examples,
        sizes=sizes if groups is None else sizes_of(groups, examples or known.examples),
        score=known.score if score is None and is_same else _over(score, factor),
        spread=known.spread if luck is None and is_same else _over(luck, factor),
    )


def _over(value: float | None, factor: float) -> float | None:
    return None if value is None else value / factor


def _show_own(title: str, numbers: Numbers, repeats: int, seed: int) -> None:
    """Print the results for the user's own numbers."""
    from harness.calibration.draws import expected_score  # noqa: PLC0415 -- heavy
    from harness.calibration.fitting import setting_of  # noqa: PLC0415 -- heavy
    from harness.calibration.measuring import measured  # noqa: PLC0415 -- heavy
    from harness.calibration.page import own_rows, own_title  # noqa: PLC0415 -- heavy

    setting = setting_of(numbers)
    with _progress(title or setting.metric, repeats) as tick:
        found = measured(setting, repeats, seed=seed, rivals=True, tick=tick)
    name = own_title(setting, expected_score(setting), found)
    shown = plain_table("", "found", "promised", title=f"{title}: {name}" if title else name, numbers_from=1)
    for row in own_rows(found):
        shown.add_row(*row)
    console().print(shown, "")


def _show_grid(repeats: int, seed: int, markdown: Path | None) -> None:
    """Print the standard grid's tables, and write them."""
    from harness.calibration.grid import sections  # noqa: PLC0415 -- heavy
    from harness.calibration.page import cells, filled, page  # noqa: PLC0415 -- heavy

    grid, tables, shown = sections(), [], console()
    with _progress("standard grid", cells(grid) * repeats) as tick:
        for section in grid:
            table = filled(section, repeats, seed=seed, tick=tick)
            tables.append(table)
            printed = plain_table(*table.headings, title=table.title, numbers_from=1)
            for row in table.rows:
                printed.add_row(*row)
            shown.print(printed, "")
    if markdown is not None:
        from harness.atomic_writes import write_atomically  # noqa: PLC0415 -- heavy

        write_atomically(markdown, page(tables, repeats, seed).encode())
        shown.print(f"Tables: {markdown.absolute()}", soft_wrap=True)


@contextmanager
def _progress(title: str, draws: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar in a terminal, and yield a function that counts draws."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = console(stderr=True)
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as bar:
        task = bar.add_task(title, total=draws)
        yield lambda: bar.advance(task)
