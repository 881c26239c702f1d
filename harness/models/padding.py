"""Check whether padding changes a model's outputs, by running the model.

Most architectures mask padding. Some do not: FNet has no mask, and the convolutions of ConvBERT see tokens after the
end of a text. These read only texts of equal length together, without padding, so that each text gets the outputs that
it would get alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from harness.errors import UserError
from harness.models.config_and_tokenizer import on_one_line
from harness.models.head import Head
from harness.ops.device import all_to_device
from harness.tokenization.items import Collator, Item
from harness.tokenization.reading import Reader

UNPADDED = (
    "this model's outputs for a text depend on how far it is padded: texts of one length are read at a time, without "
    "padding, and plain transformers gives the same numbers for texts that are not padded"
)
# Relative to the largest output. Rounding errors are far smaller, and observed effects of padding far larger.
CLOSE = 1e-4
MOST_TOKENS = 48
_OTHER = "Choose another checkpoint."
_PROBE = (
    "One text is short, another one is longer than the first, and a third is as long as the second but not the same."
)


def depends_on_padding(loaded: Any, head: Head) -> bool:
    """Whether padding changes the model's outputs. The random state is left unchanged.

    Raises:
        UserError: If the model fails on plain texts, or if outputs depend on other texts of the batch.
    """
    model, training = loaded.model, loaded.model.training
    kind = model.config.model_type
    window = min(loaded.limit or MOST_TOKENS, MOST_TOKENS)
    short, long, other = probe_texts(loaded.tokenizer, window, paired=head.paired)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            model.train()
            _outputs(loaded, head, [short])  # Reformer requires texts of equal length, but only in training.
            model.eval()
            if _equal(_outputs(loaded, head, [short]), _outputs(loaded, head, [short, long])):
                return False
            alone, beside = _outputs(loaded, head, [long]), _outputs(loaded, head, [long, other])
    except Exception as error:  # Architectures that need other inputs raise all kinds of errors.
        raise unreadable(kind, error) from error
    finally:
        model.train(training)
    if not _equal(alone, beside):
        raise UserError(
            f"{kind}: this architecture's outputs for a text depend on the other texts of a batch, "
            f"so its scores would be meaningless. {_OTHER}"
        )
    return True


def unreadable(kind: str, error: Exception) -> UserError:
    """Create the error for an architecture that fails on plain texts."""
    return UserError(f"{kind}: this architecture does not read plain texts ({on_one_line(error)}). {_OTHER}")


def position_ids(model: Any, attention_mask: Tensor) -> dict[str, Tensor]:
    """Return position ids [texts, length] for left-padded texts, from their first tokens on, if the model takes any."""
    if "position_ids" not in signature(model.forward).parameters:
        return {}
    return {"position_ids": (attention_mask.cumsum(1) - 1).clamp(min=0)}


def probe_texts(tokenizer: Any, window: int, *, paired: bool) -> list[Item]:
    """Encode a short text and two of equal length with special tokens, each after the same short text if paired."""
    reader = Reader(tokenizer, window, "head", stride=0, max_windows=1)
    words = _PROBE.split()
    texts = (" ".join(words[:3]), " ".join(words * 3), " ".join(reversed(words * 3)))
    questions = [words[0]] * len(texts)
    documents = reader.documents(questions, texts) if paired else reader.documents(texts, [None] * len(texts))
    return [Item(index, document.windows, None) for index, document in enumerate(documents)]


def _outputs(loaded: Any, head: Head, items: Sequence[Item]) -> list[Tensor]:
    """Return the model's outputs for the first text, without padding if they are per token."""
    left = loaded.tokenizer.padding_side == "left"
    device = loaded.model.device
    inputs = all_to_device(Collator(loaded.pad_id, left, loaded.uses_token_type_ids, device)(items).inputs, device)
    placed = position_ids(loaded.model, inputs["attention_mask"]) if loaded.layout.is_one_text else {}
    found, own = loaded.model(**inputs, **placed), inputs["attention_mask"][0].bool()
    if head.auto_class is None or head.generation is not None:
        return [found.logits[0][own]]
    tensors = [found[name][0] for name in head.outputs]
    return [tensor[own] for tensor in tensors] if head.per_token else tensors


def _equal(one: Sequence[Tensor], other: Sequence[Tensor]) -> bool:
    return all(
        bool((a - b).abs().max() <= CLOSE * torch.maximum(a.abs().max(), b.abs().max()))
        for a, b in zip(one, other, strict=True)
    )
