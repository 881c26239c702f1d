import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_runs import LABELS, add_runs, card, guesses, predictions, record, save

from harness.comparison.comparison import compare
from harness.comparison.conclusions import reading, verdict
from harness.comparison.recommendation import unseen_share
from harness.comparison.results import Cell, Comparison
from harness.errors import UserError
from harness.metrics.lookup import unit_of
from harness.record import RECORD, Counts, Provenance
from harness.reporting.entries import score_entry, shortfall
from harness.reporting.remarks import remarks
from harness.reporting.tables import details, footnotes, left_out, sizes


def cell_of(comparison: Comparison, model: str, task: str = "rotten_tomatoes") -> Cell:
    (found,) = [cell for one in comparison.tasks if one.task == task for cell in one.cells if cell.model == model]
    return found


def test_a_folder_without_runs_says_what_to_do(tmp_path: Path):
    with pytest.raises(UserError, match=r"no records of runs there\. Start some with `harness run SUITE`"):
        compare(tmp_path)


def test_an_unknown_baseline_names_the_nearest_model(runs: Path):
    with pytest.raises(UserError, match="Did you mean bert-mini"):
        compare(runs, baseline="bert-mina")


@pytest.mark.slow
def test_scratch_is_the_baseline_where_it_is_there(runs: Path, tmp_path: Path):
    assert compare(runs).baseline == "scratch"
    assert compare(runs, baseline="tfidf").baseline == "tfidf"
    add_runs(tmp_path / "other", "bert-mini", 0.8)
    assert compare(tmp_path / "other").baseline is None


def test_every_task_has_a_cell_for_every_model_and_the_simple_baselines_are_last(comparison: Comparison):
    assert comparison.models == ("bert-mini", "roberta-mini", "scratch", "xlnet-mini", "majority", "tfidf")
    assert [task.task for task in comparison.tasks] == ["boolq", "rotten_tomatoes"]
    assert all(tuple(cell.model for cell in task.cells) == comparison.models for task in comparison.tasks)


def test_the_mean_is_that_of_the_predictions(comparison: Comparison):
    cell = cell_of(comparison, "bert-mini")
    recorded = [run.record.scores["test"]["accuracy"] for run in cell.runs]
    assert cell.estimate is not None
    assert cell.estimate.value == pytest.approx(np.mean(recorded))
    assert cell.seed_deviation == pytest.approx(np.std(recorded, ddof=1))
    assert cell.examples == 400


def test_of_single_seeds_nothing_is_claimed(tmp_path: Path):
    for model, share in (("bert-mini", 0.95), ("roberta-mini", 0.8), ("scratch", 0.6)):
        add_runs(tmp_path, model, share, range(1))
    comparison = compare(tmp_path)
    found = cell_of(comparison, "bert-mini").from_baseline
    assert found is not None
    assert found.estimate is not None
    assert (found.adjusted_p, found.estimate.includes_seeds) == (None, False)
    assert not [cell.model for cell in comparison.tasks[0].cells if cell.is_top or cell.beaten_by]
    assert reading(cell_of(comparison, "bert-mini")) == "not tested: one seed"
    assert verdict(comparison.tasks[0])[1:] == (
        "Nothing is claimed about bert-mini, roberta-mini and scratch: one seed does not show how much "
        "another one would differ. Run at least 3 seeds.",
    )


def test_a_model_with_one_seed_is_named_beside_claims_about_the_others(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.95)
    add_runs(tmp_path, "scratch", 0.6)
    add_runs(tmp_path, "roberta-mini", 0.7, range(1))
    said = verdict(compare(tmp_path).tasks[0])
    assert "It is ahead of scratch by more than chance explains." in said
    assert not any("every other model" in line for line in said)
    assert any(line.startswith("Nothing is claimed about roberta-mini") for line in said)


def test_every_other_model_is_said_of_every_one_alone(tmp_path: Path):
    for model, share in (("bert-mini", 0.95), ("roberta-mini", 0.8), ("scratch", 0.6)):
        add_runs(tmp_path, model, share)
    task = compare(tmp_path).tasks[0]
    assert "It is ahead of every other model by more than chance explains." in verdict(task)
    add_runs(tmp_path, "xlnet-mini", 0.5, status="failed", reason="no memory")
    said = verdict(compare(tmp_path).tasks[0])
    assert "It is ahead of roberta-mini and scratch by more than chance explains." in said
    assert "xlnet-mini (3 of 3 failed) has no score here." in said


