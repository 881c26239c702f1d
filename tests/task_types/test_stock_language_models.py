"""Every causal or masked language model of transformers' Auto classes has a perplexity, or a pseudo-perplexity."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import (
    ENCODER,
    WIDE,
    Silent,
    document_examples,
    loaded_model,
    own_data,
    own_run,
    small_tokenizer,
    trainer_for,
)
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

from harness.config.training import Training
from harness.errors import UserError
from harness.models.stock_language import stock_language
from harness.runs.execution import Options, execute

SIZES = {**ENCODER, "max_position_embeddings": 128, **WIDE}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128, **WIDE}
MODELS = {
    "gpt2": ("gpt2", AutoModelForCausalLM, GPT2),
    "llama": ("llama", AutoModelForCausalLM, {**SIZES, "num_key_value_heads": 2}),
    "electra as a decoder": ("electra", AutoModelForCausalLM, {**SIZES, "embedding_size": 16, "is_decoder": True}),
    "xlnet": ("xlnet", AutoModelForCausalLM, {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 48, **WIDE}),
    "electra": ("electra", AutoModelForMaskedLM, {**SIZES, "embedding_size": 16}),
    "distilbert": (
        "distilbert", AutoModelForMaskedLM,
        {"dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 128, **WIDE},
    ),
    "modernbert": ("modernbert", AutoModelForMaskedLM, {**SIZES, "cls_token_id": 2, "sep_token_id": 3}),
    "bigbird": ("big_bird", AutoModelForMaskedLM, SIZES),
    "fnet": ("fnet", AutoModelForMaskedLM, SIZES),
}  # fmt: skip
FAMILY = {"xlnet": "xlnet", "bigbird": "bigbird"}
CAUSAL = [name for name, (_, auto_class, _) in MODELS.items() if auto_class is AutoModelForCausalLM]
MASKED = [name for name in MODELS if name not in CAUSAL]
DOCUMENTS = document_examples(3, shortest=15, longest=50)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A small language model's folder, by its name."""
    made = {}
    for name, (model_type, auto_class, settings) in MODELS.items():
        tokenizer = small_tokenizer(FAMILY.get(name, "bert"))
        if name == "gpt2":  # whose own tokenizers give no token types
            tokenizer.model_input_names = tokenizer.init_kwargs["model_input_names"] = ["input_ids", "attention_mask"]
        config = AutoConfig.for_model(model_type, vocab_size=len(tokenizer), pad_token_id=0, **settings)
        torch.manual_seed(11)
        made[name] = tmp_path_factory.mktemp("language")
        auto_class.from_config(config).save_pretrained(made[name])
        tokenizer.save_pretrained(made[name])
    return made


def set_up(name, folder, **settings):
    training = Training(**{"precision": "fp32", "maximum_steps": 0, "max_length": 64, "mask_stride": 1, **settings})
    family = FAMILY.get(name, "auto")
    loaded, objective = loaded_model(family, folder, "language_modelling", labels=(), training=training)
    trainer, reader = trainer_for(loaded, objective, training)
    loaded.model.eval()
    return loaded, trainer, objective, reader


def costs(name, folder, examples=DOCUMENTS, **settings):
    _, trainer, objective, reader = set_up(name, folder, **settings)
    return trainer.forward.evaluate(objective.features(examples, reader), examples)[1]


def nats_before(name, model, ids, place):
    """Minus the log-probability of a token, by a model that is shown those before it and nothing else."""
    if name == "xlnet":  # Its query stream is asked at the end of what it is shown.
        seen = torch.tensor([ids[: place + 1]])
        order = torch.ones(place + 1, place + 1).triu()[None]
        asked = torch.zeros(1, 1, place + 1)
        asked[0, 0, place] = 1
        logits = model(seen, perm_mask=order, target_mapping=asked).logits[0, 0]
    else:
        logits = model(torch.tensor([ids[:place]])).logits[0, -1]
    return -float(logits.log_softmax(0)[ids[place]])


