"""The one number that a head gives, put into other units."""

import pytest
import torch
from small_models import ENCODER
from transformers import AutoConfig, AutoModelForSequenceClassification

import harness.models.families  # noqa: F401 -- the Auto classes learn our own architectures
from harness.models.number_output import number_layer, rescale

SIZES = {
    "albert": {**ENCODER, "embedding_size": 16},
    "bart": {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
             "decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "eos_token_id": 5},
    "bert": ENCODER,
    "deberta-v2": ENCODER,
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 48},
    "electra": {**ENCODER, "embedding_size": 16},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2},
    "llama": ENCODER,
    "modernbert": {**ENCODER, "pad_token_id": 0},
    "roberta": ENCODER,
    "scratch-transformer": ENCODER,
    "transfo-xl": {"d_model": 32, "d_embed": 32, "n_layer": 2, "n_head": 2, "d_head": 16, "d_inner": 48,
                   "cutoffs": []},
    "xlm": {"emb_dim": 32, "n_layers": 2, "n_heads": 2, "n_langs": 1},
    "xlnet": {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 48},
}  # fmt: skip
WITHOUT_BIAS = {"gpt2", "llama", "transfo-xl"}


@pytest.mark.slow_but_first
@pytest.mark.parametrize("model_type", SIZES)
def test_the_last_layer_of_any_head_puts_its_number_into_other_units(model_type):
    config = AutoConfig.for_model(model_type, vocab_size=50, num_labels=1, **SIZES[model_type])
    config.pad_token_id = 0
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_config(config).eval()
    ids = torch.tensor([[7, 8, 9, 5], [3, 4, 6, 5]])
    layer = number_layer(model)
    assert (layer.bias is None) == (model_type in WITHOUT_BIAS)
    mean = 0.0 if layer.bias is None else 250_000.0
    with torch.no_grad():
        before = model(input_ids=ids).logits
        rescale(layer, mean=mean, scale=50_000.0)
        after = model(input_ids=ids).logits
    assert before.shape == (2, 1)
    torch.testing.assert_close(after, before * 50_000 + mean)


def test_a_head_of_two_labels_has_no_such_layer():
    config = AutoConfig.for_model("bert", vocab_size=50, num_labels=2, **ENCODER)
    assert number_layer(AutoModelForSequenceClassification.from_config(config)) is None
