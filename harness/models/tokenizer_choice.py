"""Which tokenizer a model gets, and what it lacks for fine-tuning: padding, and a token between the texts of a pair."""

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
    """The tokenizer that `spec` names, ready for padded batches and for pairs.

    Args:
        spec: Which weights and tokenizer.
        checkpoint: The weights' origin, if any.
        texts: The task's training texts, for a tokenizer that is trained on them.
        padding_side: Where the family wants padding.
        writes: Whether the model writes texts: then a trained tokenizer is one that gives each text back as it was.

    Raises:
        UserError: There is none, or it does not go with the weights.
    """
    source = spec.tokenizer or (checkpoint.name if checkpoint else "trained")
    if source == "trained" and checkpoint is not None and spec.init == "pretrained":
        raise UserError(
            f'{checkpoint.name}: tokenizer = "trained" would give its embeddings other words than they learnt. '
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
    """Have a tokenizer pad on a side; what it is made with is saved, so that a checkpoint read again does the same."""
    tokenizer.padding_side = tokenizer.init_kwargs["padding_side"] = side


def special_tokens(tokenizer: Any) -> dict[str, int]:
    """The ids of a tokenizer's special tokens, as a configuration names them."""
    return {
        f"{name}_token_id": token
        for name in ("pad", "bos", "eos", "cls", "sep")
        if (token := getattr(tokenizer, f"{name}_token_id", None)) is not None
    }


def part_pairs(tokenizer: Any) -> None:
    """Put a token between the texts of a pair where a tokenizer puts none, as those of GPT-2 and its kin.

    It is the separator, or else the end-of-text token. The tokenizer's own template says so from then on, so that it is
    saved, and plain transformers reads pairs alike. One that has neither token, or isn't a fast one, stays as it is.
    """
    separator = tokenizer.sep_token or tokenizer.eos_token
    if separator is None or not tokenizer.is_fast or _parts_pairs(tokenizer):
        return
    first, last = _around_a_text(tokenizer)
    _set_template(tokenizer, [*first, "$A", *last], [*first, "$A", separator, "$B", *last])


def end_sources(tokenizer: Any) -> None:
    """Put a token behind a single text where a tokenizer puts none, so that another text can be written on behind it.

    It is the separator, or else the end-of-text token; the tokenizer's own template says so, as in `part_pairs`. It
    stays as it is where it ends texts already.

    Raises:
        UserError: It has neither token, or a template that can't be changed.
    """
    separator = tokenizer.sep_token or tokenizer.eos_token
    if separator is None:
        raise UserError(
            f"tokenizer {type(tokenizer).__name__}: has no token for a text's end (eos or sep). Choose another."
        )
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
    """The special tokens that a tokenizer puts before a single text, and those behind it."""
    before, after = learnt_template(tokenizer, 1).pieces
    first, last = ([tokenizer.convert_ids_to_tokens(token) for token, _ in piece] for piece in (before, after))
    return first, last


def _set_template(tokenizer: Any, single: Sequence[str], pair: Sequence[str]) -> None:
    """Have a fast tokenizer frame texts so; $A and $B stand for them."""
    special = {*single, *pair} - {"$A", "$B"}
    template = processors.TemplateProcessing(
        single=list(single),
        pair=list(pair),
        special_tokens=[(token, tokenizer.convert_tokens_to_ids(token)) for token in special],
    )
    backend = tokenizer.backend_tokenizer
    offsets = backend.post_processor  # GPT-2's leaves blanks out of its tokens' offsets.
    kept = [offsets] if isinstance(offsets, processors.ByteLevel) else []
    backend.post_processor = processors.Sequence([*kept, template])


def _parts_pairs(tokenizer: Any) -> bool:
    """Whether something stands between the texts of a pair."""
    try:
        learnt_template(tokenizer, 2)
    except UserError:
        return False
    return True


def _pad_with_end(tokenizer: Any, source: str) -> None:
    """Take the end-of-text token for padding, as is usual for models that were trained without padding."""
    if tokenizer.eos_token_id is None:
        raise UserError(f"{source}: its tokenizer has neither a padding token nor an end-of-text token.")
    tokenizer.pad_token = tokenizer.eos_token