def test_a_model_whose_runs_differ_too_much_is_not_called_as_good(tmp_path: Path):
    for seed, share in enumerate((0.95, 0.95, 0.55)):
        add_runs(tmp_path, "shaky", share, range(seed, seed + 1))
    for model, share in (("best", 0.95), ("steady", 0.85), ("scratch", 0.6)):
        add_runs(tmp_path, model, share)
    task = compare(tmp_path).tasks[0]
    assert [cell.model for cell in task.ranked] == ["best", "steady", "shaky", "scratch"]
    assert [cell.model for cell in task.cells if cell.is_top] == ["best", "shaky"]
    assert "shaky can't be ruled out, because the runs differ too much to say." in verdict(task)


def test_doubts_stand_in_the_conclusion(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.95)
    add_runs(tmp_path, "scratch", 0.6)
    add_runs(tmp_path, "scratch", 0.6, range(3, 5), status="diverged", reason="loss nan at step 4")
    other = {"task": "rotten_tomatoes", "seed": 7, "training": {"learning_rate": 1e-3}}
    add_runs(tmp_path, "bert-mini", 0.9, range(7, 8), config=other)
    said = verdict(compare(tmp_path).tasks[0])
    assert any("seeds 0 and 7 ran with different settings" in line for line in said)
    assert any(line.startswith("scratch is known by 3 of its 5 runs") for line in said)


def test_the_top_group_is_all_that_no_model_is_shown_to_beat(comparison: Comparison):
    cells = comparison.tasks[1].cells
    assert {cell.model for cell in cells if cell.is_top} == {"bert-mini", "roberta-mini"}


def test_a_shaky_best_model_does_not_lift_a_simple_baseline_into_the_top_group(tmp_path: Path):
    for seed, share in enumerate((0.97, 0.97, 0.55)):
        add_runs(tmp_path, "shaky", share, range(seed, seed + 1))
    add_runs(tmp_path, "steady", 0.8)
    add_runs(tmp_path, "majority", 0.5, range(1), family="majority")
    comparison = compare(tmp_path)
    assert comparison.tasks[0].ranked[0].model == "shaky"
    assert {cell.model for cell in comparison.tasks[0].cells if cell.is_top} == {"shaky", "steady"}
    assert cell_of(comparison, "majority").beaten_by == ("steady",)
    assert "majority is behind steady." in verdict(comparison.tasks[0])


def test_no_difference_found_is_never_called_the_same(runs: Path):
    comparison = compare(runs, baseline="bert-mini")
    assert reading(cell_of(comparison, "roberta-mini")) == "no difference found"
    said = " ".join(verdict(comparison.tasks[1]))
    assert "does not make them equal" in said
    assert "the same" not in said


def test_a_missing_run_is_shown_as_a_gap_not_as_zero(comparison: Comparison):
    gap = cell_of(comparison, "xlnet-mini", "boolq")
    assert gap.estimate is None
    assert gap.missing_seeds == (0, 1, 2)
    assert score_entry(gap, unit_of("accuracy")).text == "not run"
    assert "boolq · xlnet-mini: not run (seed 0, 1, 2)." in remarks(comparison)


def test_diverged_and_failed_seeds_are_counted_with_their_reasons(comparison: Comparison):
    cell = cell_of(comparison, "xlnet-mini")
    assert shortfall(cell) == "1 of 3 diverged, 1 of 3 failed"
    assert len(cell.scored) == 1
    assert "rotten_tomatoes · xlnet-mini · seed 1: diverged: loss nan at step 40" in remarks(comparison)


def test_a_simple_baseline_that_is_not_beaten_is_named(comparison: Comparison):
    said = " ".join(verdict(comparison.tasks[1]))
    assert "The simple baseline tfidf is not beaten by scratch (−" in said