@pytest.mark.slow
@pytest.mark.parametrize("name", CAUSAL)
@torch.no_grad()
def test_a_causal_model_s_perplexity_is_that_of_a_loop_over_the_tokens(name, folders):
    loaded, *_ = set_up(name, folders[name])
    for example, found in zip(DOCUMENTS, costs(name, folders[name]), strict=True):
        ids = loaded.tokenizer(example.text)["input_ids"]
        own = [place for place, token in enumerate(ids) if token not in loaded.tokenizer.all_special_ids and place]
        assert found["tokens"] == len(own)
        nats = sum(nats_before(name, loaded.model, ids, place) for place in own)
        assert found["nats"] == pytest.approx(nats, rel=1e-4)
        assert found["masked_nats"] is None


@pytest.mark.parametrize("name", CAUSAL)
@torch.no_grad()
def test_no_causal_model_sees_the_token_that_it_predicts_or_what_follows(name, folders):
    loaded, *_ = set_up(name, folders[name])
    inputs = dict(loaded.tokenizer(DOCUMENTS[0].text, return_tensors="pt"))
    inputs = {key: value for key, value in inputs.items() if key == "input_ids"}
    before = loaded.language.scores(loaded.model, inputs)
    inputs["input_ids"] = inputs["input_ids"].clone()
    inputs["input_ids"][0, 6:] = 9
    after = loaded.language.scores(loaded.model, inputs)
    torch.testing.assert_close(after[0, 1:7], before[0, 1:7])
    assert not torch.allclose(after[0, 7:], before[0, 7:])


