"""`harness calibrate` tries a user's own numbers, those of recorded runs, or the standard grid."""

import re

import numpy as np
import pytest
from synthetic_runs import LABELS, add_runs, card, predictions, record, save

from harness.calibration import grid
from harness.calibration.recorded import recorded_numbers
from harness.calibration.setting import SMALL, Setting


@pytest.mark.slow
def test_it_shows_what_was_found_beside_what_is_promised(command):
    shown = command("calibrate", "--seeds", "3", "--examples", "60", "--luck", "5", "--score", "70", "--repeats", "20")
    assert shown.code == 0, shown.errors
    said = " ".join(shown.output.split())
    assert re.search(r"accuracy around (69|70|71)\.", said)
    assert "3 seeds, 60 test examples;" in said
    for line in (
        "Two equally good models told apart",
        "3 to 6.5 %",
        "93 to 97 %",
        "at most 6.5 %",
        "Welch t over seeds",
    ):
        assert line in said
    assert "McNemar" in said


@pytest.mark.slow
def test_groups_are_shown_and_tests_that_cannot_take_them_left_out(command):
    shown = command("calibrate", "--examples", "60", "--groups", "zipf:6", "--metric", "qa_f1", "--repeats", "20")
    assert shown.code == 0, shown.errors
    assert "in 6 groups" in " ".join(shown.output.split())
    assert "McNemar" not in shown.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--metric", "acuracy"], "no such metric. Did you mean accuracy?"),
        (["--metric", "evaluate:wer"], "no simulation for this metric"),
        (["--groups", "5000"], "--groups: must be a number from 2 to 1,000"),
        (["--seeds", "1"], "--seeds"),
        (["--repeats", "1"], "--repeats"),
        (["--markdown", "page.md"], "--markdown page.md: is for the standard grid. Add --grid."),
        (["--grid", "--seeds", "3"], "--grid: brings its own settings (got --seeds)."),
        (["nowhere"], "nowhere: no records of runs there."),
    ],
)
def test_a_wrong_option_is_named(command, words, said):
    shown = command("calibrate", *words)
    assert shown.code == 2
    assert said in " ".join(shown.errors.split())


@pytest.mark.slow
def test_recorded_runs_give_their_numbers(command, tmp_path):
    add_runs(tmp_path / "runs", "bert-mini", 0.8)
    add_runs(tmp_path / "runs", "scratch", 0.7)
    add_runs(tmp_path / "runs", "single", 0.9, range(1))
    add_runs(tmp_path / "runs", "majority", 0.5, range(1), family="majority")
    numbers = recorded_numbers(tmp_path / "runs")["rotten_tomatoes"]
    assert (numbers.metric, numbers.seeds, numbers.examples, numbers.sizes) == ("accuracy", 3, 400, None)
    assert numbers.score == pytest.approx(0.75, abs=0.04)
    assert 0 <= numbers.spread < 0.03
    shown = command("calibrate", str(tmp_path / "runs"), "--repeats", "20", "--examples", "50")
    assert shown.code == 0, shown.errors
    said = " ".join(shown.output.split())
    assert "rotten_tomatoes: accuracy around" in said
    assert "3 seeds, 50 test examples" in said


@pytest.mark.slow
def test_the_groups_of_recorded_runs_stay_for_another_number_of_examples(command, tmp_path):
    groups = ["a"] * 20 + ["b"] * 20 + ["c"] * 20
    for seed in range(3):
        predicted = [LABELS[(number + (number % 7 == seed)) % 2] for number in range(60)]
        rows = predictions([LABELS[number % 2] for number in range(60)], predicted, groups)
        save(tmp_path / "runs", record(seed=seed), rows)
    shown = command("calibrate", str(tmp_path / "runs"), "--repeats", "20", "--examples", "90")
    assert shown.code == 0, shown.errors
    assert "90 test examples in 3 groups" in " ".join(shown.output.split())


def test_the_groups_of_recorded_runs_are_theirs_and_so_is_the_spread_of_their_seeds(tmp_path):
    groups = ["a"] * 50 + ["b"] * 30 + ["c"] * 20
    rng = np.random.default_rng(0)
    references = [LABELS[number % 2] for number in range(100)]
    for seed, wrong in enumerate((0.1, 0.3, 0.5)):
        flipped = rng.random(100) < wrong
        predicted = [LABELS[number % 2 ^ int(flip)] for number, flip in enumerate(flipped)]
        save(tmp_path, record(seed=seed, task_card=card("macro_f1")), predictions(references, predicted, groups))
    (numbers,) = recorded_numbers(tmp_path).values()
    assert (numbers.metric, numbers.seeds) == ("macro_f1", 3)
    assert sorted(numbers.sizes) == [20, 30, 50]
    assert numbers.spread == pytest.approx(0.2, abs=0.06)


def test_runs_without_seeds_say_what_to_give(command, tmp_path):
    add_runs(tmp_path / "runs", "bert-mini", 0.8, range(1))
    shown = command("calibrate", str(tmp_path / "runs"))
    assert shown.code == 2
    assert "no model there has two seeds with a score" in shown.errors


@pytest.mark.slow
def test_the_grid_is_shown_and_written(command, tmp_path, monkeypatch):
    cases = {"small, 3": grid.Case(Setting("accuracy", 3, 50, SMALL), rivals=True)}
    small = [grid.Section("Some metrics", "Of few examples.", {"accuracy": cases}, grid.both)]
    monkeypatch.setattr(grid, "sections", lambda: small)
    shown = command("calibrate", "--grid", "--repeats", "20", "--markdown", str(tmp_path / "page.md"))
    assert shown.code == 0, shown.errors
    assert "Some metrics" in shown.output
    text = (tmp_path / "page.md").read_text()
    assert text.startswith("# Calibration\n")
    assert "## Some metrics" in text
    assert "on 20 draws per" in text
