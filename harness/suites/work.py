"""The work of a run, estimated before it runs: items, tokens, operations and weights. Nothing is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from harness.config.model import ModelConfig
from harness.config.training import Training
from harness.errors import UserError
from harness.suites.items import items_of
from harness.suites.sizes import Sizes

SMALL: Mapping[str, int] = {"width": 256, "layers": 4, "inner": 1024}
"""The default architecture of every family for models trained from scratch."""
LARGEST = 10**9
"""No size of a model is larger; a damaged configuration may contain any number."""
_NAMES = {
    "width": ("hidden_size", "d_model", "n_embd", "dim"),
    "layers": ("num_hidden_layers", "n_layer", "n_layers"),
    "inner": ("intermediate_size", "d_inner", "n_inner", "hidden_dim", "d_ff"),
    "vocabulary": ("vocab_size",),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a Transformer, from its configuration.

    Attributes:
        width: The hidden size.
        layers: Number of layers.
        inner: The hidden size of the feed-forward networks.
        vocabulary: The vocabulary size.
    """

    width: int
    layers: int
    inner: int
    vocabulary: int

    @property
    def dense(self) -> int:
        """Parameters outside the embedding: four square matrices of attention and two of the feed-forward network."""
        return self.layers * (4 * self.width**2 + 2 * self.width * self.inner)

    @property
    def parameters(self) -> int:
        """The total number of parameters."""
        return self.dense + self.vocabulary * self.width

    def forward(self, tokens: float, length: float) -> float:
        """Operations of a forward pass over `tokens` in texts of `length` tokens (Kaplan et al. 2020, section 2.1)."""
        return tokens * (2 * self.dense + 4 * self.layers * self.width * length)


@dataclass(frozen=True, slots=True)
class Work:
    """The amount of data that a run reads.

    Attributes:
        trained: Number of texts that training reads, repeats included; for a probe a third, for want of a backward
            pass. A text is an example, in question answering a window, in multiple choice a question with a choice.
        validated: Number of texts scored during training.
        tested: Number of texts of test examples.
        length: Number of tokens per text.
        is_length_known: Whether `length` is known; else it is half of the most that a model may read.
        steps: Number of optimizer steps; 0 for a probe.
    """

    trained: float
    validated: float
    tested: float
    length: float
    is_length_known: bool
    steps: int

    @property
    def tokens(self) -> float:
        """Number of tokens read in forward passes, and as many for each half of a backward pass."""
        return (3 * self.trained + self.validated + self.tested) * self.length

    def share_done(self, step: int) -> float:
        """The share of the work that is done after a number of optimizer steps."""
        if not self.steps or not self.tokens:
            return 0.0
        return min(step / self.steps, 1.0) * (1 - self.tested * self.length / self.tokens)

    def operations(self, shape: Shape) -> float:
        """Operations of training, with a backward pass twice as expensive as the forward pass, and of scoring."""
        return shape.forward(self.tokens, self.length)


def work(training: Training, sizes: Sizes, evaluate: str = "test") -> Work | None:
    """Estimate what a run with the recipe reads; None if the size of the training split is unknown."""
    train = sizes.limited("train", training)
    if train is None:
        return None
    items = items_of(training, sizes)
    per_epoch = math.ceil(train * items.trained / training.batch_size)
    steps = training.steps(per_epoch)
    evaluations = max(math.floor(steps / per_epoch * training.evaluations_per_epoch), 1) if steps else 0
    validation, test = (sizes.limited(split, training) or 0 for split in ("validation", "test"))
    if training.method == "probe":  # Each text is read once, in a forward pass.
        trained, evaluations = train / 3, 1
    else:
        trained = steps * training.batch_size
    return Work(
        trained=trained * items.readings,
        validated=evaluations * validation * items.scored * items.readings,
        tested=(evaluate == "test") * test * items.scored * items.readings,
        length=items.tokens,
        is_length_known=sizes.tokens is not None,
        steps=0 if training.method == "probe" else steps,
    )


def shape_of(model: ModelConfig) -> Shape | None:
    """The model's size from its configuration; None if that is missing, or names its sizes differently."""
    if model.checkpoint is None:
        config: Mapping[str, Any] = model.architecture
        known = {**SMALL, "vocabulary": model.vocabulary_size}
    else:
        config, known = _config(model), {}
    for size, names in _NAMES.items():
        given = next((value for name in names if _is_size(value := config.get(name))), None)
        if given is not None:
            known[size] = given
    if {"width", "layers"} <= known.keys():
        known.setdefault("inner", 4 * known["width"])  # GPT-2 omits it if it is four times the width.
    return Shape(**known) if len(known) == len(_NAMES) else None


def weights_bytes(model: ModelConfig, shape: Shape | None) -> int | None:
    """The size of the weights on disk: that of local files, else by the parameters in 32 bits; None if unknown."""
    if model.checkpoint is not None and Path(model.checkpoint).is_dir():
        files = [file for file in Path(model.checkpoint).glob("*.safetensors") if file.is_file()]
        found = sum(file.stat().st_size for file in files)
        if found:
            return found
    return None if shape is None else 4 * shape.parameters


def _is_size(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and 0 < value < LARGEST


def _config(model: ModelConfig) -> Mapping[str, Any]:
    from harness.models.checkpoint import find_checkpoint  # noqa: PLC0415 -- only models that nobody has run yet

    assert model.checkpoint is not None, "the model is not made from nothing"
    try:
        return find_checkpoint(model.checkpoint, model.revision, files=["config.json"]).config()
    except UserError:
        return {}  # The run reports the error.
