"""A comparison from Python: tidy tables that say what the report says, in a notebook, a terminal or a file."""

import csv
import io
import json
import math
import shutil
import sys
from html import escape

import pytest
from synthetic_runs import add_runs, record, save

import harness
from harness.registry import FORMATS


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with a winner, a loser, a simple baseline, a failed seed, and a second task; to be read."""
    folder = tmp_path_factory.mktemp("comparing") / "runs"
    add_runs(folder, "bert-mini", 0.82)
    add_runs(folder, "scratch", 0.70, family="scratch")
    add_runs(folder, "tfidf", 0.72, range(1), family="tfidf")
    save(folder, record(model="bert-mini", seed=3, status="failed", reason="out of memory"), None)
    add_runs(folder, "bert-mini", 0.66, task="boolq")
    return folder


@pytest.fixture(scope="module")
def comparison(runs):
    """Against the model from scratch, by default; frozen, so that no test changes it."""
    return harness.compare(runs)


def test_scores_are_one_row_per_model_task_seed_and_metric(comparison):
    frame = comparison.to_pandas()
    assert not frame.duplicated(["task", "model", "seed", "metric"]).any()
    one = frame[(frame["task"] == "rotten_tomatoes") & (frame["model"] == "bert-mini")]
    assert list(one["seed"]) == [0, 1, 2, 3]
    assert list(one["status"]) == ["complete"] * 3 + ["failed"]
    assert list(one["score"].isna()) == [False] * 3 + [True]
    assert frame["is_main_metric"].all()
    assert set(frame[frame["is_simple_baseline"]]["model"]) == {"tfidf"}


def test_every_recorded_metric_has_a_row_and_the_main_one_is_recomputed(tmp_path):
    add_runs(tmp_path, "bert-mini", 0.8, range(1))
    file = tmp_path / "reviews/rotten_tomatoes/bert-mini/seed-0/run.json"
    content = json.loads(file.read_text())
    del content["sha256"]
    right = content["scores"]["test"]["accuracy"]
    content["scores"]["test"] |= {"accuracy": 0.1, "macro_f1": 0.75}
    file.write_text(json.dumps(content))
    rows = harness.compare(tmp_path).rows()
    assert [(row["metric"], row["is_main_metric"], row["score"]) for row in rows] == [
        ("accuracy", True, right),
        ("macro_f1", False, 0.75),
    ]


def test_differences_and_means_are_those_of_the_csv_report(comparison):
    report = list(csv.DictReader(io.StringIO(FORMATS.load("csv")(comparison.results))))
    told = {(row["task"], row["model"]): row for row in report}
    differences = comparison.rows("differences")
    assert {(row["model"], row["against"], row["role"]) for row in differences} == {
        ("bert-mini", "scratch", "baseline"),
        ("tfidf", "scratch", "baseline"),
        ("bert-mini", "tfidf", "simple baseline"),
        ("scratch", "tfidf", "simple baseline"),
    }
    for row in differences:
        prefix = "baseline" if row["role"] == "baseline" else "simple_baseline"
        same = told[row["task"], row["model"]]
        assert row["difference"] == float(same[f"difference_from_{prefix}"])
        assert (row["low"], row["high"]) == tuple(
            float(same[f"difference_from_{prefix}_{end}"]) for end in ("low", "high")
        )
        assert row["adjusted_p"] == float(same[f"difference_from_{prefix}_adjusted_p"])
    means = comparison.rows("means")
    assert len(means) == 4
    for row in means:
        same = told[row["task"], row["model"]]
        assert (row["mean"], row["low"], row["high"]) == tuple(float(same[name]) for name in ("mean", "low", "high"))
        assert (row["seeds"], row["examples"]) == (int(same["seeds"]), int(same["examples"]))


def test_a_difference_is_the_models_mean_less_the_others(comparison):
    means = comparison.to_pandas("means").set_index(["task", "model"])["mean"]
    (row,) = [row for row in comparison.rows("differences") if (row["model"], row["role"]) == ("bert-mini", "baseline")]
    expected = means["rotten_tomatoes", "bert-mini"] - means["rotten_tomatoes", "scratch"]
    assert math.isclose(row["difference"], expected)
    assert row["reading"] == "better"


def test_a_simple_baseline_that_is_the_baseline_is_compared_with_once(runs):
    differences = harness.compare(runs, baseline="tfidf").rows("differences")
    assert [(row["model"], row["role"]) for row in differences] == [("bert-mini", "baseline"), ("scratch", "baseline")]


def test_an_interval_ends_where_the_metric_does(tmp_path):
    add_runs(tmp_path, "bert-mini", 0.9, range(1), examples=10)
    (row,) = harness.compare(tmp_path).rows("means")
    assert 0 < row["low"] < 0.8 == row["mean"] < row["high"] < 1
    add_runs(tmp_path / "all", "bert-mini", 1.0, range(1), examples=10)
    (row,) = harness.compare(tmp_path / "all").rows("means")
    assert 0.5 < row["low"] < 1 == row["mean"] == row["high"]


def test_a_table_without_rows_still_has_its_columns(runs):
    alone = harness.compare([run for run in harness.load_runs(runs) if run.task == "boolq"])
    frame = alone.to_pandas("differences")
    assert len(frame) == 0
    assert {"model", "against", "difference", "low", "high", "adjusted_p"} <= set(frame.columns)


def test_another_table_is_refused(comparison):
    with pytest.raises(harness.UserError, match=r"'diferences': no such table .* Did you mean differences\?"):
        comparison.to_pandas("diferences")


def test_without_pandas_the_rows_are_still_there(comparison, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(harness.UserError, match=r"to_pandas: pandas is not installed\. pip install pandas"):
        comparison.to_pandas()
    assert len(comparison.rows("means")) == 4


def test_a_folder_and_its_runs_compare_alike(runs, comparison):
    listed = harness.compare(harness.load_runs(runs))
    for what in ("scores", "means", "differences"):
        assert listed.rows(what) == comparison.rows(what)
    assert listed.results.runs == str(runs / "reviews")


@pytest.mark.slow
def test_the_baseline_is_the_callers_or_the_suites_or_the_model_from_scratch(runs, tmp_path):
    runs = shutil.copytree(runs, tmp_path / "runs")
    assert harness.compare(runs).baseline == "scratch"
    (runs / "suite.json").write_text('{"baseline": "tfidf"}')
    assert harness.compare(runs).baseline == "tfidf"
    assert harness.compare(runs, baseline="bert-mini").baseline == "bert-mini"


@pytest.mark.slow
def test_mistakes_are_told_in_the_command_lines_words(command, runs):
    for arguments, words in (
        ({"runs": "nowhere"}, ["nowhere"]),
        ({"runs": runs, "baseline": "brt"}, [runs, "--baseline", "brt"]),
    ):
        with pytest.raises(harness.UserError) as caught:
            harness.compare(**arguments)
        assert list(caught.value.lines) == command("compare", *words).lines
    with pytest.raises(harness.UserError, match="compare: no runs"):
        harness.compare([])
    with pytest.raises(harness.UserError, match=r"compare: not a run \(got None\)"):
        harness.compare(None)


@pytest.mark.slow
def test_it_prints_what_the_command_prints(command, comparison, runs):
    assert str(comparison) == command("compare", runs).output
    assert repr(comparison) == "Comparison(bert-mini, scratch, tfidf on boolq, rotten_tomatoes, against scratch)"


def test_a_notebook_prints_what_a_terminal_does(comparison, monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert "Model" in str(comparison)  # Rich would display it instead, and return nothing.


def test_a_notebook_shows_every_table_and_conclusion(comparison):
    from harness.comparison.conclusions import beside_tables
    from harness.comparison.recommendation import recommended
    from harness.reporting import tables

    shown = comparison._repr_html_()
    expected = [
        tables.scores(comparison.results),
        *(t for task in comparison.results.tasks for t in tables.of_task(task)),
    ]
    assert shown.count("<table>") == len(expected) >= 4
    assert all(entry.text in shown for table in expected for row in table.rows for entry in row)
    task = comparison.results.tasks[1]
    assert beside_tables(task)
    assert all(escape(line) in shown for line in (recommended(task).advice, *beside_tables(task)))
    assert "out of memory" in shown


def test_no_name_acts_on_the_page_of_a_notebook(tmp_path):
    hostile = "<script>alert(1)</script>"
    add_runs(tmp_path, "bert-mini", 0.8, range(1), task="a&b<i>")
    save(tmp_path, record(model="x", seed=1, status="failed", reason=hostile), None)
    shown = harness.compare(tmp_path)._repr_html_()
    assert "<script>" not in shown
    assert "<i>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "a&amp;b&lt;i&gt;" in shown


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("ending", "format_"), [("html", "html"), ("md", "markdown"), ("tex", "latex"), ("csv", "csv")]
)
def test_it_is_saved_in_the_format_that_the_ending_asks_for(comparison, tmp_path, ending, format_):
    written = comparison.save(tmp_path / "tables" / f"report.{ending}")
    assert written.read_text(encoding="utf-8") == FORMATS.load(format_)(comparison.results)


def test_every_registered_format_can_be_saved():
    from harness.reporting.files import ending_of, format_of

    endings = {ending_of(name): name for name in FORMATS.names()}
    assert len(endings) == len(FORMATS.names()) >= 4
    from pathlib import Path

    assert {format_of(Path(f"report{ending}")) for ending in endings} == set(FORMATS.names())


@pytest.mark.slow_but_first
@pytest.mark.parametrize(("name", "got"), [("report.pdf", "'.pdf'"), ("report", "none")])
def test_an_ending_of_no_format_is_refused_before_anything_is_written(comparison, tmp_path, name, got):
    with pytest.raises(harness.UserError, match=f"no report format has this ending \\(got {got}\\). Use .csv, .html"):
        comparison.save(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_one_run_is_compared_alone_and_what_is_no_run_is_told(runs):
    first, *_ = harness.load_runs(runs)
    assert harness.compare(first).models == (first.model,)
    assert harness.compare(iter([first])).models == (first.model,)
    with pytest.raises(harness.UserError, match=r"compare: not a run \(got 3\)"):
        harness.compare(3)
    for call in (harness.evaluate, lambda given: harness.predict(given, ["x"])):
        with pytest.raises(harness.UserError, match=r"run: must be one run, or its folder \(got \["):
            call([first])
