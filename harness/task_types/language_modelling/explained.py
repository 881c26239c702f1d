"""The log-probability of one token of a text, for `harness explain`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp

from harness.errors import UserError
from harness.task_types.explained import Asked, ExplainedScore
from harness.tokenization.items import Features, Item

AT_ONCE = 32
"""Number of tokens that a masked model scores at once, since it reads the text once for each."""


def explained_token(features: Features, asked: Asked, *, causal: bool) -> ExplainedScore:
    """Return the log-probability of a token given those before it, or of a masked token given all others.

    Raises:
        UserError: If the text has several windows or no such token, or if a label is requested.
    """
    if asked.label is not None:
        raise UserError(
            f"--label {asked.label}: a language model has no labels. Name a token by its number: --token 3."
        )
    if len(features.items) > 1:
        raise UserError(
            f"harness explain: the text is read in {len(features.items)} windows, and a token can be "
            "explained within one window only. Give a shorter text."
        )
    (item,) = features.items
    (window,) = item.windows
    first = window.first
    # With a masked model any token of the text can be explained, although only a sample is predicted elsewhere.
    places = list(window.scored_tokens) if causal else list(range(first, first + len(window.positions)))
    if asked.settings.token is not None:
        place = _asked_for(asked.settings.token, places, first)
    else:
        place = _costliest(item, places, asked, at_once=len(places) if causal else AT_ONCE)
    scored_item = item if causal else replace(item, windows=(replace(window, scored_tokens=(place,)),))
    return ExplainedScore(
        scored_item,
        f"log-probability of token {place - first + 1}",
        lambda scores: -scores[0, place],
        lambda scores: exp(-float(scores[0, place])),
    )


def _asked_for(token: str, places: Sequence[int], first: int) -> int:
    """Return the position of the token with this number in the text, counted from 1."""
    numbers = [place - first + 1 for place in places]
    if not token.isdecimal() or int(token) not in numbers:
        bounds = f"{numbers[0]} to {numbers[-1]}"
        raise UserError(
            f"--token {token}: this text has no predicted token of that number. Give a number from {bounds}."
        )
    return places[numbers.index(int(token))]


def _costliest(item: Item, places: Sequence[int], asked: Asked, *, at_once: int) -> int:
    """Return the position of the token with the highest cost. `at_once` tokens are scored at a time."""
    nats: dict[int, float] = {}
    for start in range(0, len(places), at_once):
        part = places[start : start + at_once]
        scored = replace(item, windows=(replace(item.windows[0], scored_tokens=part),))
        nats |= dict(zip(part, asked.scores(scored)[0, part].tolist(), strict=True))
    return max(nats, key=nats.__getitem__)
