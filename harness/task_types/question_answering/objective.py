"""Training objective of question answering: spans of a context.

Long contexts are read in overlapping windows, and each window trains and predicts on its own (Devlin et al. 2019,
sections 4.2 and 4.3). The best span over all windows wins, by its raw logits. A model with a memory can read question
and context from end to end instead; the last state then points at the answer.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from harness.config.training import Training
from harness.errors import UserError
from harness.models.head import Head
from harness.ops.device import to_device
from harness.task_types.explained import Asked, ExplainedScore
from harness.task_types.objective import Objective
from harness.task_types.question_answering import task_type
from harness.task_types.question_answering.candidates import best_places, merged, ranked_answers
from harness.task_types.question_answering.examples import QuestionExample
from harness.task_types.question_answering.explained import NO_ANSWER, answer_places, explained_answer
from harness.task_types.question_answering.metrics import qa_f1s
from harness.task_types.question_answering.spans import Candidate, Span
from harness.task_types.question_answering.squad_files import CANDIDATES, N_BEST
from harness.task_types.question_answering.targets import answer_tokens, learnt_answer, span_scores, targets_of
from harness.task_types.question_answering.unreachable import unreachable_answers
from harness.tokenization.encoding import encode
from harness.tokenization.items import Batch, Collator, Features, Item
from harness.tokenization.reading import NO_BOUND, Reader, learnt_template

NO_ANSWER_THRESHOLD = "no_answer_threshold"
ANSWER_LENGTH = "answer_length"
LEAST_LONGEST = 30  # As in the code of Devlin et al. 2019 for SQuAD.


@dataclass(frozen=True)
class SpanObjective(Objective):
    """Objective of question answering: a start and an end logit for each token of the context.

    Attributes:
        longest_answer: Maximum number of tokens in a predicted span, from the recipe; None for `answer_length`.
        segmented: Whether question and context are read from end to end, segment by segment, instead of in windows.
        repeat_question: Whether the question is repeated after the context, so that the last state has just read it.
        empty_windows: Fraction of the training windows without an answer that are kept.
        bounded: Whether the recipe limits the number of windows of a context.
        answer_length: The 99th percentile of the number of tokens in a training answer; 0 if not known.
        candidates: Number of answers to find for each question.
        n_best: Number of these answers to show.
    """

    longest_answer: int | None
    segmented: bool
    repeat_question: bool
    empty_windows: float
    bounded: bool
    answer_length: int = 0
    candidates: int = 1
    n_best: int = 0
    stride = 128

    @property
    def longest(self) -> int:
        """Maximum number of tokens in a predicted span."""
        return self.longest_answer or max(LEAST_LONGEST, self.answer_length)

    @property
    def shared(self) -> int:
        """Twice the answer length, so that an answer is whole in the window with the most context for its start."""
        return 2 * self.answer_length

    @property
    def strategy(self) -> str | None:
        """Windows, unless the recipe requests segments."""
        return None if self.segmented else "windows"

    def following(self, examples: Sequence[QuestionExample], tokenizer: Any) -> Self:
        """Return a copy with the answer length of these examples."""
        answers = [answer.text for example in examples if (answer := learnt_answer(example)) is not None]
        lengths = [len(encoded.ids) for encoded in encode(tokenizer, answers, return_offsets=False)]
        return replace(self, answer_length=int(np.quantile(lengths, 0.99, method="inverted_cdf"))) if lengths else self

    def recalled(self, calibration: Mapping[str, float]) -> Self:
        """Return a copy with the answer length of a recorded run."""
        return replace(self, answer_length=int(calibration.get(ANSWER_LENGTH, 0)))

    def head(self) -> Head:
        """Return a head with two logits per token."""
        outputs = ("start_logits", "end_logits")
        return Head("AutoModelForQuestionAnswering", {}, outputs, pointer=self.segmented, per_token=True, paired=True)

    def features(self, examples: Sequence[QuestionExample], reader: Reader) -> Features:
        """Encode one item per window, or per text."""
        template = learnt_template(reader.tokenizer, 2)
        questions, contexts = [example.question for example in examples], [example.context for example in examples]
        reader = reader if self.bounded or self.segmented else replace(reader, max_windows=NO_BOUND)
        documents = reader.documents(questions, contexts, return_offsets=True, repeat_first=self.repeat_question)
        places = [answer_tokens(*pair) for pair in zip(examples, documents, strict=True)]
        cls_id = reader.tokenizer.cls_token_id
        items = [
            Item(index, (window,), target)
            for index, (document, tokens) in enumerate(zip(documents, places, strict=True))
            for window, target in zip(document.windows, targets_of(document, tokens, template, cls_id), strict=True)
        ]
        lengths, seen = [document.total for document in documents], sum(document.seen for document in documents)
        answerable = sum(bool(example.answers) for example in examples)
        return Features(items, lengths, seen, answerable, unreachable_answers(examples, documents, self.longest))

    def training_subset(self, features: Features) -> Features:
        """Drop a random part of the windows without an answer, if the recipe requests it.

        Raises:
            UserError: If no window is left.
        """
        draw = random.Random(0)
        kept = [item for item in features.items if item.target.held or draw.random() < self.empty_windows]
        if features.items and not kept:
            raise UserError(
                f"empty_windows: {self.empty_windows} leaves no training window: none holds an answer. Raise it."
            )
        return replace(features, items=kept)

    def scores(self, logits: tuple[Tensor, ...], batch: Batch) -> Tensor:
        """Stack start and end logits [windows, 2, length]; -inf on padding."""
        padding = to_device(batch.inputs["attention_mask"][:, None] == 0, logits[0].device)
        return torch.stack(logits, 1).float().masked_fill(padding, -torch.inf)

    def plain_losses(self, scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
        """Compute the mean cross-entropy of start and end over the tokens of each window [windows].

        Padding is excluded from the softmax, so that a window's loss does not depend on its batch.
        """
        ends = [(item.target.start, item.target.end) for item in batch.items]
        shifts = [collator.shift(batch, index) for index in range(len(ends))]
        positions = to_device(torch.tensor(ends) + torch.tensor(shifts)[:, None], scores.device)
        losses = functional.cross_entropy(scores.flatten(0, 1), positions.flatten(), reduction="none")
        return losses.view(-1, 2).mean(1)

    def results(self, scores: Tensor, batch: Batch, collator: Collator) -> list[Span]:
        """Find the best span of each window, in characters of its context."""
        table = scores.cpu()
        return [
            self._best_span(table[index, :, collator.shift(batch, index) :], item)
            for index, item in enumerate(batch.items)
        ]

    def _best_span(self, scores: Tensor, item: Item) -> Span:
        target, window = item.target, item.windows[0]
        none = scores[:, target.no_answer]
        no_answer = Candidate(-1, -1, *none.tolist())
        if not target.max_context_positions:
            return Span(-1, -1, -np.inf, float(none.sum()), (), no_answer)
        logits = scores[:, window.first : window.first + len(window.positions)]
        first = target.max_context_positions.start - window.positions[0]
        spans = span_scores(logits, self.longest)[first : first + len(target.max_context_positions)]
        offsets = [target.offsets[position] for position in window.positions]
        found = tuple(
            Candidate(offsets[start][0], offsets[end][1], float(logits[0, start]), float(logits[1, end]))
            for start, end in best_places(spans, self.candidates, first=first)
        )
        return Span(found[0].start, found[0].end, float(spans.max()), float(none.sum()), found, no_answer)

    def outputs(self, results: Sequence[Span], features: Features, examples: Sequence[QuestionExample]) -> list[Span]:
        """Merge the best spans of all windows of each example. The no-answer score is the minimum over windows."""
        spans: list[list[Span]] = [[] for _ in examples]
        for item, span in zip(features.items, results, strict=True):
            spans[item.example].append(span)
        return [
            merged(of_example, example.context, self.candidates)
            for of_example, example in zip(spans, examples, strict=True)
        ]

    def explained(self, example: QuestionExample, features: Features, asked: Asked) -> ExplainedScore:
        """Return the score of the predicted answer in its best window, or of "no answer" if that is predicted."""
        if asked.label is not None:
            raise UserError(f"--label {asked.label}: answers to questions are not labels. Leave it out.")
        scores = [asked.scores(item) for item in features.items]
        found = [
            self.results(score, asked.collator([item]), asked.collator)[0]
            for item, score in zip(features.items, scores, strict=True)
        ]
        (row,) = self.rows(self.outputs(found, features, [example]), [example], asked.calibration)
        if row["start"] < 0:
            place = min(range(len(found)), key=lambda index: found[index].no_answer_score)
            none = features.items[place].target.no_answer
            return explained_answer(features.items[place], NO_ANSWER, none, none)
        place = max(range(len(found)), key=lambda index: found[index].score)
        ends = answer_places(scores[place][0].cpu(), features.items[place], self.longest)
        return explained_answer(features.items[place], f"answer “{row['prediction']}”", *ends)

    def calibration(self, outputs: Sequence[Span], examples: Sequence[QuestionExample]) -> dict[str, float]:
        """Return the answer length, and the no-answer threshold with the best F1 if some questions have no answer.

        Source of the threshold: Rajpurkar et al. 2018.
        """
        followed = {ANSWER_LENGTH: float(self.answer_length)} if self.answer_length else {}
        if all(example.answers for example in examples):
            return followed
        return {**followed, NO_ANSWER_THRESHOLD: best_threshold(outputs, examples)}

    def rows(
        self, outputs: Sequence[Span], examples: Sequence[QuestionExample], calibration: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        """Return references, predicted texts and positions, and the best answers if requested."""
        threshold = calibration.get(NO_ANSWER_THRESHOLD)
        rows = [_row(span, example, threshold) for span, example in zip(outputs, examples, strict=True)]
        if self.candidates == 1:
            return rows
        ranked = (
            ranked_answers(span, example.context, may_be_silent=threshold is not None)
            for span, example in zip(outputs, examples, strict=True)
        )
        return [
            {**row, CANDIDATES: found} | ({N_BEST: found[: self.n_best]} if self.n_best else {})
            for row, found in zip(rows, ranked, strict=True)
        ]


def objective(labels: tuple[str, ...], training: Training) -> SpanObjective:
    """Return the objective: spans up to the recipe's longest answer. There are no labels."""
    assert not labels, labels
    settings = task_type.own_settings(training)
    return SpanObjective(
        settings.longest_answer,
        training.segmented,
        training.segmented and settings.repeat_question,
        settings.empty_windows,
        training.max_windows is not None,
    )


