"""What the task type of a record says of its run."""

import pytest
from synthetic_runs import card, record

from harness.comparison.known_types import is_as_published, known_task_type


def test_a_task_type_that_this_version_does_not_know_is_none():
    assert known_task_type("none such") is None
    assert known_task_type("regression") is not None


@pytest.mark.parametrize(
    ("task_type", "steps", "init", "is_one"),
    [
        ("language_modelling", 0, "pretrained", True),
        ("language_modelling", 1, "pretrained", False),
        ("language_modelling", 0, "random", False),
        ("classification", 0, "pretrained", False),
        ("none such", 0, "pretrained", False),
    ],
)
def test_a_language_model_that_was_scored_as_it_was_found_is_as_published(task_type, steps, init, is_one):
    config = {"training": {"maximum_steps": steps}, "model": {"init": init}}
    assert is_as_published(record(config=config, task_card=card(task_type=task_type))) == is_one
