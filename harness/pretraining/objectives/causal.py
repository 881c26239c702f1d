"""Transformer-XL's: each token predicts the next one, over running text, with a memory of the segments before.

Source: Dai et al. 2019, sections 3.2 and 4. Documents are concatenated in random order and cut into as many streams as
are read in parallel. A stream is read segment by segment, and its memory is carried from one optimiser step to the
next, without gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import torch
from numpy.random import default_rng
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import UserError
from harness.long_texts.memory import first_memory, read_segment
from harness.long_texts.token_losses import unseen_memory
from harness.pretraining.recipe import PretrainingPlan
from harness.pretraining.token_losses import InitialModel, TokenPredictor
from harness.pretraining.tokens import TokenFile
from harness.tokenization.reading import learnt_template
from harness.training.sharding import own_share

HELD_OUT_STREAMS = 8
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a stream.

    Attributes:
        stream: The stream's number.
        step: The optimiser step that reads the segment.
        first: Whether it is the first segment of its stream.
        ids: The segment's tokens and the one after them [length + 1].
    """

    stream: int
    step: int
    first: bool
    ids: Ids

    @property
    def size(self) -> int:
        """Number of tokens read."""
        return len(self.ids) - 1


class Streams:
    """Documents concatenated in a given order and cut into streams of equal length."""

    def __init__(self, tokens: TokenFile, tokenizer: Any, order: Ids, *, streams: int, length: int) -> None:
        """Args: the corpus, its tokenizer, the documents in order, the number of streams, tokens per segment."""
        (before, after), self._tokens, self._order = learnt_template(tokenizer, 1).pieces, tokens, order
        self._before, self._after = [token for token, _ in before], [token for token, _ in after]
        sizes = tokens.sentences[tokens.documents[order + 1]] - tokens.sentences[tokens.documents[order]]
        framed = sizes + len(self._before) + len(self._after)
        self._ends = np.cumsum(framed)
        self._length, self._size = length, max(int(framed.sum()) - 1, 0) // streams
        self._streams = streams
        self.steps = self._size // length

    def segments(self, step: int, number: int) -> list[Segment]:
        """Return the segment of each stream at a step of the epoch.

        Args:
            step: The step within the epoch, from 0.
            number: The number of the optimiser step within the run.
        """
        starts = [stream * self._size + step * self._length for stream in range(self._streams)]
        return [
            Segment(stream, number, step == 0, self._read(start, start + self._length + 1))
            for stream, start in enumerate(starts)
        ]

    def _read(self, start: int, stop: int) -> Ids:
        """Read tokens `start` to `stop` of the concatenated documents, each within its special tokens."""
        place, parts = int(np.searchsorted(self._ends, start, side="right")), []
        while start < stop:
            begin = int(self._ends[place - 1]) if place else 0
            parts += self._framed(self._tokens.document(int(self._order[place])), start - begin, stop - begin)
            start, place = int(self._ends[place]), place + 1
        return np.concatenate(parts).astype(np.int64)

    def _framed(self, document: NDArray[Any], start: int, stop: int) -> list[Any]:
        """Return the parts of the framed document from `start` to `stop`, without reading the rest."""
        found, at = [], 0
        for part in (self._before, document, self._after):
            found.append(part[max(start - at, 0) : max(stop - at, 0)])
            at += len(part)
        return found