def best_threshold(outputs: Sequence[Span], examples: Sequence[QuestionExample]) -> float:
    """Find the no-answer threshold with the best mean F1.

    "No answer" is predicted if its score exceeds that of the span by more than the threshold.
    """
    answered = [example.context[span.start : span.end] for span, example in zip(outputs, examples, strict=True)]
    references = [[answer.text for answer in example.answers] for example in examples]
    gains = np.array(qa_f1s(references, answered)) - np.array(qa_f1s(references, [""] * len(references)))
    leads = np.array([span.no_answer_score - span.score for span in outputs])
    order = np.argsort(leads, kind="stable")
    # Answering the first k questions by rising lead gains totals[k] over answering none. Equal leads stay together.
    totals = np.concatenate([[0.0], np.cumsum(gains[order])])
    ranked = leads[order]
    cuts = np.concatenate([[True], ranked[1:] != ranked[:-1], [True]])
    count = int(np.where(cuts, totals, -np.inf).argmax())
    return float(ranked[count - 1]) if count else float(ranked[0] - 1.0)


def _row(span: Span, example: QuestionExample, threshold: float | None) -> dict[str, Any]:
    lead = span.no_answer_score - span.score
    silent = span.start < 0 or (threshold is not None and lead > threshold)
    start, end = (-1, -1) if silent else (span.start, span.end)
    return {
        "reference": [answer.text for answer in example.answers],
        "prediction": "" if silent else example.context[start:end],
        "start": start,
        "end": end,
        "score": span.score,
        "no_answer_score": span.no_answer_score,
    }
