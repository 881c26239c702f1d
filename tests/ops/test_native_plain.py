"""The operators in plain torch, which are the oracle of the kernels, against torch's own and by arithmetic."""

import pytest
import torch
from torch.nn.functional import layer_norm, scaled_dot_product_attention

from harness.ops import native
from harness.ops.native import _plain


@pytest.fixture(autouse=True)
def without_kernels(monkeypatch):
    monkeypatch.setattr(native, "unavailable", lambda: "off")


def boundaries(*lengths):
    return torch.tensor([0, *lengths]).cumsum(0).int()


def test_row_keys_are_those_of_splitmix64():
    # The first numbers for seed 1234567: rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    keys = _plain._splitmix(1234567, torch.arange(4))
    assert [key % 2**64 for key in keys.tolist()] == expected


def test_each_sequence_attends_to_itself_alone():
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 9, 2, 4)
    sums = native.attention(query, key, value, boundaries(4, 1, 4), scaling=0.5)
    for rows in (slice(0, 4), slice(4, 5), slice(5, 9)):
        alone = [tensor[rows].transpose(0, 1) for tensor in (query, key, value)]
        expected = scaled_dot_product_attention(*alone, scale=0.5).transpose(0, 1)
        torch.testing.assert_close(sums[rows], expected)


def test_one_query_a_sequence_gives_what_all_queries_give_there():
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 9, 2, 4)
    ends = boundaries(4, 1, 4)
    first = ends[:-1].long()
    sums = native.attention(query[first], key, value, ends, scaling=0.5, query_boundaries=boundaries(1, 1, 1))
    torch.testing.assert_close(sums, native.attention(query, key, value, ends, scaling=0.5)[first])


def test_a_query_without_keys_gets_zeros():
    query, nothing = torch.randn(2, 2, 4), torch.randn(0, 2, 4)
    sums = native.attention(query, nothing, nothing, boundaries(0), scaling=1.0, query_boundaries=boundaries(2))
    assert torch.equal(sums, torch.zeros(2, 2, 4))


@pytest.mark.slow
def test_gradients_of_the_oracle_are_right():
    torch.manual_seed(0)
    rows = [torch.randn(5, 2, 3, dtype=torch.double, requires_grad=True) for _ in range(3)]
    ends = boundaries(2, 3)
    assert torch.autograd.gradcheck(
        lambda *rows: _plain.attention(*rows, ends, ends, torch.tensor([5, 5]), 0.5, 0.3, 7), rows
    )
    hidden = [torch.randn(*shape, dtype=torch.double, requires_grad=True) for shape in ((4, 5), (4, 5), (5,), (5,))]
    assert torch.autograd.gradcheck(lambda *hidden: _plain.dropout_add_norm(*hidden, 1e-5, 0.3, 7), hidden)


def test_without_dropout_the_norm_is_torchs_own():
    torch.manual_seed(0)
    hidden, residual = torch.randn(2, 3, 4, 8)
    weight, bias = torch.randn(2, 8)
    normal = native.dropout_add_norm(hidden, residual, weight, bias, epsilon=1e-5)
    torch.testing.assert_close(normal, layer_norm(hidden + residual, (8,), weight, bias, 1e-5))


def test_the_dropped_share_and_the_mean_are_as_asked():
    # 10^6 draws: the share is within 4 standard errors, 4 x sqrt(0.1 x 0.9 / 10^6) = 0.0012.
    torch.manual_seed(0)
    dropped = native.dropout(torch.ones(1000, 1000), 0.1)
    assert abs(float((dropped == 0).float().mean()) - 0.1) < 0.0012
    assert set(dropped.unique().tolist()) == {0.0, float(torch.tensor(1 / 0.9))}
    assert abs(float(dropped.mean()) - 1) < 0.0014


def test_rows_and_columns_are_dropped_independently():
    # Neighbours of 10^6 draws are both kept with 0.81; 4 standard errors are 0.0016.
    kept = _plain.keep(3, torch.arange(1000), 1000, dropout=0.1)
    beside, below = kept[:, 1:] & kept[:, :-1], kept[1:] & kept[:-1]
    assert abs(float(beside.float().mean()) - 0.81) < 0.0016
    assert abs(float(below.float().mean()) - 0.81) < 0.0016


def test_a_restored_generator_draws_the_same_mask_and_the_next_call_another():
    hidden = torch.ones(1000)
    state = torch.random.get_rng_state()
    first, second = native.dropout(hidden, 0.5), native.dropout(hidden, 0.5)
    torch.random.set_rng_state(state)
    assert torch.equal(native.dropout(hidden, 0.5), first)
    assert not torch.equal(first, second)


def test_without_dropout_no_random_number_is_drawn():
    state = torch.random.get_rng_state()
    native.dropout(torch.ones(5), 0.0)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("places", [[0, 2], [1, 3], [0, 4], [0, 2, 1, 3], []])
def test_boundaries_that_do_not_cover_the_tokens_are_refused(places):
    rows = torch.randn(3, 1, 4)
    with pytest.raises(ValueError, match="boundaries"):
        native.attention(rows, rows, rows, torch.tensor(places, dtype=torch.int32), scaling=1.0)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_leaves_nothing_is_refused(share):
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        native.dropout(torch.ones(3), share)


@pytest.mark.parametrize("shapes", [[(2, 3), (3, 2), 3], [(2, 3), (2, 3), 2], [(2, 0), (2, 0), 0]])
def test_shapes_that_do_not_fit_are_refused(shapes):
    hidden, residual, width = shapes
    with pytest.raises(ValueError, match="do not fit"):
        native.dropout_add_norm(
            torch.ones(hidden), torch.ones(residual), torch.ones(width), torch.ones(width), epsilon=1e-5
        )
