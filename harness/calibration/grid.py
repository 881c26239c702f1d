"""The standard grid of settings, and the tables that show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.calibration.draws import IN_COMMON, simulations
from harness.calibration.measuring import COVERAGE, FALSE_CLAIMS, FALSE_WINNERS, MODELS, Measured, Rate
from harness.calibration.setting import BIMODAL, LARGE, NONE, SMALL, Luck, Setting, equal_sizes, zipf_sizes
from harness.metrics.lookup import metric_name
from harness.suites.seeds import USUAL_LOOKS

SEEDS, LUCKS = (3, 5, 10), (NONE, SMALL, LARGE)
EXAMPLES, FEW, SOME, MANY = 250, 50, 500, 2000
GROUPS = (3, 10, 50)
AT_LEAST = (0.95, 1.0)
"""The promised range for rates of at least 95 %."""
OUTSIDE, PERHAPS = "**", "*"
"""Marks of a number outside the promised range, by more than two standard errors of the draws or by less."""


@dataclass(frozen=True, slots=True)
class Case:
    """The setting of a cell.

    Attributes:
        lucks: The luck of each model; None for the setting's for all.
        looks: The numbers of seeds at successive looks; empty to look once at all seeds.
    """

    setting: Setting
    lucks: tuple[Luck, ...] | None = None
    looks: tuple[int, ...] = ()
    rivals: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the page.

    Attributes:
        title: The heading.
        text: What the table shows.
        rows: The cases by row name and column name; all rows have the same columns.
        shown: Returns the texts of a case by column name, for one column or several.
    """

    title: str
    text: str
    rows: Mapping[str, Mapping[str, Case]]
    shown: Callable[[Measured], Mapping[str, str]]


def sections() -> list[Section]:
    """Return the whole grid."""
    return [_metrics(), _groups(), _few_examples(), _sequential(), _bimodal(), _families(), _rivals()]


def percent(rate: Rate, promised: tuple[float, float] | None = None) -> str:
    """Format a rate in percent, marked if it is outside the promised range."""
    text = f"{100 * rate.share:.1f}"
    if promised is None or rate.lies_within(promised):
        return text
    mark = OUTSIDE if rate.lies_clear_of(promised) else PERHAPS
    return f"{mark}{text}{mark}"


def both(found: Measured) -> dict[str, str]:
    """Show false winners and coverage in one cell."""
    return {"": f"{percent(found.false_winners, FALSE_WINNERS)} / {percent(found.coverage, COVERAGE)}"}


def named_alike() -> dict[str, list[str]]:
    """Group metrics with the same simulation and scores, by the first of them."""
    first: dict[int, str] = {}
    found: dict[str, list[str]] = {}
    for name, simulation in simulations().items():
        found.setdefault(first.setdefault(id(simulation), name), []).append(name)
    return found


def _columns(metric: str, examples: int, sizes: tuple[int, ...] | None = None) -> dict[str, Case]:
    return {
        f"{luck.name}, {seeds}": Case(Setting(metric, seeds, examples, luck, sizes))
        for luck in LUCKS
        for seeds in SEEDS
    }


def _metrics() -> Section:
    rows = {}
    for name, alike in named_alike().items():
        more = [metric_name(other) for other in alike[1:]]
        title = ", ".join([metric_name(name), *(more if len(more) < 4 else [f"{len(more)} similar metrics"])])
        rows[title] = _columns(name, EXAMPLES)
    return Section(
        "Every metric",
        f"{EXAMPLES} independent test examples. Columns: the effect of the seed, and the number of seeds.",
        rows,
        both,
    )


def _groups() -> Section:
    rows = {}
    for shape, sizes in (("of equal size", equal_sizes), ("Zipf-like", zipf_sizes)):
        for count in GROUPS:
            rows[f"{count} documents, {shape}"] = _columns("accuracy", SOME, sizes(SOME, count))
    return Section(
        "Few documents, and documents of unequal size",
        f"Accuracy on {SOME} test examples from documents. Examples of the same document share a fraction of "
        f"{IN_COMMON} of the variance of their difficulty. Zipf-like: the second document is half as large as the "
        "first, the third a third.",
        rows,
        both,
    )


def _few_examples() -> Section:
    metrics = ("accuracy", "macro_f1", "pearson", "mean_squared_error", "entity_f1")
    return Section(
        "Few test examples",
        f"{FEW} independent test examples.",
        {metric_name(name): _columns(name, FEW) for name in metrics},
        both,
    )


