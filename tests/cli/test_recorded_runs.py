"""`harness runs`: what is on record is listed, shown, removed and brought together."""

import io
import json
import math
from pathlib import Path

import pytest
from synthetic_runs import add_runs, add_two_tasks, record, save

from harness.runs.claim import claimed
from harness.trial import Trial


@pytest.fixture
def runs(tmp_path):
    add_two_tasks(tmp_path / "runs")
    return tmp_path / "runs"


def every_record(folder):
    return sorted(str(file.parent.relative_to(folder)) for file in folder.rglob("run.json"))


@pytest.mark.slow
def test_runs_are_listed_for_people_and_for_programs(command, runs):
    output = command("runs", "ls", runs).output
    assert "xlnet-mini" in output
    assert f"{len(every_record(runs))} runs," in output
    rows = json.loads(command("runs", "ls", runs, "--json").output)
    assert sorted(str(Path(row["folder"]).relative_to(runs)) for row in rows) == every_record(runs)
    (diverged,) = [row for row in rows if row["status"] == "diverged"]
    assert (diverged["model"], diverged["seed"], diverged["score"]) == ("xlnet-mini", 1, None)


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_none_in_json(command, tmp_path, score):
    scores = {"validation": {"accuracy": score}, "test": {"accuracy": score}}
    save(tmp_path / "runs", record(scores=scores), None)
    output = command("runs", "ls", tmp_path / "runs", "--json").output
    (row,) = json.loads(output, parse_constant=pytest.fail)  # NaN and Infinity are not JSON.
    assert row["score"] is None
    assert "nan" not in command("runs", "ls", tmp_path / "runs").output


@pytest.mark.slow
def test_a_damaged_record_is_told_beside_the_others(command, runs):
    (file,) = runs.rglob("boolq/scratch/seed-0/run.json")
    file.write_text(file.read_text()[:100])
    found = command("runs", "ls", runs)
    assert found.code == 2
    assert str(file) in found.errors
    assert "bert-mini" in found.output


@pytest.mark.slow
def test_a_run_is_shown(command, runs):
    folder = runs / "reviews/rotten_tomatoes/bert-mini/seed-0"
    output = command("runs", "show", folder).output
    assert output.startswith("reviews · rotten_tomatoes · bert-mini · seed 0: complete")
    assert json.loads(command("runs", "show", folder, "--json").output)["seed"] == 0
    assert f"{runs}: no run, but a folder that holds" in command("runs", "show", runs).errors


