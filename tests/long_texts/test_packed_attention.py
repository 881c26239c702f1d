"""Packed attention itself: a text sees itself alone, as far as it reaches, whoever computes it."""

import random

import pytest
import torch

from harness.long_texts.packed import flash
from harness.long_texts.packed.attention import attend, native_attention
from harness.long_texts.packed.boundaries import BLOCK_WEIGHTS, PairBoundaries, SequenceBoundaries, grouped
from harness.long_texts.packed.plain import plain_attention
from harness.long_texts.packed.scoring import unpacked
from harness.ops import native


def test_values_of_packed_tokens_go_to_their_places_with_all_their_labels():
    kept = torch.tensor([[True, True, False], [True, False, False]])
    values = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])
    assert unpacked(values, kept).tolist() == [[[1, 2], [3, 4], [0, 0]], [[5, 6], [0, 0], [0, 0]]]
    assert unpacked(values[..., 0], kept).tolist() == [[1, 3, 0], [5, 0, 0]]
    with pytest.raises(AssertionError):
        unpacked(values[:, :2], kept)


def test_packed_attention_refuses_to_run_without_boundaries():
    states = torch.randn(1, 2, 6, 4)
    with pytest.raises(AssertionError, match="without the texts' boundaries"):
        attend(torch.nn.Linear(1, 1), states, states, states, None, scaling=0.5)


@pytest.mark.parametrize("reach", [None, 7])
def test_a_text_does_not_see_its_neighbours_nor_a_token_further_than_it_reaches(reach):
    chooser = random.Random(2)
    lengths = [chooser.randint(1, 40) for _ in range(30)] + [300, 290, 245]
    boundaries = SequenceBoundaries(lengths, torch.device("cpu"))
    query, key, value = torch.randn(3, 1, 2, sum(lengths), 8, dtype=torch.float64).unbind()
    query.requires_grad_()
    known = {"scaling": 0.3, "dropout": 0.0, "reach": reach}
    found = plain_attention(query, key, value, boundaries, **known)
    firsts = plain_attention(query[:, :, boundaries.first_tokens], key, value, boundaries, **known)
    assert torch.isfinite(torch.autograd.grad(found.sum(), query)[0]).all()
    start = 0
    for text, length in enumerate(lengths):
        q, k, v = (states[0, :, start : start + length] for states in (query, key, value))
        places = torch.arange(length)
        far = (places[:, None] - places).abs() > (length if reach is None else reach)
        alone = (q @ k.transpose(1, 2) * 0.3).masked_fill(far, -torch.inf).softmax(-1) @ v
        torch.testing.assert_close(found[0, start : start + length], alone.transpose(0, 1))
        torch.testing.assert_close(firsts[0, text], alone[:, 0])
        start += length


class Decoder(torch.nn.Module):
    """Attention of a decoder: to itself, from left to right, or to the source."""

    def __init__(self, *, is_causal):
        super().__init__()
        self.is_causal = is_causal


@pytest.mark.slow_but_first  # compiles the kernels, where nobody has yet
@pytest.mark.parametrize("kernels", [False, True], ids=["plain", "compiled"])
@pytest.mark.parametrize("is_causal", [True, False], ids=["itself", "source"])
def test_what_is_written_sees_itself_from_left_to_right_and_its_own_source_whole(is_causal, kernels, monkeypatch):
    if kernels and not native.serves(torch.device("cpu")):
        pytest.skip("no compiler")
    monkeypatch.setattr(native, "serves", lambda _device: kernels)
    sources, written = [3, 1, 90, 2, 9, 5], [1, 7, 80, 70, 2, 130]
    boundaries = PairBoundaries(*(SequenceBoundaries(lengths, torch.device("cpu")) for lengths in (sources, written)))
    asked = written if is_causal else sources
    leaves = [torch.randn(1, 2, sum(lengths), 8, requires_grad=True) for lengths in (written, asked, asked)]
    sums, _ = attend(Decoder(is_causal=is_causal), *leaves, None, scaling=0.3, boundaries=boundaries)
    parts = zip(
        *(leaf[0].split(lengths, 1) for leaf, lengths in zip(leaves, (written, asked, asked), strict=True)), strict=True
    )
    alone = []
    for query, key, value in parts:
        scores = query @ key.transpose(1, 2) * 0.3
        if is_causal:
            scores = scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -torch.inf)
        alone.append((scores.softmax(-1) @ value).transpose(0, 1))
    expected = torch.cat(alone)[None]
    torch.testing.assert_close(sums, expected, atol=1e-5, rtol=1e-4)
    ours, theirs = (torch.autograd.grad(found.square().sum(), leaves) for found in (sums, expected))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@pytest.mark.slow  # compiles the kernels, where nobody has yet