def _bimodal() -> Section:
    rows = {
        f"{metric_name(name)}, {examples} examples": {
            f"{seeds} seeds": Case(Setting(name, seeds, examples, BIMODAL)) for seeds in SEEDS
        }
        for name in ("accuracy", "macro_f1")
        for examples in (EXAMPLES, MANY)
    }
    return Section(
        "One seed in five collapses",
        "A collapsed run predicts the most frequent label for every example. Half of all sets of three seeds contain "
        "no such run, so no interval computed from the seeds can cover the mean over all seeds. If a run collapsed, "
        "reports therefore show no interval for all runs. They count the collapsed runs, give an upper bound for the "
        "share of runs that collapse, and show the score of the other runs separately. A cell has four numbers: "
        "false winners, which should be at most 5 %; how often the usual interval of all runs would contain their "
        "mean, which shows why reports leave it out; how often the interval of the other runs contains the expected "
        "score of a run that does not collapse (with at least two such runs); and how often the upper bound is at "
        "least the true share, which should be at least 95 %.",
        rows,
        _of_collapsed,
    )


def _of_collapsed(found: Measured) -> dict[str, str]:
    assert found.without_collapsed is not None, "in some draw some runs of a model collapse"
    assert found.collapse_bound is not None, "runs collapse"
    numbers = (
        percent(found.false_winners, FALSE_CLAIMS),
        percent(found.coverage),
        percent(found.without_collapsed, COVERAGE),
        percent(found.collapse_bound, AT_LEAST),
    )
    return {"": " / ".join(numbers)}


def _sequential() -> Section:
    rows = {
        f"{metric_name(metric)}, {examples:,} examples": {
            luck.name: Case(Setting(metric, USUAL_LOOKS[-1], examples, luck), looks=USUAL_LOOKS) for luck in LUCKS
        }
        for metric, examples in (
            ("accuracy", EXAMPLES),
            ("accuracy", MANY),
            ("macro_f1", EXAMPLES),
            ("qa_f1", EXAMPLES),
            ("pearson", EXAMPLES),
            ("mean_squared_error", EXAMPLES),
        )
    }
    return Section(
        "Seeds until decided",
        "Looks after 3, 5 and 10 seeds, at levels that hold for all looks together. A false winner may occur at any "
        "look. Coverage is that of the interval at the last look. It should be at least 95 %, because that interval "
        "is wider to allow for the earlier looks.",
        rows,
        lambda found: {"": f"{percent(found.false_winners, FALSE_WINNERS)} / {percent(found.coverage, AT_LEAST)}"},
    )


FAMILIES: Mapping[str, tuple[Luck, ...]] = {
    **{luck.name: (luck,) * MODELS for luck in (NONE, SMALL, LARGE, BIMODAL)},
    "one large, the others small": (LARGE, *[SMALL] * (MODELS - 1)),
    "two large, the others none": (LARGE, LARGE, *[NONE] * (MODELS - 2)),
}


def _families() -> Section:
    rows = {
        name: {
            f"{seeds} seeds": Case(Setting("accuracy", seeds, examples, lucks[-1]), lucks)
            for seeds, examples in ((3, MANY), (5, MANY), (10, SOME))
        }
        for name, lucks in FAMILIES.items()
    }
    return Section(
        "Six equally good models",
        "How often any sentence, bold entry or difference says that one of the six models is ahead of another. "
        f"Accuracy on {MANY:,} test examples ({SOME} for 10 seeds). It should be at most 5 %.",
        rows,
        lambda found: {"": percent(found.false_claims, FALSE_CLAIMS)},
    )


def _rivals() -> Section:
    rows = {
        f"{luck.name}, {seeds} seeds, {examples} examples": {
            "": Case(Setting("accuracy", seeds, examples, luck), rivals=True)
        }
        for examples, all_seeds in ((EXAMPLES, SEEDS), (MANY, SEEDS[:1]))
        for luck in (*LUCKS, BIMODAL)
        for seeds in all_seeds
    }

    def shown(found: Measured) -> dict[str, str]:
        others = {name: percent(rate, FALSE_WINNERS) for name, rate in found.rivals.items()}
        return {"this harness": percent(found.false_winners, FALSE_WINNERS), **others}

    return Section(
        "Comparison with other tests",
        "False winners of other tests for the difference between two models, on the same draws, for accuracy.",
        rows,
        shown,
    )
