"""How a text is written after another one: token by token, each from the source and the tokens before it.

A pair is an item. A step's loss is the mean over all of its target's tokens, with label smoothing (Vaswani et al. 2017,
section 5.4); a text is written by transformers' `generate`, greedily or by beam search.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self, cast

import torch
from torch import Tensor

from harness.config.training import Training
from harness.errors import UserError
from harness.models.head import Head
from harness.ops.device import to_device
from harness.task_types.explained import Asked, ExplainedScore
from harness.task_types.objective import LearntAsItIs
from harness.task_types.sequence_to_sequence import Writing, task_type
from harness.task_types.sequence_to_sequence.examples import SequencePair, WrittenText
from harness.task_types.sequence_to_sequence.metrics import PERPLEXITY
from harness.task_types.sequence_to_sequence.targets import Targets, cut_at_length, ended, lost_by_tokenizer
from harness.tokenization.items import Batch, Collator, Features, Item
from harness.tokenization.pair_layout import TargetTokens
from harness.tokenization.reading import Reader

OTHERWISE = (
    "Take the model scratch, a checkpoint of BERT or RoBERTa, of which both sides are made, one of T5, BART, Marian or "
    "mBART, or a language model that reads from left to right, such as GPT-2 or a Transformer-XL."
)
SHOWN = 400  # Characters of a source that predictions keep, for reports.
STRATEGIES = ("head", "head_tail", "segment_recurrence")
ADAPTATIONS = {"frozen": None, "layer_decay": None, "head_learning_rate": None, "method": "full"}


class Costs(NamedTuple):
    """What a pass gives.

    Attributes:
        of_tokens: See `harness.long_texts.written.token_costs` [items, 4, length].
        written: The tokens that the model writes [items, any length]; None: it was asked for none.
    """

    of_tokens: Tensor
    written: Tensor | None


@dataclass(frozen=True)
class TokenFeatures(Features):
    """A split with what turns tokens into text.

    Attributes:
        targets: Reads and spells targets.
    """

    targets: Targets | None = None


@dataclass(frozen=True)
class TextObjective(LearntAsItIs):
    """A text for each source.

    Attributes:
        writing: The recipe's part.
        writes: Whether texts are written where the model is evaluated.
    """

    writing: Writing
    writes: bool = True
    stride = 0
    shared = 0
    strategy = None

    def head(self) -> Head:
        """A score for each word that may come next, of an encoder–decoder or a language model."""
        return Head("AutoModelForSeq2SeqLM", {}, (), per_token=True, generation=self._generation(), otherwise=OTHERWISE)

    def _generation(self) -> dict[str, Any]:
        if not self.writes:
            return {}
        settings: dict[str, Any] = {"max_new_tokens": self.writing.max_target_length, "num_beams": self.writing.beams}
        settings |= {"length_penalty": self.writing.length_penalty} if self.writing.beams > 1 else {}
        language = self.writing.target_language
        return {**settings, "do_sample": False, **({"target_language": language} if language else {})}

    def for_training(self, _model: Any, _examples: Sequence[SequencePair], *, has_own_head: bool) -> Self:
        """The same that writes greedily, or not at all, while it learns."""
        del has_own_head
        greedy = self.writing.model_copy(update={"beams": 1})
        return replace(self, writing=greedy, writes=self.writing.validate_by == "generation")

    def chosen_by(self, metrics: Sequence[str]) -> str:
        """The main metric, or the right texts' perplexity where the recipe has no texts written for that."""
        return metrics[0] if self.writes else PERPLEXITY.name

    def features(self, examples: Sequence[SequencePair], reader: Reader) -> TokenFeatures:
        """One item per pair."""
        targets = Targets(reader.tokenizer, self.writing, reader.layout)
        sources = [self.writing.source_prefix + example.source for example in examples]
        documents = reader.documents(sources, [None] * len(sources))
        written = targets.of([example.target for example in examples])
        items = [
            Item(index, (replace(document.windows[0], target_ids=target.ids),), target)
            for index, (document, target) in enumerate(zip(documents, written, strict=True))
        ]
        cut = sum(target.is_cut for target in written)
        lengths, seen = [document.total for document in documents], sum(document.seen for document in documents)
        longer = {"longer than max_target_length": cut} if cut else {}
        return TokenFeatures(items, lengths, seen, len(items), longer, targets)

    def scores(self, logits: tuple[Tensor, ...], _batch: Batch) -> Any:
        """Costs, and what is written."""
        return Costs(logits[0], logits[1] if len(logits) > 1 else None)

    def losses(self, scores: Any, _batch: Batch, _collator: Collator) -> Tensor:
        """Nats of each target [items], smoothed; a step divides them by its tokens."""
        own, even = scores.of_tokens[:, 0].sum(1), scores.of_tokens[:, 1].sum(1)
        share = self.writing.target_smoothing
        smoothed: Tensor = (1 - share) * own + share * even
        return smoothed

    def plain_losses(self, scores: Any, batch: Batch, _collator: Collator) -> Tensor:
        """Mean nats of each target's tokens that must be written [items]."""
        nats, _, _, tokens = _judged(scores, batch).unbind(1)
        means: Tensor = nats.sum(1) / tokens.sum(1)
        return means

    def weight(self, items: Sequence[Item]) -> float:
        """The tokens of their targets."""
        return float(sum(len(item.target.ids) for item in items))

    def results(self, scores: Any, batch: Batch, _collator: Collator) -> list[Any]:
        """The written tokens, the nats, and how many tokens there are to write and are right, of each target."""
        nats, _, right, tokens = _judged(scores, batch).double().sum(2).T.tolist()
        rows = [None] * len(nats) if scores.written is None else scores.written.tolist()
        return list(zip(rows, nats, map(int, tokens), map(int, right), strict=True))

    def outputs(
        self, results: Sequence[Any], features: Features, _examples: Sequence[SequencePair]
    ) -> list[WrittenText]:
        """The text of each source."""
        assert isinstance(features, TokenFeatures)
        assert features.targets is not None
        texts = features.targets.texts([ids for ids, *_ in results])
        return [
            WrittenText(text, nats, tokens, right)
            for text, (_, nats, tokens, right) in zip(texts, results, strict=True)
        ]

    def notes(self, examples: Sequence[SequencePair], reader: Reader) -> list[str]:
        """How texts are written, and what the tokenizer could not give back of the right ones."""
        way = f"beam search over {self.writing.beams} texts" if self.writing.beams > 1 else "greedily"
        penalty = f", length penalty {self.writing.length_penalty:g}" if self.writing.beams > 1 else ""
        said = f"texts are written {'by ' if self.writing.beams > 1 else ''}{way}{penalty}"
        targets = Targets(reader.tokenizer, self.writing, reader.layout)
        return [said, *cut_at_length(targets, examples), *lost_by_tokenizer(targets, examples)]

    def rows(
        self, outputs: Sequence[WrittenText], examples: Sequence[SequencePair], _calibration: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        """The right text, what is written in its place, and the source or its beginning."""
        return [
            {"reference": example.target, "prediction": found.row(), "source": example.source[:SHOWN]}
            for example, found in zip(examples, outputs, strict=True)
        ]

    def explained(self, _example: SequencePair, features: Features, asked: Asked) -> ExplainedScore:
        """The logarithm of the probability of what is written, by what is read.

        Raises:
            UserError: A label is asked for, or the model writes behind the source.
        """
        if asked.label is not None:
            raise UserError(f"--label {asked.label}: this model writes texts and has no labels. Leave it out.")
        assert isinstance(features, TokenFeatures)
        assert features.targets is not None
        if features.targets.layout.is_one_text:
            raise UserError(
                "harness explain: can't explain a language model that writes behind its source; only encoder–decoders."
            )
        (item,) = features.items
        found: Any = asked.scores(item)
        written = ended(found.written[0].tolist(), features.targets.tokenizer)
        (text,) = features.targets.texts([written])
        target = TargetTokens(written, range(len(written)), is_cut=False)
        return ExplainedScore(
            replace(item, windows=(replace(item.windows[0], target_ids=written),), target=target),
            f"written “{text}”",
            lambda scores: -cast("Costs", scores).of_tokens[0, 0].sum(),
            lambda scores: math.exp(-float(cast("Costs", scores).of_tokens[0, 0].sum()) / len(written)),
        )


def _judged(scores: Costs, batch: Batch) -> Tensor:
    """The costs of what must be written [items, 4, length], 0 elsewhere."""
    places = torch.arange(scores.of_tokens.shape[2], device=scores.of_tokens.device)
    bounds = [(item.target.judged.start, item.target.judged.stop) for item in batch.items]
    start, stop = to_device(torch.tensor(bounds), places.device).T[..., None]
    return scores.of_tokens.masked_fill(~((places >= start) & (places < stop))[:, None], 0.0)


def objective(_labels: tuple[str, ...], training: Training) -> TextObjective:
    """Texts, as the recipe has them learnt and written.

    Raises:
        UserError: The recipe would read a source in parts, or train parts of the model.
    """
    if training.strategy not in STRATEGIES:
        raise UserError(
            f"strategy: {training.strategy!r}, but a source is read at once to write from it, or into a memory. Set "
            f'strategy = "{STRATEGIES[0]}" or "{STRATEGIES[1]}", or for a Transformer-XL "{STRATEGIES[2]}".'
        )
    partly = [name for name, whole in ADAPTATIONS.items() if getattr(training, name) != whole]
    if partly:
        raise UserError(
            *(
                f"{name}: {getattr(training, name)!r}, but models that write texts are always trained "
                "whole. Leave it out."
                for name in partly
            )
        )
    return TextObjective(task_type.own_settings(training))