@pytest.mark.parametrize("reach", [None, 20])
@pytest.mark.parametrize("one_each", [False, True], ids=["all queries", "a query a text"])
def test_compiled_kernels_give_what_plain_torch_gives(one_each, reach):
    if not native.serves(torch.device("cpu")):
        pytest.skip("no compiler")
    boundaries = SequenceBoundaries([3, 1, 9, 200, 9], torch.device("cpu"))
    found = []
    for attention in (native_attention, plain_attention):
        torch.manual_seed(0)
        leaves = [torch.randn(1, 222, 16, requires_grad=True) for _ in range(3)]
        query, key, value = (leaf.view(1, 222, 2, 8).transpose(1, 2) for leaf in leaves)
        query = query[:, :, boundaries.first_tokens] if one_each else query
        sums = attention(query, key, value, boundaries, scaling=0.3, dropout=0.0, reach=reach)
        sums.square().sum().backward()
        found.append([sums, *(leaf.grad for leaf in leaves)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("reach", [None, 4])
@pytest.mark.parametrize("one_each", [False, True], ids=["all queries", "a query a text"])
def test_flash_attention_is_called_as_its_documentation_says(one_each, reach, monkeypatch):
    """By a stand-in: it needs a GPU. It is given [tokens, heads, width] and where texts start, as int32."""
    boundaries = SequenceBoundaries([3, 1, 9], torch.device("cpu"))
    query, key, value = torch.randn(3, 1, 2, 13, 8).unbind()
    query = query[:, :, boundaries.first_tokens] if one_each else query

    def kernel(
        q,
        k,
        v,
        *,
        cu_seqlens_q,
        cu_seqlens_k,
        max_seqlen_q,
        max_seqlen_k,
        dropout_p,
        softmax_scale,
        window_size,
        causal,
    ):
        left, right = window_size
        assert left == right
        assert not causal
        assert cu_seqlens_q.dtype == cu_seqlens_k.dtype == torch.int32
        assert (max_seqlen_q, max_seqlen_k, dropout_p) == (1 if one_each else 9, 9, 0.0)
        parts = []
        for text in range(len(cu_seqlens_k) - 1):
            asking, said = slice(*cu_seqlens_q[text : text + 2]), slice(*cu_seqlens_k[text : text + 2])
            scores = torch.einsum("qhw,khw->hqk", q[asking], k[said]) * softmax_scale
            ends = torch.arange(scores.shape[1])[:, None] + scores.shape[2] - scores.shape[1]  # at the keys' end
            far = (ends - torch.arange(scores.shape[2])).abs() > left
            weights = (scores.masked_fill(far, -torch.inf) if left >= 0 else scores).softmax(-1)
            parts.append(torch.einsum("hqk,khw->qhw", weights, v[said]))
        return torch.cat(parts)

    monkeypatch.setattr(flash, "_kernel", lambda: kernel)
    known = {"scaling": 0.3, "dropout": 0.0, "reach": reach}
    found = flash.flash_attention(query, key, value, boundaries, **known)
    expected = plain_attention(query, key, value, boundaries, **known)
    torch.testing.assert_close(found, expected)


def test_texts_share_a_block_where_little_padding_is_needed_and_the_cache_holds_it():
    lengths = [random.Random(4).randint(1, 500) for _ in range(200)]
    groups = grouped(lengths)
    assert sorted(text for group in groups for text in group) == list(range(200))
    for group in groups:
        longest, shortest = max(lengths[t] for t in group), min(lengths[t] for t in group)
        assert longest <= 1.25 * shortest + 2
        assert len(group) == 1 or len(group) * longest**2 <= BLOCK_WEIGHTS


def test_attention_s_dropout_keeps_the_expectation():
    boundaries = SequenceBoundaries([3, 50, 4], torch.device("cpu"))
    query, key = torch.randn(2, 1, 2, 57, 8).unbind()
    value = torch.ones(1, 2, 57, 4000)
    found = plain_attention(query, key, value, boundaries, scaling=0.1, dropout=0.3)
    assert found[0, 10].mean().item() == pytest.approx(1.0, abs=0.5)
    torch.manual_seed(0)
    many = torch.stack(
        [plain_attention(query, key, value[..., :1], boundaries, scaling=0.1, dropout=0.3) for _ in range(400)]
    )
    # A token of a text of 50 sums some 50 weights: their dropout's spread is below 0.1, its mean's below 0.005.
    assert many[:, 0, 3:53].mean().item() == pytest.approx(1.0, abs=0.005)
    assert many.std() > 0.01
