"""Objective of language modelling: how well a model predicts whole documents.

A causal model predicts each token from those before it, in overlapping windows or in segments with a memory. A masked
model predicts a sample of the tokens from both sides, each masked on its own (Salazar et al. 2020), which yields a
pseudo-perplexity instead of a perplexity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from harness.config.training import Training
from harness.data.placed_rows import refuse
from harness.errors import UserError
from harness.models.head import Head
from harness.ops.device import to_device
from harness.task_types.explained import Asked, ExplainedScore
from harness.task_types.language_modelling import DocumentExample, task_type
from harness.task_types.language_modelling.explained import explained_token
from harness.task_types.language_modelling.metrics import COSTS, size
from harness.task_types.language_modelling.windows import losses_of_tokenizer, masked_tokens, next_tokens
from harness.task_types.objective import Objective
from harness.tokenization.items import Batch, Collator, Features, Item
from harness.tokenization.reading import NO_BOUND, Document, Reader, Window

Costs = dict[str, float | int | None]


@dataclass(frozen=True)
class TokenLossObjective(Objective):
    """The cost of each token of a document.

    Attributes:
        segmented: Whether a document is read from end to end, segment by segment, instead of in windows.
        mask_stride: A masked model predicts one in this many tokens.
    """

    segmented: bool
    mask_stride: int
    stride = 128
    shared = 0

    @property
    def strategy(self) -> str | None:
        """Windows, unless the recipe requests segments."""
        return None if self.segmented else "windows"

    def head(self) -> Head:
        """Return the head of the language model itself."""
        return Head(None, {}, ("nats",))

    def features(self, examples: Sequence[DocumentExample], reader: Reader) -> Features:
        """Encode windows or documents. An item's target is whether each token is predicted from those before it.

        Raises:
            UserError: If a document is too short to predict a token, or windows do not overlap.
        """
        whole = reader if self.segmented else replace(reader, max_windows=NO_BOUND)
        documents = whole.documents([example.text for example in examples], [None] * len(examples))
        found = [self._windows(document, reader) for document in documents]
        refuse(
            f"{example.id}: too short: it has no token after the first. Leave it out."
            for example, windows in zip(examples, found, strict=True)
            if not windows
        )
        items = [Item(index, (window,), reader.causal) for index, windows in enumerate(found) for window in windows]
        return Features(items, [document.total for document in documents], sum(document.seen for document in documents))

    def _windows(self, document: Document, reader: Reader) -> list[Window]:
        if not reader.causal:
            return list(masked_tokens(document, self.mask_stride))
        if reader.stride == 0 and len(document.windows) > 1:
            raise UserError("stride: 0 leaves a window's first token with nothing before it. Set at least 1.")
        return list(next_tokens(document))

    def notes(self, examples: Sequence[DocumentExample], reader: Reader) -> list[str]:
        """Report what the tokenizer loses of the documents, and how many of their tokens are predicted."""
        sampled = f"pseudo-perplexity by one in {self.mask_stride} tokens, each masked alone"
        lost = losses_of_tokenizer([example.text for example in examples], reader)
        return lost if reader.causal else [sampled, *lost]

    def scores(self, logits: tuple[Tensor, ...], _batch: Batch) -> Tensor:
        """Return the nats of each predicted token [items, length]; 0 for the others."""
        return logits[0]

    def plain_losses(self, scores: Tensor, batch: Batch, _collator: Collator) -> Tensor:
        """Compute the mean nats per token [items]."""
        return scores.sum(1) / to_device(batch.inputs["scored_tokens"].sum(1), scores.device)

    def results(self, scores: Tensor, batch: Batch, _collator: Collator) -> list[tuple[float, int]]:
        """Return the nats and the number of tokens of each item."""
        nats, counts = scores.double().sum(1).tolist(), batch.inputs["scored_tokens"].sum(1).tolist()
        return list(zip(nats, counts, strict=True))

    def outputs(
        self, results: Sequence[tuple[float, int]], features: Features, examples: Sequence[DocumentExample]
    ) -> list[Costs]:
        """Compute the costs of each document; see `harness.task_types.language_modelling.metrics`.

        The cost of a sample is scaled to all tokens.
        """
        nats, tokens = [0.0] * len(examples), [0] * len(examples)
        for item, (cost, count) in zip(features.items, results, strict=True):
            nats[item.example] += cost
            tokens[item.example] += count
        if features.items[0].target:
            return [_costs(nats=cost, tokens=count) for cost, count in zip(nats, tokens, strict=True)]
        return [
            _costs(masked_nats=cost * total / count, masked_tokens=total)
            for cost, count, total in zip(nats, tokens, features.lengths, strict=True)
        ]

    def explained(self, _example: DocumentExample, features: Features, asked: Asked) -> ExplainedScore:
        """Return the log-probability of one token."""
        return explained_token(features, asked, causal=bool(features.items[0].target))

    def rows(
        self, outputs: Sequence[Costs], examples: Sequence[DocumentExample], _calibration: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        """Return the size and the costs of each document."""
        return [
            {"reference": size(example.text), "prediction": costs}
            for example, costs in zip(examples, outputs, strict=True)
        ]


def objective(_labels: tuple[str, ...], training: Training) -> TokenLossObjective:
    """Return the objective that reads documents as the recipe requests.

    Raises:
        UserError: If the recipe would skip part of a document.
    """
    if training.max_windows is not None:
        raise UserError("max_windows: documents are scored as a whole. Leave it out, or use fewer examples.")
    return TokenLossObjective(training.segmented, task_type.own_settings(training).mask_stride)


def _costs(**known: float) -> Costs:
    return {**dict.fromkeys(COSTS), **known}