@pytest.mark.slow
def test_runs_are_removed_with_their_empty_folders_once_the_user_agrees(command, runs, monkeypatch):
    folder = runs / "reviews/rotten_tomatoes/xlnet-mini"
    before = every_record(runs)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    refused = command("runs", "rm", folder)
    assert refused.code == 130
    assert refused.output.endswith("Nothing was removed.\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "no answer to read. Add --yes" in command("runs", "rm", folder).errors
    assert "can't ask for confirmation. Add --yes" in command("runs", "rm", folder, "--json").errors
    assert every_record(runs) == before
    removed = json.loads(command("runs", "rm", folder, "--yes", "--json").output)["removed"]
    assert sorted(Path(one) for one in removed) == sorted(folder / f"seed-{seed}" for seed in range(len(removed)))
    assert not folder.exists()
    assert every_record(runs) == [name for name in before if "xlnet-mini" not in name]
    assert "Nothing was removed" in command("runs", "rm", folder, "--yes").errors


@pytest.mark.slow
def test_a_run_that_another_command_is_at_work_on_is_not_removed(command, runs):
    folder = runs / "reviews/boolq/bert-mini/seed-0"
    with claimed(folder):
        assert "another command is running it" in command("runs", "rm", folder, "--yes").errors
    assert (folder / "run.json").is_file()


def test_another_machines_runs_are_brought_in_and_what_is_there_stays(command, tmp_path):
    here, there = tmp_path / "runs", tmp_path / "other"
    add_runs(here, "bert-mini", 0.8, range(2))
    add_runs(there, "bert-mini", 0.8, range(1, 4))
    save(here, record(model="bert-mini", seed=3, status="failed", reason="out of memory"), None)
    (there / "reviews/suite.json").write_text("{}")
    kept = (here / "reviews/rotten_tomatoes/bert-mini/seed-1/run.json").stat().st_ino
    merged = json.loads(command("runs", "merge", there, here, "--json").output)
    assert merged == {"copied": [str(here / f"reviews/rotten_tomatoes/bert-mini/seed-{n}") for n in (2, 3)], "known": 1}
    assert every_record(here) == [f"reviews/rotten_tomatoes/bert-mini/seed-{seed}" for seed in range(4)]
    assert (here / "reviews/rotten_tomatoes/bert-mini/seed-1/run.json").stat().st_ino == kept
    assert json.loads((here / "reviews/rotten_tomatoes/bert-mini/seed-3/run.json").read_text())["status"] == "complete"
    assert (here / "reviews/suite.json").read_text() == "{}"
    assert "0 runs copied" in command("runs", "merge", there, here).output


def test_a_suites_own_folder_is_brought_to_its_place(command, tmp_path):
    add_runs(tmp_path / "other", "bert-mini", 0.8, range(1))
    assert command("runs", "merge", tmp_path / "other/reviews", tmp_path / "runs").code == 0
    assert every_record(tmp_path / "runs") == ["reviews/rotten_tomatoes/bert-mini/seed-0"]


@pytest.mark.parametrize(("source", "target"), [
    ("other", "runs"), ("other/claims", "runs"), ("other/claims/reviews", "runs"),
    ("other/claims/reviews/rotten_tomatoes/bert-mini/seed-0", "runs"), ("other/claims", "runs/claims"),
])  # fmt: skip
def test_a_studys_suites_go_to_the_folder_of_the_study(command, tmp_path, source, target):
    add_runs(tmp_path / "other/claims", "bert-mini", 0.8, range(1))
    add_runs(tmp_path / "runs/claims", "minilm", 0.8, range(1))
    for name, folder in (("study", "other"), ("study", "runs"), ("overfitting", "other"), ("flexibility", "runs")):
        content = json.dumps({"study": "claims", "from": folder})
        (tmp_path / folder / f"claims/{name}.json").write_text(content)
    assert command("runs", "merge", tmp_path / source, tmp_path / target).code == 0
    assert every_record(tmp_path / "runs") == [
        f"claims/reviews/rotten_tomatoes/{model}/seed-0" for model in ("bert-mini", "minilm")
    ]
    measured = [json.loads(file.read_text())["from"] for file in sorted((tmp_path / "runs/claims").glob("*.json"))]
    assert measured == ["runs", "other", "runs"]  # What is there stays.


def test_a_study_in_a_folder_of_another_name_goes_to_its_own(command, tmp_path):
    add_runs(tmp_path / "from-elsewhere", "bert-mini", 0.8, range(1))
    (tmp_path / "from-elsewhere/study.json").write_text('{"study": "claims"}')
    assert command("runs", "merge", tmp_path / "from-elsewhere", tmp_path / "runs").code == 0
    assert every_record(tmp_path / "runs") == ["claims/reviews/rotten_tomatoes/bert-mini/seed-0"]
    assert (tmp_path / "runs/claims/study.json").is_file()


@pytest.mark.parametrize("source", ["other", "other/timings"])
def test_a_study_without_runs_is_brought_in_with_what_it_measured(command, tmp_path, source):
    (tmp_path / "other/timings").mkdir(parents=True)
    (tmp_path / "other/timings/study.json").write_text('{"study": "claims"}')
    (tmp_path / "other/timings/cost_by_length.json").write_text("{}")
    found = command("runs", "merge", tmp_path / source, tmp_path / "runs")
    assert (found.code, "0 runs copied" in found.output) == (0, True)
    assert "runs/claims/cost_by_length.json" in found.output
    assert sorted(file.name for file in (tmp_path / "runs/claims").iterdir()) == ["cost_by_length.json", "study.json"]
    assert "Also copied" not in command("runs", "merge", tmp_path / source, tmp_path / "runs").output


@pytest.mark.parametrize("name", ["../elsewhere", "..", "", "/elsewhere", "a/b", 3])
def test_a_name_that_leads_elsewhere_is_refused(command, tmp_path, name):
    add_runs(tmp_path / "other/claims", "bert-mini", 0.8, range(1))
    (tmp_path / "other/claims/study.json").write_text(json.dumps({"study": name}))
    found = command("runs", "merge", tmp_path / "other", tmp_path / "here/runs")
    assert (found.code, found.errors.count("study.json: study: must be the name of a folder")) == (2, 1)
    if name in ("../elsewhere", "..", "a/b"):
        folder = save(tmp_path / "strange", record(model="bert-mini", suite=name), None)
        found = command("runs", "merge", folder, tmp_path / "here/runs")
        assert (found.code, found.errors.count("run.json: suite: must be the name of a folder")) == (2, 1)
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    "part", ["", "rotten_tomatoes", "rotten_tomatoes/bert-mini", "rotten_tomatoes/bert-mini/seed-0"]
)
def test_a_part_of_a_suite_goes_to_the_suite_and_the_rest_of_it_stays(command, tmp_path, part):
    add_runs(tmp_path / "other", "bert-mini", 0.8, range(1))
    trial = save(tmp_path / "other", record(model="bert-mini", seed=9, trial=Trial(number=3, space="")), None)
    trial.rename(trial.with_name("trials"))  # Where no trial was ever recorded.
    add_runs(tmp_path / "runs", "minilm", 0.8, range(1))
    assert command("runs", "merge", tmp_path / "other/reviews" / part, tmp_path / "runs").code == 0
    trials = [] if part.endswith("seed-0") else ["reviews/rotten_tomatoes/bert-mini/trials/trial-003"]
    assert every_record(tmp_path / "runs") == [
        "reviews/rotten_tomatoes/bert-mini/seed-0", *trials, "reviews/rotten_tomatoes/minilm/seed-0"
    ]  # fmt: skip


