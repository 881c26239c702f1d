"""Integrated gradients: they add up for every family, agree with captum, and deletion finds the deciding token."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from small_models import ARCHITECTURES, loaded_model, small_tokenizer, text_examples, write_checkpoint

from harness.config.training import Training
from harness.errors import UserError
from harness.ops.device import fresh_accelerator
from harness.task_types.texts import TextExample
from harness.training.attention import attention_of, by_attention
from harness.training.attribution import Explainer, curves, mean_and_interval
from harness.training.task_model import forward_of, reader_of


def explainer_of(family, folder, **settings):
    """What explains the family's tiny model, and its items of a few texts."""
    training = Training(execution="padded", **settings)
    architecture = "bert" if family == "auto" else family
    loaded, objective = loaded_model(family, write_checkpoint(architecture, folder / "checkpoint"), training=training)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=folder)
    forward = forward_of(loaded, objective, accelerator, training, micro_batch_size=1000)
    items = objective.features(text_examples(2, shortest=9, longest=22), reader_of(loaded, objective, training)).items
    return Explainer.of(forward, loaded.tokenizer), items


def label(place):
    """A label's logit among the scores of a text."""
    return lambda scores: scores.reshape(-1)[place]


@pytest.mark.slow
@pytest.mark.parametrize("family", [*ARCHITECTURES, "auto"])
def test_attributions_add_up_to_the_difference_from_the_empty_text(family, tmp_path):
    explainer, (item, _) = explainer_of(family, tmp_path)
    found = explainer.attributed(item, label(1), steps=60)
    assert len(found.values) == len(found.token_ids) == item.length
    assert all(value == 0 for value, special in zip(found.values, found.is_special, strict=True) if special)
    assert any(abs(value) > 1e-3 for value in found.values)
    assert abs(found.error) < 0.02 * sum(map(abs, found.values))
    assert float(explainer.scores(item)[0, 1]) == pytest.approx(found.score)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("bert", {"strategy": "windows", "max_length": 16}),
        ("xlnet", {"strategy": "windows", "max_length": 16}),
        ("transformer_xl", {"strategy": "recurrence", "segment": 8, "gradient_segments": 1000}),
    ],
)
def test_a_text_of_several_windows_or_segments_is_explained_as_a_whole(family, settings, tmp_path):
    explainer, items = explainer_of(family, tmp_path, **settings)
    item = max(items, key=lambda one: sum(len(window.input_ids) for window in one.windows))
    found = explainer.attributed(item, label(0), steps=60)
    special = set(explainer.special_ids.tolist())
    words = [token for window in item.windows for token in window.input_ids if token not in special]
    assert [token for token in found.token_ids if token not in special] == words
    assert abs(found.error) < 0.02 * sum(map(abs, found.values))


@pytest.mark.slow
def test_they_are_those_of_captum(tmp_path):
    captum = pytest.importorskip("captum.attr")
    explainer, (item, _) = explainer_of("bert", tmp_path)
    model = explainer.forward.model
    ids = torch.tensor([item.windows[0].input_ids])
    special = torch.isin(ids, explainer.special_ids)
    empty = torch.where(special, ids, torch.full_like(ids, explainer.empty_id))
    layer = captum.LayerIntegratedGradients(
        lambda given: model(input_ids=given).logits[:, 1], model.get_input_embeddings()
    )
    expected = layer.attribute(ids, empty, n_steps=60).sum(-1)[0].tolist()
    assert explainer.attributed(item, label(1), steps=60).values == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("family", [*(name for name in ARCHITECTURES if name != "transformer_xl"), "auto"])
def test_attention_adds_up_to_one_for_every_token_and_leaves_the_model_as_it_was(family, tmp_path):
    explainer, (item, _) = explainer_of(family, tmp_path)
    before = explainer.scores(item)
    found = attention_of(explainer.forward, item)
    assert found.layers.shape == (2, 1, item.length, item.length)
    assert found.layers.sum(-1) == pytest.approx(np.ones((2, 1, item.length)), abs=1e-5)
    assert sum(found.received) == pytest.approx(1, abs=1e-5)  # a mean over tokens, each of which gives 1
    assert torch.equal(explainer.scores(item), before)
    assert not explainer.forward.model.config.output_attentions
    marked = by_attention(explainer.attributed(item, label(1), steps=3), found)
    assert [value == 0 for value in marked.values] == list(marked.is_special)


