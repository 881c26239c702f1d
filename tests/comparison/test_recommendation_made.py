"""What is recommended, word for word, of comparisons that are made by hand."""

from dataclasses import replace

from made_comparisons import cell, estimate, lead, task

from harness.comparison.costs import Cost
from harness.comparison.look import Look
from harness.comparison.needed import Needed
from harness.comparison.recommendation import recommended
from harness.config.margin import Margin
from harness.record import Tokens

COST = Cost(
    train_seconds=100.0, train_tokens_per_second=None, peak_memory_bytes=None, parameters=None, training_flops=None
)


def timed(model, score, seconds, **changes):
    return cell(model, estimate(score), cost=replace(COST, train_seconds=seconds), **changes)


A, B, C = timed("a", 0.9, 100.0), timed("b", 0.89, 20.0), timed("c", 0.5, 1.0, beaten_by=("a",))
TFIDF = cell("tfidf", estimate(0.6), simple=True, beaten_by=("a",))
NEEDED = Needed("a", "b", 4, None)
IN_WORDS = "If a is as far ahead of b as here, about 4 more seeds of each would show it 4 times in 5."


def told(found):
    return found.kind, found.model, found.advice, found.reasons


def test_without_a_score_of_a_trained_model_the_best_simple_baseline_is_named():
    nothing = "Can't tell yet: no trained model has a score."
    gap = cell("gap", None)
    assert told(recommended(task(gap))) == ("unclear", None, nothing, ())
    worse = replace(TFIDF, model="majority", estimate=estimate(0.5))
    assert told(recommended(task(gap, worse, TFIDF))) == (
        "unclear", "tfidf", f"{nothing} Only simple baselines have one, of which tfidf is the best.", ()
    )  # fmt: skip


def test_whatever_short_runs_show_is_recommended_for_now():
    limits = "at most 25 steps, scored on at most 100 test examples"
    near, simple = replace(A, is_near_best=True), cell("tfidf", estimate(0.95), simple=True)
    for cells, model, margin, rest in (
        ((A, C, TFIDF), "a", None, "it is ahead of c and tfidf."),
        ((A,), "a", None, "no other model is compared with it."),
        ((A, B, C), "b", None, "no model is shown to be better, and of those that may be the best it costs least."),
        ((A, timed("d", 0.85, 200.0)), "a", None,
         "it has the best score, and of those that may be as good, d, none costs less."),
        ((near, replace(B, is_near_best=True)), "b", Margin(2.0, 0.02),
         "no model is better by more than 2 points, and of 2 such models it costs least to train."),
        ((replace(A, from_simple_baseline=lead("tfidf", -0.1, 0.2)), simple), "tfidf", None,
         "nothing beats the simple baseline."),
        ((replace(A, from_simple_baseline=lead("tfidf", 0.02, 0.2)), simple), "tfidf", None,
         "no model is shown to beat the simple baseline."),
    ):  # fmt: skip
        found = recommended(task(*cells, margin=margin, short_runs=limits))
        assert told(found)[:3] == ("after short runs", model, f"Use {model} for now, after short runs: {rest}")
        assert found.reasons[0] == f"These are short runs ({limits}); full runs may change that."
    single = recommended(task(replace(A, is_compared=False), short_runs=limits))
    assert told(single)[:2] == ("unclear", None)
    assert single.reasons[0] == f"These are short runs ({limits}); full runs may change that."


def test_of_single_seeds_nothing_is_recommended():
    one, other = (
        replace(c, is_compared=False, runs=c.runs[:1], estimate=replace(c.estimate, includes_seeds=False))
        for c in (A, B)
    )
    advice = "Can't tell yet: run at least 3 seeds of each model."
    assert told(recommended(task(other, one))) == (
        "unclear", None, advice, ("With one seed a has 90.0 in accuracy; another seed may change that.",)
    )  # fmt: skip
    assert recommended(task(one, replace(B, is_compared=False))).advice == advice
    assert recommended(task(A, B, other)).kind == "cheapest"
    (reason,) = recommended(task(one, other, replace(TFIDF, is_compared=True))).reasons
    assert reason == (
        "With one seed a has 90.0 in accuracy, the simple baseline tfidf 60.0; another seed may change that."
    )


