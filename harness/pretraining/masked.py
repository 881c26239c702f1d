"""Masked language modelling on packed sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from harness.errors import UserError
from harness.long_texts.packed.boundaries import SequenceBoundaries
from harness.long_texts.packed.scoring import packed_attention_in
from harness.models.packing import why_not_packable
from harness.pretraining.masking import MaskedSequence, Masker, check_special_tokens
from harness.pretraining.recipe import PretrainingPlan
from harness.pretraining.sequence_sampling import Sampler, epoch_sequences, first_sequences, sampled_sequences, steps_of
from harness.pretraining.token_losses import InitialModel, TokenPredictor
from harness.pretraining.tokens import TokenFile
from harness.tokenization.reading import learnt_template
from harness.training.sharding import own_share

FOLLOWS, FOLLOWS_NOT = 0, 1  # labels of the published BERT's next-sentence head
HELD_OUT = 2**31  # Seed of held-out sequences, the same for every run.


class MaskedObjective:
    """Predicts masked tokens from their context on both sides."""

    def __init__(
        self,
        tokens: TokenFile,
        tokenizer: Any,
        plan: PretrainingPlan,
        sampler: Callable[[TokenFile, int, int], Sampler],
        *,
        versions: int | None,
        pairs: bool,
    ) -> None:
        """Set up the objective on a corpus.

        Args:
            tokens: The corpus.
            tokenizer: The corpus's tokenizer.
            plan: Sizes of sequences, batches and evaluations.
            sampler: Makes the sampler of a shard's sequences from the corpus, the maximum number of tokens of a
                sequence, and the number of special tokens among them.
            versions: Number of versions in which each text is prepared (static masking); None if it is prepared anew
                in each epoch.
            pairs: Whether next-sentence prediction is trained too.

        Raises:
            UserError: If the tokenizer lacks a special token.
        """
        check_special_tokens(tokenizer)
        self._tokens, self._tokenizer, self._plan = tokens, tokenizer, plan
        self._sampler, self._versions, self._pairs = sampler, versions, pairs

    def facts(self) -> dict[str, Any]:
        """Return the number of text pairs in the first shard, and the share whose second text follows the first.

        Raises:
            UserError: If all or none do, so that next-sentence prediction has nothing to distinguish.
        """
        if not self._pairs:
            return {}
        made = first_sequences(self._tokens, self._sampler_of(self._tokens), seed=self._plan.seed)
        share = sum(bool(sampled.follows) for sampled in made) / max(len(made), 1)
        if made and share in (0.0, 1.0):
            raise UserError(
                f"corpora: {'all' if share else 'none'} of {len(made):,} pairs of texts follow each "
                "other, so next-sentence prediction has nothing to distinguish. It needs several "
                "documents of several sentences: "
                'set another corpora.documents ("blank_line" or "file"), or objective = "roberta".'
            )
        return {"pairs_counted": len(made), "share_of_next_pairs": round(share, 4)}

    def steps(self, start: int) -> Iterator[list[MaskedSequence]]:
        """Yield the sequences of each optimiser step after the first `start`."""
        masker = self._masker(self._tokens)
        made = sampled_sequences(
            self._tokens, self._sampler_of(self._tokens), seed=self._plan.seed, versions=self._versions
        )
        return map(masker.step, steps_of(made, batch_tokens=self._plan.batch_tokens, start=start))

    def held_out(self, tokens: TokenFile) -> list[MaskedSequence]:
        """Mask held-out texts, up to the plan's `evaluation_tokens`, without sequences that have nothing to predict."""
        masker, found, read = self._masker(tokens), [], 0
        for sampled in epoch_sequences(tokens, self._sampler_of(tokens), seed=HELD_OUT, version=0, epoch=0):
            if read >= self._plan.evaluation_tokens:
                break
            found.append(masker(sampled))
            read += sampled.length
        return [sequence for sequence in found if len(sequence.words)]

    def trainable(self, start: InitialModel) -> MaskedModel:
        """Wrap the model for training.

        Raises:
            UserError: If its family lacks the heads, or can't read packed sequences.
        """
        kind = start.model.config.model_type
        if start.language.causal:
            raise UserError(
                f"a {kind} reads from left to right and can't predict masked tokens. Choose objective causal."
            )
        if self._pairs and start.language.pair_scores is None:
            raise UserError(f"a {kind} has no head for next-sentence prediction. Choose objective roberta.")
        if reason := why_not_packable(start.packing, start.model.config):
            raise UserError(f"{kind}: {reason}, which pretraining asks for. Choose another family.")
        return MaskedModel(start, self._plan.micro_batch_size, pairs=self._pairs)

    def _sampler_of(self, tokens: TokenFile) -> Sampler:
        special = learnt_template(self._tokenizer, 2 if self._pairs else 1).size
        return self._sampler(tokens, self._plan.length, special)

    def _masker(self, tokens: TokenFile) -> Masker:
        return Masker(tokens, self._tokenizer, share=self._plan.masked, seed=self._plan.seed)


