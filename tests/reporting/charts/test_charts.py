import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from synthetic_runs import add_runs, curve, record, save

from harness.comparison.comparison import compare
from harness.comparison.counts import MeanRanks, OverTasks
from harness.comparison.results import Comparison
from harness.record import Pretraining, Provenance
from harness.registry import FORMATS
from harness.reporting.charts.canvas import Scale, around, plain
from harness.reporting.charts.curves import learning_curves
from harness.reporting.charts.labels import LEAST_SEEN, in_column, placed
from harness.reporting.charts.marks import key, mark_classes
from harness.reporting.charts.mean_ranks import mean_ranks
from harness.reporting.charts.pretraining import pretraining_curves
from harness.reporting.charts.strips import strips
from harness.reporting.charts.tradeoff import tradeoff

colour_classes = FORMATS.entry("html").module().colour_classes


def place_of(mark: ElementTree.Element) -> float:
    """How far across the middle of a mark is."""
    return float(re.match(r"translate\(([\d.]+),", mark.get("transform"))[1])


def test_a_scale_maps_its_ends_to_its_places():
    scale = Scale(1, 100, 0, 200, is_log=True)
    assert [scale(value) for value in (1, 10, 100)] == pytest.approx([0, 100, 200])


def test_ticks_are_round_and_inside():
    assert Scale(0.13, 0.94, 0, 1).ticks() == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert plain([60.0, 65.0]) == {60.0: "60", 65.0: "65"}


def test_equal_values_still_have_a_range():
    low, high = around([3.0, 3.0])
    assert low < 3 < high


def mark_of(strip: str) -> float:
    """Where a strip's mark lies, in per cent of the width."""
    (inner,) = (one for one in ElementTree.fromstring(strip).iter("svg") if one.find("path[@class]") is not None)
    return float(inner.get("x").removesuffix("%"))


def test_strips_have_one_axis_with_a_tick_a_seed(comparison: Comparison):
    drawn = strips(comparison.tasks[1], colour_classes(comparison))
    assert [*drawn.rows][:2] == ["roberta-mini", "bert-mini"]
    assert drawn.rows["bert-mini"].count('class="seed"') == 3
    cells = comparison.tasks[1].ranked
    places = [mark_of(drawn.rows[cell.model]) for cell in cells]
    values = [cell.estimate.value for cell in cells]
    across = (places[0] - places[-1]) / (values[0] - values[-1])
    assert places == pytest.approx([places[0] + across * (value - values[0]) for value in values], abs=0.02)


def test_an_interval_without_the_seeds_looks_different(comparison: Comparison):
    drawn = strips(comparison.tasks[1], colour_classes(comparison))
    assert [model for model, strip in drawn.rows.items() if "interval partial" in strip] == ["xlnet-mini"]


def test_twelve_models_have_colours_and_marks_of_their_own():
    classes = mark_classes([f"model-{number}" for number in range(12)], ["tfidf"])
    css = Path(FORMATS.entry("html").file).with_name("report.css.j2").read_text()
    colours = {name: re.search(rf"\.{name}\b[^{{]*{{ --own: var\((--\w+)\)", css)[1] for name in classes.values()}
    shapes = {name: re.search(r"<path.*", key(name))[0] for name in classes.values()}
    assert len({*shapes.values()}) == 13
    assert len({*colours.values()}) == 8


def test_labels_of_neighbouring_points_hide_neither_each_other_nor_the_points():
    names = ["bert-mini", "roberta-mini", "xlnet-mini", "transformer-xl-mini"]
    points = [(300.0, 100.0), (306.0, 104.0), (330.0, 108.0), (345.0, 98.0)]
    labels = placed(names, points, left=40, right=446)
    assert None not in labels
    assert all(one.overlap(other) == 0 for one, other in combinations(labels, 2))
    assert all(label.left >= 40 and label.right <= 446 for label in labels)