def test_a_simple_baseline_that_scores_above_single_seeds_is_recommended_for_now():
    single = replace(A, is_compared=False, runs=A.runs[:1], estimate=replace(A.estimate, includes_seeds=False))
    ahead = replace(TFIDF, is_compared=True, estimate=replace(TFIDF.estimate, value=0.95))
    assert told(recommended(task(ahead, single))) == (
        "unclear",
        "tfidf",
        "Use tfidf for now: no model scores above the simple baseline. To tell, run at least 3 seeds of each model.",
        ("With one seed a has 90.0 in accuracy, the simple baseline tfidf 95.0; another seed may change that.",),
    )
    equal = replace(ahead, estimate=A.estimate)
    assert recommended(task(single, equal)).model is None


def test_before_the_first_look_its_seeds_are_asked_for_and_after_it_none():
    untested = [replace(one, is_compared=False) for one in (A, B)]
    waiting = Look(number=0, looks=(4, 6, 9), seeds=(0, 1, 2, 3), level=0.02)
    assert recommended(task(*untested, look=waiting)).advice == "Can't tell yet: run at least 4 seeds of each model."
    assert recommended(task(*untested, look=replace(waiting, number=1))).advice.startswith("Can't tell: no other")


def test_what_could_not_be_tested_is_told_with_its_reason():
    reason = ("a (1 of 3 failed) has the best score (doubtful: few).",)
    for clusters, advice in (
        (0.0, "Can't tell: the scores are as recorded, and how far they depend on the test examples is not known."),
        (1.9, "Can't tell: there are too few test examples, or groups of them."),
        (2.0, "Can't tell: no other model was tested on the same examples, or scored on the same tokens."),
    ):
        cells = [replace(one, is_compared=False, clusters=clusters) for one in (A, B)]
        cells[0] = replace(cells[0], doubts=("1 of 3 failed",))
        assert told(recommended(task(*cells, doubts_of_order=("few",)))) == ("unclear", None, advice, reason)


def test_the_best_is_recommended_with_whom_it_is_ahead_of_and_what_makes_it_doubtful():
    best = replace(A, doubts=("old",), from_simple_baseline=lead("tfidf", 0.3, 0.001))
    found = recommended(
        task(best, replace(B, beaten_by=("a",)), C, TFIDF, doubts_of_claims=("why",), doubts_of_order=("few", "a lot"),
             doubts=("First.", "Second."))
    )  # fmt: skip
    assert told(found) == (
        "best", "a", "Use a (old): it is ahead of b, c and tfidf (doubtful: why).",
        (
            "a is ahead of the simple baseline tfidf by +30.0 (+28.0 to +32.0).", "A training run of a took 100 s.",
            "But: First.", "But: few; a lot.",
        ),
    )  # fmt: skip
    assert recommended(task(A)).advice == "Use a: no other model is compared with it."
    bare = replace(best.from_simple_baseline, estimate=estimate(0.3))
    assert recommended(task(replace(A, from_simple_baseline=bare, cost=None), C)).reasons == (
        "a is ahead of the simple baseline tfidf by +30.0.",
    )


def test_whatever_is_recommended_what_makes_order_and_differences_doubtful_is_told_once():
    simple, ahead = (
        cell("tfidf", estimate(0.88), simple=True),
        replace(A, from_simple_baseline=lead("tfidf", 0.02, 0.2)),
    )
    doubts = {"doubts_of_order": ("other examples",), "doubts_of_claims": ("few groups",)}
    for cells, kind in (((A, B, C), "cheapest"), ((ahead, simple, C), "unclear"), ((A, C), "best")):
        found = recommended(task(*cells, **doubts))
        said = " ".join([found.advice, *found.reasons])
        assert found.kind == kind
        assert [said.count(doubt) for doubt in ("other examples", "few groups")] == [1, 1]
    assert recommended(task(ahead, simple, **doubts)).reasons[-1] == "But: other examples."  # No difference is shown.


