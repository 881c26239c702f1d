"""The paper's formulas, held against torch's own implementations and against arithmetic by hand."""

import math

import pytest
import torch
from torch import nn

from harness.models.families.scratch.attention import scaled_dot_product_attention
from harness.models.families.scratch.configuration import ScratchConfig
from harness.models.families.scratch.embeddings import Embeddings, sinusoids
from harness.models.families.scratch.encoder import EncoderLayer

LOWEST = torch.finfo(torch.float32).min


@pytest.mark.parametrize("head_size", [1, 3, 7, 64])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_equals_torch_s_own(head_size, masked):
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 4, 5, head_size)
    mask = torch.zeros(2, 1, 5, 5)
    if masked:
        mask[0, :, :, 3:] = LOWEST
    ours, _ = scaled_dot_product_attention(query, key, value, mask=mask if masked else None)
    theirs = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask if masked else None)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_attention_weights_are_a_distribution_that_leaves_out_what_is_masked():
    # By hand: scores 2·1/√4 = 1 and 0, so the weights are e/(e + 1) and 1/(e + 1); the third key is masked.
    query = torch.tensor([[2.0, 0.0, 0.0, 0.0]])
    key = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [9.0, 9.0, 9.0, 9.0]])
    value = torch.tensor([[10.0], [20.0], [99.0]])
    sums, weights = scaled_dot_product_attention(query, key, value, mask=torch.tensor([[0.0, 0.0, LOWEST]]))
    first = math.e / (math.e + 1)
    torch.testing.assert_close(weights, torch.tensor([[first, 1 - first, 0.0]]))
    torch.testing.assert_close(sums, torch.tensor([[10 * first + 20 * (1 - first)]]))


def test_dropout_drops_weights_and_scales_up_the_rest():
    torch.manual_seed(0)
    same = torch.zeros(200, 4)
    _, weights = scaled_dot_product_attention(same, same, same, dropout=0.25)
    kept = weights[weights > 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / 200 / 0.75))
    assert len(kept) / weights.numel() == pytest.approx(0.75, abs=0.01)


def _layers(norm_position, activation, implementation):
    """Our layer and torch's, with the same weights. The paper's attention has no biases: torch's start at zero."""
    torch.manual_seed(1)
    config = ScratchConfig(
        hidden_size=12,
        num_attention_heads=4,
        intermediate_size=20,
        norm_position=norm_position,
        hidden_act=activation,
        attn_implementation=implementation,
    )
    ours = EncoderLayer(config).eval()
    theirs = nn.TransformerEncoderLayer(
        12, 4, 20, activation=activation, batch_first=True, norm_first=norm_position == "pre"
    ).eval()
    attention = ours.attention
    projections = [attention.query.weight, attention.key.weight, attention.value.weight]
    copies = {
        theirs.self_attn.in_proj_weight: torch.cat(projections),
        theirs.self_attn.out_proj.weight: attention.output.weight,
        theirs.linear1.weight: ours.feed_forward[0].weight,
        theirs.linear1.bias: ours.feed_forward[0].bias,
        theirs.linear2.weight: ours.feed_forward[2].weight,
        theirs.linear2.bias: ours.feed_forward[2].bias,
    }
    for norm, other in ((ours.attention_norm, theirs.norm1), (ours.feed_forward_norm, theirs.norm2)):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        copies |= {other.weight: norm.weight, other.bias: norm.bias}
    with torch.no_grad():
        for parameter, source in copies.items():
            parameter.copy_(source)
    assert not theirs.self_attn.in_proj_bias.any()
    assert not theirs.self_attn.out_proj.bias.any()
    return ours, theirs


@pytest.mark.parametrize("norm_position", ["post", "pre"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_a_layer_equals_torch_s_own(norm_position, activation, implementation):
    ours, theirs = _layers(norm_position, activation, implementation)
    hidden = torch.randn(3, 6, 12)
    real = torch.tensor([[1] * 6, [1] * 4 + [0] * 2, [1] + [0] * 5]).bool()
    mask = torch.zeros(3, 1, 1, 6).masked_fill(~real[:, None, None], LOWEST).expand(3, 1, 6, 6)
    expected = theirs(hidden, src_key_padding_mask=~real)
    torch.testing.assert_close(ours(hidden, mask)[real], expected[real], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("position", "dimension", "expected"),
    [
        (0, 0, 0.0),  # sin 0
        (0, 1, 1.0),  # cos 0
        (1, 0, math.sin(1)),  # i = 0: the angle is the position
        (7, 3, math.cos(7 / 10)),  # width 8, i = 1: 10000^(2/8) = 10
        (50, 4, math.sin(50 / 100)),  # i = 2: 10000^(4/8) = 100
        (3000, 7, math.cos(3000 / 1000)),  # i = 3: 10000^(6/8) = 1000
    ],
)
def test_positions_are_the_paper_s(position, dimension, expected):
    encoded = sinusoids(torch.tensor([[position]]), 8)
    assert encoded.shape == (1, 1, 8)
    assert encoded[0, 0, dimension].item() == pytest.approx(expected, abs=1e-6)


def test_embeddings_are_scaled_before_the_positions_are_added():
    embeddings = Embeddings(ScratchConfig(vocab_size=5, hidden_size=4, num_attention_heads=1)).eval()
    nn.init.constant_(embeddings.segments.weight, 0.5)
    # By hand: (1 + 0.5) · √4 = 3, plus sin 0 = 0 and cos 0 = 1.
    first = embeddings(torch.ones(1, 2, 4), None, None)[0, 0]
    torch.testing.assert_close(first, torch.tensor([3.0, 4.0, 3.0, 4.0]))


def test_positions_may_be_given_and_start_again():
    embeddings = Embeddings(ScratchConfig(vocab_size=5, hidden_size=4, num_attention_heads=1)).eval()
    tokens = torch.randn(1, 2, 4).repeat(1, 2, 1)
    packed = embeddings(tokens, None, torch.tensor([[0, 1, 0, 1]]))
    torch.testing.assert_close(packed[:, :2], packed[:, 2:])
    counted_on = embeddings(tokens, None, None)
    assert not torch.allclose(counted_on[:, 2:], packed[:, 2:])
