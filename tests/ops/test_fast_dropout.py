"""Dropout from cheap random bits is dropout: its rate, its expectation, its gradient, its seed."""

import pytest
import torch
from small_models import loaded_model
from torch import nn

from harness.ops.fast_dropout import STEPS, FastDropout, dropped, with_fast_dropout


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 1 / 3, 0.9])
def test_the_rate_is_met_and_what_stays_is_scaled_so_that_the_expectation_stays(rate):
    torch.manual_seed(0)
    count = 1_000_000
    found = dropped(torch.ones(count), rate)
    met = round(rate * STEPS) / STEPS
    assert abs(met - rate) <= 0.5 / STEPS
    assert found.unique().tolist() == pytest.approx([0.0, 1 / (1 - met)], rel=1e-6)
    spread = (met * (1 - met) / count) ** 0.5
    assert (found == 0).double().mean().item() == pytest.approx(met, abs=5 * spread)


def test_numbers_of_one_draw_are_dropped_independently():
    """Four numbers share 64 random bits: with rate 0.5, each pair is kept together a quarter of the time."""
    torch.manual_seed(1)
    kept = (dropped(torch.ones(400_000), 0.5) != 0).double().view(-1, 4)
    together = kept.T @ kept / len(kept)
    expected = torch.full((4, 4), 0.25, dtype=torch.double).fill_diagonal_(0.5)
    torch.testing.assert_close(together, expected, atol=5 * (0.25 / 100_000) ** 0.5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(7, 5), (1,), (3, 4, 8), (0, 3)])
def test_the_gradient_passes_where_the_numbers_did(shape, dtype):
    torch.manual_seed(2)
    states = (torch.rand(shape) + 1).to(dtype).requires_grad_()
    found = dropped(states, 0.4)
    found.sum().backward()
    assert found.shape == states.shape
    assert found.dtype == dtype
    torch.testing.assert_close(found, states * states.grad)


def test_a_seed_and_a_restored_state_give_the_same_mask_and_the_next_draw_another():
    states = torch.ones(1000)
    torch.manual_seed(3)
    first = dropped(states, 0.5)
    held = torch.get_rng_state()
    second = dropped(states, 0.5)
    torch.set_rng_state(held)
    assert torch.equal(dropped(states, 0.5), second)
    torch.manual_seed(3)
    assert torch.equal(dropped(states, 0.5), first)
    assert not torch.equal(first, second)


def test_no_dropout_changes_nothing_and_full_dropout_leaves_nothing():
    states = torch.rand(9)
    assert dropped(states, 0.0) is states
    assert torch.equal(dropped(states, 1.0), torch.zeros(9))
    assert torch.equal(FastDropout(0.5).eval()(states), states)


@pytest.mark.parametrize("family", ["bert", "roberta", "scratch", "xlnet", "transformer_xl"])
def test_every_dropout_of_a_model_is_swapped_and_its_checkpoint_stays(family, checkpoints):
    model = loaded_model(family, checkpoints[family], dropout=0.2)[0].model.train()
    before = {name: module.p for name, module in model.named_modules() if isinstance(module, nn.Dropout)}
    names, config = list(model.state_dict()), model.config.to_json_string()
    with_fast_dropout(model)
    after = {name: module.p for name, module in model.named_modules() if isinstance(module, FastDropout)}
    assert after == before
    assert after
    assert all(module.training for module in model.modules())
    assert (list(model.state_dict()), model.config.to_json_string()) == (names, config)


def test_its_mask_is_a_saved_tensor_that_a_checkpoint_can_drop():
    states, saved = torch.rand(50, requires_grad=True), []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: saved.append(tensor) or tensor, lambda tensor: tensor):
        found = dropped(states, 0.5)
    found.sum().backward()
    assert [tensor.dtype for tensor in saved] == [torch.bool]
    torch.testing.assert_close(states.grad, saved[0] * 2.0)
