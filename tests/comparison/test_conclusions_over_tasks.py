"""The sentences about all tasks together, word for word, of counts that are made by hand."""

from dataclasses import replace

from made_comparisons import cell, estimate, task

from harness.comparison.conclusions_over_tasks import verdict_over_tasks
from harness.comparison.counts import Count, MeanRanks, ModelOverTasks, OverTasks
from harness.comparison.results import Comparison

NAMES = ("t1", "t2", "t3")
A, B, C = (ModelOverTasks(model=name, compared=NAMES) for name in ("a", "b", "c"))


def comparison(*models, baseline=None, ranks=None, beaten=(), simple=(), doubts_of_claims=(), doubts=()):
    """Three tasks, on which the models of `beaten` are behind another one."""
    cells = [
        cell(
            one.model, estimate(0.9), simple=one.model in simple, doubts=doubts,
            beaten_by=("x",) if one.model in beaten else (),
        )
        for one in models
    ]  # fmt: skip
    tasks = [replace(task(*cells, doubts_of_claims=doubts_of_claims), task=name) for name in NAMES]
    found = OverTasks(names=NAMES, models=models, ranks=ranks)
    return Comparison(
        runs="r", models=tuple(one.model for one in models), baseline=baseline, tasks=tuple(tasks), over_tasks=found
    )


def said(*models, **changes):
    return list(verdict_over_tasks(comparison(*models, **{"beaten": ("a", "b", "c"), **changes})))


def test_of_a_single_task_nothing_is_said():
    assert verdict_over_tasks(replace(comparison(A), over_tasks=None)) == ()


def test_counts_are_told_from_the_largest_with_their_tasks():
    best, fewer = replace(A, best=Count(NAMES, 3)), replace(B, best=Count(("t1", "t2"), 2))
    alike, chance = replace(C, best=Count(("t1", "t2"), 2)), replace(A, model="d", best=Count(("t1",), 0))
    assert said(fewer, alike, best, chance, beaten=("a", "b", "c", "d")) == [
        "a is shown to be the best on at least 3 of 3 tasks; b and c on 2 of 3 tasks (all but t3)."
    ]
    two = replace(A, not_best=Count(("t1", "t3"), 1)), replace(B, not_best=Count(("t1", "t3"), 1))
    assert said(*two) == ["a and b are shown not to be the best on at least 1 of 3 tasks (individually on all but t2)."]
    one = replace(A, not_best=Count(("t2",), 1))
    assert said(one) == ["a is shown not to be the best on at least 1 of 3 tasks (t2)."]


def test_at_most_six_counts_are_told_in_a_sentence():
    names = tuple(f"t{number}" for number in range(1, 9))

    def sentence(count):
        models = [
            ModelOverTasks(model=f"m{number}", compared=names, best=Count(names[:number], number))
            for number in range(1, count + 1)
        ]
        found = OverTasks(names=names, models=tuple(models))
        whole = replace(comparison(A), models=("m1",), over_tasks=found, tasks=comparison(A, beaten=("a",)).tasks)
        return next(line for line in verdict_over_tasks(whole) if "shown to be the best" in line)

    assert sentence(6).endswith("; m1 on 1 of 8 tasks (t1).")
    assert sentence(6).count(";") == 5
    assert "; m5 on 5 of 8 tasks (all but t6, t7 and t8); m4 on 4 of 8 tasks (t1, t2, t3 and t4);" in sentence(6)
    assert sentence(7).endswith("; m2 on 2 of 8 tasks (t1 and t2); others on fewer, or as many.")
    assert sentence(7).count(";") == 6


def test_a_model_that_may_be_the_best_wherever_it_was_compared_is_said_to_only_if_that_is_everywhere():
    assert said(A, B, beaten=("b",)) == ["a may be the best on each of the 3 tasks."]
    assert said(A, replace(B, compared=("t1", "t2")), beaten=()) == ["a may be the best on each of the 3 tasks."]
    some = comparison(A)
    behind = replace(some.tasks[2], cells=(replace(some.tasks[2].cells[0], beaten_by=("x",)),))
    assert verdict_over_tasks(replace(some, tasks=(*some.tasks[:2], behind))) == ()
    untested = replace(some.tasks[2], cells=(replace(some.tasks[2].cells[0], is_compared=False, beaten_by=("x",)),))
    assert len(verdict_over_tasks(replace(some, tasks=(*some.tasks[:2], untested)))) == 1


def test_against_the_baseline_counts_are_told_or_why_there_is_none():
    base = replace(C, model="base")
    better, worse = replace(A, better=Count(NAMES, 3)), replace(B, worse=Count(NAMES, 3))
    assert said(better, worse, base, baseline="base", beaten=("a", "b", "base")) == [
        "a is shown to be better than base on at least 3 of 3 tasks.",
        "b is shown to be worse than base on at least 3 of 3 tasks.",
    ]
    assert said(B, base, baseline="base", beaten=("b", "base")) == [
        "No model is shown to be better than base on any of the 3 tasks."
    ]
    chance = replace(A, better=Count(("t2",), 0))
    assert said(chance, B, base, baseline="base", beaten=("a", "b", "base")) == [
        "Better than base on so few of the 3 tasks that it may be chance among so many: a (t2)."
    ]
    assert said(better, baseline="nobody") == []
    assert said(better) == []


def test_two_to_four_trained_models_are_told_against_each_other():
    ahead = replace(A, ahead={"b": Count(NAMES, 3), "tfidf": Count(NAMES, 3), "c": Count(("t1",), 0)})
    tfidf = replace(C, model="tfidf")
    told = "a is ahead of b on at least 3 of 3 tasks."
    assert said(ahead, B, tfidf, simple=("tfidf",), beaten=("a", "b", "tfidf")) == [told]
    assert said(ahead, tfidf, simple=("tfidf",), beaten=("a", "tfidf")) == []
    assert said(ahead, B, C, replace(C, model="d"), beaten=("a", "b", "c", "d")) == [told]
    five = (ahead, B, C, replace(C, model="d"), replace(C, model="e"))
    assert said(*five, beaten=("a", "b", "c", "d", "e")) == []
    assert told in said(*five, beaten=("a", "b", "c", "d", "e"), baseline="e")
    both = replace(B, ahead={"c": Count(("t1", "t2"), 2)})
    assert said(ahead, both, C) == [
        "a is ahead of b on at least 3 of 3 tasks; b is ahead of c on at least 2 of 3 tasks (all but t3)."
    ]


def test_mean_ranks_and_doubtful_tasks_come_last():
    ranks = MeanRanks(by_model={"a": 1.22, "b": 1.78}, critical_difference=0.987)
    assert said(A, B, ranks=ranks, doubts_of_claims=("few",)) == [
        "Mean ranks over the 3 tasks: a 1.2, b 1.8. Models whose mean ranks differ by less than 0.99 are not told "
        "apart by them.",
        "What is said about t1, t2 and t3 is doubtful, for the reasons given there.",
    ]
    assert said(A, doubts=("1 of 3 failed",))[-1].startswith("What is said about t1")
    doubtful = comparison(A, doubts=("1 of 3 failed",))
    untested = [replace(one, cells=tuple(replace(c, is_compared=False) for c in one.cells)) for one in doubtful.tasks]
    assert not any("doubtful" in line for line in verdict_over_tasks(replace(doubtful, tasks=tuple(untested))))
