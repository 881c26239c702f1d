"""Shapes: the sizes of the trained models, their cost per example, and checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config.model import find_model
from harness.registry import FAMILIES

VOCABULARY = "minilm"  # the model of configs/models whose tokenizer all shapes have: BERT's, 30,522 pieces
CLASSIFIER = "AutoModelForSequenceClassification"


@dataclass(frozen=True)
class Shape:
    """A BERT's size.

    Attributes:
        name: As it is called in tables.
        layers: How many.
        width: Of the hidden states; the feed-forward layers are four times as wide.
        heads: Of attention.
    """

    name: str
    layers: int
    width: int
    heads: int

    def flops(self, length: int, *, outputs: int, per_token: bool) -> int:
        """Operations of one forward pass over a text of `length` tokens: those of its matrix products.

        A product of [m, k] and [k, n] is 2·m·k·n. In a layer a token takes four of width x width and two of width x
        4 width; its attention to `length` tokens takes 2·length·width for the scores and as much for the sums.

        Args:
            length: Tokens of the text, without padding.
            outputs: Of the head.
            per_token: Whether the head says something of each token; else of the first one, through BERT's pooler.
        """
        square = self.width * self.width
        layer = length * 2 * (4 * square + 8 * square) + 4 * length * length * self.width
        of_head = 2 * self.width * outputs
        head = length * of_head if per_token else 2 * square + of_head
        return self.layers * layer + head


SHAPES = {
    shape.name: shape for shape in (Shape("tiny", 2, 128, 2), Shape("mini", 6, 384, 12), Shape("base", 12, 768, 12))
}


def settings_of(shape: Shape, family: str) -> dict[str, Any]:
    """Of a configuration of the family's with these sizes; what sizes don't say is the family's own."""
    wide = 3 * shape.width // 2 if family == "modernbert" else 4 * shape.width  # It has gates beside them.
    sizes = {
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": wide,
    }
    if family == "bert":
        return sizes
    if family == "distilbert":
        sizes = dict(zip(("dim", "n_layers", "n_heads", "hidden_dim"), sizes.values(), strict=True))
    return {**FAMILIES.load(family).architecture, **sizes}


def write_checkpoint(
    shape: Shape, folder: Path, *, auto_class: str, labels: Sequence[str], family: str = "bert", model_type: str = ""
) -> Path:
    """A checkpoint of random weights that each loop starts from, its head included, and a real tokenizer.

    Args:
        shape: Of the model.
        folder: Where it goes.
        auto_class: transformers' name of the model with its head, or of the encoder alone.
        labels: Of a classifier.
        family: The harness's.
        model_type: The architecture of those that the family reads; "": the first.
    """
    import torch
    import transformers

    from harness.models.checkpoint import find_checkpoint

    transformers.utils.logging.disable_progress_bar()
    source = find_checkpoint(str(find_model(VOCABULARY).checkpoint)).folder
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    names = dict(enumerate(labels))
    config = transformers.AutoConfig.for_model(
        model_type or FAMILIES.load(family).model_types[0],
        vocab_size=len(tokenizer),
        **settings_of(shape, family),
        **({"id2label": names, "label2id": {name: index for index, name in names.items()}} if names else {}),
    )
    config.pad_token_id = tokenizer.pad_token_id
    torch.manual_seed(1)
    getattr(transformers, auto_class).from_config(config).save_pretrained(folder)
    tokenizer.model_max_length = config.max_position_embeddings
    tokenizer.save_pretrained(folder)
    return folder
