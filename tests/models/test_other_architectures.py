"""Checkpoints beyond the named families: without token types, without padding, with a head of their own."""

import numpy as np
import pytest
import torch
from small_models import LABELS, text_examples, trainer_for
from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoModelForSequenceClassification, AutoTokenizer

from harness.config.model import ModelConfig
from harness.config.training import Training
from harness.errors import UserError
from harness.ops.device import fresh_accelerator
from harness.registry import FAMILIES, TASK_TYPES
from harness.task_types.texts import TextExample
from harness.tokenization.reading import reader_for
from harness.tokenization.trained_tokenizer import train_tokenizer
from harness.training.task_model import forward_of

SIZES = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64},
    "xlm": {"emb_dim": 32, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 64, "n_langs": 1},
    "bert": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48},
}


def write(folder, model_type, *, head=AutoModelForSequenceClassification, labels=2):
    """A checkpoint whose tokenizer gives no token types and, for GPT-2, has no padding token."""
    examples = text_examples(40)
    tokenizer = train_tokenizer([example.text for example in examples], vocabulary_size=200)
    tokenizer.model_input_names = tokenizer.init_kwargs["model_input_names"] = ["input_ids", "attention_mask"]
    tokenizer.eos_token = "[SEP]"
    if model_type == "gpt2":
        tokenizer.pad_token = None
    tokenizer.save_pretrained(folder)
    config = AutoConfig.for_model(model_type, vocab_size=len(tokenizer), num_labels=labels, **SIZES[model_type])
    config.pad_token_id = tokenizer.pad_token_id
    torch.manual_seed(1)
    head.from_config(config).save_pretrained(folder)
    return examples


def load(folder, kind, labels, **spec):
    model = ModelConfig(family=spec.pop("family", "auto"), checkpoint=str(folder), **spec)
    made = TASK_TYPES.load(kind).objective(labels, Training())
    torch.manual_seed(spec.get("seed", 7))
    return made, FAMILIES.load(str(model.family)).load(model, made.head(), labels=labels, dropout=0.0, texts=list)


@pytest.mark.parametrize("model_type", ["gpt2", "xlm", "bert"])
def test_a_model_reads_what_its_own_tokenizer_gives_it(tmp_path, model_type):
    examples = write(tmp_path, model_type)[:7]
    kind, loaded = load(tmp_path, "classification", LABELS)
    reader = reader_for(Training(), loaded.tokenizer, limit=loaded.limit, stride=0, strategy=None)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=tmp_path)
    forward = forward_of(loaded, kind, accelerator, Training(), micro_batch_size=4)
    _, logits = forward.evaluate(kind.features(examples, reader), examples)
    for example, found in zip(examples, logits, strict=True):
        alone = loaded.model(**loaded.tokenizer(example.text, return_tensors="pt")).logits[0]
        torch.testing.assert_close(torch.tensor(found), alone.detach(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("model_type", ["gpt2", "xlm", "bert"])
def test_a_text_without_tokens_is_read_alone_and_among_others(tmp_path, model_type):
    write(tmp_path, model_type)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    if model_type == "gpt2":  # Which adds no special token to a text.
        tokenizer.backend_tokenizer.post_processor = None
        tokenizer.save_pretrained(tmp_path)
    kind, loaded = load(tmp_path, "classification", LABELS)
    trainer, reader = trainer_for(loaded, kind, Training())
    texts = ["", "  \n", "the film was dull"]
    examples = [TextExample(str(place), text, 0) for place, text in enumerate(texts)]
    assert kind.features(examples, reader).lengths == [0, 0, 4]
    _, together = trainer.forward.evaluate(kind.features(examples, reader), examples)
    for example, found in zip(examples, together, strict=True):
        _, alone = trainer.forward.evaluate(kind.features([example], reader), [example])
        np.testing.assert_allclose(alone[0], found, atol=1e-5)
    assert np.isfinite(trainer.step(kind.features(examples[:2], reader).items))


@pytest.mark.parametrize("kind", ["regression", "question_answering"])
def test_a_head_of_the_checkpoints_own_is_kept_and_said_unless_a_new_one_is_asked_for(tmp_path, kind):
    question = kind == "question_answering"
    auto_class = AutoModelForQuestionAnswering if question else AutoModelForSequenceClassification
    write(tmp_path, "bert", head=auto_class, labels=2 if question else 1)
    name = "qa_outputs.weight" if question else "classifier.weight"
    stored = auto_class.from_pretrained(tmp_path).state_dict()[name]
    kept, renewed = (load(tmp_path, kind, (), family="bert", head=choice)[1] for choice in ("auto", "new"))
    assert torch.equal(kept.model.state_dict()[name], stored)
    assert "the checkpoint's own head is kept" in kept.notes
    assert not torch.equal(renewed.model.state_dict()[name], stored)
    assert name in renewed.notes[0]


def test_pretrained_weights_are_refused_with_a_tokenizer_trained_anew(tmp_path):
    write(tmp_path, "bert")
    with pytest.raises(UserError, match='tokenizer = "trained" would give its embeddings other words'):
        load(tmp_path, "classification", LABELS, tokenizer="trained")


def test_an_untrained_architecture_takes_the_special_tokens_of_the_tokenizer_that_it_gets(tmp_path):
    write(tmp_path, "bert")
    model = ModelConfig(family="bert", checkpoint=str(tmp_path), init="random", tokenizer="trained")
    kind = TASK_TYPES.load("classification").objective(LABELS, Training())
    loaded = FAMILIES.load("bert").load(model, kind.head(), labels=LABELS, dropout=None, texts=lambda: ["a film"])
    assert loaded.model.config.vocab_size == len(loaded.tokenizer)
    assert loaded.model.config.pad_token_id == loaded.tokenizer.pad_token_id == 0
