"""The score of one word's tag, as `harness explain` tells of it."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from harness.config.checking import Strict
from harness.errors import UserError, nearest


class ExplainSettings(Strict):
    """Options of `harness explain` in token classification.

    Attributes:
        word: The word whose tag to explain, or its number counted from 1.
    """

    word: str | None = Field(
        None,
        description="The word whose tag to explain, or its number from 1. Default: the first word whose tag is not the "
        "most common one (token classification).",
    )


def word_place(asked: str | None, words: Sequence[str], tags: Sequence[str]) -> int:
    """The place of the word that is asked for; else of the first whose tag the sentence's most frequent one is not.

    A tag called O, which is outside of everything, counts as the most frequent one.

    Args:
        asked: The word, or its number from 1.
        words: The sentence.
        tags: As predicted.

    Raises:
        UserError: The sentence has no such word.
    """
    if asked is None:
        usual = "O" if "O" in tags else max(tags, key=list(tags).count)
        return next((place for place, tag in enumerate(tags) if tag != usual), 0)
    if asked in words:
        return list(words).index(asked)
    if asked.isdecimal() and 1 <= int(asked) <= len(words):
        return int(asked) - 1
    raise UserError(f"--word {asked}: no word of this sentence of {len(words)}.{nearest(asked, words)}")
