"""How texts are read by a recipe: its window, its windows, its stride and its strategy."""

import pytest

from harness.config.training import Training
from harness.errors import UserError
from harness.tokenization.reading import (
    ANY_LENGTH,
    Reader,
    reader_for,
)


def test_the_window_is_the_model_s_limit_and_512_at_most():
    def window(limit, **settings):
        return reader_for(Training(**settings), None, limit=limit, stride=128, strategy=None).window

    assert (window(64), window(4096), window(None)) == (64, 512, 512)
    assert (window(64, max_length=32), window(64, max_length=64), window(None, max_length=9000)) == (32, 64, 9000)
    with pytest.raises(UserError, match="max_length: 65, but this model reads at most 64"):
        window(64, max_length=65)


def test_a_text_is_read_in_64_windows_or_as_many_as_the_recipe_says_and_what_nobody_asks_for_is_left_out():
    def asked(**settings):
        return reader_for(Training(**settings), None, limit=64, stride=0, strategy=None)

    assert asked() == Reader(None, 64, "head", stride=0, max_windows=64)
    assert asked(max_windows=3) == Reader(None, 64, "head", stride=0, max_windows=3)


@pytest.mark.parametrize(("max_windows", "window"), [(3, 48), (None, ANY_LENGTH)])
def test_a_text_in_segments_is_one_window_of_as_many_as_the_recipe_says_or_of_any_length(max_windows, window):
    recipe = Training(strategy="segment_recurrence", segment=16, max_windows=max_windows)
    read = reader_for(recipe, None, limit=64, stride=8, strategy=None)
    assert read == Reader(None, window, "segment_recurrence", stride=0, max_windows=1)


def test_a_kind_s_stride_gives_way_in_a_short_window():
    def stride(**settings):
        shared = settings.pop("shared", 0)
        return reader_for(Training(**settings), None, limit=None, stride=128, strategy="windows", shared=shared).stride

    assert (stride(), stride(max_length=384), stride(max_length=64), stride(stride=7)) == (128, 96, 16, 7)
    assert (stride(shared=200), stride(shared=400), stride(shared=400, stride=7)) == (200, 256, 7)


def test_a_task_type_s_own_strategy_goes_before_the_recipe_s():
    recipe = Training(strategy="head_tail")
    given = [reader_for(recipe, None, limit=None, stride=0, strategy=own).strategy for own in (None, "windows")]
    assert given == ["head_tail", "windows"]
