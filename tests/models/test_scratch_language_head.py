"""The language heads of the Transformer from scratch, as a citizen of transformers: ties, checkpoints, losses."""

import pytest
import torch
from torch.nn import functional
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    AutoModelForSequenceClassification,
)

from harness.models.families.scratch import ScratchConfig, register
from harness.models.families.scratch.language import ScratchForMaskedLM, ScratchForPreTraining

TOKENS = torch.tensor([[2, 7, 8, 9, 3], [2, 11, 12, 13, 3]])
LABELS = torch.tensor([[-100, 7, -100, 9, -100], [-100, -100, 21, -100, -100]])


@pytest.fixture(autouse=True)
def _registered():
    register()


def config(**settings):
    small = {"hidden_size": 16, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 32}
    return ScratchConfig(**{"vocab_size": 40, **small, **settings})


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ScratchForPreTraining(config()).eval()


def test_the_output_s_table_is_the_input_s_and_is_trained_as_one(model):
    table = model.transformer.embeddings.tokens.weight
    assert model.decoder.weight is table
    assert model.get_output_embeddings() is model.decoder
    assert [name for name, _ in model.named_parameters() if name == "decoder.weight"] == []
    model(TOKENS, labels=LABELS).loss.backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert model.decoder.weight is model.transformer.embeddings.tokens.weight
    assert torch.equal(model.decoder.weight, table)


def test_the_tables_are_two_where_the_configuration_says_so(tmp_path):
    untied = ScratchForPreTraining(config(tie_word_embeddings=False))
    assert untied.decoder.weight is not untied.transformer.embeddings.tokens.weight
    untied.save_pretrained(tmp_path)
    loaded = AutoModelForMaskedLM.from_pretrained(tmp_path)
    assert torch.equal(loaded.decoder.weight, untied.decoder.weight)
    assert not torch.equal(loaded.decoder.weight, loaded.transformer.embeddings.tokens.weight)


HEADS = {AutoModelForPreTraining: ScratchForPreTraining, AutoModelForMaskedLM: ScratchForMaskedLM}


@pytest.mark.parametrize("auto_class", HEADS)
def test_a_saved_language_model_comes_back_with_the_same_numbers(auto_class, model, tmp_path):
    torch.nn.init.normal_(model.decoder.bias)
    model.save_pretrained(tmp_path)
    loaded, report = auto_class.from_pretrained(tmp_path, output_loading_info=True)
    assert (report["missing_keys"], report["unexpected_keys"]) in ((set(), set()), ([], []))
    assert type(loaded) is HEADS[auto_class]
    assert loaded.decoder.weight is loaded.transformer.embeddings.tokens.weight
    assert torch.equal(loaded.eval()(TOKENS).logits, model(TOKENS).logits)
    pairs = {name for name in model.state_dict() if name.startswith("follows.")}
    assert len(pairs) == 2
    kept = model.state_dict().keys() - (pairs if auto_class is AutoModelForMaskedLM else set())
    assert loaded.state_dict().keys() == kept
    assert all(torch.equal(loaded.state_dict()[name], model.state_dict()[name]) for name in kept)


def test_a_gradient_of_masked_words_reaches_every_weight_of_a_masked_language_model():
    model = AutoModelForMaskedLM.from_config(config())
    model(TOKENS, labels=LABELS).loss.backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("auto_class", [AutoModel, AutoModelForSequenceClassification])
def test_other_heads_take_over_its_encoder(auto_class, model, tmp_path):
    model.save_pretrained(tmp_path)
    loaded, report = auto_class.from_pretrained(tmp_path, output_loading_info=True)
    encoder = loaded if auto_class is AutoModel else loaded.transformer
    theirs = encoder.state_dict()
    assert theirs.keys() == model.transformer.state_dict().keys()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in model.transformer.state_dict().items())
    heads = {} if auto_class is AutoModel else {"classifier.weight", "classifier.bias"}
    assert set(report["missing_keys"]) == set(heads), "only the new head is new"


def test_the_loss_is_the_mean_over_the_words_that_are_to_be_predicted(model):
    outputs = model(TOKENS, labels=LABELS)
    chances = outputs.logits.log_softmax(-1)
    expected = -(chances[0, 1, 7] + chances[0, 3, 9] + chances[1, 2, 21]) / 3
    assert outputs.loss.item() == pytest.approx(expected.item(), abs=1e-6)
    assert model(TOKENS).loss is None


def test_the_head_is_bert_s(model):
    """A linear layer, GELU, layer norm, then the table and a bias: the published code of Devlin et al. 2019."""
    states = model.transformer(TOKENS).last_hidden_state
    inner = functional.gelu(states @ model.transform.weight.T + model.transform.bias)
    centred = inner - inner.mean(-1, keepdim=True)
    normed = centred / (centred.square().mean(-1, keepdim=True) + model.config.layer_norm_eps).sqrt()
    expected = normed @ model.transformer.embeddings.tokens.weight.T + model.decoder.bias
    torch.testing.assert_close(model(TOKENS).logits, expected, atol=1e-5, rtol=1e-5)


def test_at_its_beginning_every_word_is_about_as_likely_as_any_other():
    torch.manual_seed(0)
    wide = ScratchForPreTraining(config(hidden_size=256, vocab_size=1000)).eval()
    tokens = torch.randint(5, 1000, (4, 50))
    loss = wide(tokens, labels=torch.randint(5, 1000, (4, 50))).loss
    # ln 1000 = 6.91; scores of variance 1 add half of it (the mean of a log-normal).
    assert loss.item() == pytest.approx(6.91 + 0.5, abs=0.4)


def test_padding_changes_no_score(model):
    short, mask = TOKENS[:1, :3], torch.tensor([[1, 1, 1, 0, 0]])
    padded = torch.cat([short, torch.zeros(1, 2, dtype=torch.long)], dim=1)
    alone, beside = model(short).logits, model(padded, attention_mask=mask).logits[:, :3]
    torch.testing.assert_close(beside, alone, atol=1e-5, rtol=0)


def test_a_gradient_reaches_every_weight_through_words_and_pairs(model):
    first = model.transformer(TOKENS).last_hidden_state[:, 0]
    (model(TOKENS, labels=LABELS).loss + model.follows(first).square().sum()).backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []
