"""What Python's search for unused objects passes over, and what it still finds."""

import gc
from weakref import ref

from harness.ops.collector import passing_over_what_is_loaded


class Cycle:
    """An object that only the search finds."""

    def __init__(self):
        self.itself = self


def unused():
    return ref(Cycle())


def test_what_is_loaded_is_passed_over_until_the_block_ends():
    before = gc.get_freeze_count()
    with passing_over_what_is_loaded():
        assert gc.get_freeze_count() > before
        inside = gc.get_objects()
        assert not any(found is Cycle for found in inside)  # A class, loaded before.
    assert gc.get_freeze_count() == 0
    assert any(found is Cycle for found in gc.get_objects())


def test_what_was_unused_before_and_what_comes_to_be_so_are_found():
    gc.disable()
    try:
        earlier = unused()
        with passing_over_what_is_loaded():
            assert earlier() is None
            later = unused()
            gc.collect()
            assert later() is None
    finally:
        gc.enable()
