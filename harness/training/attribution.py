"""Attribute predictions to tokens by integrated gradients of the embeddings, and evaluate the attributions.

Source: Sundararajan, Taly and Yan 2017, section 3. The path leads from the embedding of an empty token (the mask, or
else the padding) to that of the text's token; special tokens are kept. By the completeness of the method, attributions
add up to the difference between the scores of the text and of the empty text. Embeddings are the one layer that all
models have, so that nothing depends on the family.
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
"""Given the index of a call of the embedding and its token ids, the share of each token to keep, from 0 to 1."""


@dataclass(frozen=True)
class Attribution:
    """Contributions of tokens to a score.

    Attributes:
        token_ids: The tokens, window by window, including special tokens and padding [tokens].
        values: The contribution of each [tokens]; 0 for special tokens.
        is_special: Whether each is special or padding [tokens].
        score: The score of the text, before any softmax.
        empty_score: The score of the text with every token empty.
    """

    token_ids: tuple[int, ...]
    values: tuple[float, ...]
    is_special: tuple[bool, ...]
    score: float
    empty_score: float

    @property
    def error(self) -> float:
        """By how much the attributions miss the difference of the scores: the error of using too few steps."""
        return sum(self.values) - (self.score - self.empty_score)


@dataclass
class _Calls:
    """Calls of the embedding in one forward pass.

    Attributes:
        ids: Token ids of each call.
        shares: The share of each token that was kept, for each call.
    """

    ids: list[Tensor]
    shares: list[Tensor]


@dataclass(frozen=True)
class Explainer:
    """Explains a model's predictions on items.

    Attributes:
        forward: The model; each pass must fit into memory with its graph.
        empty_id: The id of the token used as empty.
        special_ids: Ids of tokens that are never removed.
    """

    forward: Forward
    empty_id: int
    special_ids: Tensor

    @classmethod
    def of(cls, forward: Forward, tokenizer: Any) -> Explainer:
        """Create an explainer for a model, whose parameters are frozen."""
        forward.model.eval().requires_grad_(requires_grad=False)
        known_ids = (tokenizer.mask_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.eos_token_id)
        # Left-to-right models may have only the last of these.
        empty = next(token for token in known_ids if token is not None)
        marks = (token for name, token in tokenizer.special_tokens_map.items() if name != "unk_token")
        known = {tokenizer.convert_tokens_to_ids(token) for token in marks if isinstance(token, str)}
        special = torch.tensor(sorted(known), device=forward.accelerator.device)  # Unknown words count as words.
        return cls(forward, int(empty), special)

    @torch.no_grad()
    def scores(self, item: Item) -> Tensor:
        """Return the model's scores of an item, as computed by its objective."""
        return self.forward.scores([item])

    def attributed(self, item: Item, score_of: ScoreOf, *, steps: int) -> Attribution:
        """Attribute one of an item's scores to its tokens.

        Args:
            item: The item.
            score_of: Selects the score [] from the scores of an item.
            steps: Number of points of the integral (Gauss-Legendre).
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
        """Return the scores of an item with some tokens empty.

        Args:
            item: The item.
            places: Indices of these tokens, in the order of `Attribution.token_ids`.
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
        """Interpolate between the embeddings of the empty token and the actual ones."""
        calls, model = _Calls([], []), self.forward.model
        has_decoder = getattr(model.config, "is_encoder_decoder", False)
        writes = isinstance(self.forward.scoring, Writer)

        def mix(module: Any, given: tuple[Tensor, ...], named: dict[str, Tensor], found: Tensor) -> Tensor:
            if writes and has_decoder and calls.ids:
                return found  # The decoder may embed its own tokens with the same module, after the source.
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
        """Flatten a call's tensor, window by window."""
        return (tensor.T if self._is_transposed(tensor, item) else tensor).reshape(-1)

    def _is_transposed(self, tensor: Tensor, item: Item) -> bool:
        """Whether the model uses [length, windows], as XLNet does."""
        return tensor.shape[0] != len(item.windows) == tensor.shape[1]


def _embeddings(model: Any, writes: bool) -> list[Any]:
    """Return the embeddings of a text: the encoder's, and for a classifier with a decoder, the decoder's too."""
    if not getattr(model.config, "is_encoder_decoder", False):
        return [model.get_input_embeddings()]
    parts = (model.get_encoder(),) if writes else (model.get_encoder(), model.get_decoder())
    return [*dict.fromkeys(part.get_input_embeddings() for part in parts)]


def _is_one_place_on(ids: Tensor, before: Tensor) -> bool:
    """Whether a call's tokens are those of the previous one shifted by one: a classifier's decoder rereads the text.

    (Lewis et al. 2020, "BART", section 3.1.) Each token keeps its share from the encoder.
    """
    return ids.shape == before.shape and torch.equal(ids[:, 1:], before[:, :-1])


def _leaf(ids: Tensor, share: float) -> Tensor:
    return torch.full(ids.shape, share, device=ids.device, requires_grad=True)


@dataclass(frozen=True)
class Curves:
    """A target's scores as tokens are removed or restored, most important first [points].

    Attributes:
        deletion: From the full text to the empty one, in the order of the attributions.
        insertion: From the empty text to the full one, in the order of the attributions.
        random_deletion: As `deletion`, averaged over random orders.
        random_insertion: As `insertion`, averaged over random orders.
    """

    deletion: Floats
    insertion: Floats
    random_deletion: Floats
    random_insertion: Floats

    @property
    def gains(self) -> tuple[float, float]:
        """By how much the area under each curve beats random order: deletion's is lower, insertion's is higher."""
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
    """Compute deletion and insertion curves of an item (Petsiuk, Das and Saenko 2018, section 3.2).

    Args:
        explainer: The explainer of the model.
        item: The item.
        attribution: The attribution to evaluate.
        measure: Computes the plotted value from scores, such as the target's probability.
        random_orders: Number of random orders.
        points: Number of points of each curve, including both ends.
        seed: The seed of the random orders.
        like: Curves of the same item by another attribution, whose random curves are reused.
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
    """Return the mean and its 95 % interval over examples by Student's t.

    There is none for a single example, nor without spread, as of a model that gives every text the same scores.
    """
    from scipy.stats import t  # noqa: PLC0415 -- only measuring needs it

    mean = float(np.mean(values))
    if np.ptp(values) < 1e-12:
        return mean, None, None
    half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half
