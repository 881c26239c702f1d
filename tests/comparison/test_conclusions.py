"""The sentences about a task, each word for word, of comparisons that are made by hand."""

from dataclasses import replace

import pytest
from made_comparisons import cell, estimate, lead, task

from harness.comparison.conclusions import beside_tables, reading, verdict
from harness.comparison.results import COPIED, BestOf, Run
from harness.comparison.wording import listed
from harness.fold import Fold

A = cell("a", estimate(0.9, 0.85, 0.93))
B = cell("b", estimate(0.8, 0.75, 0.84))
C = cell("c", estimate(0.7, 0.65, 0.74))
GAP = cell("gap", None, seeds=0)


def beaten(one, *by, **changes):
    return replace(one, beaten_by=by, **changes)


def test_the_first_sentence_has_the_best_score_with_its_interval_where_there_is_one():
    assert verdict(task(B, A))[0] == "a has the highest accuracy: 90.0, 95 % interval 85.0 to 93.0."
    bare = replace(A, estimate=estimate(0.9), doubts=("1 of 3 collapsed",))
    assert verdict(task(bare, B, doubts_of_order=("few", "old")))[0] == (
        "a (1 of 3 collapsed) has the highest accuracy: 90.0 (doubtful: few; old)."
    )
    errors = [replace(one, estimate=estimate(value)) for one, value in ((A, 2.0), (B, 1.5))]
    assert verdict(task(*errors, metric="mean_squared_error", higher_is_better=False))[0] == (
        "b has the lowest mean squared error: 1.500."
    )


def test_models_with_the_same_score_as_the_best_are_told():
    best = replace(A, estimate=estimate(0.1 + 0.2))
    same = [replace(one, estimate=estimate(0.3)) for one in (B, C)]  # Below 0.1 + 0.2 by rounding alone.
    assert verdict(task(best, *same))[:2] == ("a has the highest accuracy: 30.0.", "b and c have the same score.")
    assert verdict(task(best, same[0]))[1] == "b has the same score."
    below = replace(B, estimate=estimate(0.2999))
    assert not any("same score" in line for line in verdict(task(best, below)))


def test_a_model_alone_has_nothing_to_be_compared_with():
    assert verdict(task(A)) == (
        "a scores 90.0, 95 % interval 85.0 to 93.0 in accuracy.", "There is no other model to compare it with.",
    )  # fmt: skip
    assert verdict(task(A, GAP))[1:] == (
        "No other model has a score to compare it with.", "gap has no score here.",
    )  # fmt: skip
    assert verdict(task(GAP)) == ("No model has a score on t yet.",)
    assert verdict(task(A, GAP, replace(GAP, model="hole")))[-1] == "gap and hole have no score here."


def test_every_other_model_is_said_of_two_or_more_and_of_all():
    ahead = "It is ahead of {} by more than chance explains."
    assert verdict(task(A, beaten(B, "a")))[1] == ahead.format("b")
    assert verdict(task(A, beaten(B, "a"), beaten(C, "a")))[1] == ahead.format("every other model")
    assert verdict(task(A, beaten(B, "a"), beaten(C, "a"), GAP))[1] == ahead.format("b and c")
    said = verdict(task(A, beaten(B, "a"), beaten(C, "a", doubts=("seed 1 twice",)), doubts_of_claims=("why",)))[1]
    assert said == (
        "It is ahead of every other model, c (seed 1 twice) among them, by more than chance explains (doubtful: why)."
    )


def test_who_is_behind_another_one_than_the_best_is_told_with_whom():
    said = verdict(task(A, B, beaten(C, "b"), doubts_of_claims=("why",)))
    assert said[1:] == (
        "b may be as good: no model is shown to be ahead, which does not make them equal.",
        "c is behind b (doubtful: why).",
    )
    assert not any("is behind" in line for line in verdict(task(A, beaten(B, "a"), beaten(C, "a", "b"))))


