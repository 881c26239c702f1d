"""The start in which a first layer's heads look at the words around."""

import pytest
import torch
from small_models import small_tokenizer

from harness.config.model import ModelConfig
from harness.registry import FAMILIES

DISTANCES = (-1, 1, -2, 2)


def fresh(family, **settings):
    """A fresh model of the small recipes' shape, on which attention can be read."""
    architecture = {"max_position_embeddings": 129, **settings}
    spec = ModelConfig.model_validate({"family": family, "architecture": architecture})
    torch.manual_seed(0)
    model, _ = FAMILIES.load(family).language_model(spec, small_tokenizer(family), dropout=0.0)
    model.set_attn_implementation("eager")
    return model.eval()


@torch.no_grad()
def looks(model, length=120):
    """The attention that each head gives to the word at each of the distances, on average [layers, heads, 4]."""
    torch.manual_seed(1)
    texts = torch.randint(5, model.config.vocab_size, (16, length))
    texts[torch.rand(texts.shape) < 0.15] = 4  # Hidden words are alike, wherever they stand.
    layers = model(texts, output_attentions=True).attentions
    return torch.stack(
        [
            torch.stack([torch.diagonal(layer, offset=by, dim1=2, dim2=3).mean((0, 2)) for by in DISTANCES], dim=1)
            for layer in layers
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_each_head_of_the_first_layer_looks_at_a_neighbour_of_its_own(family):
    model = fresh(family)
    assert looks(model).max() < 0.03, "fresh heads look everywhere"
    FAMILIES.load(family).language.local_attention_heads(model)
    found = looks(model)
    assert found[0].diagonal().min() > 0.4
    assert (found[0] - found[0].diagonal().diag()).max() < 0.1
    assert found[1:].max() < 0.05, "the other layers stay as they were drawn"


def test_the_place_of_padding_stays_empty():
    model = fresh("roberta")
    FAMILIES.load("roberta").language.local_attention_heads(model)
    positions = model.roberta.embeddings.position_embeddings
    assert positions.weight[positions.padding_idx].abs().max() == 0


def test_positions_start_as_large_as_words():
    model = fresh("bert")
    FAMILIES.load("bert").language.local_attention_heads(model)
    words, positions = model.bert.embeddings.word_embeddings, model.bert.embeddings.position_embeddings
    assert positions.weight.std().item() == pytest.approx(words.weight.std().item(), rel=0.1)


def test_heads_of_an_odd_width_are_refused():
    model = fresh("bert", hidden_size=36, num_attention_heads=4)
    with pytest.raises(ValueError, match="36 dimensions make no 4 heads"):
        FAMILIES.load("bert").language.local_attention_heads(model)