def test_a_model_without_attention_between_all_tokens_says_so(tmp_path):
    explainer, (item, _) = explainer_of("transformer_xl", tmp_path)
    with pytest.raises(UserError, match=r"--attention: TransformerXL.* has no attention between all pairs of tokens"):
        attention_of(explainer.forward, item)


def test_an_unknown_word_is_a_word_and_no_special_token(checkpoints):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoints["bert"])
    assert tokenizer.unk_token_id in tokenizer.all_special_ids
    forward = SimpleNamespace(model=torch.nn.Linear(1, 1), accelerator=SimpleNamespace(device="cpu"))
    special = set(Explainer.of(forward, tokenizer).special_ids.tolist())
    assert special == {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
    assert {tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id} <= special


class Constructed:
    """A model whose score is 1 exactly if one token is there, among others that don't matter."""

    def __init__(self, deciding):
        self.deciding = deciding

    def scores_without(self, _, places):
        return np.array([float(self.deciding not in places)])


def test_where_one_token_decides_the_curves_jump_at_once():
    values = [0.0, 0.1, 0.0, 5.0, -0.2, 0.1, 0.0, 0.0, 0.0, 0.0]
    tokens = SimpleNamespace(is_special=[True, *[False] * 8, True], values=values)
    found = curves(Constructed(3), None, tokens, lambda scores: scores[0], random_orders=200, points=9, seed=0)
    assert found.deletion.tolist() == [1, *[0] * 8]
    assert found.insertion.tolist() == [0, *[1] * 8]
    # By chance the token is among the first k of 8 with probability k / 8: 1/2 on average.
    assert found.random_deletion == pytest.approx(1 - np.arange(9) / 8, abs=0.11)
    assert found.gains == pytest.approx((0.5 - 1 / 9, 8 / 9 - 0.5), abs=0.04)
    # By other attributions, which have it last, among the same random orders.
    other = SimpleNamespace(is_special=tokens.is_special, values=[-value for value in values])
    last = curves(Constructed(3), None, other, lambda scores: scores[0], random_orders=0, points=9, seed=0, like=found)
    assert last.deletion.tolist() == [*[1] * 8, 0]
    assert last.random_deletion.tolist() == found.random_deletion.tolist()


def test_the_interval_of_a_mean_is_students():
    # Of 1, 2, 3: mean 2, s.d. 1, and t with 2 degrees of freedom is 4.303 at 97.5 %.
    assert mean_and_interval([1.0, 2.0, 3.0]) == pytest.approx((2.0, 2 - 4.303 / 3**0.5, 2 + 4.303 / 3**0.5), abs=1e-3)
    assert mean_and_interval([1.0])[1:] == mean_and_interval([0.0, 0.0, 0.0])[1:] == (None, None)


DECODERS = {
    "bart": {
        "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "max_position_embeddings": 64,
        "decoder_start_token_id": 3, "init_std": 0.15,
    },
    "t5": {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("model_type", DECODERS)
def test_of_a_classifier_whose_decoder_reads_the_text_again_nothing_is_left_of_an_empty_text(model_type, tmp_path):
    tokenizer = small_tokenizer("bert")
    tokenizer.eos_token = "[SEP]"
    known = {"vocab_size": len(tokenizer), "pad_token_id": 0, "eos_token_id": tokenizer.sep_token_id}
    config = transformers.AutoConfig.for_model(model_type, **known, **DECODERS[model_type])
    torch.manual_seed(3)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    training = Training(execution="padded")
    loaded, objective = loaded_model("auto", tmp_path, training=training)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=tmp_path)
    forward = forward_of(loaded, objective, accelerator, training, micro_batch_size=1000)
    texts = [TextExample("a", "the film was seen by many", 0), TextExample("b", "a plot in town and again", 1)]
    item, other = objective.features(texts, reader_of(loaded, objective, training)).items
    explainer = Explainer.of(forward, loaded.tokenizer)
    found, compared = (explainer.attributed(one, label(1), steps=60) for one in (item, other))
    assert [*found.token_ids] == [*item.windows[0].input_ids]
    assert found.empty_score == pytest.approx(compared.empty_score, abs=1e-5)
    assert found.score != pytest.approx(compared.score, abs=1e-3)
    assert abs(found.error) < 0.02 * sum(map(abs, found.values))
