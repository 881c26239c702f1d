"""Cross-validation of own data: a run for each fold, from the plan to the comparison."""

import json
import shutil
from pathlib import Path

import pytest
from command_line import read_record, reviews, write_csv
from pyarrow import parquet

import harness

SUITE = """
tasks    = ["mine"]
models   = ["tfidf", "majority"]
baseline = "majority"
[data.mine]
train = "reviews.csv"
folds = 3
"""
MODEL = Path("runs/tiny/mine/tfidf")
ROWS = 40


@pytest.fixture
def suite(command):
    """A suite of simple baselines on forty rows in three folds."""
    write_csv(Path("reviews.csv"), reviews(ROWS))
    Path("tiny.toml").write_text(SUITE)
    return "tiny.toml"


def rows_tested(folder: Path):
    """The ids of a run's test rows."""
    return parquet.read_table(folder / "predictions.parquet", columns=["id"])["id"].to_pylist()


@pytest.mark.slow
def test_every_row_is_a_test_row_once_and_the_comparison_says_so(command, suite):
    plan = command("plan", suite).output.splitlines()
    assert plan[1].split()[:6] == ["mine", "tfidf", "0", "×", "3", "folds"]
    assert "6 new" in plan
    result = command("run", suite)
    assert result.code == 0, result.output + result.errors
    assert "mine · tfidf · seed 0, fold 2 of 3" in result.output
    found = [row for number in range(1, 4) for row in rows_tested(MODEL / f"seed-0-fold-{number}")]
    assert sorted(found) == sorted(f"train-{number}" for number in range(1, ROWS + 1))
    assert "3-fold cross-validation: 40 rows, each a test row once" in " ".join(
        command("compare", "runs/tiny").output.split()
    )
    assert command("plan", suite).output.splitlines()[-1] == "6 complete"


@pytest.mark.slow
def test_only_the_folds_that_are_missing_are_run_again(command, suite):
    command("run", suite, "--only", "majority")
    assert "0, fold 3 of 3" in command("runs", "ls").output
    command("runs", "rm", MODEL.with_name("majority") / "seed-0-fold-3", "--yes")
    assert "seed 0: fold 3 of 3: not run" in " ".join(command("compare", "runs/tiny").output.split())
    result = command("run", suite, "--only", "majority")
    assert "2 of 3 runs are recorded already and are skipped." in result.output
    assert [line.split("  ")[0] for line in result.output.splitlines() if "✓" in line] == [
        "✓ mine · majority · seed 0, fold 3 of 3"
    ]


@pytest.mark.slow
def test_another_number_of_folds_is_another_configuration(command, suite):
    command("run", suite, "--only", "majority")
    Path(suite).write_text(SUITE.replace("folds = 3", "folds = 5"))
    result = command("run", suite)
    assert result.code == 2
    assert any("local.folds: recorded 3, wanted 5" in line for line in result.lines)


@pytest.mark.slow
def test_a_folds_checkpoint_predicts_and_is_scored_as_any_runs(command, suite):
    command("run", suite, "--only", "tfidf")
    fold = MODEL / "seed-0-fold-2"
    assert harness.evaluate(fold, split="test") == pytest.approx(read_record(fold)["scores"]["test"])
    result = command("predict", fold, "--text", "film number 3 was superb")
    assert (result.code, "good" in result.output) == (0, True)


@pytest.mark.slow
def test_a_file_from_the_command_line_is_dealt_too(command):
    write_csv(Path("reviews.csv"), reviews(ROWS))
    result = command("run", "--train", "reviews.csv", "--model", "majority", "--folds", 3)
    assert result.code == 0, result.errors
    (model,) = Path("runs/single").glob("reviews-*-3-folds/majority")
    assert f"Records in {model}." in result.output
    assert sorted(folder.name for folder in model.iterdir()) == ["seed-0-fold-1", "seed-0-fold-2", "seed-0-fold-3"]
    assert json.loads((model / "seed-0-fold-1/run.json").read_text())["fold"] == {"number": 1, "of": 3}
    whole = command("run", "--train", "reviews.csv", "--model", "majority")
    assert whole.code == 0
    assert len(list(Path("runs/single").iterdir())) == 2


@pytest.mark.slow
def test_python_has_them_as_well(command):
    write_csv(Path("reviews.csv"), reviews(ROWS))
    runs = harness.finetune(
        model=["majority", "tfidf"], data={"train": "reviews.csv", "folds": 3}, seeds=(0, 1), progress=False
    )
    assert [(run.model, run.seed, run.fold) for run in runs] == [
        (model, 0, fold) for fold in (1, 2, 3) for model in ("majority", "tfidf")
    ]
    (first, second) = harness.compare(runs).rows("means")
    assert (first["folds"], first["examples"], second["examples"]) == (3, ROWS, ROWS)


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--train", "reviews.csv", "--test", "reviews.csv", "--folds", "3"],
            "--folds: each row of train is a test row once",
        ),
        (["--test", "reviews.csv", "--folds", "3"], "--folds: each row of train is a test row once"),
        (["--train", "reviews.csv", "--folds", "1"], "--folds: must be greater than or equal to 2 (got 1)"),
        (["--train", "reviews.csv", "--folds", "101"], "--folds: must be less than or equal to 100 (got 101)"),
        (["--train", "whole", "--folds", "3"], "folds: whole has a test split"),
        (["--task", "boolq", "--folds", "3"], "--folds can't be used with --task"),
    ],
)
def test_what_folds_can_not_stand_beside_is_told(command, words, told):
    write_csv(Path("reviews.csv"), reviews(ROWS))
    Path("whole").mkdir()
    write_csv(Path("whole/train.csv"), reviews(ROWS))
    write_csv(Path("whole/test.csv"), reviews(10, start=100))
    result = command("run", "--model", "majority", *words)
    assert result.code == 2
    assert told in result.errors


def test_a_suite_with_folds_and_a_test_file_is_told(command, suite):
    Path(suite).write_text(SUITE + 'test = "reviews.csv"\n')
    result = command("plan", suite)
    assert (result.code, len(result.lines)) == (2, 1)
    assert result.lines[0].startswith("tiny.toml: data.mine.folds: each row of train is a test row once")


@pytest.mark.slow
def test_a_model_of_two_seeds_is_trained_on_each_fold_by_workers(command, suite, checkpoints):
    shutil.copytree(checkpoints["bert"], "bert")
    content = SUITE.replace('"tfidf", ', '"bert/", ')
    Path(suite).write_text(f"seeds = [0, 1]\n{content}[training]\nmaximum_steps = 2\nevaluations_per_epoch = 1\n")
    result = command("run", suite, "--workers", "2")
    assert result.code == 0, result.output + result.errors
    model = Path("runs/tiny/mine/bert")
    assert len(list(model.glob("seed-[01]-fold-[123]/checkpoint/model.safetensors"))) == 6
    rows = harness.compare("runs/tiny").rows("means")
    assert {(row["model"], row["seeds"], row["examples"]) for row in rows} == {
        ("bert/", 2, ROWS),
        ("majority", 1, ROWS),
    }
    assert harness.compare("runs/tiny").results.warnings == ()
