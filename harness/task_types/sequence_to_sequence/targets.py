"""Targets: the texts that are to be written as a model's tokens, and tokens as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.errors import UserError
from harness.task_types.sequence_to_sequence import Writing
from harness.task_types.sequence_to_sequence.examples import SequencePair

LANGUAGES = {"source_language": "src_lang", "target_language": "tgt_lang"}
"""What tokenizers of multilingual models call what the recipe has."""


class TargetIds(NamedTuple):
    """Texts as tokens.

    Attributes:
        ids: Of each text, with the tokenizer's special tokens.
        cut: How many texts are longer.
    """

    ids: list[list[int]]
    cut: int


@dataclass(frozen=True)
class Targets:
    """Reads and spells targets.

    Attributes:
        tokenizer: A transformers tokenizer.
        writing: The recipe's part.
    """

    tokenizer: Any
    writing: Writing

    def __post_init__(self) -> None:
        for setting, attribute in LANGUAGES.items():
            if (language := getattr(self.writing, setting)) is None:
                continue
            if not hasattr(self.tokenizer, attribute):
                raise UserError(
                    f"{setting}: this model's tokenizer knows no languages (got {language!r}). Leave it out."
                )
            try:
                setattr(self.tokenizer, attribute, language)
            except KeyError as error:
                raise UserError(
                    f"{setting}: this model's tokenizer does not know {language!r}. Name one that it knows."
                ) from error

    def ids(self, texts: Sequence[str]) -> TargetIds:
        """The texts as the decoder is to write them: what they spell is text, special tokens too."""
        extra = {"split_special_tokens": True} if self.tokenizer.is_fast else {}
        found = self.tokenizer(text_target=list(texts), return_attention_mask=False, verbose=False, **extra)[
            "input_ids"
        ]
        most = self.writing.max_target_length
        return TargetIds([_bounded(ids, most) for ids in found], sum(len(ids) > most for ids in found))

    def texts(self, rows: Sequence[Sequence[int] | None]) -> list[str | None]:
        """The written tokens as text, without special tokens; None where there are none."""
        return [None if ids is None else self._text(ids) for ids in rows]

    def _text(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text.strip()


def _bounded(ids: list[int], most: int) -> list[int]:
    """The first of the ids, and the last one, which ends the text."""
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


def lost_by_tokenizer(targets: Targets, examples: Sequence[SequencePair]) -> Iterator[str]:
    """What a reader should know of right texts that the model can't write as they are: nothing, or one sentence."""
    whole = Targets(targets.tokenizer, targets.writing.model_copy(update={"max_target_length": 10**9}))
    texts = [" ".join(example.target.split()) for example in examples]
    spelt = whole.texts(whole.ids(texts).ids)
    lost = sum(text != " ".join((found or "").split()) for text, found in zip(texts, spelt, strict=True))
    if lost:
        yield (
            f"the tokenizer gives back {lost / len(texts):.0%} of the right texts otherwise than they are, such as in "
            "lower case: no model with it can write these exactly"
        )