def test_a_simple_baseline_run_once_lacks_no_seeds(comparison: Comparison):
    baseline = cell_of(comparison, "majority")
    assert baseline.is_simple_baseline
    assert baseline.missing_seeds == ()
    assert baseline.estimate is not None
    assert baseline.estimate.includes_seeds


def test_a_simple_baseline_is_what_its_record_says_whatever_its_family_is_called(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.8)
    add_runs(tmp_path, "always-yes", 0.5, range(1), family="one_of_the_users", simple_baseline=True)
    add_runs(tmp_path, "tfidf-like", 0.6, family="tfidf", simple_baseline=False)
    add_runs(tmp_path, "bert-mini", 0.8, task="boolq")
    comparison = compare(tmp_path)
    assert comparison.models == ("bert-mini", "tfidf-like", "always-yes")
    baseline = cell_of(comparison, "always-yes")
    assert (baseline.is_simple_baseline, baseline.missing_seeds) == (True, ())
    assert cell_of(comparison, "always-yes", "boolq").missing_seeds == ()
    found = cell_of(comparison, "bert-mini").from_simple_baseline
    assert found is not None
    assert found.against == "always-yes"
    assert not cell_of(comparison, "tfidf-like").is_simple_baseline


def test_less_is_better_where_the_card_says_so(tmp_path: Path):
    rng = np.random.default_rng(0)
    references = list(rng.normal(size=200))
    task_card = card("mean_squared_error", "regression", higher_is_better=False)
    for seed in range(3):
        for model, noise in (("close", 0.3), ("far", 0.9), ("scratch", 0.9)):
            rows = predictions(references, list(references + noise * rng.normal(size=200)))
            save(tmp_path, record(model=model, seed=seed, task_card=task_card), rows)
    comparison = compare(tmp_path)
    assert comparison.tasks[0].ranked[0].model == "close"
    close = cell_of(comparison, "close")
    assert close.is_top
    assert close.from_baseline is not None
    assert close.from_baseline.gain is not None
    assert close.from_baseline.gain > 0
    assert reading(close) == "better"
    assert "lowest mean squared error" in verdict(comparison.tasks[0])[0]


@pytest.mark.slow
def test_models_with_other_test_examples_are_not_compared(runs: Path):
    references, predicted = guesses(0.9, 1, examples=300)
    save(runs, record(model="other", family="bert", seed=0), predictions(references, predicted))
    comparison = compare(runs)
    found = cell_of(comparison, "other").from_baseline
    assert found is not None
    assert found.estimate is None
    assert reading(cell_of(comparison, "other")) == "not comparable: different test examples"
    assert any("tested on different examples" in line for line in comparison.warnings)


def test_models_on_two_files_whose_rows_are_numbered_alike_are_not_compared(tmp_path: Path):
    for model, references in (("scratch", LABELS * 50), ("bert-mini", LABELS[::-1] * 50)):
        save(tmp_path, record(model=model), predictions(list(references), list(LABELS * 50)))
    comparison = compare(tmp_path)
    assert reading(cell_of(comparison, "bert-mini")) == "not comparable: different test examples"
    assert cell_of(comparison, "scratch").beaten_by == cell_of(comparison, "bert-mini").beaten_by == ()


def test_seeds_with_other_test_examples_have_no_common_score(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.8, range(1))
    save(tmp_path, record(seed=1), predictions(*guesses(0.8, 1, examples=300)))
    comparison = compare(tmp_path)
    assert cell_of(comparison, "bert-mini").estimate is None
    assert any("no common score" in line for line in comparison.warnings)


def test_a_score_that_the_predictions_do_not_give_is_warned_of(tmp_path: Path):
    save(tmp_path, record(scores={"test": {"accuracy": 0.99}}), predictions(list(LABELS), list(LABELS)))
    assert any(
        "the predictions give accuracy 1.000000, the record says 0.990000" in w for w in compare(tmp_path).warnings
    )


def test_seeds_with_other_settings_are_warned_of(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.8, range(1))
    add_runs(tmp_path, "bert-mini", 0.8, range(1, 2), config={"seed": 1, "training": {"learning_rate": 1e-3}})
    (warning,) = [line for line in compare(tmp_path).warnings if "different settings" in line]
    assert "training.learning_rate" in warning
    assert "seed:" not in warning


