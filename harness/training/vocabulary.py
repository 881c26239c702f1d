"""Training on the rows of the embedding that the data uses: the others have no gradient, and cost time all the same.

A step over a table of 30,522 rows fills a gradient with zeros, measures its length, and has the optimizer walk over it
all. What comes out here is what training on the whole table gives, up to rounding, with an optimizer that does nothing
to a row without a gradient but decay it, which is made up for at the end. Each optimizer says whether it is one
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

# With more of the rows in use there is nothing to gain.
MOST_USED = 0.75


class UsedEmbedding(nn.Embedding):
    """Some rows of an embedding, which are asked for by their numbers in the whole of it.

    Attributes:
        places: Where each row of the whole stands here [rows of the whole]; beyond the end where it does not.
    """

    places: Tensor

    def __init__(self, whole: nn.Embedding, used: Tensor) -> None:
        places = torch.full((whole.num_embeddings,), len(used), device=used.device)
        places[used] = torch.arange(len(used), device=used.device)
        padding = None if whole.padding_idx is None else int(places[whole.padding_idx])
        super().__init__(len(used), whole.embedding_dim, padding, _weight=whole.weight.detach()[used])
        self.register_buffer("places", places, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        """Vectors [..., width] of the whole's rows [...].

        Raises:
            IndexError: A row is not here.
        """
        return functional.embedding(self.places[input], self.weight, self.padding_idx)


@dataclass(frozen=True)
class UsedVocabulary:
    """A model on the rows of its embedding that the data uses.

    Attributes:
        model: A transformers model.
        whole: Its own embedding; None: it has none.
        used: The rows that the data uses, rising [used]; None: the model keeps its own.
    """

    model: Any
    whole: nn.Embedding | None
    used: Tensor | None

    @torch.no_grad()
    def restore(self, decay: float) -> None:
        """Give the model its own embedding back, with what the rows have learnt.

        Args:
            decay: What weight decay has left of a row without a gradient, from 0 to 1.
        """
        assert self.whole is not None, "the model has no embedding"
        assert self.used is not None, "the model has its own embedding"
        learnt = self.model.get_input_embeddings().weight
        self.whole.weight.mul_(decay)
        self.whole.weight[self.used] = learnt
        self.model.set_input_embeddings(self.whole)


def with_used_vocabulary(model: Any, items: Iterable[Item] | None) -> UsedVocabulary:
    """The model made smaller: its embedding holds the rows that `items` use, and the padding's.

    Let alone are embeddings that are frozen, are tied to an output or are of a kind of their own, and those that are
    used by most.

    Args:
        model: A transformers model, before its optimiser is made.
        items: All that it will read until it is restored; None: the model is let alone.
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
    """The model's embedding; None where it has no single one, as CANINE, which hashes letters into several."""
    try:
        return model.get_input_embeddings()
    except NotImplementedError:
        return None


def _looks_up_types_among_words(model: nn.Module) -> bool:
    """Whether which text of a pair a token belongs to is a row of the words' table, as in GPT-2."""
    takes = "token_type_ids" in inspect.signature(model.forward).parameters
    return takes and not any(re.search("token_type|segment|seg_embed", name) for name, _ in model.named_parameters())


def _is_shared(model: nn.Module, embedding: nn.Embedding) -> bool:
    """Whether another module has the same weights."""
    holders = [
        module
        for module in model.modules()
        for weights in module.parameters(recurse=False)
        if weights.data_ptr() == embedding.weight.data_ptr()
    ]
    return len(holders) > 1
