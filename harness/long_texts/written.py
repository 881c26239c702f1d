"""Written: a model reads a text and writes another one; what the right one costs it, and what it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from transformers import GenerationConfig

from harness.errors import UserError
from harness.long_texts.windows import in_parts
from harness.models.loaded import Loaded
from harness.ops.device import all_to_device
from harness.tokenization.items import NO_TARGET, Item


@dataclass(frozen=True)
class Written:
    """Scores the texts that a model is to write, and has it write its own.

    Attributes:
        model: An encoder–decoder of transformers.
        accelerator: Devices and precision.
        generation: What `generate` is called with; empty: nothing is written.
    """

    model: Any
    accelerator: Accelerator
    generation: Mapping[str, Any]

    attended = None

    def size(self, item: Item) -> int:
        """One: a source is read at once."""
        return len(item.windows)

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """What the right texts cost, and in evaluation what the model writes; see `Scoring`.

        Returns:
            By token of the labels [rows, 4, length]: its nats; the mean nats of all words in its place, which label
            smoothing asks for; 1 where it is the most probable one; 1 where there is a token. Then the written tokens
            [rows, any length], the one that stands before them included.
        """
        read = all_to_device(inputs, self.accelerator.device)
        costs = in_parts(self._costs, self._without_start(read), limit)
        if self.model.training or not self.generation:
            return costs
        del read["labels"]
        with self.accelerator.autocast():
            return (*costs, self.model.generate(**read, **self.generation))

    def _without_start(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The inputs without a token in front of all labels that the decoder begins with anyway, as [CLS]."""
        labels = inputs["labels"]
        start = self.model.config.decoder_start_token_id
        begun = start is not None and bool((labels[:, 0] == start).all())
        return {**inputs, "labels": labels[:, 1:] if begun else labels}

    def _costs(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        read = dict(inputs)
        labels = read.pop("labels")
        before = self.model.prepare_decoder_input_ids_from_labels(labels)
        with self.accelerator.autocast():
            logits = self.model(**read, decoder_input_ids=before, use_cache=False).logits
        nats = -logits.float().log_softmax(-1)
        there = labels != NO_TARGET
        own = nats.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
        right = logits.argmax(-1) == labels
        costs = torch.stack([own, nats.mean(-1), right.float(), torch.ones_like(own)], 1)
        return (costs.masked_fill(~there[:, None], 0.0),)


def written_for(loaded: Loaded, accelerator: Accelerator, generation: Mapping[str, Any]) -> Written:
    """How a model writes; its own generation settings become the same, so that plain transformers writes alike.

    Args:
        loaded: The model.
        accelerator: Devices and precision.
        generation: What `generate` is called with; `target_language`, which only some tokenizers know, among it.

    Raises:
        UserError: Longer texts are to be written than the model can, or in a language that its tokenizer does not know.
    """
    settings = dict(generation)
    longest = settings.get("max_new_tokens", 0)
    if loaded.limit is not None and longest > loaded.limit:
        raise UserError(f"max_target_length: {longest}, but this model writes at most {loaded.limit} tokens. Lower it.")
    if (language := settings.pop("target_language", None)) is not None:
        settings["forced_bos_token_id"] = _language_token(loaded.tokenizer, language)
    if settings:
        _forget_own_settings(loaded.model.generation_config)
        loaded.model.generation_config.update(**settings, max_length=None)
    return Written(loaded.model, accelerator, settings)


def _forget_own_settings(config: Any) -> None:
    """How a checkpoint's authors had it write, such as a least length, is not how the recipe says; its tokens stay."""
    for name, usual in GenerationConfig().to_dict().items():
        if hasattr(config, name) and not name.endswith(("_token_id", "_version")) and not name.startswith("_"):
            setattr(config, name, usual)


def _language_token(tokenizer: Any, language: str) -> int:
    known = getattr(tokenizer, "lang_code_to_id", None)  # M2M100's token of "de" is "__de__", and "de" a word's piece.
    token = tokenizer.convert_tokens_to_ids(language) if known is None else known.get(language)
    if token is None or token == tokenizer.unk_token_id:
        raise UserError(f"target_language: this model's tokenizer has no token {language!r}. Name one that it has.")
    return int(token)
