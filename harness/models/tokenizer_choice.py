"""Choose a model's tokenizer and add what fine-tuning needs: padding, and a separator between the texts of a pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tokenizers import processors

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.models.checkpoint import Checkpoint, find_checkpoint
from harness.models.config_and_tokenizer import read_tokenizer
from harness.tokenization.reading import learnt_template
from harness.tokenization.trained_tokenizer import train_byte_pairs, train_tokenizer


def chosen_tokenizer(
    spec: ModelConfig,
    checkpoint: Checkpoint | None,
    texts: Callable[[], Sequence[str]],
    *,
    padding_side: str,
    writes: bool = False,
) -> Any:
    """Load or train the tokenizer of a model, and prepare it for padded batches and for pairs.

    Args:
        spec: The model.
        checkpoint: The checkpoint of the weights, if any.
        texts: Returns the training texts, for a tokenizer that is trained on them.
        padding_side: The side on which the family pads.
        writes: Whether the model generates text, which requires a trained tokenizer to restore texts exactly.

    Raises:
        UserError: If there is none, or it does not fit the weights.
    """
    source = spec.tokenizer or (checkpoint.name if checkpoint else "trained")
    if source == "trained" and checkpoint is not None and spec.init == "pretrained":
        raise UserError(
            f"{checkpoint.name}: a new tokenizer would not match its pretrained embeddings. "
            'Leave `tokenizer` out, or set init = "random".'
        )
    if source == "trained":
        train = train_byte_pairs if writes else train_tokenizer
        tokenizer = train(texts(), vocabulary_size=spec.vocabulary_size)
    else:
        origin = checkpoint if checkpoint and source == checkpoint.name else find_checkpoint(source)
        tokenizer = read_tokenizer(origin)
        part_pairs(tokenizer)
    if tokenizer.pad_token_id is None:
        _pad_with_end(tokenizer, source)
    pad_on(padding_side, tokenizer)
    return tokenizer


def pad_on(side: str, tokenizer: Any) -> None:
    """Set the padding side of a tokenizer, also for when it is saved and loaded again."""
    tokenizer.padding_side = tokenizer.init_kwargs["padding_side"] = side


def special_tokens(tokenizer: Any) -> dict[str, int]:
    """Return the ids of a tokenizer's special tokens, by their names in a configuration."""
    return {
        f"{name}_token_id": token
        for name in ("pad", "bos", "eos", "cls", "sep")
        if (token := getattr(tokenizer, f"{name}_token_id", None)) is not None
    }


def part_pairs(tokenizer: Any) -> None:
    """Add a separator between the texts of a pair if a tokenizer has none, as GPT-2's.

    It is the separator token, or else the end-of-text token. The tokenizer's template is changed, so that the separator
    is saved, and plain transformers reads pairs the same way. Tokenizers without either token, and slow ones, are left
    unchanged.
    """
    separator = tokenizer.sep_token or tokenizer.eos_token
    if separator is None or not tokenizer.is_fast or _parts_pairs(tokenizer):
        return
    first, last = _around_a_text(tokenizer)
    _set_template(tokenizer, [*first, "$A", *last], [*first, "$A", separator, "$B", *last])


def end_sources(tokenizer: Any) -> None:
    """Add a token after single texts if a tokenizer has none, so that another text can continue them.

    It is the separator token, or else the end-of-text token; the tokenizer's template is changed as in `part_pairs`. A
    tokenizer that ends texts already is left unchanged.

    Raises:
        UserError: If there is neither token, or the template cannot be changed.
    """
    separator = tokenizer.sep_token or tokenizer.eos_token
    if separator is None:
        raise UserError(f"tokenizer {type(tokenizer).__name__}: has no end-of-text token (eos or sep). Choose another.")
    first, last = _around_a_text(tokenizer)
    if last:
        return
    if tokenizer.is_fast:
        _set_template(tokenizer, [*first, "$A", separator], [*first, "$A", separator, "$B", separator])
    elif hasattr(tokenizer, "ends_texts"):
        tokenizer.ends_texts = tokenizer.init_kwargs["ends_texts"] = True
    else:
        raise UserError(
            f"tokenizer {type(tokenizer).__name__}: adds no token after a source, and only fast tokenizers can be "
            "changed to. Choose another checkpoint."
        )


def _around_a_text(tokenizer: Any) -> tuple[list[str], list[str]]:
    """Return the special tokens that a tokenizer puts before and after a single text."""
    before, after = learnt_template(tokenizer, 1).pieces
    first, last = ([tokenizer.convert_ids_to_tokens(token) for token, _ in piece] for piece in (before, after))
    return first, last


def _set_template(tokenizer: Any, single: Sequence[str], pair: Sequence[str]) -> None:
    """Set the special tokens of a fast tokenizer; $A and $B stand for the texts."""
    special = {*single, *pair} - {"$A", "$B"}
    template = processors.TemplateProcessing(
        single=list(single),
        pair=list(pair),
        special_tokens=[(token, tokenizer.convert_tokens_to_ids(token)) for token in special],
    )
    backend = tokenizer.backend_tokenizer
    offsets = backend.post_processor  # GPT-2's excludes spaces from the tokens' offsets.
    kept = [offsets] if isinstance(offsets, processors.ByteLevel) else []
    backend.post_processor = processors.Sequence([*kept, template])


def _parts_pairs(tokenizer: Any) -> bool:
    """Whether there is a token between the texts of a pair."""
    try:
        learnt_template(tokenizer, 2)
    except UserError:
        return False
    return True


def _pad_with_end(tokenizer: Any, source: str) -> None:
    """Use the end-of-text token for padding, as is usual for models trained without padding."""
    if tokenizer.eos_token_id is None:
        raise UserError(f"{source}: its tokenizer has neither a padding token nor an end-of-text token.")
    tokenizer.pad_token = tokenizer.eos_token
