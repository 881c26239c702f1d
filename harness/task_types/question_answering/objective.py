"""How spans of a context are learnt.

Long contexts are read in windows that overlap, and each window trains and predicts on its own (Devlin et al. 2019,
sections 4.2 and 4.3). At the end the best span over all windows wins, by its raw logits. A model with a memory can read
question and context from end to end instead; the answer is then pointed at from the last state.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from harness.config.training import Training
from harness.errors import UserError
from harness.models.head import Head
from harness.task_types.question_answering import task_type
from harness.task_types.question_answering.examples import QuestionExample
from harness.task_types.question_answering.metrics import qa_f1s
from harness.task_types.question_answering.spans import Span
from harness.task_types.question_answering.targets import answer_tokens, not_aligned, span_scores, targets_of
from harness.tokenization.items import Batch, Collator, Features, Item
from harness.tokenization.reading import Reader, learnt_template

NO_ANSWER_THRESHOLD = "no_answer_threshold"


@dataclass(frozen=True)
class SpanObjective:
    """A start and an end for each token of the context.

    Attributes:
        longest_answer: Most tokens in a predicted span.
        segmented: Whether question and context are read from end to end, segment by segment, instead of in windows.
        repeat_question: Whether the question stands behind the context once more, for the last state to know it.
        empty_windows: Share of the training windows without an answer that are kept.
    """

    longest_answer: int
    segmented: bool = False
    repeat_question: bool = False
    empty_windows: float = 1.0
    stride = 128

    @property
    def strategy(self) -> str | None:
        """Windows, unless the recipe asks for segments."""
        return None if self.segmented else "windows"

    def head(self) -> Head:
        """Two logits per token."""
        outputs = ("start_logits", "end_logits")
        return Head("AutoModelForQuestionAnswering", {}, outputs, pointer=self.segmented, per_token=True)

    def features(self, examples: Sequence[QuestionExample], reader: Reader) -> Features:
        """One item per window, or a text."""
        template = learnt_template(reader.tokenizer, 2)
        questions, contexts = [example.question for example in examples], [example.context for example in examples]
        documents = reader.documents(questions, contexts, return_offsets=True, repeat_first=self.repeat_question)
        places = [answer_tokens(*pair) for pair in zip(examples, documents, strict=True)]
        cls_id = reader.tokenizer.cls_token_id
        items = [
            Item(index, (window,), target)
            for index, (document, tokens) in enumerate(zip(documents, places, strict=True))
            for window, target in zip(document.windows, targets_of(document, tokens, template, cls_id), strict=True)
        ]
        lengths = [document.total for document in documents]
        lost = not_aligned(examples, documents, places)
        return Features(items, lengths, sum(document.seen for document in documents), lost)

    def training_subset(self, features: Features) -> Features:
        """Without most windows that hold no answer, where the recipe says so.

        Raises:
            UserError: That leaves nothing.
        """
        draw = random.Random(0)
        kept = [item for item in features.items if item.target.held or draw.random() < self.empty_windows]
        if features.items and not kept:
            raise UserError(
                f"empty_windows: {self.empty_windows} leaves no training window: none holds an answer. Raise it."
            )
        return replace(features, items=kept)

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
        if not target.max_context_positions:
            return Span(-1, -1, -np.inf, no_answer)
        context = scores[:, window.first : window.first + len(window.positions)]
        spans = span_scores(context, self.longest_answer)
        first = target.max_context_positions.start - window.positions[0]
        spans = spans[first : first + len(target.max_context_positions)]
        row, further = divmod(int(spans.argmax()), spans.shape[1])
        start = target.max_context_positions.start + row
        ends = target.offsets[start][0], target.offsets[start + further][1]
        return Span(*ends, float(spans[row, further]), no_answer)

    def outputs(self, results: Sequence[Span], features: Features, examples: Sequence[QuestionExample]) -> list[Span]:
        """The best span of each example over all of its windows; its no-answer score is the lowest of theirs."""
        best: dict[int, Span] = {}
        for item, span in zip(features.items, results, strict=True):
            known = best.get(item.example, span)
            top = max(known, span, key=lambda found: found.score)
            best[item.example] = Span(top.start, top.end, top.score, min(known.no_answer_score, span.no_answer_score))
        return [_trimmed(best[index], example.context) for index, example in enumerate(examples)]

    def notes(self, _examples: Sequence[QuestionExample], _reader: Reader) -> list[str]:
        """None."""
        return []

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


def objective(labels: tuple[str, ...], training: Training) -> SpanObjective:
    """Spans of at most the recipe's longest answer; there are no labels."""
    assert not labels, labels
    settings = task_type.own_settings(training)
    repeats = training.segmented and settings.repeat_question
    return SpanObjective(settings.longest_answer, training.segmented, repeats, settings.empty_windows)


def best_threshold(outputs: Sequence[Span], examples: Sequence[QuestionExample]) -> float:
    """The no-answer threshold with the best mean F1: "no answer" is said where its lead over the span is above it."""
    answered = [example.context[span.start : span.end] for span, example in zip(outputs, examples, strict=True)]
    references = [[answer.text for answer in example.answers] for example in examples]
    gains = np.array(qa_f1s(references, answered)) - np.array(qa_f1s(references, [""] * len(references)))
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
