"""Checkpoints beyond the named families: without token types, without padding, with a head of their own."""

import json

import numpy as np
import pytest
import torch
from small_models import ENCODER, LABELS, question_examples, text_examples, trainer_for
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import (
    AutoConfig,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GPT2Tokenizer,
    pipeline,
)

from harness.config.model import ModelConfig
from harness.config.training import Training
from harness.errors import UserError
from harness.models.tokenizer_choice import part_pairs
from harness.ops.device import fresh_accelerator
from harness.registry import FAMILIES, TASK_TYPES
from harness.task_types.texts import TextExample
from harness.tokenization.reading import reader_for
from harness.tokenization.trained_tokenizer import train_tokenizer
from harness.training.task_model import forward_of, save_checkpoint
from harness.training.vocabulary import with_used_vocabulary

SIZES = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64},
    "xlm": {"emb_dim": 32, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 64, "n_langs": 1},
    "bert": ENCODER,
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


def load(folder, task_type, labels, **spec):
    model = ModelConfig(family=spec.pop("family", "auto"), checkpoint=str(folder), **spec)
    made = TASK_TYPES.load(task_type).objective(labels, Training())
    torch.manual_seed(spec.get("seed", 7))
    return made, FAMILIES.load(str(model.family)).load(model, made.head(), labels=labels, dropout=0.0, texts=list)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("model_type", ["gpt2", "xlm", "bert"])
def test_a_model_reads_what_its_own_tokenizer_gives_it(tmp_path, model_type):
    examples = write(tmp_path, model_type)[:7]
    objective, loaded = load(tmp_path, "classification", LABELS)
    reader = reader_for(Training(), loaded.tokenizer, limit=loaded.limit, stride=0, strategy=None)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=tmp_path)
    forward = forward_of(loaded, objective, accelerator, Training(), micro_batch_size=4)
    _, logits = forward.evaluate(objective.features(examples, reader), examples)
    for example, found in zip(examples, logits, strict=True):
        alone = loaded.model(**loaded.tokenizer(example.text, return_tensors="pt")).logits[0]
        torch.testing.assert_close(torch.tensor(found), alone.detach(), atol=1e-5, rtol=1e-5)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("model_type", ["gpt2", "xlm", "bert"])
def test_a_text_without_tokens_is_read_alone_and_among_others(tmp_path, model_type):
    write(tmp_path, model_type)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    if model_type == "gpt2":  # Which adds no special token to a text.
        tokenizer.backend_tokenizer.post_processor = None
        tokenizer.save_pretrained(tmp_path)
    objective, loaded = load(tmp_path, "classification", LABELS)
    trainer, reader = trainer_for(loaded, objective, Training())
    texts = ["", "  \n", "the film was dull"]
    examples = [TextExample(str(place), text, 0) for place, text in enumerate(texts)]
    assert objective.features(examples, reader).lengths == [0, 0, 4]
    _, together = trainer.forward.evaluate(objective.features(examples, reader), examples)
    for example, found in zip(examples, together, strict=True):
        _, alone = trainer.forward.evaluate(objective.features([example], reader), [example])
        np.testing.assert_allclose(alone[0], found, atol=1e-5)
    assert np.isfinite(trainer.step(objective.features(examples[:2], reader).items))


@pytest.mark.slow
def test_a_model_that_looks_up_types_among_words_keeps_their_rows(tmp_path):
    texts = [example.text for example in write(tmp_path, "gpt2")]
    examples = [TextExample(str(row), texts[row], row % 2, pair=texts[row + 1]) for row in range(3)]
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tokenizer.pad_token = "[PAD]"
    tokenizer.model_input_names = tokenizer.init_kwargs["model_input_names"] = ["input_ids", "token_type_ids"]
    tokenizer.save_pretrained(tmp_path)
    losses = {}
    for vocabulary in ("used", "whole"):
        objective, loaded = load(tmp_path, "classification", LABELS)
        assert loaded.uses_token_type_ids
        trainer, reader = trainer_for(loaded, objective, Training(learning_rate=1e-3))
        items = objective.features(examples, reader).items
        if vocabulary == "used":
            assert with_used_vocabulary(loaded.model, items).used is not None
            trainer, _ = trainer_for(loaded, objective, Training(learning_rate=1e-3))
        losses[vocabulary] = [float(trainer.step(items)) for _ in range(4)]
    assert losses["used"] == pytest.approx(losses["whole"], abs=1e-6)


@pytest.mark.parametrize("task_type", ["regression", "question_answering"])
def test_a_head_of_the_checkpoints_own_is_kept_and_said_unless_a_new_one_is_asked_for(tmp_path, task_type):
    question = task_type == "question_answering"
    auto_class = AutoModelForQuestionAnswering if question else AutoModelForSequenceClassification
    write(tmp_path, "bert", head=auto_class, labels=2 if question else 1)
    name = "qa_outputs.weight" if question else "classifier.weight"
    stored = auto_class.from_pretrained(tmp_path).state_dict()[name]
    kept, renewed = (load(tmp_path, task_type, (), family="bert", head=choice)[1] for choice in ("auto", "new"))
    assert torch.equal(kept.model.state_dict()[name], stored)
    assert "the checkpoint's own head is kept" in kept.notes
    assert not torch.equal(renewed.model.state_dict()[name], stored)
    assert name in renewed.notes[0]


