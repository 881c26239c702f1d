import pytest
import torch

from harness.tokenization.items import Collator, Features, Item, length_grouped_batches, passes
from harness.tokenization.reading import Window


def item(*lengths, example=0):
    """An item of windows whose tokens are 1, 2, 3 … and whose types are all 1."""
    return Item(example, tuple(Window(list(range(1, n + 1)), [1] * n, 0, range(n)) for n in lengths), None)


def windows_of(made):
    return len(made.windows)


@pytest.mark.parametrize(("count", "size"), [(1, 4), (4, 4), (5, 4), (203, 4), (1003, 8)])
def test_an_epoch_s_batches_hold_every_item_once_and_only_one_is_small(count, size):
    batches = length_grouped_batches(list(range(count)), size, seed=3, epoch=2)
    assert sorted(index for batch in batches for index in batch) == list(range(count))
    assert sorted(len(batch) for batch in batches)[1:] == [size] * (-(-count // size) - 1)


def test_batches_depend_on_seed_and_epoch_and_nothing_else():
    lengths = [index % 17 for index in range(300)]
    first = length_grouped_batches(lengths, 8, seed=1, epoch=0)
    torch.manual_seed(99)
    assert length_grouped_batches(lengths, 8, seed=1, epoch=0) == first
    assert length_grouped_batches(lengths, 8, seed=1, epoch=1) != first
    assert length_grouped_batches(lengths, 8, seed=2, epoch=0) != first
    # Others would change what every seed trains.
    assert length_grouped_batches([5, 1, 4, 2, 3], 2, seed=3, epoch=1) == [[0, 2], [1], [4, 3]]
    batches = length_grouped_batches(list(range(101)), 2, seed=3, epoch=1)
    assert [batch for batch in batches if len(batch) == 1] == [[71]]  # by chance the last, behind fifty batches


def test_a_batch_s_items_are_of_similar_length_and_the_batches_in_no_order_of_length():
    batches = length_grouped_batches(list(range(400)), 8, seed=0, epoch=0)  # one stretch of fifty batches
    assert all(max(batch) - min(batch) == 7 for batch in batches)
    longest = [max(batch) for batch in batches]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)


def test_passes_hold_as_many_windows_as_may_be_and_keep_the_order():
    items = [item(*[5] * windows, example=place) for place, windows in enumerate((1, 2, 1, 5, 1, 1, 2))]
    assert [[i.example for i in group] for group in passes(items, 3, windows_of)] == [[0, 1], [2], [3], [4, 5], [6]]
    assert [[i.example for i in group] for group in passes(items, 100, windows_of)] == [list(range(7))]
    assert passes([], 3, windows_of) == []


@pytest.mark.parametrize(
    ("left", "ids", "mask", "shifts"),
    [
        (False, [[1, 2, 3], [1, 0, 0], [1, 2, 0]], [[1, 1, 1], [1, 0, 0], [1, 1, 0]], [0, 0, 0]),
        (True, [[1, 2, 3], [0, 0, 1], [0, 1, 2]], [[1, 1, 1], [0, 0, 1], [0, 1, 1]], [0, 2, 1]),
    ],
)
def test_padding_goes_to_the_side_that_the_model_asks_for(left, ids, mask, shifts):
    collator = Collator(pad_id=0, left=left, uses_token_type_ids=True, device=torch.device("cpu"))
    batch = collator([item(3), item(1, 2)])
    assert batch.inputs["input_ids"].tolist() == ids
    assert batch.inputs["attention_mask"].tolist() == mask
    assert batch.inputs["token_type_ids"].tolist() == mask  # every type is 1
    assert batch.counts.tolist() == [1, 2]
    assert [collator.shift(batch, window) for window in range(3)] == shifts


def test_a_model_without_types_gets_none():
    batch = Collator(pad_id=7, left=False, uses_token_type_ids=False, device=torch.device("cpu"))([item(2), item(1)])
    assert batch.inputs.keys() == {"input_ids", "attention_mask"}
    assert batch.inputs["input_ids"].tolist() == [[1, 2], [1, 7]]


@pytest.mark.parametrize("left", [False, True])
def test_what_is_predicted_is_marked_and_what_is_written_padded_behind_its_end(left):
    scored = Window([5, 6, 7], [0, 0, 0], 0, range(3), scored_tokens=(1, 2))
    written = Window([8, 9], [0, 0], 0, range(2), target_ids=(4, 3))
    plain = Window([2], [0], 0, range(1), target_ids=(3,))
    collator = Collator(pad_id=0, left=left, uses_token_type_ids=False, device=torch.device("cpu"))
    batch = collator([Item(0, (scored, written), None), Item(1, (plain,), None)])
    assert batch.inputs["scored_tokens"].tolist() == [[0, 1, 1], [0, 0, 0], [0, 0, 0]]
    assert batch.inputs["labels"].tolist() == [[-100, -100], [4, 3], [3, -100]]


def test_an_item_is_as_long_as_its_longest_window_with_what_is_written_from_it():
    windows = (Window([1] * 4, [0] * 4, 0, range(4)), Window([1] * 3, [0] * 3, 0, range(3), target_ids=(5, 6)))
    assert Item(0, windows, None).length == 5


def test_the_share_of_unreachable_answers_is_of_the_questions_that_have_one():
    assert Features((), (), 0, 8, {"not in the context": 1, "whole in no window": 1}).unreachable_answers == 0.25
    assert Features((), (), 0).unreachable_answers is None
