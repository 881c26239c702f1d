"""The reference is made from the code: everything that can be named has a page, every setting a line."""

import re
from pathlib import Path

import pytest
from pydantic import Field

from docs.generate.entries import model_pages, suite_pages, task_pages
from docs.generate.hooks import pages
from docs.generate.settings import default_of, described, settings_page, type_of
from harness.config.checking import Strict
from harness.config.files import config_files
from harness.config.training import Training
from harness.pretraining.recipe import PretrainingPlan
from harness.registry import TASKS

ROOT = Path(__file__).parent.parent.parent


class Brewing(Strict):
    """How tea is made.

    Attributes:
        minutes: How long it draws; a pot that stands
            longer is bitter.
        leaves: Which.
    """

    minutes: float = Field(3.0, gt=0, le=10)
    leaves: str


@pytest.mark.slow
def test_every_task_model_and_suite_has_a_page():
    assert set(task_pages()) == set(TASKS.names())
    assert set(model_pages()) == set(config_files("models"))
    assert set(suite_pages()) == set(config_files("suites"))


@pytest.mark.parametrize("shape", [Training, PretrainingPlan], ids=["fine-tuning", "pretraining"])
def test_every_setting_has_a_line(shape):
    listed = set(re.findall(r"^\| `(\w+)` \|", settings_page(), flags=re.MULTILINE))
    assert shape.model_fields
    assert not shape.model_fields.keys() - listed


def test_a_setting_is_shown_with_its_type_bounds_default_and_meaning():
    minutes, leaves = Brewing.model_fields["minutes"], Brewing.model_fields["leaves"]
    assert (type_of(minutes), default_of(minutes)) == ("number, > 0, ≤ 10", "`3.0`")
    assert (type_of(leaves), default_of(leaves)) == ("text", "required")
    assert described(Brewing) == {
        "minutes": "How long it draws; a pot that stands longer is bitter.",
        "leaves": "Which.",
    }


def test_a_setting_without_a_word_about_it_stops_the_build():
    class Silent(Strict):
        """Nothing is said of it."""

        minutes: int = 1

    with pytest.raises(AssertionError, match="Silent: its docstring says nothing of minutes"):
        described(Silent)


@pytest.mark.slow
def test_links_between_generated_pages_lead_somewhere():
    made = pages()
    for path, text in made.items():
        for target in re.findall(r"\]\(([\w./-]+\.md)\)", text):
            resolved = (ROOT / path).parent.joinpath(target).resolve().relative_to(ROOT)
            assert str(resolved) in made, f"{path}: {target}"
