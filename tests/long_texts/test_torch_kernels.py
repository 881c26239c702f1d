"""Attention by torch's own kernels for GPUs: what a processor knows too is run here, the rest by a stand-in."""

import inspect
from types import SimpleNamespace

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from harness.long_texts.packed import torch_kernels
from harness.long_texts.packed.boundaries import SequenceBoundaries
from harness.long_texts.packed.plain import plain_attention
from harness.long_texts.packed.torch_kernels import jagged_attention, serving, varlen_attention, works

CPU = torch.device("cpu")
KNOWN = {"scaling": 0.3, "dropout": 0.0}
has_varlen = pytest.mark.skipif(torch_kernels._varlen() is None, reason="an older torch, without such a varlen_attn")


def states(one_each, boundaries):
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 2, sum(boundaries.lengths), 8, requires_grad=True) for _ in range(3))
    return query[:, :, boundaries.first_tokens] if one_each else query, key, value


@pytest.mark.parametrize("one_each", [False, True], ids=["all queries", "a query a text"])
def test_jagged_tensors_give_what_plain_attention_gives(one_each):
    boundaries = SequenceBoundaries([3, 1, 9, 1], CPU)
    given = states(one_each, boundaries)
    found, expected = (attend(*given, boundaries, **KNOWN) for attend in (jagged_attention, plain_attention))
    torch.testing.assert_close(found, expected)
    gradients = [torch.autograd.grad(sums.square().sum(), given) for sums in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_jagged_tensors_know_dropout():
    boundaries = SequenceBoundaries([50, 50], CPU)
    query, key, value = torch.zeros(1, 2, 100, 8), torch.zeros(1, 2, 100, 8), torch.ones(1, 2, 100, 8)
    sums = jagged_attention(query, key, value, boundaries, scaling=1.0, dropout=0.5)
    assert sums.std() > 0.1
    # 200 sums of 50 weights, each 0 or 2 / 50: their mean's spread is 0.01.
    assert sums[..., 0].mean().item() == pytest.approx(1.0, abs=0.05)


@has_varlen
@pytest.mark.parametrize("reach", [None, 4])
@pytest.mark.parametrize("one_each", [False, True], ids=["all queries", "a query a text"])
def test_varlen_attention_is_called_as_its_documentation_says(one_each, reach, monkeypatch):
    boundaries = SequenceBoundaries([3, 1, 9], CPU)
    given = states(one_each, boundaries)
    real = inspect.signature(torch_kernels._varlen())

    def kernel(*arguments, **options):
        asked = real.bind(*arguments, **options).arguments
        assert asked["cu_seq_q"].dtype == asked["cu_seq_k"].dtype == torch.int32
        assert (asked["max_q"], asked["max_k"]) == (1 if one_each else 9, 9)
        assert asked["window_size"] == ((-1, -1) if reach is None else (reach, reach))
        back = (asked[name].transpose(0, 1)[None] for name in ("query", "key", "value"))
        return plain_attention(*back, boundaries, scaling=asked["scale"], dropout=0.0, reach=reach)[0]

    monkeypatch.setattr(torch_kernels, "_varlen", lambda: kernel)
    found = varlen_attention(*given, boundaries, **KNOWN, reach=reach)
    torch.testing.assert_close(found, plain_attention(*given, boundaries, **KNOWN, reach=reach))


@has_varlen
def test_torch_itself_takes_these_arguments():
    """Without numbers, where no kernel is needed."""
    meta = torch.device("meta")
    boundaries = SequenceBoundaries([3, 1, 9], meta)
    query, key, value = torch.randn(3, 1, 2, 13, 8, device=meta, dtype=torch.bfloat16).unbind()
    assert varlen_attention(query, key, value, boundaries, **KNOWN).shape == (1, 13, 2, 8)


@has_varlen
def test_a_kernel_that_fails_or_differs_is_told_once_and_not_used(capsys, monkeypatch):
    works.cache_clear()
    assert works(jagged_attention, CPU, torch.float32, 8)
    assert not capsys.readouterr().err
    for _ in range(2):
        assert not works(varlen_attention, CPU, torch.bfloat16, 8), "a processor has no such kernel"
    assert capsys.readouterr().err.count("varlen_attention is not used on this GPU") == 1

    def wrong(*given, **known):
        return plain_attention(*given, **known) + 0.1

    assert not works(wrong, CPU, torch.float32, 8)
    assert "its numbers differ" in capsys.readouterr().err
    works.cache_clear()


@pytest.mark.parametrize(
    ("changed", "asked", "kernel"),
    [
        ({}, {}, varlen_attention),
        ({}, {"dropout": 0.1}, jagged_attention),
        ({}, {"reach": 4}, varlen_attention),
        ({}, {"reach": 4, "dropout": 0.1}, None),
        ({}, {"reach": 4, "one_each": True}, None),
        ({"is_cuda": False}, {}, None),
        ({"dtype": torch.float32}, {}, None),
        ({"shape": (1, 2, 9, 20)}, {}, None),
    ],
)
def test_who_serves_whom(changed, asked, kernel, monkeypatch):
    monkeypatch.setattr(torch_kernels, "works", lambda *_: True)
    query = {"is_cuda": True, "dtype": torch.bfloat16, "shape": (1, 2, 9, 64), "device": CPU} | changed
    known = {"dropout": 0.0, "reach": None, "one_each": False} | asked
    assert serving(SimpleNamespace(**query), **known) is kernel
    monkeypatch.setattr(torch_kernels, "works", lambda *_: False)
    assert serving(SimpleNamespace(**query), **known) is None


@pytest.mark.parametrize(("reach", "second"), [(None, jagged_attention), (4, None)])
def test_where_one_kernel_fails_the_other_serves_if_it_can(reach, second, monkeypatch):
    monkeypatch.setattr(torch_kernels, "works", lambda kernel, *_: kernel is not varlen_attention)
    query = SimpleNamespace(is_cuda=True, dtype=torch.bfloat16, shape=(1, 2, 9, 64), device=CPU)
    assert serving(query, dropout=0.0, reach=reach, one_each=False) is second


def test_a_kernel_may_first_be_asked_for_inside_of_a_pass_that_is_computed_again():
    works.cache_clear()
    rows = torch.randn(3, requires_grad=True)

    def read(rows):
        assert works(jagged_attention, CPU, torch.float32, 8)
        return rows.square()

    found = checkpoint(read, rows, use_reentrant=False)
    torch.testing.assert_close(torch.autograd.grad(found.sum(), rows)[0], 2 * rows)
    works.cache_clear()


def test_a_want_of_memory_says_nothing_of_a_kernel():
    def full(*_, **__):
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        works(full, CPU, torch.float32, 8)
