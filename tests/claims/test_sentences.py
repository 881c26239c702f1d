"""What is said of a claim is made from the numbers: each outcome by an interval, or a p-value, and by nothing else."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.claims.claim import Finding, Judged
from harness.claims.compared import Beside
from harness.claims.intervals import Interval, exponent, interval, ratio_interval
from harness.claims.kinds import cost_by_length, flexibility, interpretability, long_sequences
from harness.claims.kinds import parallelisation as parallel
from harness.errors import UserError
from harness.registry import TASK_TYPES

NOISE = (0.99, 1.0, 1.01, 1.0)


def outcomes(judged):
    open_ones = [found.text for found in judged.findings if found.outcome == "cannot tell"]
    assert all(text.startswith("whether ") and "not shown" not in text for text in open_ones), "said twice"
    return [found.outcome for found in judged.findings]


def test_an_interval_is_students_and_gets_wider_for_several_tests():
    # By hand: mean 2, standard error 1 / sqrt(3); t(0.975, 2) = 4.3027, t(1 - 0.05 / 10, 2) = 9.9248.
    found = interval([1.0, 2.0, 3.0])
    assert (found.value, found.low) == pytest.approx((2.0, 2 - 4.3027 / math.sqrt(3)), abs=1e-3)
    assert interval([1.0, 2.0, 3.0], tests=5).high == pytest.approx(2 + 9.9248 / math.sqrt(3), abs=1e-3)


def test_one_repeat_tells_nothing():
    assert interval([5.0]).side(0.0) == "around"
    assert ratio_interval([5.0]).side(1.0) == "around"


def test_repeats_that_all_agree_tell_no_more_than_one():
    assert interval([0.02] * 3).side(0.0) == "around"
    assert interval([0.1 + 0.2, 0.3, 0.3]).shown() == "0.30 (no interval)"  # They differ by rounding alone.
    assert ratio_interval([2.0] * 3).side(1.0) == "around"


def test_ratios_too_far_apart_for_a_float_have_an_interval():
    assert ratio_interval([1e-9, 1e9], tests=5).side(1.0) == "around"


def test_of_a_ratio_and_its_reciprocal_the_same_is_said():
    there, back = ratio_interval([2.0, 3.0, 4.0]), ratio_interval([1 / 2, 1 / 3, 1 / 4])
    assert (1 / back.high, 1 / back.value, 1 / back.low) == pytest.approx((there.low, there.value, there.high))


@pytest.mark.parametrize(
    ("ends", "side"), [((0.1, 0.3), "above"), ((-0.3, -0.1), "below"), ((-0.1, 0.3), "around"), ((0.0, 1.0), "around")]
)
def test_an_interval_lies_on_a_side_only_if_all_of_it_does(ends, side):
    assert Interval(sum(ends) / 2, *ends).side(0.0) == side


def test_a_sentence_begins_with_what_held_and_ends_with_what_is_open():
    findings = (Finding("cannot tell", "c"), Finding("held", "a"), Finding("did not hold", "b"), Finding("held", "d"))
    judged = Judged(findings, how="", limits=())
    assert judged.sentence == "Held: a; and d; did not hold: b; cannot tell: c."
    assert judged.verdict == "held in part"


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (("held", "held"), "held"),
        (("cannot tell",), "cannot tell"),
        (("did not hold", "cannot tell"), "did not hold, as far as can be told"),
    ],
)
def test_the_verdict_is_that_of_all_findings(found, verdict):
    assert Judged(tuple(Finding(one, "") for one in found), how="", limits=()).verdict == verdict


def speeds(*ratios):
    """Repeats at lengths from 16 on, each four times the last, of which the Transformer is so many times as fast."""
    return parallel.ParallelisationNumbers(
        parameters={"transformer": 1000, "lstm": 1001},
        hidden=8,
        threads=1,
        clock="processor time of one thread",
        vector_unit="AVX512",
        measured=tuple(
            parallel.Measured(
                mode="reading",
                length=16 * 4**place,
                texts=2,
                transformer=(1.0,) * 4,
                lstm=tuple(ratio * n for n in (NOISE if place % 2 else reversed(NOISE))),
            )
            for place, ratio in enumerate(ratios)
        ),
    )


@pytest.mark.parametrize(
    ("ratios", "found"),
    [
        ((1.0, 4.0), ["held", "held"]),
        ((1.0, 0.25), ["did not hold", "did not hold"]),
        ((4.0, 2.0), ["held", "did not hold"]),
        ((1.0, 1.0), ["cannot tell", "cannot tell"]),
        ((0.9, 1.2, 2.0, 1.4), ["held", "did not hold"]),  # though a line through all of them rises
        ((1.0, 2.0, 2.0, 4.0), ["held", "cannot tell"]),
    ],
)
def test_parallelisation_holds_where_the_transformer_is_faster_and_the_more_so_with_every_step(ratios, found):
    assert outcomes(parallel.judge(speeds(*ratios))) == found


def test_the_sentence_on_parallelisation_has_its_numbers():
    sentence = parallel.judge(speeds(1.0, 4.0, 2.0)).sentence
    # By hand: errors 0.01 sqrt(2 / 3) / 2 of the logarithms, t(1 - 0.05 / 6, 3) = 4.857 for three tests.
    assert (
        "the Transformer reads 2.00 (1.96 to 2.04) times as many tokens a second as the LSTM on texts of 256 "
        in sentence
    )
    assert (
        "the ratio of the Transformer’s tokens a second to the LSTM’s shrinks from 64 to 256 tokens (forward pass: "
        "from 16 to 64 tokens multiplied by 4.00 (" in sentence
    )


def costs(powers):
    """Seconds that grow by these powers of the length, with full attention, in windows, by recurrence."""
    ways = (cost_by_length.FULL, cost_by_length.WINDOWS, cost_by_length.RECURRENCE)
    return cost_by_length.CostNumbers(
        models=dict.fromkeys(ways, "small"),
        window=8,
        threads=1,
        clock="processor time of one thread",
        measured=tuple(
            cost_by_length.Measured(
                way=way,
                mode=mode,
                length=length,
                seconds=tuple(1e-3 * n ** (place * length / 128) * length**power for n in NOISE),
            )
            for place, (way, power) in enumerate(zip(ways, powers, strict=True), start=1)
            for mode in cost_by_length.MODES
            for length in (16, 32, 64)
        ),
    )


@pytest.mark.parametrize(
    ("powers", "found"),
    [
        ((2.5, 1.0, 1.0), ["held", "held", "held"]),
        ((1.5, 1.0, 1.0), ["held", "held", "did not hold"]),
        ((1.0, 1.5, 1.5), ["did not hold", "did not hold", "did not hold"]),
        ((2.0, 2.0, 1.0), ["cannot tell", "held", "cannot tell"]),
    ],
)
def test_cost_holds_where_full_attention_grows_faster_and_with_the_square(powers, found):
    assert outcomes(cost_by_length.judge(costs(powers))) == found


def test_an_exponent_is_the_slope_between_logarithms():
    assert exponent([1, 10, 100], [5, 5 * 10**1.5, 5 * 10**3]) == pytest.approx(1.5)


def one(gain=0.1, p=0.001, **changes):
    found = {
        "task": "reviews", "task_type": TASK_TYPES.names()[0], "metric": "accuracy", "model": "minilm",
        "against": "tfidf", "score": 0.6 + gain, "low": 0.5, "high": 0.9, "other": 0.6, "gain": gain,
        "gain_low": gain - 0.04, "gain_high": gain + 0.04, "p": p, "seeds": 3, "collapsed": 0,
    }  # fmt: skip
    return Beside(**{**found, **changes})


@pytest.mark.parametrize(
    ("found", "side"),
    [
        (one(0.1, 0.001), "above"),
        (one(-0.1, 0.001), "below"),
        (one(0.1, 0.2), "around"),  # though its own interval is above 0: the family's p-value decides
        (one(0.1, None), "above"),
        (one(-0.1, None), "below"),
        (one(0.05, None), "around"),  # 0.01 to 0.09, but not so wide as ten tests ask for
        (one(0.1, 0.02), "around"),  # below 0.05, but not below 0.05 / 5
        (one(0.1, None, gain_low=None), "around"),
        (one(-0.1, None, seeds=1, collapsed=1), "around"),  # one answer to all is no way to read
        (one(0.1, seeds=3, collapsed=1), "above"),
    ],
)
def test_a_model_is_ahead_by_the_comparisons_p_value_or_of_one_seed_by_its_interval(found, side):
    assert found.side(tasks=5, models=2) == side


def test_of_one_task_a_p_value_below_the_level_and_an_interval_above_0_are_enough():
    assert one(0.1, 0.02).side() == "above"
    assert one(0.05, None).side() == "above"


def test_flexibility_names_the_task_types_by_what_is_shown():
    first, second, third, *others = TASK_TYPES.names()
    found = flexibility.FlexibilityNumbers(
        model="minilm",
        tasks=(
            one(task_type=first, task="a"),
            one(-0.1, task_type=second, task="b"),
            one(0.1, 0.3, task_type=third, task="c"),
        ),
    )
    judged = flexibility.judge(found)
    # One of three at 5 % may be chance: at_least(1, 3) is 0.
    assert outcomes(judged) == ["cannot tell"] * 3
    counted = "on so few of the 3 tasks it may be chance"
    assert f"is ahead of the best simple baseline on {first.replace('_', ' ')} (a): {counted}" in judged.sentence
    assert f"is behind the best simple baseline on {second.replace('_', ' ')} (b): {counted}" in judged.sentence
    assert all(name.replace("_", " ") in judged.limits[0] for name in others)


def test_flexibility_holds_on_as_many_tasks_as_their_number_supports():
    tasks = (one(task="a"), one(task="b"), one(0.1, 0.3, task="c"))
    judged = flexibility.judge(flexibility.FlexibilityNumbers(model="minilm", tasks=tasks))
    assert outcomes(judged) == ["held", "cannot tell"]
    assert "(b), which supports that on at least 1 of the 3 tasks" in judged.sentence
    (single,) = flexibility.judge(flexibility.FlexibilityNumbers(model="minilm", tasks=(one(-0.1),))).findings
    assert (single.outcome, "supports" in single.text) == ("did not hold", False)


def test_flexibility_by_single_seeds_says_what_they_leave_open():
    found = flexibility.FlexibilityNumbers(model="minilm", tasks=(one(0.1, None, seeds=1),))
    assert any(limit.startswith("One seed") for limit in flexibility.judge(found).limits)


def test_flexibility_refuses_a_task_that_would_count_twice(monkeypatch):
    cell = SimpleNamespace(model="minilm", from_simple_baseline=None)
    found = [SimpleNamespace(base_task=task, cells=[cell]) for task in ("a", "b", "a")]
    monkeypatch.setattr(flexibility, "comparisons", lambda *_: found)
    monkeypatch.setattr(flexibility, "beside", lambda task, *_: one(task=task.base_task))
    with pytest.raises(UserError, match=r"^runs: a: compared several times"):
        flexibility.measure(flexibility.FlexibilitySettings(), Path("runs"))


def test_a_gain_is_shown_in_the_metrics_unit():
    assert one(0.1).gained() == "10.0 (6.0 to 14.0)"
    assert one(0.1, metric="mean_squared_error").gained() == "0.100 (0.060 to 0.140)"


def test_long_sequences_tells_of_each_task_which_ways_to_read_are_ahead_of_guessing():
    found = long_sequences.LongSequencesNumbers(
        found=(
            one(0.3, None, model="full", seeds=1),
            one(0.0, None, model="windows", seeds=1),
            one(-0.2, None, task="lists", model="full", seeds=1),
        ),
        simple=(),
    )
    judged = long_sequences.judge(found)
    assert outcomes(judged) == ["held", "cannot tell", "did not hold"]
    assert "on reviews ahead of guessing: full (90.0 (50.0 to 90.0) against 60.0)" in judged.sentence
    assert any(limit.startswith("One seed") for limit in judged.limits)


def test_long_sequences_tells_which_ways_to_read_are_ahead_of_the_one_that_relates_near_tokens_only():
    far = (one(0.4, model="full", against="windows"), one(-0.2, model="memory", against="windows"))
    found = (one(0.5, model="full"), one(0.1, model="windows"), one(-0.1, model="memory"))
    judged = long_sequences.judge(long_sequences.LongSequencesNumbers(found=found, simple=(), farther=far))
    assert outcomes(judged) == ["held", "did not hold", "held", "did not hold"]
    assert "on reviews ahead of windows: full (100.0 (50.0 to 90.0) against 60.0)" in judged.sentence
    assert "on reviews worse than windows: memory" in judged.sentence
    assert "and beside those of windows, which relates near tokens only." in judged.how
    (table,) = judged.tables
    assert table.headings[3] == "gain on windows"
    assert [row[3] for row in table.rows] == ["40.0 (36.0 to 44.0)", "–", "−20.0 (−24.0 to −16.0)"]


def test_without_a_model_that_relates_near_tokens_only_there_is_no_column_for_it():
    judged = long_sequences.judge(long_sequences.LongSequencesNumbers(found=(one(),), simple=()))
    assert judged.tables[0].headings == ("task, model", "score", "gain", "read", "seeds")


def test_one_seeds_intervals_are_widened_for_the_comparisons_with_both():
    # 0.045 (0.005 to 0.085) is shown of one test; for two, half of 0.08 times 2.24 / 1.96 is 0.0457.
    found, far = one(0.045, None, seeds=1), one(0.045, None, seeds=1, against="windows")
    assert outcomes(long_sequences.judge(long_sequences.LongSequencesNumbers(found=(found,), simple=()))) == ["held"]
    both = long_sequences.LongSequencesNumbers(found=(found,), simple=(), farther=(far,))
    assert outcomes(long_sequences.judge(both)) == ["cannot tell", "cannot tell"]


def test_long_sequences_takes_the_number_of_tasks_into_account():
    found = tuple(one(0.1, 0.03, task=task) for task in ("reviews", "lists"))
    judged = long_sequences.judge(long_sequences.LongSequencesNumbers(found=found, simple=()))
    assert outcomes(judged) == ["cannot tell", "cannot tell"]
    assert "is below 0.05 / 2, for as many tasks." in judged.how


@pytest.mark.parametrize(
    ("means", "found"),
    [
        ((0.2, 0.2, 0.1, 0.1), ["held", "held", "did not hold"]),
        ((0.1, 0.1, 0.2, 0.2), ["held", "held", "held"]),
        ((0.1, 0.1, -0.1, 0.0), ["did not hold", "cannot tell", "did not hold"]),  # whatever gradients do
    ],
)
def test_interpretability_holds_where_attention_finds_words_that_matter(means, found):
    rows = [tuple(mean + step for mean in means) for step in (-0.01, 0.0, 0.01)] * 4
    rows = [(a, b, c + 0.001 * (place % 2), d) for place, (a, b, c, d) in enumerate(rows)]
    numbers = interpretability.InterpretabilityNumbers(run="r", examples=12, steps=5, gains=tuple(rows))
    assert outcomes(interpretability.judge(numbers)) == found
