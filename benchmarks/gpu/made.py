"""Generated texts with the lengths of real data sets, and models with random weights; needs no network."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from benchmarks.loops.shapes import Shape
from harness.config.files import config_file
from harness.task_types.texts import TextExample

LABELS = ("negative", "positive")
LARGE = Shape("large", 24, 1024, 16)


@dataclass(frozen=True)
class Lengths:
    """How long texts are, in tokens with the special ones.

    Attributes:
        mean: Of them all.
        most: None is longer.
        spread: The standard deviation of their logarithms.
    """

    mean: int
    most: int
    spread: float = 0.5

    def drawn(self, count: int, *, seed: int = 0) -> list[int]:
        """Lengths of so many texts."""
        chooser = random.Random(seed)
        middle = self.mean / torch.exp(torch.tensor(self.spread**2 / 2)).item()
        return [min(max(round(middle * chooser.lognormvariate(0, self.spread)), 4), self.most) for _ in range(count)]


LIKE = {"MNLI": Lengths(38, 128), "SQuAD": Lengths(154, 384), "IMDb": Lengths(244, 512, 0.7)}


def write_checkpoint(shape: Shape, folder: Path) -> Path:
    """A BERT of random weights with the tokenizer of `bert-mini`, which comes with the harness."""
    source = config_file("models", "bert-mini").with_suffix("")
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    config = transformers.BertConfig(
        vocab_size=30522,
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.width,
        pad_token_id=tokenizer.pad_token_id,
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id={name: index for index, name in enumerate(LABELS)},
    )
    torch.manual_seed(1)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.model_max_length = 512
    tokenizer.save_pretrained(folder)
    return folder


def made_texts(tokenizer: Any, lengths: Sequence[int], *, seed: int = 0) -> tuple[TextExample, ...]:
    """Texts of words that are a token each, so that their lengths are known.

    Args:
        tokenizer: The checkpoint's.
        lengths: Tokens of each, with the two special ones.
        seed: Of the words and labels.
    """
    plain = sorted({word.lower() for word in tokenizer.get_vocab() if word.isalpha() and word.isascii()})
    twice = tokenizer([f"{word} {word}" for word in plain], add_special_tokens=False)["input_ids"]
    words = [word for word, ids in zip(plain, twice, strict=True) if len(ids) == 2]
    chooser = random.Random(seed)
    return tuple(
        TextExample(str(number), " ".join(chooser.choices(words, k=length - 2)), chooser.randrange(2))
        for number, length in enumerate(lengths)
    )
