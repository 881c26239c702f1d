"""Slices that a search finds on one half of the examples, and the other half has to show."""

import json
from math import comb

import numpy as np
import pytest
from command_line import reviews, write_jsonl

from harness.error_analysis.found_slices import Condition, _half, conditions_of, found_slices
from harness.task_types.analysed import Aspect


def drawn(seed, *, planted, examples=1000):
    """Twenty random conditions, and losses that the first two together raise by `planted`."""
    rng = np.random.default_rng(seed)
    conditions = [Condition(f"c{place}", f"c{place}", rng.random(examples) < 0.4) for place in range(20)]
    chances = 0.15 + planted * (conditions[0].holds & conditions[1].holds)
    return (rng.random(examples) < chances).astype(float), conditions


def test_a_planted_slice_of_two_conditions_is_found_and_shown_by_the_other_half():
    losses, conditions = drawn(0, planted=0.5)
    first = found_slices(losses, conditions, np.arange(1000))[0]
    assert first.conditions == ("c0", "c1")
    assert first.is_shown
    assert first.loss > 0.5 > 0.2 > first.elsewhere
    inside = conditions[0].holds & conditions[1].holds
    assert first.found_in + first.tested_on == inside.sum()


def test_where_nothing_is_planted_little_is_shown():
    shown = [
        any(one.is_shown for one in found_slices(*drawn(seed, planted=0.0), np.arange(1000))) for seed in range(40)
    ]
    assert sum(shown) <= 6  # Of 40 at 5 %: P(more than 6) is below 0.004.


def test_where_all_inside_and_none_outside_are_wrong_the_p_value_counts_the_ways_to_pick_the_slice():
    holds = np.arange(100) < 30
    (found,) = found_slices(holds.astype(float), [Condition("c", "c", holds)], np.arange(100))
    assert (found.loss, found.elsewhere) == (1.0, 0.0)
    # Of all ways to pick so many of the other half's 50 examples, this is the one that puts all that is wrong inside.
    assert found.adjusted_p == pytest.approx(1 / comb(50, found.tested_on), rel=1e-9, abs=0)
    only_found = holds & _half(np.arange(100))
    (found,) = found_slices(only_found.astype(float), [Condition("c", "c", holds)], np.arange(100))
    assert (found.loss, found.elsewhere, found.adjusted_p) == (0.0, 0.0, None)


def test_no_group_is_in_both_halves_and_five_of_them_are_too_few_to_test():
    losses, conditions = drawn(0, planted=0.5)
    found = found_slices(losses, conditions, np.arange(1000) // 125)
    assert found
    assert all(one.adjusted_p is None and not one.is_shown for one in found)
    assert all((one.found_in + one.tested_on) for one in found)


def test_conditions_are_the_parts_of_aspects_and_words_that_neither_all_nor_few_texts_have():
    aspect = Aspect("shop", ("a", None, "b", "a"), ("a", "b"))
    found = {one.name: one.holds.tolist() for one in conditions_of([aspect], ["The cat", "the dog", "the cat", "the"])}
    assert found == {
        "shop: a": [True, False, False, True], "shop: b": [False, False, True, False],
        "has “cat”": [True, False, True, False], "has “dog”": [False, True, False, False],
    }  # fmt: skip


@pytest.fixture
def run(command, tmp_path):
    """A model that says one label of texts of which those of one shop have the other."""
    rows = [
        {**row, "shop": f"s{place % 5}", "label": "bad" if place % 5 == 3 and place % 2 else "good"}
        for place, row in enumerate(reviews(460))
    ]
    train, test = write_jsonl(tmp_path / "a.jsonl", rows[:60]), write_jsonl(tmp_path / "b.jsonl", rows[60:])
    assert command("run", "--model", "majority", "--train", train, "--test", test).code == 0
    (record,) = tmp_path.rglob("run.json")
    return record.parent


@pytest.mark.slow
def test_they_are_shown_with_the_users_columns_and_without_the_data_by_what_is_recorded(run, command, tmp_path):
    (content,) = json.loads(command("errors", run, "--by", "found", "--json").output)
    conditions = {name for one in content["models"]["majority"] for name in one["conditions"]}
    assert "label: bad" in conditions
    output = command("errors", run, "--by", "found").output
    assert "from the other half" in " ".join(output.split())
    (tmp_path / "b.jsonl").write_text('{"text": "another", "label": "good"}\n')
    found = command("errors", run, "--by", "found")
    assert found.code == 0
    assert "without its texts and columns" in " ".join(found.errors.split())
