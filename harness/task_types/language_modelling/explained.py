"""The log-probability of one token of a text, as `harness explain` tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp

from harness.errors import UserError
from harness.task_types.explained import Asked, ExplainedScore
from harness.tokenization.items import Features, Item


def explained_token(features: Features, asked: Asked, *, causal: bool) -> ExplainedScore:
    """The log-probability of a token after those before it, or of a masked one between all others.

    Args:
        features: Of one text.
        asked: What is asked for.
        causal: Whether the model reads from left to right.

    Raises:
        UserError: The text has more windows than one, or no such token; or a label is asked for.
    """
    if asked.label is not None:
        raise UserError(
            f"--label {asked.label}: a language model has no labels. Name a token by its number: --token 3."
        )
    if len(features.items) > 1:
        raise UserError(
            f"harness explain: the text is read in {len(features.items)} windows, and what a token owes to those "
            "before it is told within one. Give a shorter text."
        )
    item = features.items[0] if causal else _all_scored(features.items[0])
    (window,) = item.windows
    places, first = list(window.scored_tokens), window.first
    nats = asked.scores(item)[0, places].tolist()
    chosen = _chosen(asked.settings.token, [place - first + 1 for place in places], nats)
    place = places[chosen]
    told = item if causal else replace(item, windows=(replace(window, scored_tokens=(place,)),))
    return ExplainedScore(
        told,
        f"log-probability of token {place - first + 1}",
        lambda scores: -scores[0, place],
        lambda scores: exp(-float(scores[0, place])),
    )


def _all_scored(item: Item) -> Item:
    """The item with every token of the text to be predicted, each alone masked, where else a sample is."""
    (window,) = item.windows
    every = range(window.first, window.first + len(window.positions))
    return replace(item, windows=(replace(window, scored_tokens=every),))


def _chosen(token: str | None, numbers: Sequence[int], nats: Sequence[float]) -> int:
    """The place of the token that is asked for among those that are predicted; else of the one that costs most."""
    if token is None:
        return max(range(len(nats)), key=nats.__getitem__)
    if not token.isdecimal() or int(token) not in numbers:
        bounds = f"{numbers[0]} to {numbers[-1]}"
        raise UserError(f"--token {token}: no token of this text that is predicted. Give a number from {bounds}.")
    return list(numbers).index(int(token))
