"""Several folders of runs are compared as one, on the tasks that they share, or refused."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from synthetic_runs import add_runs, card, guesses, predictions, record, save

import harness
from harness.comparison.several import compare_several
from harness.comparison.tuned import tuned_models
from harness.errors import UserError
from harness.fold import Fold
from harness.suites.seeds import SeedRule
from harness.suites.suite_file import SUITE_FILE
from harness.trial import Trial, Tuning


def configured(rate=2e-5, **changes):
    return {"task": "rotten_tomatoes", "data": "d", "training": {"learning_rate": rate}, **changes}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two suites on a task: bert-mini with two recipes, a simple baseline in both, another model in each."""
    monkeypatch.chdir(tmp_path)
    for suite, rate in (("first", 2e-5), ("second", 5e-5)):
        add_runs(Path("runs"), "bert-mini", 0.6 + 2e3 * rate, suite=suite, config=configured(rate), examples=60)
        add_runs(
            Path("runs"), "majority", 0.5, range(1), suite=suite, family="majority", config=configured(), examples=60
        )
    add_runs(Path("runs"), "roberta", 0.8, suite="first", config=configured(), examples=60)
    add_runs(Path("runs"), "scratch", 0.7, suite="second", config=configured(), examples=60)
    return [Path("runs/first"), Path("runs/second")]


def state(folder, **content):
    (folder / SUITE_FILE).write_text(json.dumps({"suite": folder.name, **content}))


def refused(folders):
    with pytest.raises(UserError) as caught:
        compare_several(folders)
    return caught.value.lines


def test_models_of_two_suites_are_compared_and_one_of_other_settings_is_named_by_its_suite(runs):
    found = compare_several(runs)
    assert found.models == ("bert-mini (first)", "bert-mini (second)", "roberta", "scratch", "majority")
    (task,) = found.tasks
    assert [len(cell.scored) for cell in task.cells] == [3, 3, 3, 3, 1]
    assert (found.baseline, found.problems, found.warnings) == ("scratch", (), ())
    second = task.cells[1].from_baseline
    alone = harness.compare(runs[1]).results.tasks[0].cells[0].from_baseline
    assert second.estimate.value == alone.estimate.value  # The same predictions on the same examples.
    assert second.adjusted_p is not None


def test_seeds_of_one_recipe_in_two_folders_are_one_models(tmp_path):
    for folder, seeds in (("here", range(2)), ("there", range(1, 4))):
        add_runs(tmp_path / folder, "bert-mini", 0.8, seeds, config=configured(), examples=60)
    found = compare_several([tmp_path / "here", tmp_path / "there"])
    (cell,) = found.tasks[0].cells
    assert [run.record.seed for run in cell.scored] == [0, 1, 2, 3]
    (problem,) = found.problems
    assert problem.startswith("rotten_tomatoes/bert-mini, seed 1: in")


def test_a_folder_that_is_named_twice_or_within_another_is_told(runs):
    assert compare_several([runs[0], runs[0]]).models == ("bert-mini", "roberta", "majority")
    (line,) = refused([runs[0], runs[0] / "rotten_tomatoes"])
    assert "all its runs are in a folder that is named before it" in line


def test_suites_of_one_name_are_told_apart_by_their_folders(runs):
    folder = runs[0].rename("runs/other")
    for file in folder.rglob("run.json"):
        content = {key: value for key, value in json.loads(file.read_text()).items() if key != "sha256"}
        file.write_text(json.dumps({**content, "suite": "second"}))
    found = compare_several([folder, runs[1]])
    assert found.models[:2] == ("bert-mini (runs/other)", "bert-mini (runs/second)")


@pytest.mark.slow
def test_what_both_suites_state_holds_for_both(runs):
    for folder in runs:
        state(folder, baseline="majority", margin=1.0)
    found = compare_several(runs)
    assert (found.baseline, found.margins.points) == ("majority", 1.0)
    state(runs[1], baseline="scratch", margin=2.0)
    found = compare_several(runs)
    assert (found.baseline, found.margins) == ("scratch", None)


def test_tasks_of_one_folder_are_left_out_and_without_a_common_one_it_is_refused(runs):
    add_runs(Path("runs"), "bert-mini", 0.8, suite="first", task="boolq", config=configured(), examples=60)
    found = compare_several(runs)
    assert [task.task for task in found.tasks] == ["rotten_tomatoes"]
    assert found.problems == ("boolq: only in runs/first, so it is left out.",)
    (line,) = refused([runs[0] / "boolq", runs[1]])
    assert "no two have a task in common (runs/first/boolq: boolq; runs/second: rotten_tomatoes)" in line


@pytest.mark.parametrize(("changes", "named"), [
    ({"config": configured(data="changed")}, "data"),
    ({"task_card": card("macro_f1")}, "main metric"),
    ({"task_card": card().model_copy(update={"labels": ("no", "yes")})}, "labels"),
    ({"fold": Fold(number=1, of=5)}, "number of folds"),
])  # fmt: skip
def test_runs_that_cannot_be_compared_are_refused(tmp_path, changes, named):
    for suite, changed in (("first", {}), ("second", changes)):
        rows = predictions(*guesses(0.8, 0, 40))
        settings = {"suite": suite, "config": configured(), "scores": {"test": {"accuracy": 0.8}}, **changed}
        save(tmp_path, record(**settings), rows)
    (line,) = refused([tmp_path / "first", tmp_path / "second"])
    assert line.startswith("rotten_tomatoes: ")
    assert line.endswith(f"differ in {named}. Compare each of them alone.")


def test_a_suite_that_adds_seeds_until_decided_is_refused(runs):
    state(runs[1], sequential=asdict(SeedRule((0, 1, 2), (3,), (0.05,))))
    (line,) = refused(runs)
    assert line.startswith("runs/second: seeds are added until its own comparisons are decided")


def test_trials_are_found_under_the_name_with_the_suite(runs):
    tuning = Tuning(trials=1, best=0, space="")
    trial = record(suite="first", trial=Trial(number=0, space=""), scores={"validation": {"accuracy": 0.7}})
    save(Path("tried"), trial, None).rename(runs[0] / "rotten_tomatoes/bert-mini/trials")
    seed = trial.model_copy(update={"model": "bert-mini (first)", "trial": None, "tuning": tuning})
    (found,) = tuned_models([(runs[0] / "rotten_tomatoes/bert-mini/seed-0", seed)], card())
    assert (found.model, len(found.trials)) == ("bert-mini (first)", 1)


@pytest.mark.slow
def test_the_command_line_and_python_take_several_folders(command, runs):
    shown = command("compare", *runs)
    assert "bert-mini (second)" in shown.output
    assert list(harness.compare(list(map(str, runs))).models) == list(compare_several(runs).models)
    assert "Add --output FILE" in command("report", *runs).errors
    assert command("report", *runs, "--output", "both.html").code == 0
    assert "harness report runs/first runs/second --format html" in Path("both.html").read_text()
