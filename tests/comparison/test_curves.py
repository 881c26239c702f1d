"""Curves: what is said of all values of a setting joins the claims of each, and makes none of its own."""

import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console
from synthetic_runs import add_runs

from harness.api.notebook import notebook_html
from harness.comparison.comparison import compare
from harness.comparison.curves import curve_verdict
from harness.comparison.results import Comparison, Curves
from harness.comparison.statistics import SIGNIFICANCE
from harness.config.margin import Margins
from harness.record import Counts
from harness.registry import FORMATS
from harness.reporting import tables
from harness.reporting.charts.sizes import size_curves
from harness.reporting.terminal import show
from harness.varied import Setting, Varied

SIZES = (100, 300, 1000, 3000)
TFIDF = (0.70, 0.72, 0.74, 0.75)
MINILM = (0.50, 0.72, 0.82, 0.88)
colour_classes = FORMATS.entry("html").module().colour_classes


def add(folder: Path, model: str, shares, *, sizes=SIZES, setting: Setting = "train_examples", read=None, **changes):
    """Runs of a model at each size, so many examples right."""
    for size, share in zip(sizes, shares, strict=True):
        varied = Varied(task="reviews", setting=setting, value=size)
        counts = Counts(examples={"train": read or size, "validation": 50, "test": 400})
        add_runs(folder, model, share, task=varied.name, varied=varied, counts=counts, **changes)


def add_crossing(folder: Path) -> None:
    add(folder, "minilm", MINILM)
    add(folder, "tfidf", TFIDF, seeds=range(1), family="tfidf")


