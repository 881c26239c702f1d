"""Whether a text gets the same outputs alone as beside longer ones: asked of the model itself.

Most architectures hide padding from a text. Some don't: FNet has no mask, ConvBERT's convolutions see what stands
behind a text's end. Those read texts of one length at a time, without padding, so that a text gets what it would get
alone.
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
# A share of the largest output. Rounding differs by far less; what was found of real padding, by far more.
CLOSE = 1e-4
MOST_TOKENS = 48
_OTHER = "Choose another checkpoint."
_PROBE = (
    "One text is short, another one is longer than the first, and a third is as long as the second but not the same."
)


def depends_on_padding(loaded: Any, head: Head) -> bool:
    """Whether the model's outputs for a text depend on how far it is padded. The random state stays as it is.

    Args:
        loaded: A `harness.models.family.Loaded`.
        head: What is on top of the model.

    Raises:
        UserError: The model can't be run on such texts, or a text's outputs depend on the text beside it.
    """
    model, training = loaded.model, loaded.model.training
    kind = model.config.model_type
    window = min(loaded.limit or MOST_TOKENS, MOST_TOKENS)
    short, long, other = probe_texts(loaded.tokenizer, window, paired=head.paired)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            model.train()
            _outputs(loaded, head, [short])  # Reformer wants texts of one length in training alone.
            model.eval()
            if _equal(_outputs(loaded, head, [short]), _outputs(loaded, head, [short, long])):
                return False
            alone, beside = _outputs(loaded, head, [long]), _outputs(loaded, head, [long, other])
    except Exception as error:  # Whatever an architecture raises that wants more than plain texts.
        raise unreadable(kind, error) from error
    finally:
        model.train(training)
    if not _equal(alone, beside):
        raise UserError(
            f"{kind}: this architecture's outputs for a text depend on the texts that are read with it, "
            f"so its scores would mean nothing. {_OTHER}"
        )
    return True


def unreadable(kind: str, error: Exception) -> UserError:
    """What is said of an architecture that raises an error of plain texts."""
    return UserError(f"{kind}: this architecture does not read plain texts ({on_one_line(error)}). {_OTHER}")


def position_ids(model: Any, attention_mask: Tensor) -> dict[str, Tensor]:
    """The places of texts that are padded on the left, counted from their first tokens, for a model that takes them.

    Args:
        model: A transformers model.
        attention_mask: 1 for real tokens [texts, length].
    """
    if "position_ids" not in signature(model.forward).parameters:
        return {}
    return {"position_ids": (attention_mask.cumsum(1) - 1).clamp(min=0)}


def probe_texts(tokenizer: Any, window: int, *, paired: bool) -> list[Item]:
    """A short text, and two of one length, in the tokenizer's template, each behind the same short one if paired."""
    reader = Reader(tokenizer, window, "head", stride=0, max_windows=1)
    words = _PROBE.split()
    texts = (" ".join(words[:3]), " ".join(words * 3), " ".join(reversed(words * 3)))
    questions = [words[0]] * len(texts)
    documents = reader.documents(questions, texts) if paired else reader.documents(texts, [None] * len(texts))
    return [Item(index, document.windows, None) for index, document in enumerate(documents)]


def _outputs(loaded: Any, head: Head, items: Sequence[Item]) -> list[Tensor]:
    """What the model says of the first of the texts; where it is of each token, on the text's own."""
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
