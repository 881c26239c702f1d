"""How well a model predicts whole documents.

A model that reads from left to right predicts each token from those before it, in windows that overlap or in segments
with a memory. A masked model predicts a sample of the tokens, each alone masked, from both sides (Salazar et al.
2020): that is a pseudo-perplexity, and no perplexity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from harness.config.training import Training
from harness.data.files import refuse
from harness.errors import UserError
from harness.models.head import Head
from harness.ops.device import to_device
from harness.task_types.explained import Asked, ExplainedScore
from harness.task_types.language_modelling import DocumentExample, task_type
from harness.task_types.language_modelling.explained import explained_token
from harness.task_types.language_modelling.metrics import COSTS, size
from harness.task_types.language_modelling.windows import losses_of_tokenizer, masked_tokens, next_tokens
from harness.task_types.objective import LearntAsItIs
from harness.tokenization.items import Batch, Collator, Features, Item
from harness.tokenization.reading import NO_BOUND, Document, Reader, Window

Costs = dict[str, float | int | None]


@dataclass(frozen=True)
class TokenLossObjective(LearntAsItIs):
    """What each token of a document costs.

    Attributes:
        segmented: Whether a document is read from end to end, segment by segment, instead of in windows.
        mask_stride: Of how many tokens one is predicted from both sides.
    """

    segmented: bool
    mask_stride: int
    stride = 128
    shared = 0

    @property
    def strategy(self) -> str | None:
        """Windows, unless the recipe asks for segments."""
        return None if self.segmented else "windows"

    def head(self) -> Head:
        """The language model's own."""
        return Head(None, {}, ("nats",))

    def features(self, examples: Sequence[DocumentExample], reader: Reader) -> Features:
        """One item per window, or a document; its target is whether each token is predicted from those before it.

        Raises:
            UserError: A document is too short to predict anything of it, or windows share nothing.
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
        """What the tokenizer loses of the documents, and how many of their tokens are predicted."""
        sampled = f"pseudo-perplexity by every {self.mask_stride}th token, each alone masked"
        lost = losses_of_tokenizer([example.text for example in examples], reader)
        return lost if reader.causal else [sampled, *lost]

    def scores(self, logits: tuple[Tensor, ...], _batch: Batch) -> Tensor:
        """Nats of each token that is predicted [items, length], else 0."""
        return logits[0]

    def plain_losses(self, scores: Tensor, batch: Batch, _collator: Collator) -> Tensor:
        """Mean nats per token [items]."""
        return scores.sum(1) / to_device(batch.inputs["scored_tokens"].sum(1), scores.device)

    def results(self, scores: Tensor, batch: Batch, _collator: Collator) -> list[tuple[float, int]]:
        """Nats, and how many tokens they are of, an item."""
        nats, counts = scores.double().sum(1).tolist(), batch.inputs["scored_tokens"].sum(1).tolist()
        return list(zip(nats, counts, strict=True))

    def outputs(
        self, results: Sequence[tuple[float, int]], features: Features, examples: Sequence[DocumentExample]
    ) -> list[Costs]:
        """The costs of each document; see `harness.task_types.language_modelling.metrics`.

        What a sample costs is scaled to all of its tokens.
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
        """The log-probability of one token."""
        return explained_token(features, asked, causal=bool(features.items[0].target))

    def rows(
        self, outputs: Sequence[Costs], examples: Sequence[DocumentExample], _calibration: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        """The size and the costs of each document."""
        return [
            {"reference": size(example.text), "prediction": costs}
            for example, costs in zip(examples, outputs, strict=True)
        ]


def objective(_labels: tuple[str, ...], training: Training) -> TokenLossObjective:
    """Perplexity, in the way that the recipe has documents read.

    Raises:
        UserError: The recipe would leave some of a document out.
    """
    if training.max_windows is not None:
        raise UserError("max_windows: a document is predicted from end to end. Leave it out, or use fewer examples.")
    return TokenLossObjective(training.segmented, task_type.own_settings(training).mask_stride)


def _costs(**known: float) -> Costs:
    return {**dict.fromkeys(COSTS), **known}
