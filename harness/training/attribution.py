"""Which tokens a model's answer comes from: integrated gradients through its embedding, and what that is worth.

Source: Sundararajan, Taly and Yan 2017, section 3. The path goes, token by token, from the embedding of an empty token
(the mask, or else the padding) to that of the text; special tokens stay as they are. By the completeness of the method
the attributions add up to the difference between the scores of the text and of the empty text. The embedding is the one
layer that all models have, so that no family has to know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from harness.long_texts.written import Writer
from harness.tokenization.items import Item
from harness.training.forward import Forward

Floats = NDArray[np.float64]
ScoreOf = Callable[[Tensor], Tensor]
Shares = Callable[[int, Tensor], Tensor]
"""From the number of a call of the embedding and its token ids, how much of each token is left: 1 all, 0 nothing."""


@dataclass(frozen=True)
class Attribution:
    """What each token adds to a score.

    Attributes:
        token_ids: The tokens as they are read, window by window, special ones and padding included [tokens].
        values: What each adds [tokens]; 0 of special tokens.
        is_special: Which ones are special, or padding [tokens].
        score: The text's score, before any softmax.
        empty_score: That of the text with every token empty.
    """

    token_ids: tuple[int, ...]
    values: tuple[float, ...]
    is_special: tuple[bool, ...]
    score: float
    empty_score: float

    @property
    def error(self) -> float:
        """By how much the attributions miss the difference of the scores: what too few steps cost."""
        return sum(self.values) - (self.score - self.empty_score)


@dataclass
class _Calls:
    """The calls of the embedding in one pass.

    Attributes:
        ids: Token ids of each.
        shares: How much of each token was left, of each.
    """

    ids: list[Tensor]
    shares: list[Tensor]


@dataclass(frozen=True)
class Explainer:
    """Explains what a model says of items.

    Attributes:
        forward: The model, all of whose passes fit into memory with their graph.
        empty_id: The token that stands for nothing.
        special_ids: Tokens that are never taken away.
    """

    forward: Forward
    empty_id: int
    special_ids: Tensor

    @classmethod
    def of(cls, forward: Forward, tokenizer: Any) -> Explainer:
        """That of a model which is not trained further."""
        forward.model.eval().requires_grad_(requires_grad=False)
        known_ids = (tokenizer.mask_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.eos_token_id)
        # A model that reads from left to right may have the last one alone.
        empty = next(token for token in known_ids if token is not None)
        marks = (token for name, token in tokenizer.special_tokens_map.items() if name != "unk_token")
        known = {tokenizer.convert_tokens_to_ids(token) for token in marks if isinstance(token, str)}
        special = torch.tensor(sorted(known), device=forward.accelerator.device)  # An unknown word is a word.
        return cls(forward, int(empty), special)

    @torch.no_grad()
    def scores(self, item: Item) -> Tensor:
        """The model's scores of an item, as its objective gives them."""
        return self.forward.scores([item])

    def attributed(self, item: Item, score_of: ScoreOf, *, steps: int) -> Attribution:
        """What each token of an item adds to one of its scores.

        Args:
            item: The item.
            score_of: The score [] among the scores of an item.
            steps: Points of the integral (Gauss-Legendre).
        """
        nodes, weights = np.polynomial.legendre.leggauss(steps)
        total: list[Tensor] = []
        for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            with self._with(lambda _, ids, share=float(node): _leaf(ids, share)) as calls:  # type: ignore[misc]
                score = score_of(self.forward.scores([item]))
            found = torch.autograd.grad(score, calls.shares, allow_unused=True)
            grads = [
                torch.zeros(leaf.shape) if grad is None else grad.cpu() * weight
                for grad, leaf in zip(found, calls.shares, strict=True)
            ]
            total = [old + new for old, new in zip(total, grads, strict=True)] if total else grads
        ids = torch.cat([self._in_order(one, item) for one in calls.ids])
        return Attribution(
            tuple(ids.tolist()),
            tuple(torch.cat([self._in_order(one, item) for one in total]).double().tolist()),
            tuple(torch.isin(ids, self.special_ids).tolist()),
            float(score_of(self.scores(item))),
            float(score_of(self.scores_without(item, np.arange(len(ids))))),
        )

    @torch.no_grad()
    def scores_without(self, item: Item, places: NDArray[np.int64]) -> Tensor:
        """The scores of an item with some of its tokens empty.

        Args:
            item: The item.
            places: Which, in the order of `Attribution.token_ids`.
        """
        taken = {int(place) for place in places}
        begun = [0]

        def left(_: int, ids: Tensor) -> Tensor:
            count = ids.numel()
            flat = torch.tensor([float(begun[0] + place not in taken) for place in range(count)], device=ids.device)
            begun[0] += count
            return flat.reshape(ids.T.shape).T if self._is_transposed(ids, item) else flat.reshape(ids.shape)

        with self._with(left):
            return self.scores(item)

    @contextmanager
    def _with(self, shares: Shares) -> Iterator[_Calls]:
        """Mix what the embedding gives with the empty token's."""
        calls, model = _Calls([], []), self.forward.model
        has_decoder = getattr(model.config, "is_encoder_decoder", False)
        writes = isinstance(self.forward.scoring, Writer)

        def mix(module: Any, given: tuple[Tensor, ...], named: dict[str, Tensor], found: Tensor) -> Tensor:
            if writes and has_decoder and calls.ids:
                return found  # The decoder may embed what it writes with the same module, after the source.
            ids = given[0] if given else next(iter(named.values()))
            if has_decoder and calls.ids and _is_one_place_on(ids, calls.ids[-1]):
                share = functional.pad(calls.shares[-1][:, :-1], (1, 0), value=1.0)
            else:
                share = shares(len(calls.ids), ids)
                calls.ids.append(ids)
                calls.shares.append(share)
            empty = module.forward(torch.full_like(ids, self.empty_id))
            left = torch.where(torch.isin(ids, self.special_ids), torch.ones_like(share), share)
            mixed: Tensor = empty + left[..., None] * (found - empty)
            return mixed

        handles = [embedding.register_forward_hook(mix, with_kwargs=True) for embedding in _embeddings(model, writes)]
        try:
            yield calls
        finally:
            for handle in handles:
                handle.remove()

    def _in_order(self, tensor: Tensor, item: Item) -> Tensor:
        """A call's tensor as one row, window by window."""
        return (tensor.T if self._is_transposed(tensor, item) else tensor).reshape(-1)

    def _is_transposed(self, tensor: Tensor, item: Item) -> bool:
        """Whether the model has windows side by side, [length, windows], as XLNet does."""
        return tensor.shape[0] != len(item.windows) == tensor.shape[1]