def test_of_several_the_cheapest_is_recommended_with_its_share_of_the_time():
    found = recommended(task(A, B, C, needed=NEEDED))
    assert told(found) == (
        "cheapest", "b",
        "Use b: no model is shown to be better, and of those that may be the best it costs least.",
        (
            "a has 90.0, b 89.0 at 0.2 of the training time; the difference may be chance.", IN_WORDS,
            "A training run of a took 100 s.",
        ),
    )  # fmt: skip
    other = recommended(task(A, B, C, needed=replace(NEEDED, rival="c")))
    assert IN_WORDS not in other.reasons
    (reason, _) = recommended(task(timed("a", 0.9, 1.0), timed("b", 0.89, 0.2), C)).reasons
    assert reason == "a has 90.0, b 89.0 at 0.2 of the training time; the difference may be chance."
    unknown = recommended(task(replace(A, cost=None), B, C))
    assert unknown.reasons[0] == "a has 90.0, b 89.0; the difference may be chance."
    free = recommended(task(replace(A, cost=replace(COST, train_seconds=0.0)), timed("b", 0.89, -1.0), C))
    assert free.reasons[0] == "a has 90.0, b 89.0; the difference may be chance."


def test_the_best_score_is_recommended_where_none_costs_less_or_no_time_is_known():
    advice = "Use a: it has the best score, and of those that may be as good, {}, none costs less."
    dearer = timed("d", 0.85, 200.0)
    assert told(recommended(task(A, dearer, replace(dearer, model="e"), C, needed=replace(NEEDED, rival="d"))))[:3] == (
        "cheapest", "a", advice.format("d and e")
    )  # fmt: skip
    unknown = [replace(one, cost=replace(COST, train_seconds=None)) for one in (A, B)]
    found = recommended(task(*unknown, C, needed=NEEDED))
    advice = advice.replace("none costs less", "none is known to cost less")
    assert told(found) == ("cheapest", "a", advice.format("b"), (IN_WORDS,))


def test_the_best_of_those_compared_has_not_the_best_score_where_one_that_was_not_scores_above_it():
    single = replace(cell("single", estimate(0.95, includes_seeds=False), seeds=1), is_compared=False)
    assert recommended(task(single, A, timed("d", 0.85, 200.0))).advice == (
        "Use a: of the models compared it has the best score, and of those that may be as good, d, none costs less."
    )


def test_a_model_below_one_that_is_behind_is_no_contender():
    noisy = timed("noisy", 0.4, 0.1)
    assert recommended(task(A, C, noisy)).kind == "best"


def test_within_a_margin_the_cheapest_near_the_best_is_enough():
    near = [replace(one, is_near_best=True) for one in (A, B)]
    found = recommended(task(*near, C, margin=Margin(2.0, 0.02)))
    assert told(found) == (
        "cheapest", "b",
        "Use b: no model is better by more than 2 points, and of 2 such models it costs least to train.",
        ("b has 89.0; a, the best, 90.0.", "A training run of b took 20 s."),
    )  # fmt: skip
    one = recommended(task(A, near[1], C, margin=Margin(2.0, 0.02)))
    assert one.advice == "Use b: no model is better by more than 2 points."
    only = recommended(task(near[0], B, C, margin=Margin(2.0, 0.02)))
    assert told(only)[:2] == ("cheapest", "b")
    assert "no model is shown to be better" in only.advice
    best = recommended(task(replace(near[0], cost=replace(COST, train_seconds=1.0)), near[1], margin=Margin(2.0, 0.02)))
    assert best.reasons[0] == "a has 90.0."
    single = replace(cell("single", estimate(0.95, includes_seeds=False), seeds=1), is_compared=False)
    apart = recommended(task(single, *near, margin=Margin(2.0, 0.02)))
    assert told(apart)[2:] == (
        "Use b: no model of those compared is better by more than 2 points, and of 2 such models it costs least to "
        "train.",
        (
            "b has 89.0; a, the best of those compared, 90.0.",
            "single scores better (95.0), but is not compared: it has one seed.", "A training run of b took 20 s.",
        ),
    )  # fmt: skip
    unknown = [replace(one, cost=None) for one in near]
    assert recommended(task(*unknown, margin=Margin(2.0, 0.02))).advice == (
        "Use a: no model is better by more than 2 points, and of 2 such models it has the best score."
    )


def test_a_model_near_the_best_is_not_said_to_be_ahead_of_a_simple_baseline_that_scores_above_it():
    near = replace(B, is_near_best=True, from_simple_baseline=lead("tfidf", -0.001, 0.9))
    found = recommended(task(A, near, cell("tfidf", estimate(0.891), simple=True), margin=Margin(2.0, 0.02)))
    assert found.model == "b"
    assert not any("ahead" in reason for reason in found.reasons)


