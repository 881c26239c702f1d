"""The runs of a cross-validation's folds, compared as one run per seed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from synthetic_runs import card, guesses, predictions, record

from harness.comparison.comparison import compare
from harness.comparison.conclusions import verdict
from harness.comparison.folds import _scores
from harness.comparison.predictions import read_predictions
from harness.comparison.statistics import SHARED_TRAINING, Evidence, difference
from harness.errors import UserError
from harness.fold import Fold
from harness.record import RECORD, Provenance, write_predictions, write_record
from harness.records import read_records
from harness.reporting.remarks import remarks
from harness.reporting.tables import footnotes

ROWS, FOLDS = 100, 5


def save_fold(runs: Path, number: int, rows, *, of: int = FOLDS, **changes) -> Path:
    run = record(
        fold=Fold(number=number, of=of),
        config={"seed": changes.get("seed", 0), "fold": {"number": number, "of": of}, "training": {}},
        provenance=Provenance(data_digest=f"digest of fold {number}"),
        **changes,
    )
    folder = runs / run.suite / run.task / run.model / f"seed-{run.seed}-fold-{number}"
    folder.mkdir(parents=True)
    write_predictions(rows, folder)
    write_record(run, folder)
    return folder


def rows_of(share_right: float, generator: int):
    """Predictions of all rows, with ids, of which each fold is a part."""
    return predictions(*guesses(share_right, generator, ROWS))


def add_folds(runs: Path, model: str, share_right: float, seeds=range(3), *, metric: str = "accuracy", **changes):
    for seed in seeds:
        every = rows_of(share_right, sum(map(ord, model)) + 1000 * seed)
        for number in range(1, FOLDS + 1):
            rows = every[number - 1 :: FOLDS]
            right = np.mean([row["reference"] == row["prediction"] for row in rows])
            scores = {"test": {"accuracy": float(right)}}
            save_fold(runs, number, rows, model=model, seed=seed, scores=scores, task_card=card(metric), **changes)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models and a simple baseline in five folds, to be read or copied."""
    folder = tmp_path_factory.mktemp("folds") / "runs"
    add_folds(folder, "bert-mini", 0.8)
    add_folds(folder, "scratch", 0.6, family="scratch")
    add_folds(folder, "majority", 0.5, range(1), family="majority")
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A copy, which a test may change."""
    return shutil.copytree(made, tmp_path / "runs")


def cells(runs: Path):
    (task,) = compare(runs).tasks
    return task, {cell.model: cell for cell in task.cells}


@pytest.mark.slow
def test_the_folds_of_a_seed_are_one_run_in_which_every_row_is_a_test_row_once(runs: Path):
    task, found = cells(runs)
    assert [len(cell.runs) for cell in task.cells] == [3, 3, 1]
    assert {cell.examples for cell in task.cells} == {ROWS}
    generator = sum(map(ord, "bert-mini"))
    expected = [
        np.mean([r["reference"] == r["prediction"] for r in rows_of(0.8, generator + 1000 * s)]) for s in range(3)
    ]
    assert [run.score for run in found["bert-mini"].runs] == pytest.approx(expected)
    assert task.doubts == ()
    assert f"Scores are from 5-fold cross-validation: {ROWS} rows, each a test row once." in verdict(task)
    assert any(f"multiplied by {SHARED_TRAINING:g}" in note for note in footnotes(compare(runs)))


def test_f1_is_that_of_all_rows_and_not_the_mean_of_the_folds(tmp_path: Path):
    add_folds(tmp_path, "bert-mini", 0.7, range(1), metric="macro_f1")
    _, found = cells(tmp_path)
    every = rows_of(0.7, sum(map(ord, "bert-mini")))
    references, predicted = ([row[name] for row in every] for name in ("reference", "prediction"))
    assert found["bert-mini"].runs[0].score == pytest.approx(f1_score(references, predicted, average="macro"))
    recorded = found["bert-mini"].runs[0].record.scores["test"]
    assert recorded["accuracy"] == pytest.approx(np.mean([a == b for a, b in zip(references, predicted, strict=True)]))


def test_the_models_are_compared_and_claims_are_as_elsewhere(made: Path):
    task, found = cells(made)
    assert task.ranked[0].model == "bert-mini"
    assert found["scratch"].beaten_by == ("bert-mini",)
    assert found["bert-mini"].from_baseline.estimate.includes_seeds


def test_intervals_allow_for_the_training_rows_that_folds_share():
    right = np.random.default_rng(0).random((1, 200)) < 0.7
    score = right.mean(axis=1)
    contributions = (right - score[:, None]) / 200
    zero = np.zeros((1, 200))
    widths = [
        difference(
            Evidence(score, contributions, deterministic=True, inflation=inflation),
            Evidence(np.zeros(1), zero, deterministic=True, inflation=inflation),
        ).standard_error
        for inflation in (1.0, SHARED_TRAINING)
    ]
    assert widths[1] / widths[0] == pytest.approx(SHARED_TRAINING**0.5)


@pytest.mark.slow
def test_a_comparison_of_folds_takes_the_wider_interval(runs: Path, tmp_path: Path):
    whole = tmp_path / "whole"
    for seed in range(3):
        every = rows_of(0.8, sum(map(ord, "bert-mini")) + 1000 * seed)
        folder = whole / "reviews" / "rotten_tomatoes" / "bert-mini" / f"seed-{seed}"
        folder.mkdir(parents=True)
        write_predictions(every, folder)
        write_record(record(seed=seed), folder)
    (alone,) = compare(whole).tasks[0].cells
    in_folds = cells(runs)[1]["bert-mini"]
    assert in_folds.estimate.value == pytest.approx(alone.estimate.value)
    assert in_folds.estimate.high - in_folds.estimate.low > 1.1 * (alone.estimate.high - alone.estimate.low)


@pytest.mark.slow
def test_a_seed_without_one_of_its_folds_is_told_and_not_scored(runs: Path):
    shutil.rmtree(runs / "reviews/rotten_tomatoes/bert-mini/seed-1-fold-4")
    shutil.rmtree(runs / "reviews/rotten_tomatoes/bert-mini/seed-2-fold-1")
    shutil.rmtree(runs / "reviews/rotten_tomatoes/bert-mini/seed-2-fold-2")
    _, found = cells(runs)
    assert [run.record.seed for run in found["bert-mini"].scored] == [0]
    said = remarks(compare(runs))
    assert "rotten_tomatoes · bert-mini · seed 1: fold 4 of 5: not run" in said
    assert "rotten_tomatoes · bert-mini · seed 2: folds 1, 2 of 5: not run" in said
    assert not any("did not read the same data" in line for line in said)
    assert not found["bert-mini"].is_compared


def test_of_a_seed_with_a_single_fold_all_others_are_told(tmp_path: Path):
    save_fold(tmp_path, 2, rows_of(0.8, 1)[:20])
    _, found = cells(tmp_path)
    assert [run.trouble for run in found["bert-mini"].runs] == ["folds 1, 3, 4, 5 of 5: not run"]


def test_recorded_scores_of_folds_weigh_as_many_rows_as_each_has():
    def fold(score, **examples):
        counts = record().counts.model_copy(update={"examples": examples})
        return record(scores={"test": {"evaluate:x": score}}, counts=counts)

    # (300 * 0.5 + 100 * 0.8) / 400; of a fold whose rows were not counted nothing is known.
    assert _scores([], [fold(0.5, test=300), fold(0.8, test=100), fold(0.0)]) == {"evaluate:x": pytest.approx(0.575)}
    assert _scores([], [fold(0.5, test=300), record(scores={"test": {"evaluate:y": 0.8}})]) == {}
    first = record(scores={"test": {"evaluate:y": 0.8, "evaluate:x": 0.8}})
    assert _scores([], [first, fold(0.8, test=300)]) == {"evaluate:x": pytest.approx(0.8)}


@pytest.mark.slow
def test_a_fold_that_diverged_leaves_its_seed_without_a_score(runs: Path):
    folder = runs / "reviews/rotten_tomatoes/bert-mini/seed-1-fold-4"
    run = record(seed=1, fold=Fold(number=4, of=5), status="diverged", reason="loss nan at step 40")
    write_record(run, folder)
    _, found = cells(runs)
    (troubled,) = found["bert-mini"].troubled
    assert troubled.record.status == "diverged"
    assert troubled.trouble == "fold 4 of 5: diverged: loss nan at step 40"


@pytest.mark.slow
def test_a_seed_whose_folds_all_collapsed_is_a_collapsed_run(runs: Path):
    for number in range(1, FOLDS + 1):
        folder = runs / f"reviews/rotten_tomatoes/bert-mini/seed-2-fold-{number}"
        references, _ = guesses(0.8, 1, ROWS)
        rows = predictions(references, ["positive"] * ROWS)[number - 1 :: FOLDS]
        write_predictions(rows, folder)
        write_record(record(seed=2, fold=Fold(number=number, of=FOLDS), scores={"test": {"accuracy": 0.5}}), folder)
    _, found = cells(runs)
    assert [run.record.seed for run in found["bert-mini"].collapsed] == [2]
    assert found["bert-mini"].estimate.low is None
    assert found["bert-mini"].without_collapsed.low > 0.6


@pytest.mark.slow
def test_a_fold_that_is_there_twice_is_told(runs: Path):
    cell = runs / "reviews/rotten_tomatoes/bert-mini"
    shutil.copytree(cell / "seed-1-fold-4", cell / "copy")
    (troubled,) = cells(runs)[1]["bert-mini"].troubled
    assert troubled.trouble == "fold 4 appears twice, remove a copy"


def test_folds_that_share_a_row_are_told_and_not_scored(tmp_path: Path):
    every = rows_of(0.8, 1)
    for number in range(1, 3):
        save_fold(tmp_path, number, every[40 * (number - 1) : 40 * number + 1], of=2)
    (cell,) = compare(tmp_path).tasks[0].cells
    (troubled,) = cell.troubled
    assert "a row is in several folds" in troubled.trouble


@pytest.mark.slow
def test_a_run_without_folds_beside_runs_with_them_is_told_and_there_is_no_common_score(runs: Path):
    folder = runs / "reviews/rotten_tomatoes/bert-mini/seed-0"
    folder.mkdir()
    write_predictions(predictions(*guesses(0.8, 1, 20)), folder)
    write_record(record(seed=0), folder)
    task, found = cells(runs)
    assert found["bert-mini"].estimate is None
    assert any("seed 0 appears twice" in doubt for doubt in task.doubts)
    assert any("tested on different examples" in doubt for doubt in task.doubts)
    assert any("different settings (fold: first None" in doubt for doubt in task.doubts)


@pytest.mark.slow
def test_a_folds_predictions_that_do_not_give_the_recorded_score_are_told(runs: Path):
    folder = runs / "reviews/rotten_tomatoes/bert-mini/seed-1-fold-4"
    write_predictions(predictions(*guesses(0.1, 3, 20)), folder)
    doubts = cells(runs)[0].doubts
    assert any("bert-mini, seed 1, fold 4 of 5: the predictions give accuracy" in doubt for doubt in doubts)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("fold", ['{"number": 9, "of": 5}', '{"number": 1, "of": 9000000000}', '"second"'])
def test_a_strangers_fold_that_is_none_is_a_record_that_can_not_be_read(runs: Path, fold: str):
    file = runs / "reviews/rotten_tomatoes/bert-mini/seed-1-fold-4" / RECORD
    lines = [line for line in file.read_text().splitlines() if '"sha256"' not in line]
    text = "\n".join(lines).rstrip("}\n").rstrip().rstrip(",") + "}"
    before = '"fold": {\n  "number": 4,\n  "of": 5\n }'
    assert text.count(before) == 1
    file.write_text(text.replace(before, f'"fold": {fold}'))
    problems = read_records(runs)[1]
    assert len(problems) == 1
    assert "fold" in problems[0]


def test_folds_that_gave_one_answer_to_all_are_counted_beside_the_name(runs: Path):
    folder = runs / "reviews/rotten_tomatoes/bert-mini/seed-1-fold-2"
    rows = rows_of(0.8, 0)[1::FOLDS]
    write_predictions([{**row, "prediction": "positive"} for row in rows], folder)
    task, found = cells(runs)
    assert found["bert-mini"].doubts == ("1 of 15 folds collapsed",)
    assert found["scratch"].doubts == ()
    assert verdict(task)[0].startswith("bert-mini (1 of 15 folds collapsed) has the highest accuracy")


def test_folds_whose_columns_have_other_types_are_told_as_a_mistake(tmp_path: Path):
    for number, more in enumerate(({"length": 3}, {"words": ["a"]}, {"words": "a"})):
        (tmp_path / str(number)).mkdir()
        write_predictions([{**predictions(["a"], ["b"])[0], "id": f"{number}", **more}], tmp_path / str(number))
    assert read_predictions([tmp_path / "0", tmp_path / "1"], None).num_rows == 2
    with pytest.raises(UserError, match="the folds' predictions don't fit together"):
        read_predictions([tmp_path / "1", tmp_path / "2"], None)