@pytest.fixture(scope="module")
def crossing(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Of two models whose curves cross; frozen, so that no test changes it."""
    folder = tmp_path_factory.mktemp("crossing")
    add_crossing(folder)
    return compare(folder)


@pytest.fixture
def curves(crossing: Comparison) -> Curves:
    (found,) = crossing.curves
    return found


def test_values_are_in_the_order_of_numbers_and_compared_apart(crossing: Comparison):
    assert [task.task for task in crossing.tasks] == [f"reviews@{size}" for size in SIZES]
    assert all([cell.model for cell in task.cells] == ["minilm", "tfidf"] for task in crossing.tasks)
    assert crossing.task_count == 1


def test_models_that_change_places_are_named_where_both_sides_are_shown(curves: Curves):
    ahead = {task.task: {cell.model: cell.beaten_by for cell in task.cells} for task in curves.tasks}
    assert ahead["reviews@100"] == {"minilm": ("tfidf",), "tfidf": ()}
    assert ahead["reviews@3000"] == {"minilm": (), "tfidf": ("minilm",)}
    sentences = curve_verdict(curves)
    assert sentences[0] == (
        "By training examples: with 100, tfidf alone may be the best; with 300, tfidf and minilm may be the best; with "
        "1,000 and 3,000, minilm alone may be the best."
    )
    (crossing,) = (one for one in sentences if "behind it" in one)
    assert crossing.startswith("tfidf is ahead of minilm with 100")
    assert crossing.endswith("and behind it with 1,000 and 3,000.")


@pytest.mark.slow
def test_lines_that_cross_within_chance_are_not_said_to_change_places(tmp_path: Path):
    add(tmp_path, "alpha", (0.70, 0.72, 0.74, 0.80))
    add(tmp_path, "beta", (0.71, 0.73, 0.735, 0.79))
    (found,) = compare(tmp_path).curves
    assert not [one for one in curve_verdict(found) if "behind" in one]


@pytest.mark.slow
def test_two_models_change_places_only_where_that_holds_for_all_values_together(curves: Curves):
    """Each value is one more chance for the worse of two models to seem the better one."""
    weak, strong = SIGNIFICANCE / 3, SIGNIFICANCE / 5
    for p, said in ((weak, 0), (strong, 1)):
        first, *others = curves.tasks
        cells = tuple(replace(cell, p_behind=dict.fromkeys(cell.p_behind, p)) for cell in first.cells)
        changed = replace(curves, tasks=(replace(first, cells=cells), *others))
        assert len([one for one in curve_verdict(changed) if "behind it" in one]) == said


@pytest.mark.slow
def test_a_model_of_which_nothing_is_claimed_is_told_beside_those_that_may_be_the_best(tmp_path: Path):
    add_crossing(tmp_path)
    add(tmp_path, "once", MINILM, seeds=range(1))
    (found,) = compare(tmp_path).curves
    assert "with 100, tfidf alone may be the best (nothing is claimed about once);" in curve_verdict(found)[0]


@pytest.mark.slow
def test_more_examples_are_asked_for_where_the_law_tells_it(tmp_path: Path):
    errors = [1.1 * size**-0.25 for size in (100, 300, 1000, 3000, 9000)]
    add(tmp_path, "minilm", [1 - error for error in errors], sizes=(*SIZES, 9000), seeds=range(6), examples=8000)
    (found,) = compare(tmp_path).curves
    (sentence,) = (one for one in curve_verdict(found) if "power law" in one)
    assert sentence.startswith("By the power law fitted to its scores, minilm reaches ")
    assert "more than its largest training set (95 % interval of the total: " in sentence


@pytest.mark.slow
def test_without_enough_runs_the_law_does_not_tell(curves: Curves):
    (sentence,) = (one for one in curve_verdict(curves) if "law" in one)
    assert sentence == "The fitted law does not tell what more training examples would give minilm."


def test_of_lengths_no_law_is_fitted(tmp_path: Path):
    add(tmp_path, "minilm", MINILM, setting="max_length")
    (found,) = compare(tmp_path).curves
    assert not found.laws
    assert len(curve_verdict(found)) == 1
    assert curve_verdict(found)[0].startswith("By tokens at once: ")


def test_a_size_beyond_the_data_is_drawn_at_what_there_is_and_once(tmp_path: Path):
    add(tmp_path, "minilm", (0.6, 0.7), sizes=(100, 300))
    add(tmp_path, "minilm", (0.8, 0.8), sizes=(1000, 3000), read=700)
    (found,) = compare(tmp_path).curves
    assert found.sizes == (100, 300, 700)


def test_a_task_without_several_values_has_no_curve(tmp_path: Path):
    add_runs(tmp_path, "minilm", 0.8)
    add(tmp_path, "minilm", (0.8,), sizes=(100,))
    assert compare(tmp_path).curves == ()


@pytest.mark.slow
def test_over_tasks_one_at_several_sizes_counts_once_by_what_all_sizes_say(tmp_path: Path):
    add(tmp_path, "minilm", MINILM)
    add(tmp_path, "bert-mini", (0.45, 0.55, 0.6, 0.88))
    assert compare(tmp_path).over_tasks is None
    for model, share in (("minilm", 0.9), ("bert-mini", 0.6)):
        add_runs(tmp_path, model, share, task="boolq")
    found = compare(tmp_path, baseline="bert-mini").over_tasks
    assert found is not None
    assert found.tasks == 2
    better = next(one for one in found.models if one.model == "minilm").better
    assert better.shown == ("boolq",)  # At 3,000 examples both are alike.


def test_a_tasks_margin_holds_at_each_of_its_sizes(tmp_path: Path):
    add(tmp_path, "minilm", MINILM)
    found = compare(tmp_path, margins=Margins(by_task={"reviews": 2.0}))
    assert [task.margin.shown for task in found.tasks] == [2.0] * 4


def test_the_chart_has_a_line_a_model_on_a_logarithmic_axis(crossing: Comparison):
    root = ElementTree.fromstring(size_curves(crossing.curves[0], colour_classes(crossing)))
    groups = [group for group in root.iter("g") if group.get("class")]
    assert [group.get("class") for group in groups] == ["c0", "baseline"]
    marks = [[one.get("transform") for one in group.iter("path") if one.get("transform")] for group in groups]
    places = [[tuple(map(float, re.findall(r"[\d.]+", one))) for one in found] for found in marks]
    across = [[x for x, _ in found] for found in places]
    assert [len(one) for one in across] == [4, 4]
    steps = [after - before for before, after in zip(across[0], across[0][1:], strict=False)]
    assert steps[0] + steps[1] == pytest.approx(steps[1] + steps[2], abs=0.1)  # 100 to 1000, 300 to 3000.
    names = {one.text: float(one.get("x")) for one in root.iter("text") if one.get("class") == "label"}
    assert names.keys() == {"minilm", "tfidf"}
    assert min(names.values()) > max(max(found) for found in across)
    up = [y for _, y in places[0]]
    assert up == sorted(up, reverse=True)


@pytest.mark.slow
def test_every_format_has_the_curve(crossing: Comparison):
    sink = io.StringIO()
    show(crossing, Console(width=200, file=sink, color_system=None))
    assert tables.scores(crossing) is None
    shown = {name: FORMATS.load(name)(crossing) for name in ("html", "markdown", "latex")} | {
        "terminal": sink.getvalue(),
        "notebook": notebook_html(crossing),
    }
    for name, text in shown.items():
        assert "tfidf alone may be the best" in " ".join(text.split()), name
        assert "reviews by training examples" in text, name
    assert "train_examples,1000" in FORMATS.load("csv")(crossing)


@pytest.mark.slow
def test_a_hostile_name_acts_in_no_format(tmp_path: Path):
    hostile = "<script>alert(1)<script>"
    add(tmp_path / "runs", hostile, MINILM)
    comparison = compare(tmp_path / "runs")
    assert comparison.curves[0].cells.keys() == {hostile}
    assert FORMATS.load("html")(comparison).count("<script>") == 1  # our own
    assert "<script>" not in notebook_html(comparison)
    assert "<script>" not in FORMATS.load("markdown")(comparison)