class MaskedModel(TokenPredictor):
    """A model that predicts masked tokens."""

    def __init__(self, start: InitialModel, micro_batch_size: int, *, pairs: bool) -> None:
        """Args: the model, the maximum number of sequences per forward pass, whether to predict next sentences."""
        super().__init__(start, micro_batch_size)
        assert start.packing is not None, "checked by the objective"
        self._packing, self._pairs = start.packing, pairs
        self._typed = getattr(start.model.config, "type_vocab_size", 1) > 1
        self._pad_id = int(start.tokenizer.pad_token_id)

    def losses(self, sequences: Sequence[MaskedSequence]) -> Tensor:
        """Compute one loss per sequence [sequences]: its weighted token losses, plus the next-sentence loss."""
        words, pairs = self._read(sequences)
        counts = [len(sequence.words) for sequence in sequences]
        sums = torch.stack([part.sum() for part in torch.split(words, counts)])
        weights = torch.tensor([sequence.weight for sequence in sequences], device=sums.device)
        return sums * weights + (0 if pairs is None else pairs)

    @torch.no_grad()
    def evaluate(self, sequences: Sequence[MaskedSequence]) -> tuple[float, int]:
        """Return the sum of the losses of all masked tokens, in nats, and their number, over all processes."""
        self.model.eval()
        nats = torch.zeros((), dtype=torch.float64, device=self.accelerator.device)
        for group in self.passes(own_share(sequences, self.accelerator)):
            nats += self._read(group)[0].double().sum()
        total = self.accelerator.reduce(nats, reduction="sum")
        return float(total), sum(len(sequence.words) for sequence in sequences)

    def _read(self, sequences: Sequence[MaskedSequence]) -> tuple[Tensor, Tensor | None]:
        """Return the loss of each masked token, and that of each pair if next sentences are predicted."""
        device = self.accelerator.device
        boundaries = SequenceBoundaries([len(sequence.input_ids) for sequence in sequences], device)
        starts = [0, *accumulate(boundaries.lengths)]
        places = torch.cat([torch.from_numpy(s.places) + start for s, start in zip(sequences, starts, strict=False)])
        words = torch.cat([torch.from_numpy(sequence.words) for sequence in sequences])
        assert self.language.word_losses is not None, "checked when the recipe was read"
        with self.accelerator.autocast():
            states = self._states(sequences, boundaries)
            losses = self.language.word_losses(self.model, states[places.to(device)], words.to(device))
            if not self._pairs:
                return losses, None
            assert self.language.pair_scores is not None, "checked by the objective"
            scores = self.language.pair_scores(self.model, states[boundaries.first_tokens])
        answers = torch.tensor([FOLLOWS if s.follows else FOLLOWS_NOT for s in sequences], device=device)
        return losses, functional.cross_entropy(scores.float(), answers, reduction="none")

    def _states(self, sequences: Sequence[MaskedSequence], boundaries: SequenceBoundaries) -> Tensor:
        """Return the last layer's states of all tokens, the sequences concatenated [total, width]."""
        device = self.accelerator.device
        rows = [torch.from_numpy(sequence.input_ids) for sequence in sequences]
        padded = pad_sequence(rows, batch_first=True, padding_value=self._pad_id)
        real = torch.arange(padded.shape[1]) < torch.tensor(boundaries.lengths)[:, None]
        padded, real = padded.to(device), real.to(device)
        inputs = {"input_ids": padded[real], "position_ids": self._packing.positions(self.model, padded)[real]}
        if self._typed:
            types = torch.cat([torch.from_numpy(sequence.token_type_ids) for sequence in sequences])
            inputs["token_type_ids"] = types.to(device)
        with packed_attention_in(self.model.config):
            output = self.model.base_model(
                **{name: tensor[None] for name, tensor in inputs.items()}, boundaries=boundaries
            )
        states: Tensor = output.last_hidden_state[0]
        return states