class CausalObjective:
    """Predicts each token from those before it."""

    def __init__(self, tokens: TokenFile, tokenizer: Any, plan: PretrainingPlan) -> None:
        """Args: the corpus, its tokenizer, sizes of segments, batches and evaluations."""
        self._tokens, self._tokenizer, self._plan = tokens, tokenizer, plan

    def facts(self) -> dict[str, Any]:
        """Return no facts."""
        return {}

    def steps(self, start: int) -> Iterator[list[Segment]]:
        """Yield the segments of each optimiser step after the first `start`."""
        number = 0
        for epoch in count():
            order = default_rng((self._plan.seed, epoch)).permutation(self._tokens.document_count)
            streams = self._laid(self._tokens, order, self._plan.batch_tokens // self._plan.length)
            if not streams.steps:
                raise UserError(f"corpora: {self._tokens.token_count} tokens are too few for a step. Give more text.")
            for step in range(streams.steps):
                if number >= start:
                    yield streams.segments(step, number)
                number += 1

    def held_out(self, tokens: TokenFile) -> list[Segment]:
        """Return segments of held-out texts, documents in file order, up to about the plan's `evaluation_tokens`."""
        streams = self._laid(tokens, np.arange(tokens.document_count), HELD_OUT_STREAMS)
        steps = min(streams.steps, max(1, self._plan.evaluation_tokens // (HELD_OUT_STREAMS * self._plan.length)))
        return [segment for step in range(steps) for segment in streams.segments(step, step)]

    def trainable(self, start: InitialModel) -> CausalModel:
        """Wrap the model for training.

        Raises:
            UserError: If its family is not causal, or would not attend to so long a memory.
        """
        if not start.language.causal:
            kind = start.model.config.model_type
            raise UserError(
                f"a {kind} reads in both directions, so it would see the tokens to predict. Choose objective roberta."
            )
        memory = self._plan.memory_length
        if reason := unseen_memory(start.model.config, memory):
            raise UserError(f"memory: {memory}, but {reason}")
        return CausalModel(start, self._plan.micro_batch_size, memory=memory)

    def _laid(self, tokens: TokenFile, order: Ids, streams: int) -> Streams:
        return Streams(tokens, self._tokenizer, order, streams=streams, length=self._plan.length)


class CausalModel(TokenPredictor):
    """A model that predicts the next token, and carries a memory of each stream from step to step."""

    def __init__(self, start: InitialModel, micro_batch_size: int, *, memory: int) -> None:
        """Args: the model, the maximum number of segments per forward pass, the memory length in states per layer."""
        super().__init__(start, micro_batch_size)
        self._longest, self._step = memory, -1
        self._before: dict[int, Tensor] = {}

    def losses(self, segments: Sequence[Segment]) -> Tensor:
        """Compute the mean token loss of each segment [segments], and keep the memory for the next step.

        A step that is retried starts again from the same memory.
        """
        if segments[0].step != self._step:
            self._step, self._before, self.recurrent_state = segments[0].step, _by_stream(self.recurrent_state), {}
        losses, after = self._read(segments, self._before)
        self.recurrent_state |= {str(segment.stream): state for segment, state in zip(segments, after, strict=True)}
        return losses.mean(1)

    @torch.no_grad()
    def evaluate(self, segments: Sequence[Segment]) -> tuple[float, int]:
        """Return the sum of the losses of all tokens, in nats, and their number, over all processes."""
        self.model.eval()
        nats = torch.zeros((), dtype=torch.float64, device=self.accelerator.device)
        memory: dict[int, Tensor] = {}
        for step in range(segments[-1].step + 1):
            mine = own_share([segment for segment in segments if segment.step == step], self.accelerator)
            for group in self.passes(mine):
                losses, after = self._read(group, memory)
                memory |= {segment.stream: state for segment, state in zip(group, after, strict=True)}
                nats += losses.double().sum()
        total = self.accelerator.reduce(nats, reduction="sum")
        return float(total), sum(len(segment.ids) - 1 for segment in segments)

    def _read(self, segments: Sequence[Segment], memory: dict[int, Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return losses [segments, length], and the memory of each stream afterwards [layers, kept, width]."""
        ids = torch.from_numpy(np.stack([segment.ids for segment in segments])).to(self.accelerator.device)
        if segments[0].first or not memory:
            before = first_memory(self.model, len(segments), self._longest)
        else:
            before = list(torch.stack([memory[segment.stream] for segment in segments], dim=2))
        assert self.language.word_losses is not None, "checked when the recipe was read"
        with self.accelerator.autocast():
            states, after = read_segment(self.model, {"input_ids": ids[:, :-1]}, before, longest=self._longest)
            losses = self.language.word_losses(self.model, states.flatten(0, 1), ids[:, 1:].flatten())
        kept = torch.stack([state.detach() for state in after])  # [layers, kept, segments, width]
        return losses.view(len(segments), -1), list(kept.unbind(2))


def _by_stream(recurrent_state: dict[str, Tensor]) -> dict[int, Tensor]:
    return {int(stream): state for stream, state in recurrent_state.items()}


def objective(tokens: TokenFile, tokenizer: Any, *, plan: PretrainingPlan) -> CausalObjective:
    """Make the objective on a corpus."""
    return CausalObjective(tokens, tokenizer, plan)
