"""The score of one word's tag, for `harness explain`."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from harness.config.checking import Strict
from harness.errors import UserError, nearest


class ExplainSettings(Strict):
    """Options of `harness explain` in token classification."""

    word: str | None = Field(
        None,
        description="The word whose tag to explain, or its number from 1. Default: the first word whose tag is not the "
        "most common one (token classification).",
    )


def word_place(asked: str | None, words: Sequence[str], tags: Sequence[str]) -> int:
    """Return the place of the requested word, or of the first without the most frequent tag of the sentence.

    A tag O, which is outside of all entities, counts as the most frequent one.

    Raises:
        UserError: If the sentence has no such word.
    """
    if asked is None:
        usual = "O" if "O" in tags else max(tags, key=list(tags).count)
        return next((place for place, tag in enumerate(tags) if tag != usual), 0)
    if asked in words:
        return list(words).index(asked)
    if asked.isdecimal() and 1 <= int(asked) <= len(words):
        return int(asked) - 1
    raise UserError(f"--word {asked}: no word of this sentence of {len(words)}.{nearest(asked, words)}")