def test_pretrained_weights_are_refused_with_a_tokenizer_trained_anew(tmp_path):
    write(tmp_path, "bert")
    with pytest.raises(UserError, match="a new tokenizer would not match its pretrained embeddings"):
        load(tmp_path, "classification", LABELS, tokenizer="trained")


def test_an_untrained_architecture_takes_the_special_tokens_of_the_tokenizer_that_it_gets(tmp_path):
    write(tmp_path, "bert")
    model = ModelConfig(family="bert", checkpoint=str(tmp_path), init="random", tokenizer="trained")
    objective = TASK_TYPES.load("classification").objective(LABELS, Training())
    loaded = FAMILIES.load("bert").load(model, objective.head(), labels=LABELS, dropout=None, texts=lambda: ["a film"])
    assert loaded.model.config.vocab_size == len(loaded.tokenizer)
    assert loaded.model.config.pad_token_id == loaded.tokenizer.pad_token_id == 0


def gpt2_checkpoint(folder):
    """A GPT-2 with a tokenizer of its own sort: byte pairs, and nothing between the texts of a pair."""
    words = sorted({word for example in text_examples(40) for word in example.text.split()})
    backend = Tokenizer(BPE())
    backend.pre_tokenizer = ByteLevel(add_prefix_space=False)
    trainer = BpeTrainer(vocab_size=400, initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    backend.train_from_iterator([f" {word}" for word in words], trainer)
    model = json.loads(backend.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    end = len(model["vocab"])
    tokenizer = GPT2Tokenizer(vocab={**model["vocab"], "<|endoftext|>": end}, merges=merges)
    tokenizer.save_pretrained(folder)
    config = AutoConfig.for_model("gpt2", vocab_size=end + 1, eos_token_id=end, initializer_range=0.3, **SIZES["gpt2"])
    torch.manual_seed(1)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    return end


@pytest.mark.slow
def test_the_texts_of_a_pair_are_parted_for_a_tokenizer_that_puts_nothing_between_them(tmp_path):
    end = gpt2_checkpoint(tmp_path / "checkpoint")
    stock = AutoTokenizer.from_pretrained(tmp_path / "checkpoint")
    texts = (" the film was dull", " many people came")
    one, two = (stock(text)["input_ids"] for text in texts)
    assert stock(*texts)["input_ids"] == [*one, *two]
    objective, loaded = load(tmp_path / "checkpoint", "classification", LABELS)
    assert loaded.tokenizer(*texts)["input_ids"] == [*one, end, *two]
    assert loaded.tokenizer(texts[0])["input_ids"] == one
    offsets = [loaded.tokenizer(texts[0], return_offsets_mapping=True)["offset_mapping"]]
    assert offsets == [stock(texts[0], return_offsets_mapping=True)["offset_mapping"]]

    examples = text_examples(5, pairs=True)
    reader = reader_for(Training(), loaded.tokenizer, limit=loaded.limit, stride=0, strategy=None)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=tmp_path)
    forward = forward_of(loaded, objective, accelerator, Training(), micro_batch_size=4)
    _, logits = forward.evaluate(objective.features(examples, reader), examples)
    save_checkpoint(loaded, reader, tmp_path / "saved", head=objective.head())
    classify = pipeline("text-classification", str(tmp_path / "saved"))
    for example, found in zip(examples, logits, strict=True):
        answers = classify({"text": example.text, "text_pair": example.pair}, top_k=None)
        wanted = dict(zip(LABELS, torch.tensor(found).softmax(0).tolist(), strict=True))
        assert {answer["label"]: answer["score"] for answer in answers} == pytest.approx(wanted, abs=1e-5)


def test_questions_are_parted_from_their_contexts_for_a_causal_model(tmp_path):
    end = gpt2_checkpoint(tmp_path)
    objective, loaded = load(tmp_path, "question_answering", ())
    reader = reader_for(Training(), loaded.tokenizer, limit=loaded.limit, stride=8, strategy="windows")
    features = objective.features(question_examples(3), reader)
    for item in features.items:
        assert item.windows[0].input_ids.count(end) == 1
    assert features.unreachable_answers == 0.0


def test_a_tokenizer_with_neither_separator_nor_end_keeps_its_pairs_as_they_are():
    tokenizer = train_tokenizer([example.text for example in text_examples(40)], vocabulary_size=200)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])
    tokenizer.sep_token = None
    part_pairs(tokenizer)
    assert tokenizer.decode(tokenizer("the film", "was dull")["input_ids"]) == "the film was dull"
    tokenizer.sep_token = "[SEP]"
    part_pairs(tokenizer)
    assert tokenizer.decode(tokenizer("the film", "was dull")["input_ids"]) == "the film [SEP] was dull"


def test_a_model_without_one_embedding_is_trained_on_the_whole_of_what_it_has():
    model = AutoModelForSequenceClassification.from_config(
        AutoConfig.for_model("canine", **SIZES["bert"], num_hash_buckets=16, max_position_embeddings=64)
    )
    vocabulary = with_used_vocabulary(model, [])
    assert vocabulary.used is None
    assert vocabulary.whole is None
