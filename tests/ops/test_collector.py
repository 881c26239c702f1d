"""What Python's search for unused objects passes over, and what it still finds."""

import gc
from weakref import ref

import pytest

from harness.ops.collector import pass_over_what_came_since, passing_over_what_is_loaded
from harness.runs import execution

pytestmark = pytest.mark.slow  # Each test lets Python search all that the other tests' imports have left.


class Cycle:
    """An object that only the search finds."""

    def __init__(self):
        self.itself = self


def unused():
    return ref(Cycle())


@pytest.fixture(autouse=True)
def nothing_frozen():
    """The search sees all, as in a process that no tests are run in (tests/conftest.py), and begins when it is told."""
    gc.unfreeze()
    gc.disable()
    yield
    gc.enable()
    gc.collect()
    gc.freeze()


def is_seen(something):
    return any(found is something for found in gc.get_objects())


def test_what_is_loaded_is_passed_over_until_the_block_ends():
    with passing_over_what_is_loaded():
        assert not is_seen(Cycle)
    assert is_seen(Cycle)


def test_what_a_user_has_frozen_stays_so():
    gc.freeze()
    with passing_over_what_is_loaded():
        assert not is_seen(Cycle)
    assert not is_seen(Cycle)


def test_what_was_unused_before_and_what_comes_to_be_so_are_found():
    earlier = unused()
    with passing_over_what_is_loaded():
        assert earlier() is None
        later = unused()
        gc.collect()
        assert later() is None


def test_what_is_loaded_later_is_passed_over_within_the_block_alone():
    pass_over_what_came_since()
    assert is_seen(Cycle)
    with passing_over_what_is_loaded():
        later = Cycle()
        pass_over_what_came_since()
        assert not is_seen(later)
    pass_over_what_came_since()
    assert is_seen(later)


@pytest.mark.slow
def test_a_user_s_process_that_fine_tunes_is_left_as_it_was():
    execution._finetuning.cache_clear()
    execution._finetuning()
    assert gc.get_freeze_count() == 0