def test_models_above_the_first_that_is_behind_may_be_as_good_and_those_below_only_can_not_be_ruled_out():
    as_good = "{} may be as good: no model is shown to be ahead, which does not make them equal."
    noisy = "{} can't be ruled out, because the runs differ too much to say."
    d = cell("d", estimate(0.6))
    assert verdict(task(A, B, C))[1:] == (as_good.format("b and c"),)
    assert verdict(task(A, B, beaten(C, "a"), d))[2:] == (as_good.format("b"), noisy.format("d"))
    assert verdict(task(A, beaten(B, "a"), C))[2:] == (noisy.format("c"),)
    assert verdict(task(A, beaten(B, "a"), C, beaten(d, "a")))[2:] == (noisy.format("c"),)
    alone = replace(A, is_compared=False)
    assert verdict(task(alone, B, C))[1:] == ()
    assert verdict(task(A, replace(B, is_compared=False)))[1:] == ()


def test_the_best_of_several_is_told_with_the_end_that_the_choice_flatters():
    flattered = replace(A, best_of=BestOf(3, 0.81, 0.94))
    start = (
        "a's score is the best of 3 that may be the best, which flatters it: an interval that allows for the choice "
    )
    assert verdict(task(flattered, B))[1] == f"{start}begins at 81.0."
    assert verdict(task(flattered, B, higher_is_better=False))[0].startswith("b has the lowest")
    lowest = replace(flattered, estimate=estimate(0.7))
    assert verdict(task(lowest, B, higher_is_better=False))[1] == f"{start}ends at 94.0."


def test_against_the_baseline_models_are_better_worse_or_not_told_apart():
    first = replace(A, from_baseline=lead("base", 0.10, 0.0004))
    second = replace(B, from_baseline=lead("base", 0.05, 0.02), doubts=("seed 1 twice",))
    third = replace(C, from_baseline=lead("base", -0.05, 0.049))
    fourth = cell("d", estimate(0.76), from_baseline=lead("base", 0.01, 0.05))
    base = cell("base", estimate(0.75), doubts=("1 of 4 failed",))
    said = verdict(task(first, second, third, fourth, base, doubts_of_claims=("why",)))
    space = "\N{NO-BREAK SPACE}"
    assert said[-3:] == (
        f"Against base (1 of 4 failed), a (+10.0, p{space}<{space}0.001) and b (+5.0, p{space}={space}0.020, seed 1 "
        "twice) are better (doubtful: why).",
        f"Against base (1 of 4 failed), c (−5.0, p{space}={space}0.049) is worse (doubtful: why).",
        f"No difference from base (1 of 4 failed) was found for d (+1.0, p{space}={space}0.050).",
    )
    assert verdict(task(fourth, base))[-1].startswith("No difference from base (1 of 4 failed) was found for d (+1.0,")
    simple = replace(first, is_simple_baseline=True)
    assert not any("Against" in line for line in verdict(task(simple, base)))


@pytest.mark.parametrize(
    ("found", "changes", "word"),
    [
        (None, {}, ""),
        (lead("base", None), {}, "not comparable: different test examples"),
        (lead("base", 0.1), {"clusters": 0.0}, "not tested: recorded scores only"),
        (lead("base", 0.1, includes_seeds=False), {}, "not tested: one seed"),
        (lead("base", 0.1), {"clusters": 1.9}, "not tested: too few groups of test examples"),
        (lead("base", 0.1), {"clusters": 2.0}, "not tested"),
        (lead("base", 0.1, 0.05), {}, "no difference found"),
        (lead("base", 0.1, 0.0499), {}, "better"),
        (lead("base", -0.1, 0.0499), {}, "worse"),
        (replace(lead("base", 0.1, 0.01), gain=-0.1), {}, "worse"),  # Less is better.
    ],
)
def test_a_difference_reads_as_far_as_it_was_tested(found, changes, word):
    assert reading(replace(A, from_baseline=found, **changes)) == word


def test_a_simple_baseline_is_beaten_by_more_than_nothing_and_by_more_than_chance():
    def against(one, *found, **changes):
        return replace(one, from_simple_baseline=lead("tfidf", *found), **changes)

    tfidf = cell("tfidf", estimate(0.8), simple=True)
    equal, close = against(B, 0.0, 0.6, doubts=("old",)), against(A, 0.02, 0.05, doubts=("few",))
    below = against(C, -0.1, 0.001)
    said = verdict(task(tfidf, close, equal, below))
    assert said[-2:] == (
        "The simple baseline tfidf is not beaten by b (0.0, old) and c (−10.0).",
        "Ahead of the simple baseline tfidf, but within what chance explains: a (+2.0, few).",
    )
    clear, recorded = against(A, 0.1, 0.01), replace(A, from_simple_baseline=None)
    unknown = replace(A, from_simple_baseline=lead("tfidf", 0.1, includes_examples=False))
    one_seed = replace(A, from_simple_baseline=lead("tfidf", 0.1, includes_seeds=False))
    for one in (clear, recorded, unknown, one_seed):
        assert not any("simple baseline" in line for line in verdict(task(one, tfidf)))


