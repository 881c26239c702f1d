"""A family that transformers' Auto classes know: its weights, or its architecture with fresh ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers
from transformers import AutoConfig

from harness.config import ModelConfig
from harness.data.head import Head
from harness.data.trained_tokenizer import train_tokenizer
from harness.errors import UserError
from harness.models._checkpoint import Checkpoint, find_checkpoint
from harness.models._labels import matched_labels
from harness.models._stored import check_architecture, check_vocabulary, on_one_line, read_config, read_tokenizer


@dataclass(frozen=True)
class Loaded:
    """A model that is ready for fine-tuning.

    Attributes:
        model: A transformers model with its head.
        tokenizer: Its tokenizer.
        limit: Most tokens that the model reads at once; None: any number.
        labels: The data's label names in the order of the model's outputs.
        checkpoint: The weights' origin; None for a model made from nothing.
        notes: What a reader of the record should know, such as which tensors are new.
    """

    model: Any
    tokenizer: Any
    limit: int | None
    labels: tuple[str, ...]
    checkpoint: Checkpoint | None
    notes: tuple[str, ...]

    @property
    def pad_id(self) -> int:
        """The padding token's id; any will do where there is none, since padding is masked."""
        return int(self.tokenizer.pad_token_id or 0)

    @property
    def typed(self) -> bool:
        """Whether the model tells the two texts of a pair apart by token_type_ids."""
        takes = "token_type_ids" in inspect.signature(self.model.forward).parameters
        return takes and getattr(self.model.config, "type_vocab_size", 2) > 1


@dataclass(frozen=True)
class StockFamily:
    """A family of encoders.

    Attributes:
        model_types: What config.json calls its members; empty: any.
        architecture: The configuration of a small member, for a model that is made from nothing.
        padding_side: Where padding goes: "left" where the head reads the last token.
        position_offset: Position ids that are never used (RoBERTa starts at padding_idx + 1).
        unlimited: Whether positions are relative or computed, so that any length can be read.
        settings: Configuration that fine-tuning needs, whatever the checkpoint says.
    """

    model_types: tuple[str, ...] = ()
    architecture: Mapping[str, Any] = field(default_factory=dict)
    padding_side: str = "right"
    position_offset: int = 0
    unlimited: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    def load(
        self,
        spec: ModelConfig,
        head: Head,
        *,
        labels: tuple[str, ...],
        dropout: float | None,
        texts: Callable[[], Sequence[str]],
    ) -> Loaded:
        """The model that `spec` names, with a head for the task. Seeds must be set before: new layers are random.

        Args:
            spec: Which weights.
            head: What goes on top.
            labels: The data's label names.
            dropout: Replaces the configuration's dropouts; None: they stay.
            texts: The task's training texts, for a tokenizer that is trained on them.

        Raises:
            UserError: The checkpoint can't be had, or does not fit.
        """
        checkpoint = find_checkpoint(spec.checkpoint, spec.revision) if spec.checkpoint else None
        config = self._stored_config(checkpoint, spec) if checkpoint is not None else None
        tokenizer = self._tokenizer(spec, checkpoint, texts)
        kept = None
        if checkpoint is not None and spec.head == "auto" and spec.init == "pretrained":
            kept = matched_labels(checkpoint.name, checkpoint.config(), labels) if labels else None
        config = config or self._made_config(spec, tokenizer)
        check_vocabulary(spec.checkpoint or "", config, tokenizer)
        config.update({**self.settings, **_renamed(head.settings, kept or labels)})
        _set_dropout(config, dropout)
        model_class = getattr(transformers, head.auto_class)
        if checkpoint is None or spec.init == "random":
            model, notes = _untrained(model_class, config, spec), ["every weight is new"]
        else:
            model, notes = _pretrained(model_class, checkpoint, config, drop_head=bool(labels) and kept is None)
        limit = None if self.unlimited else _limit(tokenizer, config, self.position_offset)
        return Loaded(model, tokenizer, limit, kept or labels, checkpoint, tuple(notes))

    def _stored_config(self, checkpoint: Checkpoint, spec: ModelConfig) -> Any:
        model_type, known = checkpoint.config()["model_type"], " or ".join(self.model_types)
        if self.model_types and model_type not in self.model_types:
            raise UserError(
                f"{checkpoint.name}: its model_type is {model_type!r}, but this family reads {known}. "
                "Name another family, or leave `family` out."
            )
        return read_config(checkpoint, spec.architecture)

    def _tokenizer(self, spec: ModelConfig, checkpoint: Checkpoint | None, texts: Callable[[], Sequence[str]]) -> Any:
        source = spec.tokenizer or (checkpoint.name if checkpoint else "trained")
        if source == "trained":
            tokenizer = train_tokenizer(texts(), vocabulary_size=spec.vocabulary_size)
        else:
            origin = checkpoint if checkpoint and source == checkpoint.name else find_checkpoint(source)
            tokenizer = read_tokenizer(origin)
        # transformers saves what a tokenizer was made with, so that a checkpoint read again pads on the same side.
        tokenizer.padding_side = tokenizer.init_kwargs["padding_side"] = self.padding_side
        return tokenizer

    def _made_config(self, spec: ModelConfig, tokenizer: Any) -> Any:
        if not self.model_types:
            raise UserError(
                f"family {spec.family!r}: can't be made from nothing. Name a checkpoint, or a family such as bert."
            )
        special = {
            f"{name}_token_id": token
            for name in ("pad", "bos", "eos", "cls", "sep")
            if (token := getattr(tokenizer, f"{name}_token_id", None)) is not None
        }
        check_architecture(self.model_types[0], spec.architecture)
        made = {**self.architecture, **special, **spec.architecture, "vocab_size": len(tokenizer)}
        return AutoConfig.for_model(self.model_types[0], **made)


