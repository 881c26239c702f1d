"""A text gets the same outputs alone as among others, of every family and of architectures that have no file here."""

from dataclasses import replace

import pytest
import torch
from small_models import (
    ARCHITECTURES,
    ENCODER,
    WIDE,
    loaded_model,
    question_examples,
    small_tokenizer,
    text_examples,
    trainer_for,
)
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from harness.config.training import Training
from harness.errors import UserError
from harness.models.padding import UNPADDED
from harness.task_types.texts import TextExample
from harness.training.task_model import save_checkpoint

SIZES = {**ENCODER, **WIDE}
POSITIONS = {"max_position_embeddings": 64}
AUTO = {
    "bart": {
        "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "init_std": 0.15,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "eos_token_id": 3, **POSITIONS,
    },
    "canine": {**SIZES, **POSITIONS, "num_hash_buckets": 64},
    "convbert": {**SIZES, **POSITIONS, "embedding_size": 32},
    "ernie": {**SIZES, **POSITIONS},
    "fnet": {**SIZES, **POSITIONS},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, **WIDE},
    "llama": {**SIZES, **POSITIONS, "num_key_value_heads": 2},
    "mobilebert": {**SIZES, **POSITIONS, "embedding_size": 32, "true_hidden_size": 32, "intra_bottleneck_size": 32},
}  # fmt: skip
PADDING_COUNTS = {"canine", "convbert", "fnet", "mobilebert"}  # No mask, or convolutions that see behind a text's end.


def auto_checkpoint(model_type, folder):
    tokenizer = small_tokenizer("bert")
    special = {"pad_token_id": tokenizer.pad_token_id, "cls_token_id": 2, "sep_token_id": 3}
    config = AutoConfig.for_model(model_type, vocab_size=len(tokenizer), **special, **AUTO[model_type])
    torch.manual_seed(11)
    model = AutoModel.from_config(config)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.15)  # the padding's embedding, too, which published weights have
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def outputs(loaded, objective, examples):
    """What the harness says of the examples, read together."""
    trainer, reader = trainer_for(loaded, objective, Training())
    return trainer.forward.evaluate(objective.features(examples, reader), examples)[1]


def texts():
    return text_examples(7, shortest=1, longest=40)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("family", ARCHITECTURES)
