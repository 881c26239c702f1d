"""The results of calibration as rows of tables, and as a page of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.calibration.grid import OUTSIDE, PERHAPS, Section, percent
from harness.calibration.measuring import COVERAGE, FALSE_CLAIMS, FALSE_WINNERS, MODELS, Measured, Rate, measured
from harness.calibration.rivals import RIVALS
from harness.calibration.setting import Setting
from harness.metrics.lookup import metric_name, unit_of

INTRODUCTION = """\
How often the comparison errs, measured on simulated models whose true scores are known. The simulation calls the
functions that make reports (`harness.comparison`: `one_sided_p_values`, `mean`, `claims_about`), on {draws} draws per
setting. A draw is a test set and the runs of {models} equally good models: fifteen pairs, six intervals, one family of
claims. A cell shows

    false winners / coverage

in percent: how often one of two equally good models is called better (unadjusted, at 5 %), and how often a model's
95 % interval contains its expected score over all seeds and all examples. The expected ranges are 3 to 6.5 % and 93 to
97 %, unless a section says otherwise. Numbers in **bold** are outside by more than two standard errors of the draws:
{outside} of {numbers} numbers, not counting the other tests. Numbers in *italics* are outside by less: {perhaps}, some
of which would be inside with more draws. The standard errors are {winners:.1f} points for false winners and
{covered:.1f} for coverage (medians over the cells).

The seed has no effect ("none"), or changes accuracy by a standard deviation of 2 points ("small") or 8 points
("large"), and other metrics by as much. To use your own numbers: `harness calibrate --seeds 3 --examples 2000 --metric
macro_f1 --luck 2.0`. To use those of recorded runs: `harness calibrate runs/demo`. This page is written by the command
below."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A section of the grid with its results.

    Attributes:
        headings: The headings of the columns; the first one is empty.
        rows: The name of the row, then a cell for each column.
        found: The results of each setting.
    """

    title: str
    text: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    found: tuple[Measured, ...]


def cells(grid: Sequence[Section]) -> int:
    """Return the number of settings."""
    return sum(len(row) for section in grid for row in section.rows.values())


def filled(section: Section, draws: int, *, seed: int, tick: Callable[[], None]) -> Filled:
    """Compute the results of a section.

    Args:
        section: The section.
        draws: Number of draws for each setting.
        seed: The random seed of the draws.
        tick: Called after every draw.
    """
    rows: dict[str, dict[str, str]] = {}
    all_found = []
    for name, cases in section.rows.items():
        rows[name] = {}
        for column, case in cases.items():
            found = measured(
                case.setting,
                draws,
                lucks=case.lucks,
                looks=case.looks,
                seed=seed,
                rivals=case.rivals,
                tick=tick,
            )
            all_found.append(found)
            rows[name] |= {column + part: text for part, text in section.shown(found).items()}
    headings = list(dict.fromkeys(heading for row in rows.values() for heading in row))
    table = tuple((name, *(row.get(heading, "–") for heading in headings)) for name, row in rows.items())
    return Filled(section.title, section.text, ("", *headings), table, tuple(all_found))


def page(tables: Sequence[Filled], draws: int, seed: int) -> str:
    """Return the page in Markdown."""
    found = [one for table in tables for one in table.found]
    texts = [
        cell
        for table in tables
        for row in table.rows
        for heading, cell in zip(table.headings[1:], row[1:], strict=True)
        if heading not in RIVALS
    ]
    numbers = [one for text in texts if text != "–" for one in text.split(" / ")]
    introduction = INTRODUCTION.format(
        draws=draws,
        models=MODELS,
        outside=sum(one.startswith(OUTSIDE) for one in numbers),
        perhaps=sum(one.startswith(PERHAPS) and not one.startswith(OUTSIDE) for one in numbers),
        numbers=len(numbers),
        winners=100 * _median_error([one.false_winners for one in found]),
        covered=100 * _median_error([one.coverage for one in found]),
    )
    chosen = f" --seed {seed}" if seed else ""
    command = f"    harness calibrate --grid --repeats {draws}{chosen} --markdown docs/calibration.md"
    parts = ["# Calibration", introduction, command]
    for table in tables:
        lines = [table.headings, ("---",) * len(table.headings), *table.rows]
        parts += [f"## {table.title}", table.text, "\n".join(f"| {' | '.join(line)} |" for line in lines)]
    return "\n\n".join(parts) + "\n"


def own_title(setting: Setting, score: float, found: Measured) -> str:
    """Describe the setting in words."""
    unit = unit_of(setting.metric)
    groups = "" if setting.sizes is None else f" in {len(setting.sizes):,} groups"
    return (
        f"{metric_name(setting.metric)} around {unit.score(score)}, {setting.seeds} seeds, {setting.examples:,} test "
        f"examples{groups}; a model's seeds spread by {unit.score(found.deviation)}"
    )


def own_rows(found: Measured) -> list[tuple[str, str, str]]:
    """Return the results of one setting: name, percentage with standard error, and promised range."""
    return [
        _row("Two equally good models told apart", found.false_winners, FALSE_WINNERS),
        _row("The interval contains the score over all seeds and examples", found.coverage, COVERAGE),
        _row(f"Any claim about {MODELS} equally good models", found.false_claims, FALSE_CLAIMS),
        ("Two equally good models told apart by other tests:", "", ""),
        *(_row(f"  {name}", rate, FALSE_WINNERS) for name, rate in found.rivals.items()),
    ]


def _row(name: str, rate: Rate, promised: tuple[float, float]) -> tuple[str, str, str]:
    low, high = (f"{100 * bound:g}" for bound in promised)
    wanted = f"{low} to {high} %" if promised[0] else f"at most {high} %"
    mark = "" if rate.lies_within(promised) else ", outside" if rate.lies_clear_of(promised) else ", perhaps outside"
    return name, f"{percent(rate)} % (s.e. {100 * rate.error:.1f}{mark})", wanted


def _median_error(rates: Sequence[Rate]) -> float:
    return sorted(rate.error for rate in rates)[len(rates) // 2]
