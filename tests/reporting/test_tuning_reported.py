"""What reports show of tuning: tables, notes, charts, and a row per trial."""

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from synthetic_runs import add_runs
from synthetic_trials import add_trials, add_tuned

import harness
from harness.comparison.comparison import compare
from harness.registry import FORMATS
from harness.reporting.charts.tuning import tuning_curves
from harness.reporting.tuning import order_lines, tuning_tables

HTML = FORMATS.entry("html").module()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two tuned models, the first with a better first trial, the second with a better best one, and one untuned."""
    folder = tmp_path_factory.mktemp("tuned")
    add_tuned(folder)
    add_trials(folder)
    add_tuned(folder, "=xl", share=0.85, fresh=(0.9, 0.91, 0.92))
    add_trials(folder, "=xl", (0.1, 0.9, 0.2, 0.3))
    add_runs(folder, "scratch", 0.7, family="scratch")
    return folder


@pytest.fixture(scope="module")
def comparison(runs):
    """What is found in them: frozen, so that no test changes it."""
    return compare(runs)


@pytest.fixture
def task(comparison):
    (task,) = comparison.tasks
    return task


def test_a_table_says_what_was_chosen_and_how_sure_that_is(task):
    chosen, curves = tuning_tables(task)
    assert [entry.text for entry in chosen.rows[1]] == [
        "bert-mini",
        "4 (1 without a score)",
        "40 s",
        "80.0",
        "80.0",
        "1 of 3",
        "learning_rate=0.001",
    ]
    assert curves.headings == ("Model", "Best of 1", "Best of 2", "Best of 4")
    # The failed trial is the worst: the median of one trial is the second of four.
    assert [entry.text for entry in curves.rows[1]] == [
        "bert-mini",
        "70.0",
        "78.0",
        "80.0",
    ]


def test_a_band_is_shown_where_there_are_trials_enough(tmp_path):
    add_tuned(tmp_path, best=5, trials=8)
    add_trials(tmp_path, scores=(0.70, 0.71, 0.72, 0.73, 0.74, 0.79, 0.75, 0.76))
    _, curves = tuning_tables(compare(tmp_path).tasks[0])
    # opda 0.8.0 (ld_equal_tailed, 95 %) gives the 1st, 2nd, 4th and 5th score of eight for the low ends.
    assert [entry.text for entry in curves.rows[0]][1:] == [
        "73.0 (70.0 to 79.0)",
        "75.0 (71.0 to ?)",
        "76.0 (73.0 to ?)",
        "79.0 (74.0 to ?)",
    ]


def test_it_is_told_where_the_order_of_the_finds_changes(task):
    assert list(order_lines(task)) == [
        "On validation, by the number of trials, the better find is that of bert-mini from 1, =xl from 3 on."
    ]


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", ["html", "markdown", "latex"])
def test_every_format_shows_the_choice(comparison, name):
    text = FORMATS.load(name)(comparison).replace("\\", "")
    assert "learning_rate=0.001" in text
    assert "bert-mini: tuned, at 4 trials each. Not tuned: scratch." in text.replace("=xl, ", "")
    assert "The scores of trials are not results" in text


def test_nothing_is_shown_of_tuning_where_there_was_none(tmp_path):
    add_runs(tmp_path, "scratch", 0.7)
    page = FORMATS.load("html")(compare(tmp_path))
    assert "Tuning" not in page
    assert "trial" not in page


@pytest.mark.parametrize("by_time", [False, True])
def test_the_chart_has_a_line_and_a_band_per_tuned_model(comparison, by_time):
    chart = tuning_curves(comparison.tasks[0], HTML.colour_classes(comparison), by_time=by_time)
    groups = list(ElementTree.fromstring(chart).iter("g"))
    assert [group.find("title").text for group in groups] == ["=xl: 4 trials, 40 s", "bert-mini: 4 trials, 40 s"]
    assert [[line.get("class") for line in group.iter("path")] for group in groups] == [["band", "path"]] * 2


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_a_curve_at_an_end_of_the_scores_range_is_drawn_there(tmp_path, score):
    add_tuned(tmp_path, best=0)
    add_trials(tmp_path, scores=(score,) * 4)
    (alone,) = compare(tmp_path).tasks
    assert tuning_curves(alone, {"bert-mini": "c0"}) is not None
    add_tuned(tmp_path, "scratch", best=0)
    add_trials(tmp_path, "scratch", scores=(0.6,) * 4)
    chart = tuning_curves(compare(tmp_path).tasks[0], {"bert-mini": "c0", "scratch": "c1"})
    lines = [path.get("d") for path in ElementTree.fromstring(chart).iter("path") if path.get("class") == "path"]
    at_end, inside = ({float(point.split(",")[1]) for point in re.split("[ML]", line)[1:]} for line in lines)
    assert len(at_end) == len(inside) == 1
    assert abs(at_end.pop() - inside.pop()) > 50  # Of the 226 units from end to end.


def test_one_trial_makes_no_chart(tmp_path):
    add_tuned(tmp_path, best=0, trials=1)
    add_trials(tmp_path, scores=(0.8,))
    comparison = compare(tmp_path)
    assert tuning_curves(comparison.tasks[0], HTML.colour_classes(comparison)) is None
    (chosen,) = tuning_tables(comparison.tasks[0])
    assert [chosen.rows[0][1].text, chosen.rows[0][-1].text] == ["1", "–"]


def test_what_has_no_curve_is_shown_without(tmp_path):
    add_tuned(tmp_path, sampler="tpe")
    add_trials(tmp_path)
    comparison = compare(tmp_path)
    assert tuning_curves(comparison.tasks[0], HTML.colour_classes(comparison)) is None
    assert len(tuning_tables(comparison.tasks[0])) == 1
    assert "Best of 2" not in FORMATS.load("html")(comparison)


def test_a_file_has_a_row_per_trial(runs, command):
    result = command("report", runs, "--output", "report.html", "--trials", "out/trials.csv")
    assert result.code == 0, result.errors
    rows = list(csv.DictReader(io.StringIO(Path("out/trials.csv").read_text())))
    assert len(rows) == 8
    assert rows[0]["model"] == "'=xl"
    assert [row["trial"] for row in rows if row["is_best"] == "True"] == ["1", "1"]
    assert (rows[7]["status"], rows[7]["validation_score"], float(rows[7]["learning_rate"])) == ("failed", "", 1e-05)


def test_a_file_of_trials_is_refused_where_there_are_none(tmp_path, command):
    add_runs(tmp_path / "runs", "scratch", 0.7)
    result = command("report", "runs", "--trials", "trials.csv")
    assert (result.code, result.lines) == (
        2,
        ["trials.csv: not written, because no model was tuned in runs. Leave --trials out."],
    )


def test_trials_are_rows_from_python(runs):
    rows = harness.compare(runs).rows("trials")
    assert len(rows) == 8
    assert rows[5]["model"] == "bert-mini"
    assert (rows[5]["trial"], rows[5]["validation_score"], rows[5]["is_best"]) == (1, 0.8, True)
    assert rows[5]["learning_rate"] == 0.001