def family_of(spec: ModelConfig, families: Mapping[str, Any]) -> str:
    """The name of the family that knows the checkpoint's model_type; "auto" where none does."""
    assert spec.checkpoint is not None
    # A plan asks for no more than this: the weights are downloaded when the run begins.
    model_type = find_checkpoint(spec.checkpoint, spec.revision, files=["config.json"]).config()["model_type"]
    return next((name for name, family in families.items() if model_type in getattr(family, "model_types", ())), "auto")


def _renamed(settings: Mapping[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
    if not labels:
        return dict(settings)
    names = dict(enumerate(labels))
    return {**settings, "id2label": names, "label2id": {name: index for index, name in names.items()}}


def _set_dropout(config: Any, dropout: float | None) -> None:
    """Set every dropout that the configuration has."""
    if dropout is not None:
        names = [name for name in vars(config) if "dropout" in name or name in {"dropatt", "attn_pdrop", "resid_pdrop"}]
        config.update({name: dropout for name in names if isinstance(getattr(config, name), (int, float))})


def _untrained(model_class: Any, config: Any, spec: ModelConfig) -> Any:
    try:
        return model_class.from_config(config, dtype=torch.float32)
    except ValueError as error:
        where = spec.checkpoint or f"family {spec.family}"
        raise UserError(f"{where}: no model can be made like that ({on_one_line(error)}).") from error


def _pretrained(model_class: Any, checkpoint: Checkpoint, config: Any, *, drop_head: bool) -> tuple[Any, list[str]]:
    checkpoint.weights()
    try:
        model, report = model_class.from_pretrained(
            checkpoint.folder,
            config=config,
            dtype=torch.float32,  # transformers would keep half precision, in which small updates are lost.
            output_loading_info=True,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
        )
    except (ValueError, RuntimeError, OSError) as error:
        raise UserError(f"{checkpoint.name}: its weights don't load ({on_one_line(error)}).") from error
    _check_encoder(checkpoint, model, report)
    if drop_head:
        _renew_head(model)
    resized = {str(key[0]) for key in report["mismatched_keys"]}
    new = {*report["missing_keys"], *resized, *(_head_tensors(model) if drop_head else ())}
    return model, [f"new layers: {', '.join(sorted(new))}"] if new else []


def _head_tensors(model: Any) -> list[str]:
    return [name for name, _ in model.named_parameters() if not name.startswith(f"{model.base_model_prefix}.")]


def _renew_head(model: Any) -> None:
    """Initialise everything outside the encoder afresh, as transformers does."""
    for name, child in model.named_children():
        if name != model.base_model_prefix:
            for tensor in child.parameters():
                tensor._is_hf_initialized = False
            child.apply(model._init_weights)


def _check_encoder(checkpoint: Checkpoint, model: Any, report: Mapping[str, Any]) -> None:
    prefix = f"{model.base_model_prefix}."
    encoder = [name for name in model.state_dict() if name.startswith(prefix)]
    misfits = [key for key in report["mismatched_keys"] if str(key[0]).startswith(prefix)]
    if misfits:
        name, stored, wanted = min(misfits, key=str)
        raise UserError(
            f"{checkpoint.name}: tensor {name} is {list(stored)} in the weights, but config.json asks for "
            f"{list(wanted)} ({len(misfits)} such tensors). Weights and config.json are not of one checkpoint."
        )
    lost = sorted(set(encoder).intersection(report["missing_keys"]))
    if len(lost) > len(encoder) // 2:
        raise UserError(
            f"{checkpoint.name}: {len(lost)} of the encoder's {len(encoder)} tensors are not in the weights "
            f"(such as {lost[0]}). The weights are of another architecture than config.json says."
        )


def _limit(tokenizer: Any, config: Any, offset: int) -> int | None:
    stated = getattr(config, "max_position_embeddings", None)
    limits = [tokenizer.model_max_length, stated - offset if stated and stated > 0 else None]
    known = [limit for limit in limits if limit is not None and limit < 1_000_000]
    return min(known) if known else None
