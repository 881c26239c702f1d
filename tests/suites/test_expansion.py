"""The runs of a suite: which there are, and with which recipe."""

import json
from pathlib import Path

import pytest

from harness.checksums import with_digest
from harness.config.margin import Margins
from harness.errors import UserError
from harness.registry import BUILT_IN
from harness.suites.expansion import planned_runs
from harness.suites.suite import read_suite
from harness.suites.suite_file import SUITE_FILE, Stated, stated, write_suite

SUITE = """
tasks = ["rotten_tomatoes", "boolq"]
models = ["scratch", "xlnet-random", "majority"]
seeds = [0, 1]
[training]
epochs = 1
max_length = 96
[training_on.boolq]
max_length = 128
epochs = 2
[training_for.scratch]
epochs = 3
"""


@pytest.fixture
def runs(tmp_path: Path):
    file = tmp_path / "two.toml"
    file.write_text(SUITE)
    return {
        (run.config.task, run.model, run.config.seed): run.config.training
        for run in planned_runs(read_suite(file), tmp_path / "runs")
    }


def test_each_task_has_its_own_recipe_and_a_models_own_goes_before_it(runs):
    windows = {key[:2]: (recipe.max_length, recipe.epochs) for key, recipe in runs.items() if key[1] != "majority"}
    assert windows == {
        ("rotten_tomatoes", "scratch"): (96, 3),
        ("rotten_tomatoes", "xlnet-random"): (96, 1),
        ("boolq", "scratch"): (128, 3),
        ("boolq", "xlnet-random"): (128, 2),
    }


def test_a_simple_baseline_runs_once_whatever_the_number_of_seeds(runs):
    assert [key for key in runs if key[1] == "majority"] == [
        ("rotten_tomatoes", "majority", 0),
        ("boolq", "majority", 0),
    ]


SHIPPED = sorted((BUILT_IN / "configs/suites").glob("*.toml"))


def test_suites_are_shipped():
    assert [file.stem for file in SHIPPED if file.stem == "demo"] == ["demo"]


@pytest.mark.slow
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_suite_has_no_mistake(file, tmp_path):
    suite = read_suite(file)
    runs = planned_runs(suite, tmp_path)
    assert {run.config.task.partition("@")[0] for run in runs} == set(suite.tasks)
    assert {run.model for run in runs} == set(suite.models)


def test_what_a_suite_states_is_found_beside_its_runs(tmp_path: Path):
    file = tmp_path / "two.toml"
    file.write_text('description = "Which one?"\nbaseline = "scratch"\n' + SUITE)
    folder = write_suite(read_suite(file), tmp_path / "runs")
    assert (stated(folder, {"two"}).baseline, stated(folder, {"two"}).description) == ("scratch", "Which one?")
    (folder / SUITE_FILE).write_text('{"baseline": null}')  # as written before descriptions were kept
    assert stated(folder, {"two"}) == stated(tmp_path, {"two"}) == Stated()


def test_what_another_suite_left_is_not_taken_for_this_ones(tmp_path: Path):
    file = tmp_path / "one.toml"
    file.write_text('baseline = "scratch"\n' + SUITE)
    left = write_suite(read_suite(file), tmp_path / "runs") / SUITE_FILE
    with pytest.raises(UserError, match="left by the suite 'one', not by two"):
        stated(left.parent, {"two"})
    left.write_text(json.dumps(with_digest({"suite": "two", "status": "complete"})))
    with pytest.raises(UserError, match="status: not as a suite writes it"):
        stated(left.parent, {"two"})


@pytest.mark.parametrize(
    ("line", "margins"),
    [
        ("", None),
        ("margin = 1.0\n", Margins(points=1.0)),
        ("margin = { rotten_tomatoes = 2 }\n", Margins(by_task={"rotten_tomatoes": 2.0})),
    ],
)
def test_a_suites_margin_is_found_beside_its_runs(tmp_path: Path, line: str, margins: Margins | None):
    file = tmp_path / "two.toml"
    file.write_text(line + SUITE)
    folder = write_suite(read_suite(file), tmp_path / "runs")
    assert stated(folder, {"two"}).margin == margins
    assert ("margin" in (folder / SUITE_FILE).read_text()) == (margins is not None)
    assert stated(tmp_path, {"two"}).margin is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("margin = -1", "margin: must be a number above 0, or a table with one for each task (got -1)."),
        ("margin = {}", "margin: must be a number above 0, or a table with one for each task (got {})."),
        (
            'margin = { boolq = "1" }',
            "margin: must be a number above 0, or a table with one for each task (got {'boolq': '1'}).",
        ),
        ("margin = { bolq = 1 }", "margin: 'bolq' is not among this suite's tasks. Did you mean boolq?"),
    ],
)
def test_what_is_no_margin_is_refused(tmp_path: Path, line: str, said: str):
    file = tmp_path / "two.toml"
    file.write_text(line + "\n" + SUITE)
    with pytest.raises(UserError) as caught:
        read_suite(file)
    assert list(caught.value.lines) == [f"{file}: {said}"]
