"""The folds of a seed as one run, of runs that are made by hand: which belong together, and what becomes of them."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from synthetic_runs import record

from harness.comparison.folds import by_seed, together
from harness.comparison.results import COPIED, Run
from harness.fold import Fold
from harness.record import Provenance


def fold(
    number, *, of=3, seed=0, score=0.5, constant=None, collapsed=False, trouble="", short="", other=False, **changes
):
    """A fold with its folder; `constant`: whether it gave one answer to all, None: it was not scored again."""
    settings = {
        "provenance": Provenance(data_digest=f"d{number}"), "scores": {"test": {"evaluate:x": 0.5}},
        "counts": record().counts.model_copy(update={"examples": {"train": 70, "test": 10 * number}}), **changes,
    }  # fmt: skip
    found = record(seed=seed, fold=None if number is None else Fold(number=number, of=of), **settings)
    run = Run(
        record=found, score=score, is_collapsed=collapsed, trouble=trouble, trouble_in_short=short,
        is_not_applicable=other,
    )  # fmt: skip
    return Path(f"seed-{seed}-fold-{number}"), (
        run,
        None if constant is None else SimpleNamespace(is_constant=constant),
    )


def whole(seed, place):
    return Path(f"seed-{seed}-{place}"), (Run(record=record(seed=seed), score=0.5), None)


def never(*_):
    pytest.fail("folds that are not all there were scored")


def trouble_of(*folds):
    run, rescored = together(folds, never)
    assert (run.score, rescored, run.record.fold) == (None, None, None)
    return run


def test_the_folds_of_a_seed_go_together_in_their_order_and_runs_without_folds_alone():
    last, first, middle, other = fold(3), fold(1), fold(2), fold(1, seed=1)
    of_two = fold(2, of=2)
    ones = [whole(1, "a"), last, first, of_two, whole(0, "b"), other, whole(0, "c"), middle]
    assert by_seed(ones) == [[ones[4]], [ones[6]], [of_two], [first, middle, last], [ones[0]], [other]]


def test_a_run_without_folds_is_left_as_it_is():
    one = whole(0, "a")
    assert together([one], never) is one[1]


def test_all_folds_are_scored_together_as_one_run():
    folds = [fold(1, notes=("a",), curve=()), fold(2, notes=("b", "a")), fold(3)]

    def score(folder, joined, others):
        return Run(record=joined, score=0.75, folder=folder), others

    run, others = together(folds, score)
    assert (run.score, run.folder, others) == (0.75, folds[0][0], [folds[1][0], folds[2][0]])
    assert run.folds == tuple(one for _, (one, _) in folds)
    joined = run.record
    assert (joined.fold, joined.status, joined.curve, joined.notes) == (None, "complete", (), ("a", "b"))
    assert joined.counts.examples == {"train": 70, "test": 60}
    assert joined.scores == {"test": {"evaluate:x": pytest.approx(0.5)}}
    assert joined.provenance.data_digest == hashlib.sha256(b"d1 d2 d3").hexdigest()
    unknown = [*folds[:2], fold(3, provenance=Provenance(data_digest=""))]
    assert together(unknown, score)[0].record.provenance.data_digest == ""
    unscored = [fold(1, scores={}), *folds[1:]]
    assert together(unscored, score)[0].record.scores == {"test": {}}
    uncounted = [fold(1, counts=record().counts.model_copy(update={"examples": {"train": 70}})), *folds[1:]]
    assert together(uncounted, score)[0].record.counts.examples == {"train": 70, "test": 50}


def test_a_fold_collapsed_if_it_gave_one_answer_to_all():
    folds = [fold(1, collapsed=True, constant=True), fold(2, collapsed=True, constant=False), fold(3, collapsed=True)]
    run, _ = together([*folds[:2], fold(3, constant=True)], lambda folder, joined, others: (folds[0][1][0], None))
    assert [one.is_collapsed for one in run.folds] == [True, False, False]
    assert not together(folds, lambda folder, joined, others: (folds[0][1][0], None))[0].folds[2].is_collapsed


def test_folds_that_are_missing_or_there_twice_are_told():
    run = trouble_of(fold(2))
    assert (run.trouble, run.trouble_in_short) == ("folds 1, 3 of 3: not run", "incomplete")
    assert run.record.provenance.data_digest == ""
    assert run.record.scores == {"test": {}}
    assert trouble_of(fold(1), fold(3)).trouble == "fold 2 of 3: not run"
    copied = fold(2, score=None, trouble="a copy", short=COPIED)
    assert trouble_of(fold(1), fold(2), copied, fold(3)).trouble == "fold 2 appears twice, remove a copy"
    both = trouble_of(fold(2), copied, fold(3, score=None, trouble="diverged: nan", short="diverged"))
    assert both.trouble == ("fold 1 of 3: not run; fold 2 appears twice, remove a copy; fold 3 of 3: diverged: nan")


def test_folds_without_a_score_are_told_with_the_gravest_state():
    failed = fold(1, score=None, trouble="failed: no", short="failed", status="failed")
    diverged = fold(3, score=None, trouble="diverged: nan", short="diverged", status="diverged")
    run = trouble_of(fold(1), fold(2), diverged)
    assert (run.trouble, run.trouble_in_short) == ("fold 3 of 3: diverged: nan", "diverged")
    assert (run.record.status, run.is_not_applicable) == ("diverged", False)
    run = trouble_of(failed, fold(2), diverged)
    assert (run.trouble_in_short, run.record.status) == ("failed", "failed")
    assert run.trouble == "fold 1 of 3: failed: no; fold 3 of 3: diverged: nan"
    # The copy of a fold that is not there twice is one of another seed's, and told.
    copied = fold(2, score=None, trouble="a copy of seed 1", short=COPIED)
    assert trouble_of(fold(1), copied, fold(3)).trouble == "fold 2 of 3: a copy of seed 1"


def test_a_metric_that_says_nothing_of_all_folds_says_nothing_of_the_run():
    nothing = [
        fold(number, score=None, trouble="no words", short="without a score", other=True) for number in (1, 2, 3)
    ]
    assert trouble_of(*nothing).is_not_applicable
    assert not trouble_of(*nothing[:2]).is_not_applicable
    failed = fold(3, score=None, trouble="failed: no", short="failed")
    assert not trouble_of(*nothing[:2], failed).is_not_applicable
    assert not trouble_of(*nothing[:2], fold(3)).is_not_applicable