def test_runs_on_other_data_are_warned_of(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.8, range(1))
    add_runs(tmp_path, "scratch", 0.8, range(1), provenance=Provenance(data_digest="sha256:d2"))
    assert any("did not read the same data" in line for line in compare(tmp_path).warnings)


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    "content", ['{"schema_version": 1, "sta', '{"schema_version": 0}', "[]", '{"schema_version": 1, "status": "done"}']
)
def test_a_record_that_cannot_be_read_is_listed_and_the_rest_compared(runs: Path, content: str):
    broken = runs / "reviews" / "rotten_tomatoes" / "bert-mini" / "seed-2" / RECORD
    broken.write_text(content)
    comparison = compare(runs)
    assert any(str(broken) in line for line in comparison.problems)
    assert len(cell_of(comparison, "bert-mini").scored) == 2
    assert cell_of(comparison, "bert-mini").missing_seeds == (2,)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("content", [None, b"", b"PAR1 cut short"])
def test_predictions_that_cannot_be_read_leave_the_seed_without_a_score(runs: Path, content: bytes | None):
    file = runs / "reviews" / "rotten_tomatoes" / "bert-mini" / "seed-2" / "predictions.parquet"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    cell = cell_of(compare(runs), "bert-mini")
    assert shortfall(cell) == "1 of 3 without a score"
    wrong = "no readable predictions" if content is not None else "can't be read (No such file or directory)"
    assert f"predictions.parquet: {wrong}" in cell.troubled[0].trouble


@pytest.mark.slow
def test_two_suites_are_compared_each_by_itself(runs: Path):
    add_runs(runs, "bert-mini", 0.9, suite="longer")
    comparison = compare(runs)
    assert [(task.suite, task.task) for task in comparison.tasks] == [
        ("longer", "rotten_tomatoes"),
        ("reviews", "boolq"),
        ("reviews", "rotten_tomatoes"),
    ]


def test_the_share_of_tokens_never_read_is_that_of_the_test_split(comparison: Comparison):
    assert unseen_share(cell_of(comparison, "bert-mini")) == pytest.approx(1000 / 26000)


@pytest.mark.slow
def test_the_share_of_answers_that_tokens_do_not_spell_is_shown_where_it_was_counted(runs: Path):
    def told(**changes: Any) -> tuple[list[str], str]:
        counts = Counts(examples={"test": 400}, **changes)
        add_runs(runs, "reader", 0.8, task="quac_spans", counts=counts)
        comparison = compare(runs)
        table = details(next(task for task in comparison.tasks if task.task == "quac_spans"))
        shutil.rmtree(runs / "reviews" / "quac_spans")
        return [table.headings[-1], table.rows[0][-1].text], " ".join(footnotes(comparison))

    shown, notes = told(unreachable_answers={"train": 0.5, "test": 0.125})
    assert shown == ["Unreachable answers", "12 %"]
    assert "Unreachable answers" in notes
    shown, notes = told(unreachable_answers={"train": 0.0, "test": 0.0})
    assert shown[0] == "Examples"  # Where nothing is lost no column says so: nor of tokens, of which none were counted.
    assert "Unreachable answers" not in notes
    shown, _ = told()  # as an earlier version recorded it
    assert shown[0] == "Examples"


def test_what_was_not_measured_is_left_open(comparison: Comparison):
    cost = cell_of(comparison, "majority").cost
    assert cost is not None
    assert cost.training_flops is None
    assert cost.peak_memory_bytes == 300_000_000


def test_what_the_runs_note_is_told_once_for_all_seeds(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.8, notes=("micro-batch halved to 16",))
    assert "rotten_tomatoes · bert-mini · seed 0, 1, 2: micro-batch halved to 16" in remarks(compare(tmp_path))


def test_the_rows_left_out_are_told_with_their_reason(tmp_path: Path):
    add_runs(
        tmp_path, "bert-mini", 0.8, counts=Counts(examples={"train": 1200, "test": 400}, dropped={"duplicates": 3})
    )
    task = compare(tmp_path).tasks[0]
    assert (sizes(task), left_out(task)) == ("1,200 train, 400 test", "3 duplicates")
