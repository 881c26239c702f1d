"""Train only the embeddings of tokens in the data, since the others have no gradient but still cost time.

With a vocabulary of 30,522, each step fills a gradient with zeros, computes its norm, and passes all of it to the
optimizer. The result here is that of training the whole matrix, up to rounding, if the optimizer does nothing but decay
a row without a gradient: the decay is then applied at the end. Each optimizer says whether that holds for it
(`unused_rows_decay` in harness/training/optimizers).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.tokenization.items import Item

# With a larger share in use there is nothing to gain.
MOST_USED = 0.75


class UsedEmbedding(nn.Embedding):
    """Some rows of an embedding, looked up by their indices in the full one.

    Attributes:
        places: The index here of each row of the full embedding [rows of the whole]; out of range if it is missing.
    """

    places: Tensor

    def __init__(self, whole: nn.Embedding, used: Tensor) -> None:
        places = torch.full((whole.num_embeddings,), len(used), device=used.device)
        places[used] = torch.arange(len(used), device=used.device)
        padding = None if whole.padding_idx is None else int(places[whole.padding_idx])
        super().__init__(len(used), whole.embedding_dim, padding, _weight=whole.weight.detach()[used])
        self.register_buffer("places", places, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        """Return vectors [..., width] for indices of the full embedding [...].

        Raises:
            IndexError: If a row is missing.
        """
        return functional.embedding(self.places[input], self.weight, self.padding_idx)


@dataclass(frozen=True)
class UsedVocabulary:
    """A model with only the embeddings of tokens in the data.

    Attributes:
        model: A transformers model.
        whole: Its full embedding; None if it has none.
        used: The rows in use, in ascending order [used]; None if the model keeps its full embedding.
    """

    model: Any
    whole: nn.Embedding | None
    used: Tensor | None

    @torch.no_grad()
    def restore(self, decay: float) -> None:
        """Restore the model's full embedding, with the trained rows.

        Args:
            decay: The factor, from 0 to 1, by which weight decay shrinks a row without a gradient.
        """
        assert self.whole is not None, "the model has no embedding"
        assert self.used is not None, "the model has its own embedding"
        learnt = self.model.get_input_embeddings().weight
        self.whole.weight.mul_(decay)
        self.whole.weight[self.used] = learnt
        self.model.set_input_embeddings(self.whole)


def with_used_vocabulary(model: Any, items: Iterable[Item] | None) -> UsedVocabulary:
    """Reduce the model's embedding to the rows that `items` and padding use.

    It is left unchanged if it is frozen, tied to an output, of a class of its own, or if most of its rows are used.

    Args:
        model: A transformers model without an optimiser yet.
        items: All items that it reads until restored; None to leave the model unchanged.
    """
    whole = _input_embedding(model)
    plain = type(whole) is nn.Embedding and not whole.max_norm and not whole.sparse
    if items is None or not plain or not whole.weight.requires_grad or _is_shared(model, whole):
        return UsedVocabulary(model, whole, None)
    rows = {token for item in items for window in item.windows for token in window.input_ids}
    rows |= {row for row in (model.config.pad_token_id, whole.padding_idx) if row is not None}
    if _looks_up_types_among_words(model):
        rows |= {0, 1}
    if len(rows) > MOST_USED * whole.num_embeddings:
        return UsedVocabulary(model, whole, None)
    used = torch.tensor(sorted(rows), device=whole.weight.device)
    model.set_input_embeddings(UsedEmbedding(whole, used).train(whole.training))
    return UsedVocabulary(model, whole, used)


def _input_embedding(model: Any) -> Any:
    """Return the model's embedding, or None if there is no single one, as in CANINE, which hashes characters."""
    try:
        return model.get_input_embeddings()
    except NotImplementedError:
        return None


def _looks_up_types_among_words(model: nn.Module) -> bool:
    """Whether token types are rows of the word embeddings, as in GPT-2."""
    takes = "token_type_ids" in inspect.signature(model.forward).parameters
    return takes and not any(re.search("token_type|segment|seg_embed", name) for name, _ in model.named_parameters())


def _is_shared(model: nn.Module, embedding: nn.Embedding) -> bool:
    """Whether another module shares the weights."""
    holders = [
        module
        for module in model.modules()
        for weights in module.parameters(recurse=False)
        if weights.data_ptr() == embedding.weight.data_ptr()
    ]
    return len(holders) > 1
