"""The kernels against plain torch: the same numbers, gradients and masks, whatever the lengths, types and threads."""

import itertools

import pytest
import torch

from harness.ops import native

pytestmark = pytest.mark.slow  # The first use compiles them.

LENGTHS = {
    "one token": [1],
    "short and long": [1, 3, 14, 17, 154],
    "equal": [38, 38, 38],
    "one sequence": [300],
    "blocks' borders": [64, 65, 128, 129],
    "with an empty one": [5, 0, 7],
    "two thousand tokens": [2000],
}
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@pytest.fixture(autouse=True)
def kernels():
    if reason := native.unavailable():
        pytest.skip(reason)


@pytest.fixture
def threads():
    """Sets the number of threads, until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def boundaries(lengths):
    return torch.tensor([0, *itertools.accumulate(lengths)], dtype=torch.int32)


def rows(tokens, heads, width, kind):
    """A tensor [tokens, heads, width] as BERT hands it over: a view of [1, heads, tokens, width], with a gradient."""
    linear = torch.randn(1, tokens, heads * width).to(kind)
    view = linear.view(1, tokens, heads, width).transpose(1, 2)
    return view[0].transpose(0, 1).detach().requires_grad_()


def outcome(function, tensors, slope, *, seed=1):
    """What a function gives, and the gradients of its tensors; the same random numbers for the same seed."""
    torch.manual_seed(seed)
    result = function(*tensors)
    return [result, *torch.autograd.grad(result, tensors, slope.to(result.dtype))]


def plain_outcome(monkeypatch, function, tensors, slope):
    """The same in plain torch and 32 bits."""
    with monkeypatch.context() as patch:
        patch.setattr(native, "unavailable", lambda: "off")
        wide = [tensor.detach().float().requires_grad_() for tensor in tensors]
        return outcome(function, wide, slope.float())


def assert_same(results, expected, kind):
    """Within 1e-5 of the largest number in 32 bits; bfloat16 has 8 bits, so sums of rounded numbers get 2 %."""
    tolerance = 1e-5 if kind == torch.float32 else 0.02
    assert results
    for result, other in zip(results, expected, strict=True):
        largest = max(1.0, float(other.detach().abs().max())) if other.numel() else 1.0
        torch.testing.assert_close(result.float(), other, atol=tolerance * largest, rtol=0)


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_attention_and_its_gradients_equal_plain_torchs(monkeypatch, lengths, dropout, kind):
    torch.manual_seed(0)
    ends = boundaries(lengths)
    tensors = [rows(sum(lengths), 2, 32, kind) for _ in range(3)]
    slope = torch.randn(sum(lengths), 2, 32).to(kind)

    def attend(query, key, value):
        return native.attention(query, key, value, ends, scaling=32**-0.5, dropout=dropout)

    results = outcome(attend, tensors, slope)
    assert results[0].dtype == kind
    assert_same(results, plain_outcome(monkeypatch, attend, tensors, slope), kind)


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize(("reach", "causal"), [(3, False), (64, False), (200, False), (None, True), (64, True)])
def test_attention_within_reach_and_its_gradients_equal_plain_torchs(monkeypatch, reach, causal, kind):
    torch.manual_seed(0)
    ends, firsts = boundaries([1, 3, 65, 128, 301]), boundaries([1] * 5)
    tensors = [rows(498, 2, 32, kind) for _ in range(3)]
    slope = torch.randn(503, 2, 32).to(kind)

    def attend(query, key, value):
        known = {"scaling": 0.5, "dropout": 0.1, "reach": reach, "causal": causal}
        every = native.attention(query, key, value, ends, **known)
        first = native.attention(query[ends[:-1].long()], key, value, ends, query_boundaries=firsts, **known)
        return torch.cat([every, first])

    results = outcome(attend, tensors, slope)
    assert_same(results, plain_outcome(monkeypatch, attend, tensors, slope), kind)


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("width", [1, 7, 20, 64, 80])
def test_a_head_may_have_any_width_and_a_sequence_other_queries_than_keys(monkeypatch, width, kind):
    torch.manual_seed(0)
    lengths, queries = [5, 40, 200], [1, 1, 2]
    ends, query_ends = boundaries(lengths), boundaries(queries)
    tensors = [rows(tokens, 3, width, kind) for tokens in (4, 245, 245)]
    slope = torch.randn(4, 3, width).to(kind)

    def attend(query, key, value):
        return native.attention(query, key, value, ends, scaling=width**-0.5, dropout=0.2, query_boundaries=query_ends)

    expected = plain_outcome(monkeypatch, attend, tensors, slope)
    assert_same(outcome(attend, tensors, slope), expected, kind)


@pytest.mark.parametrize("kinds", itertools.product(TYPES.values(), repeat=2), ids=str)
@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("width", [16, 50])
def test_the_fused_norm_and_its_gradients_equal_plain_torchs(monkeypatch, width, dropout, kinds):
    torch.manual_seed(0)
    hidden, residual = [torch.randn(3, 50, width).to(kind).requires_grad_() for kind in kinds]
    weight, bias = [torch.randn(width, requires_grad=True) for _ in range(2)]
    slope = torch.randn(3, 50, width)

    def norm(*tensors):
        return native.dropout_add_norm(*tensors, epsilon=1e-12, dropout=dropout)

    tensors = [hidden, residual, weight, bias]
    results = outcome(norm, tensors, slope)
    assert results[0].dtype == torch.promote_types(*kinds)
    kind = torch.float32 if kinds == (torch.float32, torch.float32) else torch.bfloat16
    assert_same(results, plain_outcome(monkeypatch, norm, tensors, slope.to(results[0].dtype)), kind)


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_dropout_and_its_gradient_have_the_mask_of_plain_torch(monkeypatch, kind):
    hidden = torch.randn(3, 700).to(kind).requires_grad_()
    slope = torch.ones(3, 700)
    results = outcome(lambda hidden: native.dropout(hidden, 0.3), [hidden], slope)
    expected = plain_outcome(monkeypatch, lambda hidden: native.dropout(hidden, 0.3), [hidden], slope)
    assert torch.equal(results[0] == 0, expected[0] == 0)
    assert torch.equal(results[1] == 0, results[0] == 0)
    assert_same(results, expected, kind)


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_any_number_of_threads_gives_the_same_bits(threads, kind):
    torch.manual_seed(0)
    ends = boundaries([1, 30, 200, 70])
    tensors = [rows(301, 4, 32, kind) for _ in range(3)]
    hidden = [torch.randn(301, 100).to(kind).requires_grad_() for _ in range(2)]
    hidden += [torch.randn(100, requires_grad=True) for _ in range(2)]
    found = []
    for count in (1, 2, 3):
        threads(count)
        attended = outcome(
            lambda *rows: native.attention(*rows, ends, scaling=0.2, dropout=0.1), tensors, torch.ones(301, 4, 32)
        )
        normal = outcome(
            lambda *hidden: native.dropout_add_norm(*hidden, epsilon=1e-5, dropout=0.1), hidden, torch.ones(301, 100)
        )
        dropped = outcome(lambda hidden: native.dropout(hidden, 0.1), hidden[:1], torch.ones(301, 100))
        found.append([*attended, *normal, *dropped])
    for other in found[1:]:
        assert all(torch.equal(one, two) for one, two in zip(found[0], other, strict=True))


def test_what_is_not_a_number_stays_so():
    query, key, value = torch.randn(3, 6, 1, 8)
    ends = boundaries([3, 3])
    key[1, 0, 0] = float("nan")
    sums = native.attention(query, key, value, ends, scaling=1.0)
    assert sums[:3].isnan().all()
    assert sums[3:].isfinite().all()
    assert native.dropout(torch.full((5,), float("nan")).bfloat16(), 0.1).isnan().any()


def test_autocast_changes_nothing():
    tensors = [rows(9, 2, 16, torch.float32) for _ in range(3)]
    ends = boundaries([4, 5])
    expected = native.attention(*tensors, ends, scaling=0.25)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(native.attention(*tensors, ends, scaling=0.25), expected)


def test_nothing_is_kept_for_a_backward_pass_that_will_not_come():
    tensors = [rows(9, 2, 16, torch.float32) for _ in range(3)]
    with torch.no_grad():
        assert native.attention(*tensors, boundaries([4, 5]), scaling=0.25).grad_fn is None
    with torch.inference_mode():
        assert native.attention(*tensors, boundaries([4, 5]), scaling=0.25).shape == (9, 2, 16)


@pytest.mark.parametrize("places", [[0, 2], [1, 3], [0, 4], [0, 2, 1, 3], []])
def test_the_kernels_refuse_boundaries_that_do_not_cover_the_tokens(places):
    tensor = torch.randn(3, 1, 4)
    with pytest.raises(ValueError, match="boundaries"):
        native.attention(tensor, tensor, tensor, torch.tensor(places, dtype=torch.int32), scaling=1.0)