def test_a_simple_baseline_among_the_best_is_recommended_for_good_or_for_now():
    simple = cell("tfidf", estimate(0.88), simple=True)
    ahead = replace(A, doubts=("old",), from_simple_baseline=lead("tfidf", 0.02, 0.2))
    found = recommended(task(ahead, simple, needed=replace(NEEDED, rival="tfidf")))
    assert told(found) == (
        "unclear", "tfidf", "Use tfidf for now: no model is shown to beat the simple baseline.",
        (
            "a (old) is ahead of tfidf by +2.0 (0.0 to +4.0, unadjusted), which may be chance.",
            IN_WORDS.replace("of b", "of tfidf"),
        ),
    )  # fmt: skip
    bare = replace(ahead.from_simple_baseline, estimate=estimate(0.02))
    assert recommended(task(replace(ahead, from_simple_baseline=bare), simple)).reasons == (
        "a (old) is ahead of tfidf by +2.0, which may be chance.",
    )
    some = (replace(A.runs[0], is_collapsed=True), *A.runs[1:])
    behind = replace(A, runs=some, estimate=estimate(0.8), from_simple_baseline=lead("tfidf", -0.08, 0.2))
    assert recommended(task(behind, simple)).reasons[1:] == (
        "A run that collapsed learnt nothing; more steps or another recipe (--trials 8) may help.",
    )
    for gain, p in ((0.0, 1.0), (-0.1, 0.2)):
        behind = replace(A, estimate=estimate(0.88 + gain), from_simple_baseline=lead("tfidf", gain, p))
        found = recommended(task(behind, simple))
        assert told(found) == (
            "baseline", "tfidf", "Use tfidf: nothing beats the simple baseline.",
            (f"tfidf has 88.0; a, the best model, {88 + 100 * gain:.1f}.",),
        )  # fmt: skip


def test_a_simple_baseline_is_not_said_to_be_unbeaten_by_a_model_that_was_tested_on_other_examples():
    simple = cell("tfidf", estimate(0.88), simple=True)
    behind = replace(A, estimate=estimate(0.8), from_simple_baseline=lead("tfidf", -0.08, 0.2))
    elsewhere = replace(B, estimate=estimate(0.95), from_simple_baseline=lead("tfidf", None), is_compared=False)
    assert told(recommended(task(behind, elsewhere, simple))) == (
        "unclear", "tfidf", "Use tfidf for now: no model that is compared with it beats the simple baseline.",
        (
            "tfidf has 88.0; a, the best model compared with it, 80.0.",
            "b scores better (95.0), but is not compared: it was tested on other examples, or scored on other tokens.",
        ),
    )  # fmt: skip
    for unknown in (None, lead("tfidf", None)):
        for score, best in ((0.95, "a"), (0.8, "tfidf")):
            alone = replace(A, estimate=estimate(score), from_simple_baseline=unknown)
            assert told(recommended(task(alone, simple))) == (
                "unclear", None,
                "Can't tell: no other model was tested on the same examples, or scored on the same tokens.",
                (f"{best} has the best score.",),
            )  # fmt: skip


def test_a_model_with_a_better_score_than_the_best_that_is_compared_is_named():
    single = replace(cell("single", estimate(0.95, includes_seeds=False), seeds=1), is_compared=False)
    found = recommended(task(single, A, C))
    assert told(found)[:3] == ("best", "a", "Use a: it is ahead of c.")
    assert found.reasons[0] == "single scores better (95.0), but is not compared: it has one seed."
    simple = cell("tfidf", estimate(0.97), simple=True, is_compared=False)
    without_rival = recommended(task(A, C, simple, replace(simple, model="majority")))
    assert told(without_rival)[:3] == (
        "unclear", None, "Can't tell: the simple baseline tfidf scores better, but was not tested in the same way.",
    )  # fmt: skip
    assert told(recommended(task(A, C, replace(simple, estimate=estimate(0.6)))))[1] == "a"
    reasons = without_rival.reasons
    assert reasons[0] == (
        "tfidf scores better (97.0), but is not compared: it was tested on other examples, or scored on other tokens."
    )
    assert "majority" not in " ".join(reasons)  # Of the simple baselines only the best is compared in any case.
    below = replace(single, estimate=replace(single.estimate, value=0.7))
    assert not any("single" in reason for reason in recommended(task(below, A, C)).reasons)


