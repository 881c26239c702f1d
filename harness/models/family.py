"""A model family of transformers' Auto classes, with pretrained or random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import transformers
from torch import Tensor

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.models.checkpoint import Checkpoint, find_checkpoint
from harness.models.choice_head import choice_notes, read_rows
from harness.models.config_and_tokenizer import (
    check_architecture,
    check_vocabulary,
    made_config,
    read_config,
    set_dropout,
)
from harness.models.encoder_decoder import EncoderDecoder
from harness.models.head import Head
from harness.models.labels import kept_labels, renamed
from harness.models.language_head import Language
from harness.models.left_to_right import check_left_to_right
from harness.models.limits import limit_of, stated_places, unused_positions
from harness.models.loaded import Loaded, PooledHead
from harness.models.packing import Packing
from harness.models.padding import UNPADDED, depends_on_padding
from harness.models.pointer_head import NOTE, Pointer
from harness.models.stock_language import stock_language
from harness.models.tokenizer_choice import chosen_tokenizer, pad_on, special_tokens
from harness.models.weights import OWN_HEAD, check_language_head, pretrained, untrained
from harness.models.writers import asks_for_words, layout_of, model_class_of

SMALL_ENCODER = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
"""The shape of small models without a checkpoint, for most families."""


@dataclass(frozen=True)
class StockFamily:
    """A family of encoders.

    Attributes:
        model_types: Values of model_type in config.json that belong to the family; empty for any.
        architecture: Configuration of a small model, used without a checkpoint.
        padding_side: The side to pad on; "left" if the head reads the last token.
        unlimited: Whether positions are relative or computed, so that texts of any length can be read.
        settings: Configuration values that fine-tuning needs, whatever the checkpoint has.
        note: A remark for every record of the family, or None.
        pooled_head: Computes outputs from a model and the pooled states of texts [texts, width], for a family with a
            memory, whose base model takes `mems` and `use_mems`. None without a memory.
        pointer_config: Converts a configuration to that of a model with a `Pointer` instead of a head per token. None
            if there is no such model.
        packing: How models read concatenated texts without padding. None if they cannot.
        language: How models predict words, for pretraining and as language models. None to use transformers' Auto
            classes.
        scores: Replaces `Language.scores` of the Auto classes, for models that `generate` does not run in the same way
            (so that they do not generate text here).
        encoder_decoder: How encoders are combined into a model that generates text. None if they cannot be, or if the
            models generate text already.
    """

    model_types: tuple[str, ...] = ()
    architecture: Mapping[str, Any] = field(default_factory=dict)
    padding_side: str = "right"
    unlimited: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    note: str | None = None
    pooled_head: PooledHead | None = None
    pointer_config: Callable[[Any], Any] | None = None
    packing: Packing | None = None
    language: Language | None = None
    scores: Callable[[Any, Mapping[str, Tensor]], Tensor] | None = None
    encoder_decoder: EncoderDecoder | None = None

    def load(
        self,
        spec: ModelConfig,
        head: Head,
        *,
        labels: tuple[str, ...],
        dropout: float | None,
        texts: Callable[[], Sequence[str]],
    ) -> Loaded:
        """Load a model with a head for the task. New layers are random, so seeds must be set before.

        Args:
            spec: The model.
            head: The head.
            labels: The label names of the data.
            dropout: Overrides every dropout probability of the configuration, unless None.
            texts: Returns the training texts, for a tokenizer that is trained on them.

        Raises:
            UserError: If the checkpoint is not available or does not fit.
        """
        checkpoint = find_checkpoint(spec.checkpoint, spec.revision) if spec.checkpoint else None
        stored = self._stored_config(checkpoint, spec) if checkpoint is not None else None
        writes = head.generation is not None
        tokenizer = chosen_tokenizer(spec, checkpoint, texts, padding_side=self.padding_side, writes=writes)
        config = self._config_for(spec, stored, tokenizer, pointer=head.pointer)
        kept = kept_labels(spec, checkpoint, labels, head)
        order = kept or labels
        config.update({**self.settings, **renamed(head.settings, order), "pad_token_id": tokenizer.pad_token_id})
        set_dropout(config, dropout)
        if writes and self.encoder_decoder is not None:
            config = self.encoder_decoder.config(config, tokenizer)
        language = self.language_of(config, head)
        model_class = model_class_of(head, language, spec.checkpoint or f"family {spec.family!r}", config)
        layout = layout_of(head, config, tokenizer)
        new_head = spec.head == "new" or (bool(labels) and kept is None)
        model, notes = self._weights(
            model_class, config, spec=spec, checkpoint=checkpoint, head=head, new_head=new_head
        )
        if isinstance(getattr(model, "pointer", None), Pointer):
            notes.append(NOTE)
        notes += [*([self.note] if self.note else []), *choice_notes(head, config)]
        most = (head.generation or {}).get("max_new_tokens", 0)
        places = layout.places_for_source(self.longest_text(model), most)
        limit = None if self.unlimited else limit_of(tokenizer, places)
        parts = (self.pooled_head, self.packing, language)
        return self.as_read(
            Loaded(model, tokenizer, limit, order, checkpoint, tuple(notes), *parts, layout=layout), head
        )

    def language_of(self, config: Any, head: Head) -> Language | None:
        """Return how the model predicts words: as in its family, or as stock language models do."""
        if self.language is not None or not asks_for_words(head, config):
            return self.language
        stock = stock_language(config)
        if stock is None or self.scores is None:
            return stock
        return replace(stock, scores=self.scores, writes=False)

    def as_read(self, loaded: Loaded, head: Head) -> Loaded:
        """Check that the model can read rows, and whether padding changes its outputs, if its type is unknown.

        Raises:
            UserError: If the model fails on plain texts, if outputs depend on other texts of the batch, or if a causal
                language model sees the words it predicts.
        """
        read_rows(loaded.model, head)
        if self.language is None and loaded.language is not None and asks_for_words(head, loaded.model.config):
            check_left_to_right(loaded)
        known = self.model_types or (head.generation is not None and not loaded.layout.is_one_text)
        if known or not depends_on_padding(loaded, head):
            return loaded
        return replace(loaded, unpadded=True, notes=(*loaded.notes, UNPADDED))

    def language_model(
        self, spec: ModelConfig, tokenizer: Any, *, dropout: float | None
    ) -> tuple[Any, tuple[str, ...]]:
        """Create a model with language modelling heads, or load a checkpoint for further pretraining.

        New weights are random, so seeds must be set before.

        Args:
            spec: The architecture or the checkpoint.
            tokenizer: The tokenizer: of the checkpoint, or one that sets the vocabulary size of a new model.
            dropout: Overrides every dropout probability of the configuration, unless None.

        Returns:
            The model, and notes on which of the checkpoint's heads are new.

        Raises:
            UserError: If the architecture is invalid, or the checkpoint is not available or does not fit.
        """
        assert self.language is not None, "checked when the recipe was read"
        checkpoint = find_checkpoint(spec.checkpoint, spec.revision) if spec.checkpoint else None
        stored = None if checkpoint is None else self._stored_config(checkpoint, spec)
        config = self._config_for(spec, stored, tokenizer, pointer=False)
        pad_on(self.padding_side, tokenizer)
        config.update({**self.settings, "pad_token_id": tokenizer.pad_token_id})
        set_dropout(config, dropout)
        model_class = getattr(transformers, self.language.auto_class)
        if checkpoint is None:
            return untrained(model_class, config, spec), ()
        model, notes = pretrained(model_class, checkpoint, config, new_head=False)
        return model, tuple(note for note in notes if note != OWN_HEAD)

    def longest_text(self, model: Any) -> int | None:
        """Return the maximum number of tokens, or None if there is no limit."""
        stated = None if self.unlimited else stated_places(model.config)
        return stated - unused_positions(model) if stated else None

    def _config_for(self, spec: ModelConfig, stored: Any, tokenizer: Any, *, pointer: bool) -> Any:
        """Return the checkpoint's configuration, or a new one, adapted to the tokenizer."""
        config = stored or self._made_config(spec, tokenizer)
        if pointer:
            config = self._pointing_config(config, spec)
        if stored is not None and spec.init == "random" and spec.tokenizer is not None:
            config.update({**special_tokens(tokenizer), "vocab_size": len(tokenizer)})
        check_vocabulary(spec.checkpoint or "", config, tokenizer)
        return config

    def _weights(
        self,
        model_class: Any,
        config: Any,
        *,
        spec: ModelConfig,
        checkpoint: Checkpoint | None,
        head: Head,
        new_head: bool,
    ) -> tuple[Any, list[str]]:
        """Return a new model or that of the checkpoint, with notes on what is new."""
        if checkpoint is None or spec.init == "random":
            return untrained(model_class, config, spec), ["every weight is new"]
        if head.generation is not None and self.encoder_decoder is not None:
            return self.encoder_decoder.weights(model_class, checkpoint, config)
        if head.generation is not None and spec.head == "new":
            raise UserError('head = "new": a model that writes texts has no head apart from its weights. Leave it out.')
        model, notes = pretrained(model_class, checkpoint, config, new_head=new_head)
        if head.auto_class is None or head.generation is not None:
            check_language_head(checkpoint.name, notes)
        return model, notes

    def _stored_config(self, checkpoint: Checkpoint, spec: ModelConfig) -> Any:
        model_type, known = checkpoint.config()["model_type"], " or ".join(self.model_types)
        if self.model_types and model_type not in self.model_types:
            raise UserError(
                f"{checkpoint.name}: its model_type is {model_type!r}, but this family reads {known}. "
                "Name another family, or leave `family` out."
            )
        return read_config(checkpoint, spec.architecture)

    def _pointing_config(self, config: Any, spec: ModelConfig) -> Any:
        if self.pointer_config is None:
            where = spec.checkpoint or f"family {spec.family!r}"
            raise UserError(
                f"{where}: {config.model_type} has no model that points at answers from the last state. "
                'Set strategy = "windows", or choose a model of the family transformer_xl or xlnet.'
            )
        return self.pointer_config(config)

    def _made_config(self, spec: ModelConfig, tokenizer: Any) -> Any:
        if not self.model_types:
            raise UserError(f"family {spec.family!r}: needs a checkpoint. Name one, or a family such as bert.")
        check_architecture(self.model_types[0], spec.architecture)
        special = special_tokens(tokenizer)
        made = {**self.architecture, **special, **spec.architecture, "vocab_size": len(tokenizer)}
        return made_config(self.model_types[0], made, f"family {spec.family}")