def test_a_task_with_its_suites_name_keeps_its_folder(command, tmp_path):
    add_runs(tmp_path / "other", "bert-mini", 0.8, range(1), task="reviews")  # As `harness choose` names both.
    for source in ("other", "other/reviews"):
        assert command("runs", "merge", tmp_path / source, tmp_path / "runs").code == 0
        assert every_record(tmp_path / "runs") == ["reviews/reviews/bert-mini/seed-0"]


def test_runs_of_other_settings_are_refused_and_nothing_is_copied(command, tmp_path):
    here, there = tmp_path / "runs", tmp_path / "other"
    add_runs(here, "bert-mini", 0.8, range(1))
    add_runs(there, "bert-mini", 0.8, range(3), config={"training": {"epochs": 9.0}})
    before = every_record(here)
    found = command("runs", "merge", there, here)
    assert found.code == 2
    assert "already there, with other settings" in found.errors
    assert "Nothing was copied." in found.errors
    assert every_record(here) == before


def test_a_run_that_is_in_the_source_twice_must_be_the_same_both_times(command, tmp_path):
    there, here = tmp_path / "other", tmp_path / "runs"
    add_runs(there, "bert-mini", 0.8, range(1))
    add_runs(there / "backup", "bert-mini", 0.8, range(1))
    merged = json.loads(command("runs", "merge", there, here, "--json").output)
    assert (len(merged["copied"]), merged["known"]) == (1, 1)
    add_runs(there / "another", "bert-mini", 0.8, range(1), config={"training": {"epochs": 9.0}})
    found = command("runs", "merge", there, tmp_path / "elsewhere")
    assert found.code == 2
    assert "training.epochs" in found.errors
    assert "Nothing was copied." in found.errors
    assert not (tmp_path / "elsewhere").exists()


def test_a_run_that_another_command_is_running_is_not_merged_over(command, tmp_path):
    there, here = tmp_path / "other", tmp_path / "runs"
    add_runs(there, "bert-mini", 0.8, range(2))
    folder = here / "reviews/rotten_tomatoes/bert-mini/seed-1"
    with claimed(folder):
        (folder / ".partial").mkdir()
        found = command("runs", "merge", there, here)
        assert (found.code, found.errors.count("another command is running it")) == (2, 1)
        assert (folder / ".partial").is_dir()
    assert json.loads(command("runs", "merge", there, here, "--json").output)["known"] == 1
    assert every_record(here) == [f"reviews/rotten_tomatoes/bert-mini/seed-{seed}" for seed in range(2)]


def test_a_failure_does_not_replace_saved_work_and_a_result_does(command, tmp_path):
    there, here = tmp_path / "other", tmp_path / "runs"
    saved = here / "reviews/rotten_tomatoes/bert-mini/seed-0/.partial/state/step-000000005"
    saved.mkdir(parents=True)
    save(there, record(model="bert-mini", status="failed", reason="out of memory"), None)
    assert json.loads(command("runs", "merge", there, here, "--json").output)["copied"] == []
    assert saved.is_dir()
    add_runs(there / "again", "bert-mini", 0.8, range(1))
    command("runs", "merge", there, here)
    assert every_record(here) == ["reviews/rotten_tomatoes/bert-mini/seed-0"]
    assert json.loads((saved.parents[2] / "run.json").read_text())["status"] == "complete"
    assert not saved.exists()


def test_a_folder_that_is_not_there_is_told(command, tmp_path):
    for words in (("ls",), ("ls", "--json")):
        found = command("runs", *words, tmp_path / "nowhere")
        assert (found.code, found.output) == (2, "")
        assert f"{tmp_path / 'nowhere'}: no such folder." in found.errors


@pytest.mark.slow
def test_what_is_no_run_names_the_run_that_is_meant(command, runs):
    one = runs / "reviews/boolq/bert-mini/seed-0"
    told = {
        one.parent: f"no run, but a folder that holds 3. Name one, such as {one}.",
        runs / "reviews/bolq/bert-mini/seed-0": f"no such folder. Did you mean {one}?",
        one / "run.json": f"a run's record. Name its folder, {one}.",
        runs / "elsewhere": "no such folder. `harness runs ls` lists the runs.",
    }
    for given, line in told.items():
        for words in (
            ("runs", "show", given),
            ("errors", given),
            ("diff", one, given),
            ("predict", given, "--text", "a"),
        ):
            found = command(*words)
            assert (found.code, found.lines) == (2, [f"{given}: {line}"]), words


@pytest.mark.slow
def test_a_run_that_is_named_twice_is_removed_once(command, runs):
    folder = runs / "reviews/boolq/bert-mini/seed-0"
    found = command("runs", "rm", folder, folder.parent, "--yes")
    assert (found.code, found.errors) == (0, "")
    assert not folder.exists()
