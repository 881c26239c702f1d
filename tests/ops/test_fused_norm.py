"""The fused end of a sub-layer is the stock one: its numbers, its gradients, its checkpoint."""

import copy

import pytest
import torch
from small_models import loaded_model
from torch import nn

from harness.ops import native
from harness.ops.fused_norm import FusedOutput, with_fused_norms

CPU = torch.device("cpu")


@pytest.mark.parametrize(("family", "outputs"), [("bert", 4), ("roberta", 4), ("xlnet", 0), ("scratch", 0)])
def test_each_sub_layer_of_bert_and_its_kin_is_fused_and_the_checkpoint_stays(family, outputs, checkpoints):
    if not native.serves(CPU):
        pytest.skip(native.unavailable())
    model = loaded_model(family, checkpoints[family])[0].model.train()
    names, config = list(model.state_dict()), model.config.to_json_string()
    with_fused_norms(model)
    assert sum(isinstance(module, FusedOutput) for module in model.modules()) == outputs
    assert (list(model.state_dict()), model.config.to_json_string()) == (names, config)
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_logits_and_gradients_are_those_of_the_stock_model(family, checkpoints):
    if not native.serves(CPU):
        pytest.skip(native.unavailable())
    stock = loaded_model(family, checkpoints[family], dropout=0.0)[0].model.train()
    fused = copy.deepcopy(stock)
    with_fused_norms(fused)
    tokens = torch.randint(5, 90, (3, 11))
    found = []
    for model in (stock, fused):
        logits = model(input_ids=tokens).logits
        logits.square().sum().backward()
        found.append((logits, [p.grad for p in model.parameters() if p.grad is not None]))
    torch.testing.assert_close(found[1][0], found[0][0], atol=1e-5, rtol=0)
    assert len(found[0][1]) == len(found[1][1])
    for ours, theirs in zip(found[1][1], found[0][1], strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_without_kernels_a_model_stays_as_it_is(checkpoints, monkeypatch):
    monkeypatch.setattr(native, "serves", lambda _: False)
    model = loaded_model("bert", checkpoints["bert"])[0].model
    with_fused_norms(model)
    assert not [module for module in model.modules() if isinstance(module, FusedOutput)]


def test_a_module_that_computes_something_else_is_let_alone():
    class PreNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense, self.dropout, self.LayerNorm = nn.Linear(4, 4), nn.Dropout(0.1), nn.LayerNorm(4)

        def forward(self, hidden_states, input_tensor):
            return input_tensor + self.dropout(self.dense(self.LayerNorm(hidden_states)))

    model = nn.Sequential(PreNorm())
    with_fused_norms(model)
    assert type(model[0]) is PreNorm