def _embeddings(model: Any, writes: bool) -> list[Any]:
    """What embeds a text: of a model that writes, the encoder's; of a classifier with a decoder, the decoder's too."""
    if not getattr(model.config, "is_encoder_decoder", False):
        return [model.get_input_embeddings()]
    parts = (model.get_encoder(),) if writes else (model.get_encoder(), model.get_decoder())
    return [*dict.fromkeys(part.get_input_embeddings() for part in parts)]


def _is_one_place_on(ids: Tensor, before: Tensor) -> bool:
    """Whether a call's tokens are those of the one before, one place on: so a classifier's decoder reads a text again.

    (Lewis et al. 2020, "BART", section 3.1.) Each token's share there is what it is in the encoder.
    """
    return ids.shape == before.shape and torch.equal(ids[:, 1:], before[:, :-1])


def _leaf(ids: Tensor, share: float) -> Tensor:
    return torch.full(ids.shape, share, device=ids.device, requires_grad=True)


@dataclass(frozen=True)
class Curves:
    """What a target's score does as tokens are taken away, or put back, the most important first [points].

    Attributes:
        deletion: From the whole text to the empty one, by the attributions.
        insertion: From the empty text to the whole one, by the attributions.
        random_deletion: The same in random orders, on average.
        random_insertion: Likewise.
    """

    deletion: Floats
    insertion: Floats
    random_deletion: Floats
    random_insertion: Floats

    @property
    def gains(self) -> tuple[float, float]:
        """By how much the area under each curve is better than in random order: deletion's less, insertion's more."""
        deleted = float(self.random_deletion.mean() - self.deletion.mean())
        return deleted, float(self.insertion.mean() - self.random_insertion.mean())


def curves(
    explainer: Explainer,
    item: Item,
    attribution: Attribution,
    measure: Callable[[Tensor], float],
    *,
    random_orders: int,
    points: int,
    seed: int,
    like: Curves | None = None,
) -> Curves:
    """The deletion and insertion curves of one item (Petsiuk, Das and Saenko 2018, section 3.2).

    Args:
        explainer: Of the model.
        item: The item.
        attribution: Its tokens, and what they add.
        measure: From scores to what is drawn, such as the target's probability.
        random_orders: How many orders the tokens are taken in by chance.
        points: Of each curve, both ends included.
        seed: Of these orders.
        like: Curves of the same item by other attributions, whose random orders are taken over.
    """
    words = np.flatnonzero(~np.array(attribution.is_special))
    values = np.array(attribution.values)[words]
    by_attribution = words[np.argsort(-values, kind="stable")]
    counts = np.unique(np.round(np.linspace(0, len(words), points)).astype(int))

    def drawn(order: NDArray[np.int64], *, insert: bool) -> Floats:
        taken = [order[count:] if insert else order[:count] for count in counts]
        return np.array([measure(explainer.scores_without(item, places)) for places in taken])

    own = drawn(by_attribution, insert=False), drawn(by_attribution, insert=True)
    if like is not None:
        return Curves(*own, like.random_deletion, like.random_insertion)
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(words) for _ in range(random_orders)]
    by_chance = (np.mean([drawn(order, insert=insert) for order in orders], axis=0) for insert in (False, True))
    return Curves(*own, *by_chance)


def mean_and_interval(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The mean and its 95 % interval over examples, by Student's t; none of a single one."""
    from scipy.stats import t  # noqa: PLC0415 -- only measuring needs it

    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, None, None
    half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half