def collapsed(one, count, rest):
    runs = (*(replace(run, is_collapsed=True) for run in one.runs[:count]), *one.runs[count:])
    return replace(one, runs=runs, without_collapsed=rest)


def test_collapsed_runs_are_counted_and_the_others_score_apart():
    counted = "{} of 3 runs of a collapsed (one answer to all, or no better than that)"
    assert verdict(task(collapsed(A, 3, None), B))[-1] == f"{counted.format(3)}."
    assert verdict(task(collapsed(A, 2, None), B))[-1] == f"{counted.format(2)}; the others are hardly better."
    several = verdict(task(A, collapsed(replace(B, model="a"), 3, None), collapsed(replace(C, model="a"), 2, None)))
    assert several[-2:] == (f"{counted.format(3)}.", f"{counted.format(2)}; the others are hardly better.")
    # Clopper and Pearson: with 1 of 3 the root of (1 - p)²(1 + 2p) = 0.05, with 2 of 3 that of 1 - p³ = 0.05.
    tail = "; the mean of all has no interval, because it depends on how many collapse."
    assert verdict(task(collapsed(A, 1, estimate(0.95, 0.9, 0.97)), B))[-1] == (
        f"{counted.format(1)}; that up to 86 % do can't be excluded. The other 2 score 95.0 (90.0 to 97.0){tail}"
    )
    alone = estimate(0.95, 0.9, 0.97, includes_seeds=False)
    assert verdict(task(collapsed(A, 2, alone), B))[-1] == (
        f"{counted.format(2)}; that up to 98 % do can't be excluded. The other one scores 95.0 (90.0 to 97.0), of "
        f"test examples alone{tail}"
    )


def test_the_only_run_of_a_model_that_collapsed_is_not_one_of_one():
    alone = replace(A, runs=(replace(A.runs[0], is_collapsed=True),), without_collapsed=None)
    assert "The only run of a collapsed (one answer to all, or no better than that)." in verdict(task(alone, B))


def test_a_model_that_learnt_nothing_is_not_as_good_although_it_is_not_shown_to_be_worse():
    fallen = collapsed(replace(B, from_baseline=lead("a", -0.1, 0.8)), 3, None)
    assert reading(fallen) == "not shown: every run collapsed"
    assert reading(replace(fallen, runs=B.runs)) == "no difference found"
    assert reading(collapsed(replace(B, from_baseline=lead("a", -0.01, 0.8)), 3, None)) == ("no difference found")
    said = verdict(task(A, fallen))
    assert "b can't be ruled out, because collapsed runs don't show what others would score." in said
    assert not any("may be as good" in line or "No difference" in line for line in said)


def test_what_is_said_against_the_baseline_is_not_said_again_if_it_is_a_simple_one():
    tfidf = cell("tfidf", estimate(0.95), simple=True)
    worse, open_ = (
        replace(one, from_baseline=lead("tfidf", -0.1, p), from_simple_baseline=lead("tfidf", -0.1, p))
        for one, p in ((A, 0.001), (B, 0.3))
    )
    said = verdict(task(tfidf, worse, open_))
    for model in ("a", "b"):
        assert sum(f"{model} (−10.0" in line for line in said) == 1
    untested = replace(open_, from_baseline=replace(open_.from_baseline, adjusted_p=None))
    assert "The simple baseline tfidf is not beaten by b (−10.0)." in verdict(task(tfidf, untested))