def test_a_label_without_a_free_place_is_left_out_and_the_others_hide_nothing():
    points = [(150.0 + number % 4, 100.0 + number // 4) for number in range(16)]
    labels = placed([f"a-long-name-{number}" for number in range(16)], points, left=40, right=326)
    free = [label for label in labels if label is not None]
    assert 2 <= len(free) < 16
    assert all(one.overlap(other) <= LEAST_SEEN for one, other in combinations(free, 2))


def test_labels_in_a_column_keep_their_order_and_stand_at_their_heights_where_there_is_room():
    assert in_column([200.0, 50.0, 120.0], top=24, bottom=250) == [200.0, 50.0, 120.0]
    crowded = in_column([248.0, 100.0, 249.0, 104.0, 250.0], top=24, bottom=250)
    assert crowded == [222.0, 100.0, 236.0, 114.0, 250.0]
    assert in_column([30.0] * 16, top=24, bottom=250) == pytest.approx([30 + 14 * n for n in range(16)], abs=14)


def test_simple_baselines_are_a_line_across_the_tradeoff(comparison: Comparison):
    chart = tradeoff(comparison.tasks[1], colour_classes(comparison))
    assert chart is not None
    names = [element.text for element in ElementTree.fromstring(chart).iter("text")]
    assert "tfidf (simple baseline, 0.02 s)" in names
    assert "majority" not in names
    assert chart.count('class="mark') == 4


@pytest.mark.slow
def test_of_very_many_models_the_best_are_named_and_the_others_have_their_titles(tmp_path: Path):
    for number in range(35):
        add_runs(tmp_path, f"model-{number:02}", 0.6 + number / 100, range(1), examples=60)
    comparison = compare(tmp_path)
    chart = tradeoff(comparison.tasks[0], colour_classes(comparison))
    assert chart is not None
    root = ElementTree.fromstring(chart)
    named = [element.text for element in root.iter("text") if element.get("class") == "label"]
    assert 5 < len(named) <= 30
    assert named == [cell.model for cell in comparison.tasks[0].ranked[:30] if cell.model in named]
    assert len({element.text for element in root.iter("title")}) == chart.count('class="mark') == 35
    page = FORMATS.load("html")(comparison)
    assert "<summary>Learning curves of 35 models</summary>" in page
    assert page.count("<details") == page.count("</details>")


def test_every_model_with_a_curve_has_a_chart_with_its_best_step(comparison: Comparison):
    charts = learning_curves(comparison.tasks[1])
    assert {"bert-mini", "scratch", "xlnet-mini"} <= set(charts)
    assert "majority" not in charts
    assert charts["bert-mini"].count('class="best"') == 3
    assert charts["bert-mini"].count('class="train"') == charts["bert-mini"].count('class="validation"') == 3


def test_a_loss_that_is_not_finite_is_left_out_of_the_curve(tmp_path: Path):
    import numpy as np

    points = curve(np.random.default_rng(0))
    broken = points[-1].model_copy(update={"train_loss": float("nan"), "validation_loss": float("inf")})
    save(tmp_path, record(status="diverged", reason="loss nan", curve=(*points[:-1], broken)), None)
    (chart,) = learning_curves(compare(tmp_path).tasks[0]).values()
    assert "nan" not in chart
    assert "inf" not in chart


def test_a_task_without_costs_or_curves_has_no_such_charts(tmp_path: Path):
    from harness.record import Cost

    add_runs(tmp_path, "bert-mini", 0.8, cost=Cost(), curve=())
    comparison = compare(tmp_path)
    assert tradeoff(comparison.tasks[0], colour_classes(comparison)) is None
    assert learning_curves(comparison.tasks[0]) == {}


def test_mean_ranks_have_the_best_on_the_left_and_a_bar_over_those_that_are_not_told_apart():
    ranks = MeanRanks(by_model={"<best>": 1.0, "second": 1.5, "last": 3.0}, critical_difference=1.0)
    over_tasks = OverTasks(names=tuple("abcdefgh"), models=(), ranks=ranks)
    chart = mean_ranks(over_tasks, dict.fromkeys(ranks.by_model, "c0"))
    root = ElementTree.fromstring(chart)
    dots = [place_of(group.find("path")) for group in root.iter("g")]
    assert (dots[1] - dots[0]) * 4 == pytest.approx(dots[2] - dots[0], abs=0.1)
    assert [group.find("text").text for group in root.iter("g")] == ["<best> 1.0", "second 1.5", "last 3.0"]
    (bar,) = (line for line in root.iter("line") if line.get("class") == "not-told-apart")
    assert float(bar.get("x1")) < dots[0] < dots[1] < float(bar.get("x2")) < dots[2]


def pretrained(recipe: str, tokens: int) -> Provenance:
    return Provenance(data_digest="sha256:d1", pretraining=Pretraining(recipe=recipe, tokens=tokens))


def test_the_checkpoints_of_a_recipe_make_a_line_from_fresh_weights_to_the_last(tmp_path: Path):
    for model, score, tokens in (("whole", 0.85, 3_000_000), ("fresh", 0.70, 0), ("a-third", 0.80, 1_000_000)):
        add_runs(tmp_path, model, score, provenance=pretrained("bert-mini", tokens))
    add_runs(tmp_path, "bert-base", 0.90)
    comparison = compare(tmp_path)
    classes = colour_classes(comparison)
    chart = pretraining_curves(comparison.tasks[0], classes)
    assert chart is not None
    (line,) = (
        group for group in ElementTree.fromstring(chart).iter("g") if group.find("path[@class='path']") is not None
    )
    assert line.get("class") == classes["whole"]
    assert [title.text.split(":")[0] for title in line.iter("title")] == ["fresh", "a-third", "whole"]
    assert [label.text for label in line.iter("text")] == ["bert-mini"]
    across = [place_of(mark) for mark in line.iter("path") if mark.get("transform")]
    assert (across[1] - across[0]) * 2 == pytest.approx(across[2] - across[1], abs=0.1)


@pytest.mark.parametrize("tokens", [[0], [0, 1_000_000, 1_000_000]])
def test_a_recipe_with_one_checkpoint_or_two_that_read_as_much_makes_no_line(tmp_path: Path, tokens: list[int]):
    for number, read in enumerate(tokens):
        add_runs(tmp_path, f"bert-{number}", 0.8, provenance=pretrained("bert-mini", read))
    comparison = compare(tmp_path)
    assert pretraining_curves(comparison.tasks[0], colour_classes(comparison)) is None
