"""Targets: conversion between reference texts and a model's tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.task_types.sequence_to_sequence import Writing
from harness.task_types.sequence_to_sequence.examples import SequencePair
from harness.task_types.sequence_to_sequence.metrics import OF_COSTS
from harness.tokenization.languages import language_token
from harness.tokenization.pair_layout import PairLayout, TargetTokens
from harness.tokenization.reading import NO_BOUND

LANGUAGES = {"source_language": "src_lang", "target_language": "tgt_lang"}
"""The attributes of multilingual tokenizers for the settings of the recipe."""


@dataclass(frozen=True)
class Targets:
    """Encode and decode targets."""

    tokenizer: Any
    writing: Writing
    layout: PairLayout

    def __post_init__(self) -> None:
        for setting, attribute in LANGUAGES.items():
            if (language := getattr(self.writing, setting)) is not None:
                language_token(self.tokenizer, setting, language)
                setattr(self.tokenizer, attribute, language)

    def of(self, texts: Sequence[str]) -> list[TargetTokens]:
        """Encode the texts as the model is to write them."""
        return self.layout.targets(self.tokenizer, texts, self.writing.max_target_length)

    def texts(self, rows: Sequence[Sequence[int] | None]) -> list[str | None]:
        """Decode generated tokens, without special tokens; None if there are none."""
        return [None if ids is None else self._text(ids) for ids in rows]

    def _text(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text.strip()


def ended(ids: Sequence[int], tokenizer: Any) -> list[int]:
    """Return the generated tokens up to the first that ends the text, or all of them if none does."""
    ends = {tokenizer.eos_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id}
    last = next((place for place, token in enumerate(ids) if token in ends), len(ids) - 1)
    return list(ids[: last + 1])


def lost_by_tokenizer(targets: Targets, examples: Sequence[SequencePair]) -> Iterator[str]:
    """Report how many reference texts the model cannot write exactly, in one sentence or none."""
    texts = [" ".join(example.target.split()) for example in examples]
    whole = targets.layout.targets(targets.tokenizer, texts, NO_BOUND)
    spelt = targets.texts([target.ids for target in whole])
    lost = sum(text != " ".join((found or "").split()) for text, found in zip(texts, spelt, strict=True))
    if lost:
        yield (
            f"the tokenizer does not restore {lost:,} of {len(texts):,} targets exactly (it may lower-case them), so "
            "no model with it can write them exactly"
        )


def cut_at_length(targets: Targets, examples: Sequence[SequencePair]) -> Iterator[str]:
    """Report how many reference texts are truncated, in one sentence or none."""
    cut = sum(target.is_cut for target in targets.of([example.target for example in examples]))
    if cut:
        yield (
            f"{cut} of {len(examples)} targets are longer than max_target_length: {' and '.join(OF_COSTS)} count only "
            f"their first {targets.writing.max_target_length - 1} tokens"
        )