@pytest.mark.parametrize("is_decoder", [True, False])
def test_an_encoder_with_the_head_of_a_decoder_is_refused_as_it_sees_what_it_is_to_predict(is_decoder, tmp_path):
    tokenizer = small_tokenizer("bert")
    settings = {**SIZES, "vocab_size": len(tokenizer), "pad_token_id": 0, "is_decoder": is_decoder}
    AutoModelForCausalLM.from_config(AutoConfig.for_model("camembert", **settings)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    if is_decoder:
        assert all(found["nats"] > 0 for found in costs("camembert", tmp_path))
    else:
        with pytest.raises(UserError, match="camembert: this model sees the words that it has to predict"):
            costs("camembert", tmp_path)


def test_a_language_model_whose_scores_are_nan_is_refused(tmp_path):
    tokenizer = small_tokenizer("bert")
    settings = {**SIZES, "vocab_size": len(tokenizer), "pad_token_id": 0, "is_decoder": True}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("camembert", **settings))
    model.lm_head.dense.weight.data.fill_(torch.nan)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"camembert: this model's scores of a plain text are not numbers \(NaN\)"):
        costs("camembert", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", MASKED)
@torch.no_grad()
def test_a_masked_model_s_pseudo_perplexity_is_that_of_a_loop_over_the_tokens(name, folders):
    loaded, *_ = set_up(name, folders[name])
    mask = loaded.tokenizer.mask_token_id
    for example, found in zip(DOCUMENTS, costs(name, folders[name]), strict=True):
        ids, nats = loaded.tokenizer(example.text)["input_ids"], 0.0
        for place in range(1, len(ids) - 1):
            hidden = torch.tensor([[*ids[:place], mask, *ids[place + 1 :]]])
            nats -= float(loaded.model(hidden).logits[0, place].log_softmax(0)[ids[place]])
        assert found["masked_tokens"] == len(ids) - 2
        assert found["masked_nats"] == pytest.approx(nats, rel=1e-4)
        assert found["nats"] is None


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", ["gpt2", "distilbert"])
def test_scores_of_a_large_vocabulary_are_made_few_windows_at_a_time(name, folders, monkeypatch):
    whole = costs(name, folders[name], max_length=16, stride=4)
    monkeypatch.setattr("harness.long_texts.token_losses.MOST_SCORES", 1)
    read = []
    _, trainer, objective, reader = set_up(name, folders[name], max_length=16, stride=4)
    trainer.forward.model.register_forward_hook(lambda _, __, output: read.append(len(output.logits)))
    parts = trainer.forward.evaluate(objective.features(DOCUMENTS, reader), DOCUMENTS)[1]
    assert set(read) == {1}
    for one, other in zip(whole, parts, strict=True):
        assert {key: value for key, value in one.items() if value} == pytest.approx(
            {key: value for key, value in other.items() if value}, rel=1e-5
        )


@pytest.mark.slow
def test_a_gpt2_is_trained_on_documents(folders, tmp_path):
    own = own_data(tmp_path / "data", document_examples(24), task_type="language_modelling", sizes=(None, 4, 4))
    recipe = {"epochs": 20, "maximum_steps": 20, "max_length": 32, "learning_rate": 3e-3}
    run = own_run(tmp_path / "runs", own, folders["gpt2"], family="auto", **recipe)
    record = execute(run, Options(), Silent())
    assert record.curve[-1].validation_loss < record.curve[0].validation_loss - 0.2
    assert np.isfinite(record.scores["test"]["perplexity"])
    untrained = costs("gpt2", folders["gpt2"], document_examples(24)[-4:], max_length=32)
    before = sum(row["nats"] for row in untrained) / sum(row["tokens"] for row in untrained)
    assert math.log(record.scores["test"]["perplexity"]) < before - 0.3


def test_segments_are_refused_for_an_xlnet_as_a_language_model(folders):
    with pytest.raises(
        UserError, match=r"strategy: 'segment_recurrence', but as a language model, a xlnet is only scored in windows"
    ):
        set_up("xlnet", folders["xlnet"], strategy="segment_recurrence", segment=8, max_length=None)


def test_an_architecture_without_a_language_model_is_refused(tmp_path):
    config = AutoConfig.for_model("canine", **{**SIZES, "num_hash_buckets": 16})
    from transformers import AutoModel

    AutoModel.from_config(config).save_pretrained(tmp_path)
    small_tokenizer("bert").save_pretrained(tmp_path)
    with pytest.raises(UserError, match="transformers has no causal or masked language model of the type canine"):
        set_up("auto", tmp_path)


@pytest.mark.parametrize(
    ("model_type", "settings", "causal"),
    [
        ("electra", {"architectures": ["ElectraForMaskedLM"]}, False),
        ("electra", {"architectures": ["ElectraForCausalLM"]}, True),
        ("electra", {}, False),
        ("rembert", {"is_decoder": True}, True),
        ("xlm", {"causal": True}, True),
        ("xlm", {"causal": False}, False),
        ("gpt2", {}, True),
    ],
)
def test_which_sort_of_language_model_a_checkpoint_is(model_type, settings, causal):
    assert stock_language(AutoConfig.for_model(model_type, **settings)).causal == causal


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gpt2", "xlnet", "distilbert", "modernbert"])
def test_the_command_says_what_the_task_type_says(name, folders, command):
    text = " ".join(example.text for example in DOCUMENTS)
    Path("text.txt").write_text(text)
    words = ["--segment", 24, "--mask-stride", 3, "--output", "rows.jsonl"]
    result = command("perplexity", folders[name], "--text", "text.txt", *words)
    assert result.code == 0, result.errors
    import json

    (row,) = map(json.loads, Path("rows.jsonl").read_text().splitlines())
    from harness.task_types.language_modelling import DocumentExample

    (found,) = costs(name, folders[name], [DocumentExample("t", text)], max_length=24, mask_stride=3)
    if name in CAUSAL:
        assert row["perplexity"] == pytest.approx(math.exp(found["nats"] / found["tokens"]), rel=1e-5)
        assert "pseudo_perplexity" not in row
    else:
        assert row["pseudo_perplexity"] == pytest.approx(
            math.exp(found["masked_nats"] / found["masked_tokens"]), rel=1e-5
        )
        assert "perplexity" not in row
        assert row["mask_stride"] == 3
    assert "perplexity" in result.output
    refused = command("perplexity", folders[name], "--text", "text.txt", "--memory", 8)
    assert refused.code == 2
    assert "--memory 8: a " in refused.errors
    assert "has no memory of what it read before" in refused.errors