def test_beside_tables_only_what_these_and_the_recommendation_leave_out_is_said():
    tfidf = cell("tfidf", estimate(0.8), simple=True)
    best, second = (
        replace(one, from_baseline=lead("tfidf", gain, p), from_simple_baseline=lead("tfidf", gain, p))
        for one, gain, p in ((A, 0.1, 0.001), (B, 0.05, 0.3))
    )
    assert beside_tables(task(best, second, tfidf)) == ()
    assert beside_tables(task(tfidf, doubts=("Why.",))) == ("Why.",)
    fallen = collapsed(replace(second, from_simple_baseline=lead("other", -0.1, 0.8)), 3, None)
    assert beside_tables(task(best, fallen, tfidf)) == (
        "b can't be ruled out, because collapsed runs don't show what others would score.",
        "The simple baseline other is not beaten by b (−10.0).",
        "3 of 3 runs of b collapsed (one answer to all, or no better than that).",
    )
    assert beside_tables(task()) == ()


def test_what_no_claim_is_about_is_told():
    single = replace(A, estimate=estimate(0.9, 0.85, 0.93, includes_seeds=False))
    assert verdict(task(single, B))[-1] == (
        "Nothing is claimed about a: one seed does not show how much another one would differ. Run at least 3 seeds."
    )
    nothing = "Nothing is claimed about the order of a and b: {}."
    one_group = [replace(one, clusters=1.5, examples=2) for one in (A, B)]
    assert verdict(task(*one_group))[-1] == nothing.format("all test examples are one group, or nearly")
    one_example = [replace(one, clusters=1.0, examples=1) for one in (A, B)]
    assert verdict(task(*one_example))[-1] == nothing.format("there is one test example")
    for clusters in (2.0, 0.0):  # Two are tested; 0 is of recorded scores, which are told of elsewhere.
        enough = [replace(one, clusters=clusters) for one in (A, B)]
        assert not any("about the order" in line for line in verdict(task(*enough)))
    assert not any("about the order" in line for line in verdict(task(one_group[0], B)))


def test_copies_and_runs_without_a_score_are_told_of_models_that_have_one():
    copy = Run(record=A.runs[0].record, score=None, trouble_in_short=COPIED)
    failed = Run(record=A.runs[0].record, score=None, trouble_in_short="failed")
    copies = "Of a {} of {} runs are copies of another, with the same numbers to the bit, and are not counted."
    known = (
        "a is known by {} of its {} runs: those without a score, such as failed ones, are not in its mean, which may "
        "flatter it."
    )
    assert verdict(task(replace(A, runs=(*A.runs, copy)), B))[-1] == copies.format(1, 4)
    assert verdict(task(replace(A, runs=(*A.runs, failed)), B))[-1] == known.format(3, 4)
    both = verdict(task(replace(A, runs=(*A.runs, copy, failed)), B))
    assert both[-2:] == (copies.format(1, 5), known.format(3, 5))
    simple = replace(A, runs=(*A.runs, failed), is_simple_baseline=True)
    assert not any("is known by" in line for line in verdict(task(simple, B)))
    unscored = cell("gap", None, seeds=0, runs=(copy, failed))
    assert not any("known" in line or "copies" in line for line in verdict(task(A, B, unscored)))


def test_a_metric_that_is_not_run_here_shows_no_model_to_be_better():
    said = verdict(task(A, B, metric="evaluate:bleurt", doubts=("And this.",)))
    assert said[-3:] == (
        "The scores in bleurt are as recorded, and how far they depend on the test examples is not known.",
        "So no model is shown to be better than another.",
        "And this.",
    )


def test_cross_validation_is_told_with_its_rows():
    folds = tuple(
        Run(record=one.record.model_copy(update={"fold": Fold(number=number, of=5)}), score=0.9)
        for number, one in enumerate((A.runs[0],) * 5, 1)
    )
    crossed = replace(A, runs=tuple(replace(run, folds=folds) for run in A.runs), examples=1200)
    assert verdict(task(crossed, B))[-1] == (
        "Scores are from 5-fold cross-validation: 1,200 rows, each a test row once."
    )


def test_a_sentence_lists_24_names_and_counts_the_rest():
    names = [f"m{number}" for number in range(1, 26)]
    assert listed(names[:24]) == ", ".join(names[:23]) + " and m24"
    assert listed(names) == ", ".join(names[:24]) + " and 1 more"
    assert (listed([]), listed(["a"]), listed(["a", "b"])) == ("", "a", "a and b")
