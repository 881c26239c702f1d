"""Each way to read is compared with guessing, and with the one that relates near tokens only."""

from pathlib import Path

import pytest
from synthetic_runs import add_runs

from harness.claims.kinds.long_sequences import LongSequencesSettings, measure


def compared(folder: Path, *suites: str, near: str = "windows"):
    settings = LongSequencesSettings(suites=suites, guessing="scratch", near=near)
    return measure(settings, folder)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Runs of two suites, of which only one has a model that relates near tokens only."""
    folder = tmp_path_factory.mktemp("long_sequences")
    for suite, models in (("far", {"full": 0.9, "windows": 0.6}), ("short", {"full": 0.7})):
        for model, right in {**models, "scratch": 0.5}.items():
            add_runs(folder, model, right, suite=suite)
        add_runs(folder, "tfidf", 0.5, range(1), suite=suite, family="tfidf")
    return folder


def test_models_are_compared_with_the_one_that_relates_near_tokens_where_a_suite_has_it(read):
    found = compared(read, "far", "short")
    assert [(one.model, one.against) for one in found.farther] == [("full", "windows"), ("scratch", "windows")]
    assert found.farther[0].gain == pytest.approx(0.3, abs=0.05)
    assert found.farther[0].side() == "above"
    assert sorted((one.model, one.against) for one in found.found) == [
        ("full", "scratch"), ("full", "scratch"), ("windows", "scratch"),
    ]  # fmt: skip
    assert {one.model for one in found.simple} == {"tfidf"}


def test_a_pairs_p_value_is_the_same_whatever_differences_are_taken_from(read):
    found = compared(read, "far", near="windows")
    beside_guessing = next(one for one in found.found if one.model == "windows")
    (turned,) = [one for one in found.farther if one.model == "scratch"]
    assert (turned.p, turned.gain) == pytest.approx((beside_guessing.p, -beside_guessing.gain))


def test_no_model_is_compared_with_one_that_no_suite_has(read):
    assert compared(read, "far", "short", near="nobody").farther == ()