def test_a_family_says_of_a_text_alone_what_it_says_of_it_among_others(family, checkpoints):
    loaded, objective = loaded_model(family, checkpoints[family])
    for example, found in zip(texts(), outputs(loaded, objective, texts()), strict=True):
        assert outputs(loaded, objective, [example])[0] == pytest.approx(found, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("model_type", AUTO)
def test_so_does_an_architecture_that_has_no_file_or_it_is_read_without_padding(model_type, tmp_path):
    loaded, objective = loaded_model("auto", auto_checkpoint(model_type, tmp_path))
    assert loaded.unpadded == (model_type in PADDING_COUNTS)
    assert (UNPADDED in loaded.notes) == loaded.unpadded
    together = outputs(loaded, objective, texts())
    assert together.std() > 1e-3
    for example, found in zip(texts(), together, strict=True):
        inputs = loaded.tokenizer(example.text, return_tensors="pt")
        taken = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        taken |= {"token_type_ids": inputs["token_type_ids"]} if loaded.uses_token_type_ids else {}
        alone = loaded.model(**taken).logits[0].tolist()
        assert alone == pytest.approx(found, abs=1e-5)


@pytest.mark.slow
def test_an_answer_read_without_padding_is_the_same_alone_as_among_others(tmp_path):
    loaded, objective = loaded_model("auto", auto_checkpoint("fnet", tmp_path), "question_answering", labels=())
    questions = [*question_examples(3, words=6), *question_examples(3, seed=1, words=30)]
    together = outputs(loaded, objective, questions)
    assert loaded.unpadded
    for question, found in zip(questions, together, strict=True):
        (alone,) = outputs(loaded, objective, [question])
        assert (alone.start, alone.end) == (found.start, found.end)
        assert (alone.score, alone.no_answer_score) == pytest.approx((found.score, found.no_answer_score), abs=1e-4)


@pytest.mark.slow
def test_longformer_answers_questions_whatever_separators_their_contexts_spell(tmp_path):
    """The stock model finds a question's end by its separators, and wants three of them in every input."""
    tokenizer = small_tokenizer("roberta")
    sizes = {"attention_window": 8, "max_position_embeddings": 80, "vocab_size": len(tokenizer)}
    special = {"pad_token_id": tokenizer.pad_token_id, "sep_token_id": tokenizer.sep_token_id}
    torch.manual_seed(11)
    AutoModel.from_config(AutoConfig.for_model("longformer", **SIZES, **sizes, **special)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded, kind = loaded_model("auto", tmp_path, "question_answering", labels=())
    assert not loaded.unpadded
    asked = question_examples(4, words=12)
    spelled = [replace(one, context=f"[SEP] {one.context} [SEP] </s>") for one in asked]
    together = outputs(loaded, kind, [*asked, *spelled])
    for question, found in zip([*asked, *spelled], together, strict=True):
        (alone,) = outputs(loaded, kind, [question])
        assert (alone.start, alone.end) == (found.start, found.end)
        assert alone.score == pytest.approx(found.score, abs=1e-4)


def test_a_model_is_trained_as_it_is_read_without_padding(tmp_path):
    loaded, objective = loaded_model("auto", auto_checkpoint("fnet", tmp_path))
    trainer, reader = trainer_for(loaded, objective, Training(learning_rate=1e-3, warmup_ratio=0.0))
    items = objective.features(texts(), reader).items
    batch = trainer.forward.collator(items)
    assert not batch.inputs["attention_mask"].all()
    loss = trainer.forward.losses(items).mean()
    loss.backward()
    found = loaded.model.get_input_embeddings().weight.grad.clone()
    loaded.model.zero_grad()
    alone = torch.stack([trainer.forward.losses([item])[0] for item in items]).mean()
    alone.backward()
    assert loss.item() == pytest.approx(alone.item(), abs=1e-6)
    torch.testing.assert_close(loaded.model.get_input_embeddings().weight.grad, found, atol=1e-6, rtol=1e-4)


def test_asking_a_model_leaves_the_random_state_and_its_mode_as_they_were(tmp_path):
    loaded, _ = loaded_model("auto", auto_checkpoint("fnet", tmp_path))
    torch.manual_seed(5)
    before, mode = torch.get_rng_state(), loaded.model.training
    from harness.models.head import Head
    from harness.models.padding import depends_on_padding

    assert depends_on_padding(loaded, Head("AutoModelForSequenceClassification", {}, ("logits",)))
    assert torch.equal(torch.get_rng_state(), before)
    assert loaded.model.training == mode


class Neighbourly(nn.Module):
    """Says of each text what the mean over all texts is."""

    def __init__(self, model):
        super().__init__()
        self.model, self.config, self.device = model, model.config, model.device

    def forward(self, input_ids=None, attention_mask=None):
        output = self.model(input_ids=input_ids, attention_mask=attention_mask)
        output.logits = output.logits - output.logits.mean(0)
        return output


@pytest.mark.slow
def test_a_model_whose_outputs_depend_on_the_texts_beside_is_refused(tmp_path):
    from harness.models.head import Head
    from harness.models.padding import depends_on_padding

    loaded, _ = loaded_model("auto", auto_checkpoint("ernie", tmp_path))
    neighbourly = replace(loaded, model=Neighbourly(loaded.model))
    with pytest.raises(UserError, match=r"ernie: this architecture's outputs for a text depend on the other texts"):
        depends_on_padding(neighbourly, Head("AutoModelForSequenceClassification", {}, ("logits",)))


def test_an_architecture_that_wants_more_than_texts_is_refused_by_name(tmp_path, monkeypatch):
    def broken(self, **_):
        raise ValueError("give bbox, too")

    checkpoint = auto_checkpoint("ernie", tmp_path)
    monkeypatch.setattr("transformers.ErnieForSequenceClassification.forward", broken)
    with pytest.raises(UserError, match=r"ernie: this architecture does not read plain texts \(give bbox, too\)"):
        loaded_model("auto", checkpoint)


def test_bigbird_reads_a_long_text_alike_before_and_after_a_short_one(tmp_path):
    """The stock model switches to full attention for good at its first short batch."""
    tokenizer = small_tokenizer("bert")
    sparse = {"attention_type": "block_sparse", "block_size": 4, "num_random_blocks": 1}
    settings = {**SIZES, **POSITIONS, **sparse, "pad_token_id": 0, "sep_token_id": 3, "vocab_size": len(tokenizer)}
    torch.manual_seed(11)
    AutoModel.from_config(AutoConfig.for_model("big_bird", **settings)).save_pretrained(tmp_path / "checkpoint")
    tokenizer.save_pretrained(tmp_path / "checkpoint")
    loaded, objective = loaded_model("bigbird", tmp_path / "checkpoint")
    long, short = text_examples(2, shortest=50, longest=55)[0], TextExample("short", "the film", 0)
    before = outputs(loaded, objective, [long])[0]
    outputs(loaded, objective, [short])
    assert outputs(loaded, objective, [long])[0] == pytest.approx(before, abs=1e-6)
    assert outputs(loaded, objective, [short, long])[1] == pytest.approx(before, abs=1e-5)
    assert "attention is full for every text" in " ".join(loaded.notes)
    _, reader = trainer_for(loaded, objective, Training())
    save_checkpoint(loaded, reader, tmp_path / "saved", head=objective.head())
    assert AutoConfig.from_pretrained(tmp_path / "saved").attention_type == "original_full"
    assert isinstance(loaded.model, PreTrainedModel)
