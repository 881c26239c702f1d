"""Extractive question answering: the answer is a span of the context, or there is none.

Long contexts are read in windows that overlap, and each window trains and predicts on its own (Devlin et al. 2019,
sections 4.2 and 4.3). At the end the best span over all windows wins, by its raw logits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from harness.config import Training
from harness.data.head import Head
from harness.data.items import Batch, Collator, Features, Item
from harness.data.reading import Document, Reader, Window
from harness.data.spans import Span
from harness.errors import UserError
from tasks.metrics import metric
from tasks.task import Answer, QuestionExample

NO_ANSWER_THRESHOLD = "no_answer_threshold"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a window's answer lies, and where its answers may start.

    Attributes:
        start: Position in the window's input_ids; of the [CLS] token where the answer is not in this window.
        end: Likewise, of the answer's last token.
        no_answer: Position of the [CLS] token, which stands for "no answer here".
        owned: Positions of the context that have the most context in this window.
        offsets: The characters of the context that each of its tokens covers.
    """

    start: int
    end: int
    no_answer: int
    owned: range
    offsets: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class QuestionAnswering:
    """A start and an end for each token of the context.

    Attributes:
        longest_answer: Most tokens in a predicted span.
    """

    longest_answer: int
    stride = 128
    strategy = "windows"

    def head(self) -> Head:
        """Two logits a token."""
        return Head("AutoModelForQuestionAnswering", {}, ("start_logits", "end_logits"))

    def features(self, examples: Sequence[QuestionExample], reader: Reader) -> Features:
        """One item a window."""
        _check_tokenizer(reader.tokenizer)
        documents = reader.documents([e.question for e in examples], [e.context for e in examples])
        items = [
            Item(index, (window,), target)
            for index, (example, document) in enumerate(zip(examples, documents, strict=True))
            for window, target in zip(document.windows, _targets(example, document, reader), strict=True)
        ]
        lengths = [document.total for document in documents]
        return Features(items, lengths, sum(document.seen for document in documents))

    def scores(self, logits: tuple[Tensor, ...], batch: Batch) -> Tensor:
        """Start and end logits [windows, 2, length]; -inf on padding."""
        padding = batch.inputs["attention_mask"][:, None] == 0
        return torch.stack(logits, 1).float().masked_fill(padding, -torch.inf)

    def losses(self, scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
        """Mean of the start's and the end's cross-entropy over the window's own tokens [windows].

        The padding is left out of the softmax, so a window's loss does not depend on the batch that it stands in.
        """
        ends = [(item.target.start, item.target.end) for item in batch.items]
        shifts = [collator.shift(batch, index) for index in range(len(ends))]
        positions = torch.tensor(ends, device=scores.device) + torch.tensor(shifts, device=scores.device)[:, None]
        losses = functional.cross_entropy(scores.flatten(0, 1), positions.flatten(), reduction="none")
        return losses.view(-1, 2).mean(1)

    def results(self, scores: Tensor, batch: Batch, collator: Collator) -> list[Span]:
        """The best span of each window, in characters of its context."""
        table = scores.cpu()
        return [
            self._best_span(table[index, :, collator.shift(batch, index) :], item)
            for index, item in enumerate(batch.items)
        ]

    def _best_span(self, scores: Tensor, item: Item) -> Span:
        target, window = item.target, item.windows[0]
        no_answer = float(scores[:, target.no_answer].sum())
        if not target.owned:
            return Span(-1, -1, -np.inf, no_answer)
        context = scores[:, window.first : window.first + len(window.positions)]
        spans = span_scores(context, self.longest_answer)
        first = target.owned.start - window.positions[0]
        spans = spans[first : first + len(target.owned)]
        row, end = divmod(int(spans.argmax()), spans.shape[1])
        tokens = [target.offsets[window.positions[place]] for place in (first + row, end)]
        return Span(tokens[0][0], tokens[1][1], float(spans[row, end]), no_answer)

    def outputs(self, results: Sequence[Span], features: Features, examples: Sequence[QuestionExample]) -> list[Span]:
        """The best span of each example over all of its windows; its no-answer score is the lowest of theirs."""
        best: dict[int, Span] = {}
        for item, span in zip(features.items, results, strict=True):
            known = best.get(item.example, span)
            top = max(known, span, key=lambda found: found.score)
            best[item.example] = Span(top.start, top.end, top.score, min(known.no_answer_score, span.no_answer_score))
        return [_trimmed(best[index], example.context) for index, example in enumerate(examples)]

    def calibration(self, outputs: Sequence[Span], examples: Sequence[QuestionExample]) -> dict[str, float]:
        """The no-answer threshold with the best F1 (Rajpurkar et al. 2018), where some questions have no answer."""
        if all(example.answers for example in examples):
            return {}
        return {NO_ANSWER_THRESHOLD: best_threshold(outputs, examples)}

    def rows(
        self, outputs: Sequence[Span], examples: Sequence[QuestionExample], calibration: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        """References, the predicted text and where it stands."""
        threshold = calibration.get(NO_ANSWER_THRESHOLD, np.inf)
        return [_row(span, example, threshold) for span, example in zip(outputs, examples, strict=True)]


def kind(labels: tuple[str, ...], training: Training) -> QuestionAnswering:
    """Spans of at most the recipe's longest answer; there are no labels."""
    assert not labels, labels
    return QuestionAnswering(training.longest_answer)


def span_scores(logits: Tensor, longest: int) -> Tensor:
    """Score of every answer span: its start logit plus its end logit.

    Source: Devlin et al. 2019, section 4.2.

    Args:
        logits: Start and end logits [2, length].
        longest: Most tokens in a span, both ends included.

    Returns:
        Scores [length, length] by start and end; -inf where no span may be.

    Raises:
        ValueError: `longest` is below 1.
    """
    if longest < 1:
        raise ValueError(f"longest must be at least 1, got {longest}")
    scores = logits[0][:, None] + logits[1][None, :]
    allowed = torch.ones_like(scores, dtype=torch.bool).triu().tril(longest - 1)
    return scores.masked_fill(~allowed, -torch.inf)


def best_threshold(outputs: Sequence[Span], examples: Sequence[QuestionExample]) -> float:
    """The no-answer threshold with the best mean F1: "no answer" is said where its lead over the span is above it."""
    answered = [example.context[span.start : span.end] for span, example in zip(outputs, examples, strict=True)]
    references = [[answer.text for answer in example.answers] for example in examples]
    f1 = metric("qa_f1").per_example
    assert f1 is not None
    gains = np.array(f1(references, answered, ())) - np.array(f1(references, [""] * len(references), ()))
    leads = np.array([span.no_answer_score - span.score for span in outputs])
    order = np.argsort(leads, kind="stable")
    # Answering the first k questions by rising lead gains totals[k] over answering none; equal leads can't be parted.
    totals = np.concatenate([[0.0], np.cumsum(gains[order])])
    ranked = leads[order]
    cuts = np.concatenate([[True], ranked[1:] != ranked[:-1], [True]])
    count = int(np.where(cuts, totals, -np.inf).argmax())
    return float(ranked[count - 1]) if count else float(ranked[0] - 1.0)


def _row(span: Span, example: QuestionExample, threshold: float) -> dict[str, Any]:
    silent = span.start < 0 or span.no_answer_score - span.score > threshold
    start, end = (-1, -1) if silent else (span.start, span.end)
    return {
        "reference": [answer.text for answer in example.answers],
        "prediction": "" if silent else example.context[start:end],
        "start": start,
        "end": end,
        "score": span.score,
        "no_answer_score": span.no_answer_score,
    }


def _trimmed(span: Span, context: str) -> Span:
    """Without the white space that some tokenizers count to a token."""
    text = context[span.start : span.end]
    start = span.start + len(text) - len(text.lstrip())
    return Span(start, start + len(text.strip()), span.score, span.no_answer_score) if span.start >= 0 else span


def _check_tokenizer(tokenizer: Any) -> None:
    name = type(tokenizer).__name__
    if not tokenizer.is_fast:
        raise UserError(f"tokenizer {name}: gives no character offsets, so answers can't be located in their context.")
    if tokenizer.cls_token_id is None:
        raise UserError(f"tokenizer {name}: has no [CLS] token, which stands for no answer. Choose another checkpoint.")


def _targets(example: QuestionExample, document: Document, reader: Reader) -> list[Target]:
    answer = next((answer for answer in example.answers if answer.start >= 0), None)
    tokens = _answer_tokens(answer, document.offsets) if answer is not None else range(0)
    targets = []
    for index, window in enumerate(document.windows):
        no_answer = _place_of_cls(window, reader.tokenizer.cls_token_id)
        held = bool(tokens) and window.positions[0] <= tokens[0] and tokens[-1] <= window.positions[-1]
        shift = window.first - window.positions[0] if held else 0
        start, end = (tokens[0] + shift, tokens[-1] + shift) if held else (no_answer, no_answer)
        targets.append(Target(start, end, no_answer, _owned(index, document), document.offsets))
    return targets


def _place_of_cls(window: Window, cls_id: int) -> int:
    """Where the template's [CLS] stands, at one of the two ends: a text may hold the same token."""
    return 0 if window.input_ids[0] == cls_id else len(window.input_ids) - 1 - window.input_ids[::-1].index(cls_id)


def _answer_tokens(answer: Answer, offsets: Sequence[tuple[int, int]]) -> range:
    """The context's tokens that the answer touches."""
    stop = answer.start + len(answer.text)
    tokens = [index for index, (start, end) in enumerate(offsets) if start < stop and end > answer.start]
    return range(tokens[0], tokens[-1] + 1) if tokens else range(0)


def _owned(index: int, document: Document) -> range:
    """The positions whose context is widest in this window: an overlap is shared out at its middle."""
    positions = document.windows[index].positions
    if not positions:
        return range(0)
    start, stop = positions[0], positions[-1] + 1
    if index > 0:
        start = (start + document.windows[index - 1].positions[-1] + 1) // 2
    if index + 1 < len(document.windows):
        stop = (stop + document.windows[index + 1].positions[0]) // 2
    return range(start, stop)
