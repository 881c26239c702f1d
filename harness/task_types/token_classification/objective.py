"""Training objective of token classification, which reads a word's first piece (Devlin et al. 2019, section 5.3).

A sentence is an item with one loss: the mean over its words. A sentence longer than a window is read in overlapping
windows, and each word is trained and predicted once, in the window with the most context for it. So training matches
prediction, and no word counts twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from harness.config.training import Training
from harness.errors import UserError
from harness.models.head import Head
from harness.ops.device import to_device
from harness.task_types.explained import Asked, ExplainedScore, place_of
from harness.task_types.label_weights import label_counts
from harness.task_types.objective import Objective, label_settings
from harness.task_types.token_classification.examples import TaggedSentence, Tagging
from harness.task_types.token_classification.explained import word_place
from harness.task_types.token_classification.pieces import places_in_windows, without_pieces, word_pieces
from harness.task_types.token_classification.schemes import Entity, entities, has_scheme
from harness.task_types.weighted_losses import LossOfLabels
from harness.tokenization.as_text import Encoded
from harness.tokenization.items import Batch, Collator, Features, Item
from harness.tokenization.reading import NO_BOUND, Reader

LEFT_TO_RIGHT = "reads from left to right: a word's tag is predicted without the words that follow it"


@dataclass(frozen=True, slots=True)
class Target:
    """The positions of a sentence's words, and their tags.

    Attributes:
        places: The window and the position in its input_ids of each word's first piece.
        tags: A label's index per word.
    """

    places: tuple[tuple[int, int], ...]
    tags: tuple[int, ...]


@dataclass(frozen=True)
class TagObjective(Objective):
    """Objective of token classification: a tag for each word.

    Attributes:
        labels: The names of the tags in the order of the model's outputs.
        learnt: The loss of the recipe.
    """

    labels: tuple[str, ...]
    learnt: LossOfLabels
    stride = 128
    shared = 0
    strategy = "windows"

    def head(self) -> Head:
        """Return a classification head for each token, with the tags' names."""
        return Head("AutoModelForTokenClassification", label_settings(self.labels), ("logits",), per_token=True)

    def features(self, examples: Sequence[TaggedSentence], reader: Reader) -> Features:
        """Encode one item per sentence, with all its windows."""
        every = word_pieces(reader.tokenizer, [example.words for example in examples])
        whole = replace(reader, max_windows=NO_BOUND)  # every word needs a tag
        documents = whole.documents_of([Encoded([token for ids in pieces for token in ids], []) for pieces in every])
        items = [
            Item(index, document.windows, Target(places_in_windows(pieces, document), example.tags))
            for index, (example, pieces, document) in enumerate(zip(examples, every, documents, strict=True))
        ]
        return Features(items, [document.total for document in documents], sum(document.seen for document in documents))

    def scores(self, logits: tuple[Tensor, ...], _batch: Batch) -> Tensor:
        """Return the logits [windows, length, labels]."""
        return logits[0].float()

    def for_training(self, _model: Any, examples: Sequence[TaggedSentence], *, has_own_head: bool) -> Self:
        """Return a copy with the weights that follow from the examples' tags."""
        if self.learnt.is_plain:
            return self
        counts = label_counts([tag for example in examples for tag in example.tags], len(self.labels))
        return replace(self, learnt=self.learnt.weighing(counts))

    def losses(self, scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
        """Compute each sentence's mean over words [items], with the weights of the recipe; 0 without words."""
        if self.learnt.is_plain:
            return self.plain_losses(scores, batch, collator)
        return self._means(self.learnt.cross_entropy, scores, batch, collator)

    def plain_losses(self, scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
        """Compute each sentence's mean cross-entropy over words [items]; 0 without words."""
        return self._means(partial(functional.cross_entropy, reduction="none"), scores, batch, collator)

    def weight(self, items: Sequence[Item]) -> float:
        """Return the sum over the sentences of the mean weight of their words."""
        weights = self.learnt.weights
        if weights is None:
            return len(items)
        return float(sum(weights[list(item.target.tags)].mean() if item.target.tags else 1.0 for item in items))

    def learnt_notes(self) -> list[str]:
        """Report the tags' weights."""
        return self.learnt.note()

    def _means(
        self, loss: Callable[[Tensor, Tensor], Tensor], scores: Tensor, batch: Batch, collator: Collator
    ) -> Tensor:
        tags = torch.tensor([tag for item in batch.items for tag in item.target.tags]).long()
        losses = loss(_of_words(scores, batch, collator), to_device(tags, scores.device))
        counts = to_device(torch.tensor([len(item.target.tags) for item in batch.items]), scores.device)
        # "unsafe" skips a check of the counts, which would wait for a GPU.
        return torch.segment_reduce(losses, "sum", lengths=counts, unsafe=True) / counts.clamp(min=1)

    def results(self, scores: Tensor, batch: Batch, collator: Collator) -> list[Tagging]:
        """Return the most probable tag of each word of a sentence."""
        best, tags = _of_words(scores, batch, collator).softmax(1).max(1)
        counts = [len(item.target.places) for item in batch.items]
        return [
            Tagging(tuple(chosen.tolist()), tuple(probabilities.tolist()))
            for chosen, probabilities in zip(tags.split(counts), best.split(counts), strict=True)
        ]

    def explained(self, example: TaggedSentence, features: Features, asked: Asked) -> ExplainedScore:
        """Return the logit of one word's tag."""
        (item,) = features.items
        batch = asked.collator([item])
        logits = _of_words(asked.scores(item), batch, asked.collator)
        tags = [self.labels[tag] for tag in logits.argmax(1).tolist()]
        word = word_place(asked.settings.word, example.words, tags)
        tag = place_of(asked.label, self.labels, int(logits[word].argmax()))
        row, column = list(_places(batch, asked.collator))[word]
        return ExplainedScore(
            item,
            f"{self.labels[tag]} of word {word + 1}, “{example.words[word]}”",
            lambda scores: scores[row, column, tag],
            lambda scores: float(scores[row, column].double().softmax(0)[tag]),
        )

    def notes(self, examples: Sequence[TaggedSentence], reader: Reader) -> list[str]:
        """Report a causal model, and the number of words that are unknown to its tokenizer."""
        lost = without_pieces(reader.tokenizer, [example.words for example in examples])
        unread = f"the tokenizer has no piece for {lost} of the test split's words: they are read as unknown"
        return [*([LEFT_TO_RIGHT] if reader.causal else []), *([unread] if lost else [])]

    def rows(
        self, outputs: Sequence[Tagging], examples: Sequence[TaggedSentence], _calibration: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        """Return each sentence's words, reference and predicted tags, and the entities that the predictions encode."""
        return [self._row(found, example) for found, example in zip(outputs, examples, strict=True)]

    def _row(self, found: Tagging, example: TaggedSentence) -> dict[str, Any]:
        tags = [self.labels[tag] for tag in found.tags]
        row = {
            "reference": [self.labels[tag] for tag in example.tags],
            "prediction": tags,
            "words": list(example.words),
            "scores": list(found.scores),
        }
        if not has_scheme(self.labels):
            return row
        return row | {"entities": [_formatted(entity, example, found.scores) for entity in entities(tags)]}


def objective(labels: tuple[str, ...], training: Training) -> TagObjective:
    """Return the objective: cross-entropy over `labels`.

    Raises:
        UserError: If the recipe would read segments, skip words, or weight tags that do not exist.
    """
    if training.segmented:
        raise UserError(
            f'strategy: {training.strategy!r}, but words are only tagged in windows. Set strategy = "windows".'
        )
    if training.max_windows is not None:
        raise UserError("max_windows: every word must get a tag. Leave it out.")
    return TagObjective(labels, LossOfLabels.of(training, labels))


def _of_words(scores: Tensor, batch: Batch, collator: Collator) -> Tensor:
    """Return the logits of each word's first piece [words, labels], sentence by sentence."""
    places = list(_places(batch, collator))
    rows, columns = to_device(torch.tensor(places).view(-1, 2).long(), scores.device).T
    return scores[rows, columns]


def _places(batch: Batch, collator: Collator) -> Iterator[tuple[int, int]]:
    """Yield each word's row in the batch and position in the row, sentence by sentence."""
    first = 0
    for item in batch.items:
        shifts = [collator.shift(batch, first + window) for window in range(len(item.windows))]
        yield from ((first + window, place + shifts[window]) for window, place in item.target.places)
        first += len(item.windows)


def _formatted(entity: Entity, example: TaggedSentence, scores: Sequence[float]) -> dict[str, Any]:
    """Describe an entity by the characters of its text, or by the numbers of its words if there is no text.

    The score is the mean over words.
    """
    start, end = entity.start, entity.stop
    text = " ".join(example.words[start:end])
    if example.offsets:
        start, end = example.offsets[start][0], example.offsets[end - 1][1]
        text = example.text[start:end]
    score = sum(scores[entity.start : entity.stop]) / (entity.stop - entity.start)
    return {"type": entity.type, "text": text, "start": start, "end": end, "score": score}
