"""Synthetic documents of a given length, and untrained models to read them by the harness's own code."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import harness.models.families  # noqa: F401 -- the Auto classes learn our own architectures
from harness.config.model import ModelConfig, find_model
from harness.config.training import Training
from harness.errors import UserError
from harness.ops.device import fresh_accelerator, seed_layers
from harness.registry import FAMILIES, TASK_TYPES
from harness.task_types.texts import TextExample
from harness.tokenization.encoding import encode
from harness.tokenization.reading import Reader, reader_for
from harness.training.forward import Forward
from harness.training.optimisation import make_optimizer, make_scheduler
from harness.training.task_model import forward_of
from harness.training.trainer import Trainer

LABELS = ("bad", "good")


def words(count: int) -> list[str]:
    """Return `count` words from a vocabulary of up to 6,000 made-up ones; always the same."""
    chooser = random.Random(1)
    syllables = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
    known = ["".join(chooser.choices(syllables, k=chooser.choice((1, 2, 2, 3)))) for _ in range(6_000)]
    return chooser.choices(known, k=count)


def document(reader: Reader, tokens: int) -> TextExample:
    """Make a text of `tokens` tokens, special tokens included."""
    room = tokens - 2  # [CLS] and [SEP]
    text = " ".join(words(room))
    (encoded,) = encode(reader.tokenizer, [text], return_offsets=True)
    assert len(encoded.ids) >= room, "a word has a token or more"
    return TextExample("document", text[: encoded.offsets[room - 1][1]], 1)


def _untrained(model: str) -> ModelConfig:
    spec = find_model(model)
    if spec.family is None or spec.init != "random" or spec.is_simple_baseline:
        raise UserError(
            f"{model}: not an untrained Transformer, so it can't read made-up documents. Name a model whose file has a "
            'family and init = "random", such as scratch-long.'
        )
    return spec


def prepared(model: str, recipe: Training) -> tuple[Trainer[Forward], Any, Reader]:
    """Make a trainer with an untrained model of configs/models, the objective of classification, and a reader of texts.

    Raises:
        UserError: If the model is a simple baseline or pretrained, or lacks the memory that the recipe needs.
    """
    seed_layers(0)
    spec, objective = _untrained(model), TASK_TYPES.load("classification").objective(LABELS, recipe)
    loaded = FAMILIES.load(str(spec.family)).load(
        spec, objective.head(), labels=LABELS, dropout=None, texts=lambda: [" ".join(words(30_000))]
    )
    if recipe.segmented and loaded.pooled_head is None:
        raise UserError(
            f"{model}: keeps no memory between segments. Name a model that does, such as transformer-xl-tiny."
        )
    accelerator = fresh_accelerator("fp32", tracker=None, folder=Path())
    reader = reader_for(
        recipe, loaded.tokenizer, limit=loaded.limit, stride=objective.stride, strategy=objective.strategy
    )
    forward = forward_of(loaded, objective, accelerator, recipe, micro_batch_size=recipe.micro_batch_size)
    optimizer = make_optimizer(loaded.model, recipe)
    trainer = Trainer(forward, optimizer, make_scheduler(optimizer, recipe, 100), recipe.max_grad_norm, [])
    return trainer, objective, reader