def test_a_model_that_has_read_less_than_all_of_the_training_examples_is_not_given_up():
    def read(*epochs):
        def ended(run, epoch):
            begun = run.record.curve[0].model_copy(update={"epoch": 0.1})
            curve = (begun, begun.model_copy(update={"epoch": epoch}))
            return replace(run, record=run.record.model_copy(update={"curve": curve}))

        found = lead("tfidf", -0.08, 0.2)
        return replace(A, runs=tuple(map(ended, A.runs, epochs)), estimate=estimate(0.8), from_simple_baseline=found)

    simple = cell("tfidf", estimate(0.88), simple=True)
    scores = "tfidf has 88.0; a, the best model, 80.0."
    assert told(recommended(task(read(0.3, 0.5, 0.4), simple))) == (
        "unclear", "tfidf", "Use tfidf for now: nothing beats the simple baseline after so short a training.",
        (scores, "a has read 50 % of the training examples; more steps may change that."),
    )  # fmt: skip
    assert told(recommended(task(read(0.3, 1.0, 0.4), simple)))[0] == "baseline"


def all_collapsed(made):
    return replace(made, runs=tuple(replace(run, is_collapsed=True) for run in made.runs))


def test_a_model_that_learnt_nothing_in_any_run_is_not_recommended_for_its_cost():
    nothing, slow = all_collapsed(B), timed("d", 0.85, 200.0)
    best = "Use a: it has the best score, and of those that may be as good, "
    for cells, model, advice in (
        ((A, nothing, slow), "a", f"{best}d, none costs less."),
        ((A, nothing), "a", f"{best}b, all runs collapsed."),
        ((A, timed("e", 0.85, 50.0), nothing), "e",
         "Use e: no model is shown to be better, and of those that may be the best it costs least."),
        ((all_collapsed(A), B), None, "Can't tell yet: all runs of a, the best, collapsed."),
        ((all_collapsed(A), C), None, "Can't tell yet: all runs of a, the best, collapsed."),
    ):  # fmt: skip
        assert told(recommended(task(*cells)))[1:3] == (model, advice)
    near = (replace(A, is_near_best=True), replace(nothing, is_near_best=True))
    assert recommended(task(*near, margin=Margin(2.0, 0.02))).model == "a"


def test_of_models_that_cost_about_the_same_the_one_with_the_best_score_is_recommended():
    best = "Use a: it has the best score, and of those that may be as good, "
    spared = "none costs less by a tenth or more."
    for cells, model, advice in (
        ((A, timed("d", 0.85, 92.0)), "a", f"{best}d, {spared}"),
        ((A, timed("d", 0.85, 92.0), timed("e", 0.84, 95.0)), "a", f"{best}d and e, {spared}"),
        ((A, timed("d", 0.85, 21.0), timed("e", 0.84, 20.0)), "d",
         "Use d: no model is shown to be better, and of those that may be the best it costs least, give or take a "
         "tenth."),
        ((A, timed("d", 0.85, 90.0)), "d",
         "Use d: no model is shown to be better, and of those that may be the best it costs least."),
    ):  # fmt: skip
        assert told(recommended(task(*cells)))[1:3] == (model, advice)
    near = tuple(replace(cell, is_near_best=True) for cell in (A, timed("d", 0.89, 95.0)))
    assert recommended(task(*near, margin=Margin(2.0, 0.02))).advice == (
        "Use a: no model is better by more than 2 points, and of 2 such models it costs least to train, give or "
        "take a tenth."
    )


def test_a_model_that_read_little_of_the_texts_is_told_as_such():
    def read(seen):
        counts = A.runs[0].record.counts.model_copy(update={"tokens": {"test": Tokens(total=1000, seen=seen)}})
        record = A.runs[0].record.model_copy(update={"counts": counts})
        return replace(A, runs=tuple(replace(run, record=record) for run in A.runs))

    said = (
        "a never read 98 % of the test texts, which may explain its score. See strategy (windows reads a whole text, "
        "unless a target is written) and max_length."
    )
    better = cell("tfidf", estimate(0.95), simple=True)
    assert recommended(task(read(20), better)).reasons[-1] == said
    assert recommended(task(read(20), B)).reasons[-1] == said
    assert not any("never read" in reason for reason in recommended(task(read(500), better)).reasons)
