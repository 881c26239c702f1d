"""Runs whose training collapsed: found, counted with a bound, and their model's other runs told apart."""

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_comparisons import cell, estimate
from scipy.stats import binomtest
from synthetic_runs import LABELS, add_runs, card, guesses, predictions, record, save

from harness.comparison.collapse import (
    chance_of_all_or_none,
    collapse_upper_bound,
    most_that_collapse,
    stands_apart,
)
from harness.comparison.comparison import Comparison, compare
from harness.comparison.conclusions import verdict
from harness.comparison.rescoring import rescore
from harness.comparison.statistics import Evidence, mean
from harness.metrics.lookup import unit_of
from harness.record import write_predictions
from harness.registry import FORMATS, TASK_TYPES
from harness.reporting import tables
from harness.reporting.charts.strips import strips
from harness.reporting.entries import score_entry
from harness.reporting.rows import tidy_rows

ONE_LABEL = ["positive"] * 400


def add_collapsed(runs: Path, model: str, seeds: range, *, examples: int = 400) -> None:
    references, _ = guesses(0.8, 0, examples)
    for seed in seeds:
        save(runs, record(model=model, seed=seed), predictions(references, ["positive"] * examples))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of the three runs of bert-mini collapsed; none of roberta-mini's."""
    folder = tmp_path_factory.mktemp("collapsed")
    add_runs(folder, "bert-mini", 0.9, range(2))
    add_collapsed(folder, "bert-mini", range(2, 3))
    add_runs(folder, "roberta-mini", 0.8)
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A copy, which a test may change."""
    return shutil.copytree(made, tmp_path / "runs")


@pytest.fixture(scope="module")
def comparison(made: Path) -> Comparison:
    """What is found in them: frozen, so that no test changes it."""
    return compare(made)


def cell_of(comparison: Comparison, model: str):
    (cell,) = [cell for cell in comparison.tasks[0].cells if cell.model == model]
    return cell


@pytest.mark.parametrize(("collapsed", "seeds"), [(0, 3), (1, 3), (2, 5), (9, 10)])
def test_the_bound_is_that_of_clopper_and_pearson(collapsed: int, seeds: int):
    expected = binomtest(collapsed, seeds, alternative="less").proportion_ci(0.95, method="exact").high
    assert most_that_collapse(collapsed, seeds) == pytest.approx(expected)


def test_there_is_a_bound_of_trained_models_with_scored_runs_alone():
    assert collapse_upper_bound(cell("a", estimate(0.9))) == pytest.approx(1 - 0.05 ** (1 / 3))
    assert collapse_upper_bound(cell("a", None)) is None
    assert collapse_upper_bound(cell("tfidf", estimate(0.9), simple=True)) is None


@pytest.mark.parametrize(("metric", "sign"), [("accuracy", 1), ("mean_squared_error", -1)])
def test_runs_stand_apart_where_the_interval_for_other_examples_leaves_the_constant_score_out(metric, sign):
    values = np.array([[1.0, 1, 1, 0] * 20, [1.0, 1, 0, 1] * 20])
    others = Evidence(values.mean(axis=1), (values - 0.75) / 80)
    unit, task_card = unit_of(metric), card(metric, higher_is_better=sign > 0)
    ends = mean(others.averaged, least=unit.least, most=unit.most)
    end = ends.low if sign > 0 else ends.high
    assert not stands_apart(others, end, task_card)
    assert stands_apart(others, end - sign * 1e-9, task_card)
    assert not stands_apart(others, end + sign * 1e-9, task_card)


def test_the_others_score_is_apart_and_the_mean_of_all_has_no_interval(comparison: Comparison):
    cell = cell_of(comparison, "bert-mini")
    scores = [run.score for run in cell.scored]
    assert [run.record.seed for run in cell.collapsed] == [2]
    assert cell.estimate.value == pytest.approx(np.mean(scores))
    assert (cell.estimate.low, cell.estimate.high) == (None, None)
    assert cell.without_collapsed.value == pytest.approx(np.mean(scores[:2]))
    assert cell.without_collapsed.low < np.mean(scores[:2]) < cell.without_collapsed.high
    assert cell_of(comparison, "roberta-mini").without_collapsed is None


def test_a_difference_from_a_model_with_collapsed_runs_has_no_interval(runs: Path):
    add_runs(runs, "scratch", 0.6)
    task = compare(runs, baseline="bert-mini").tasks[0]
    assert [cell.from_baseline.estimate.low for cell in task.cells if cell.from_baseline] == [None, None]


def test_the_conclusion_counts_them_bounds_their_share_and_names_them_beside_the_model(runs: Path):
    add_runs(runs, "scratch", 0.55)
    said = verdict(compare(runs).tasks[0])
    (line,) = [line for line in said if "1 of 3 runs of bert-mini collapsed" in line]
    assert "up to 86 % do can't be excluded" in line
    assert "The other 2 score 8" in line
    assert any("bert-mini (1 of 3 collapsed)" in line for line in said)
    assert not any("roberta-mini (" in line and "collapsed" in line for line in said)


def test_without_collapse_no_sentence_speaks_of_it(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.9)
    add_runs(tmp_path, "scratch", 0.7)
    comparison = compare(tmp_path)
    assert "ollapse" not in " ".join((*verdict(comparison.tasks[0]), *tables.footnotes(comparison)))
    assert "Without collapsed runs" not in tables.details(comparison.tasks[0]).headings


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", FORMATS.names())
def test_every_format_tells_of_collapsed_runs(name: str, comparison: Comparison):
    text = FORMATS.load(name)(comparison)
    if name == "csv":
        rows = {row["model"]: row for row in csv.DictReader(io.StringIO(text))}
        assert (rows["bert-mini"]["collapsed"], rows["roberta-mini"]["collapsed"]) == ("1", "0")
        assert float(rows["bert-mini"]["collapse_upper_bound"]) == pytest.approx(0.8646, abs=1e-4)
        assert float(rows["roberta-mini"]["collapse_upper_bound"]) == pytest.approx(0.6316, abs=1e-4)
        assert float(rows["bert-mini"]["low_without_collapsed"]) < float(rows["bert-mini"]["mean_without_collapsed"])
        assert rows["bert-mini"]["low"] == ""
    else:
        assert "1 of 3 collapsed; the others score 8" in text
        assert "Without collapsed runs" in text.replace(r"\\", " ")
        assert "Mosbach" in text


@pytest.mark.slow
def test_rows_for_a_data_frame_tell_of_them(comparison: Comparison):
    scores, _ = tidy_rows(comparison, "scores")
    assert {(row["model"], row["seed"]) for row in scores if row["is_collapsed"]} == {("bert-mini", 2)}
    (row,) = [row for row in tidy_rows(comparison, "means")[0] if row["model"] == "bert-mini"]
    assert (row["collapsed"], row["low"]) == (1, None)
    assert row["low_without_collapsed"] < row["mean_without_collapsed"] < row["high_without_collapsed"]


def test_a_collapsed_seed_has_a_cross_in_the_chart(comparison: Comparison):
    chart = "".join(strips(comparison.tasks[0], dict.fromkeys(comparison.models, "c0")).rows.values())
    assert chart.count('class="seed collapsed"') == 1
    assert chart.count('class="seed"') == 5
    assert "crosses those that collapsed" in FORMATS.load("html")(comparison)


def test_a_run_no_better_than_the_most_frequent_label_collapsed_too(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.9, range(2))
    references, right = guesses(0.9, 1)
    wrong = [LABELS[one == LABELS[0]] for one in right]
    save(tmp_path, record(seed=2), predictions(references, wrong))
    assert [run.record.seed for run in cell_of(compare(tmp_path), "bert-mini").collapsed] == [2]


def test_a_model_that_is_hardly_better_than_one_answer_is_of_one_sort_and_keeps_its_interval(tmp_path: Path):
    references, _ = guesses(0.5, 0)
    for seed, right in enumerate((195, 205, 210)):
        order = np.random.default_rng(seed).permutation(400) < right
        rows = [one if ok else LABELS[one == LABELS[0]] for one, ok in zip(references, order, strict=True)]
        save(tmp_path, record(seed=seed), predictions(references, rows))
    cell = cell_of(compare(tmp_path), "bert-mini")
    assert [run.record.seed for run in cell.collapsed] == [0]
    assert cell.without_collapsed is None
    assert cell.estimate.low is not None
    said = verdict(compare(tmp_path).tasks[0])
    assert said[-1].endswith("(one answer to all, or no better than that); the others are hardly better.")


def test_a_simple_baseline_never_collapses_and_nothing_does_where_all_examples_have_one_label(tmp_path: Path):
    add_runs(tmp_path, "majority", 0.5, range(1), family="majority")
    save(tmp_path, record(model="tfidf", family="tfidf"), predictions(guesses(0.9, 1)[0], ONE_LABEL))
    assert not any(cell.collapsed for cell in compare(tmp_path).tasks[0].cells)
    save(tmp_path / "other", record(), predictions(ONE_LABEL, ONE_LABEL))
    assert not any(cell.collapsed for cell in compare(tmp_path / "other").tasks[0].cells)


CASES = {
    "classification": ("macro_f1", LABELS, ["negative", "positive", "positive"] * 9, "negative", ["positive"] * 27),
    "multi_label": ("micro_f1", ("a", "b"), [["a"], ["a", "b"], []] * 9, [], [["b"]] * 27),
    "regression": ("pearson", (), [1.0, 2.0, 4.0] * 9, 1.5, [2.3, 2.3001, 2.3] * 9),
    "token_classification": ("tag_accuracy", ("B-X", "O"), [["B-X", "O"], ["O"], ["O"]] * 9, ["B-X", "O"],
                             [["O", "O"], ["O"], ["O"]] * 9),
    "multiple_choice": ("accuracy", (), ["A", "B", "D"] * 9, "C", ["A"] * 27),
    "question_answering": ("qa_f1", (), [["a cat"], [], ["dogs"]] * 9, "a cat", [""] * 27),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_task_type_knows_what_tells_no_example_from_another(tmp_path: Path, name: str):
    metric, labels, references, other, constant = CASES[name]
    task_type = TASK_TYPES.load(name)
    found = []
    for folder, predicted in (("same", constant), ("varied", [other, *constant[1:]])):
        (tmp_path / folder).mkdir()
        write_predictions(predictions(references, predicted), tmp_path / folder)
        found.append(rescore(tmp_path / folder, labels, metric, task_type=task_type))
    assert [one.is_constant for one in found] == [True, False]
    assert found[0].split.constant_score is not None


def test_where_a_task_type_has_no_such_answers_no_run_collapses(tmp_path: Path):
    sizes, costs = [{"bytes": 9, "characters": 9}] * 3, [{"nats": 4.0, "tokens": 2}] * 3
    write_predictions(predictions(sizes, costs), tmp_path)
    found = rescore(tmp_path, (), "bits_per_byte", task_type=TASK_TYPES.load("language_modelling"))
    assert (found.is_constant, found.split.constant_score) == (False, None)


def test_the_score_to_be_above_is_that_of_the_best_constant_answers(tmp_path: Path):
    # 100 numbers: the mean predicts them with their own variance as the error.
    numbers = list(np.random.default_rng(1).normal(size=100))
    write_predictions(predictions(numbers, numbers), tmp_path)
    found = rescore(tmp_path, (), "mean_squared_error", task_type=TASK_TYPES.load("regression"))
    assert found.split.constant_score == pytest.approx(np.var(numbers))
    task_card = card("mean_squared_error", "regression", higher_is_better=False)
    for seed, noise in enumerate((0.1, 2.0)):
        rows = predictions(numbers, [one + noise * (-1) ** place for place, one in enumerate(numbers)])
        save(tmp_path / "runs", record(seed=seed, task_card=task_card), rows)
    (cell,) = compare(tmp_path / "runs").tasks[0].cells
    assert [run.record.seed for run in cell.collapsed] == [1]


def test_three_runs_that_all_collapsed_do_not_show_that_every_run_does(tmp_path: Path):
    # If both collapse in half of their runs, one of twenty pairs of three looks like this: Fisher's exact test.
    assert chance_of_all_or_none(3, 3) == 1 / 20
    add_runs(tmp_path, "bert-mini", 0.95)
    add_collapsed(tmp_path, "scratch", range(3))
    task = compare(tmp_path).tasks[0]
    assert [cell.beaten_by for cell in task.cells] == [(), ()]
    assert "3 of 3 runs of scratch collapsed" in " ".join(verdict(task))
    add_runs(tmp_path, "bert-mini", 0.95, range(3, 6))
    add_collapsed(tmp_path, "scratch", range(3, 6))
    task = compare(tmp_path).tasks[0]
    assert [cell.beaten_by for cell in task.cells] == [(), ("bert-mini",)]
    assert "scratch (6 of 6 collapsed)" in " ".join(verdict(task))


@pytest.mark.slow
@pytest.mark.parametrize(("models", "seeds", "rate"), [(6, 3, 0.2), (6, 3, 0.5), (2, 2, 0.5)])
def test_models_that_collapse_alike_are_told_apart_in_one_comparison_of_twenty_at_most(models, seeds, rate):
    from experiments.collapse_levels import wrong

    assert wrong(models, seeds, rate, 100)[1] <= 0.05


def test_the_mean_without_collapsed_runs_is_a_field_of_the_table(comparison: Comparison):
    task = comparison.tasks[0]
    table = tables.details(task)
    place = table.headings.index("Without collapsed runs")
    shown = {row[0].text: row[place].text for row in table.rows}
    cell = next(cell for cell in task.cells if cell.model == "bert-mini")
    assert shown == {"bert-mini": unit_of("accuracy").with_interval(cell.without_collapsed), "roberta-mini": "–"}
    assert score_entry(cell, unit_of("accuracy")).text.startswith(f"{100 * cell.estimate.value:.1f} (1 of 3 collapsed;")
