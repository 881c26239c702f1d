"""Heads: language model, classification or regression of texts, classification of tokens, and question answering.

Each names the inputs that it uses; all others are passed on to `TransformerXLModel`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import GenerationMixin
from transformers.utils import ModelOutput, can_return_tuple

from harness.models.families.transformer_xl.adaptive import AdaptiveLogSoftmax
from harness.models.families.transformer_xl.configuration import TransformerXLConfig
from harness.models.families.transformer_xl.model import (
    TransformerXLModel,
    TransformerXLOutput,
    TransformerXLPreTrainedModel,
)
from harness.models.families.transformer_xl.ties import output_ties
from harness.models.pointer_head import Pointer, last_real, pointer_logits

IGNORED = -100


@dataclass
class TransformerXLHeadOutput(ModelOutput):
    """The outputs of a head; `mems` and the following are those of `TransformerXLOutput`.

    Attributes:
        loss: The mean loss over all predictions, given labels.
        logits: Log-probabilities of the language model [batch, length, vocab_size], or one score per label
            [batch, labels], for each token [batch, length, labels].
        losses: Losses of the language model by position [batch, length - 1]; 0 where ignored.
        start_logits: Score of each token as the start of the answer [batch, length].
        end_logits: Score of each token as the end of the answer [batch, length].
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    losses: Tensor | None = None
    start_logits: Tensor | None = None
    end_logits: Tensor | None = None
    mems: tuple[Tensor, ...] | None = None
    memory_mask: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


class TransformerXLForCausalLM(TransformerXLPreTrainedModel, GenerationMixin):
    """The language model with adaptive softmax."""

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__(config)
        self.transformer = TransformerXLModel(config)
        self.crit = AdaptiveLogSoftmax(config)
        self.post_init()

    @property
    def _tied_weights_keys(self) -> dict[str, str]:
        """Output embeddings and projections tied to the input's."""
        return output_ties(self.config)

    @classmethod
    def has_output_layer(cls) -> bool:
        """True."""
        return True

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        mems: Sequence[Tensor] | None = None,
        *,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        logits_to_keep: int = 0,
        **inputs: Any,
    ) -> TransformerXLHeadOutput:
        """Return log-probabilities of the next word at each position, or only the loss if `labels` are given.

        Args:
            input_ids: Words [batch, length].
            mems: The memory returned for the previous segment.
            attention_mask: 1 for real tokens [batch, length].
            labels: The words again [batch, length], -100 to ignore one; they are shifted by one here.
            logits_to_keep: Number of last positions to compute; 0 for all.
            **inputs: Other inputs of `TransformerXLModel`, such as `memory_mask`.
        """
        outputs = self.transformer(input_ids, mems, attention_mask=attention_mask, **inputs)
        states = outputs.last_hidden_state
        if labels is None:
            return with_outputs(outputs, logits=self.crit(states[:, -logits_to_keep:]))
        losses, count = self._losses(states[:, :-1], labels[:, 1:])
        # Without anything to predict, the loss is 0 with a graph, rather than NaN.
        return with_outputs(outputs, loss=losses.sum() / count.clamp(min=1), losses=losses)

    def token_losses(self, states: Tensor, words: Tensor) -> Tensor:
        """Return the negative log-probability of each word [words] after a state [words, d_model], without a shift."""
        return self.crit.losses(states, words)

    def _losses(self, states: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss at each position [batch, length], and the number of positions that count."""
        counted = words != IGNORED
        losses = states.new_zeros(words.shape, dtype=torch.promote_types(states.dtype, torch.float32))
        found = self.token_losses(states[counted], words[counted]).to(losses.dtype)
        return losses.masked_scatter(counted, found), counted.sum()

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        return False  # The memory is the cache.

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        past_key_values: tuple[Sequence[Tensor], Tensor | None] | None = None,
        attention_mask: Tensor | None = None,
        mems: Sequence[Tensor] | None = None,
        memory_mask: Tensor | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Return the inputs of `forward` for the next word: first the whole prompt, then the last word and the memory.

        The prompt may follow a text that was read before, given by `mems` and `memory_mask` of its last segment.
        """
        options = {name: options[name] for name in ("output_hidden_states", "output_attentions") if name in options}
        if past_key_values is not None:
            mems, memory_mask = past_key_values
            return {"input_ids": input_ids[:, -1:], "mems": mems, "memory_mask": memory_mask, **options}
        before = {"mems": mems, "memory_mask": memory_mask, "attention_mask": attention_mask}
        return {"input_ids": input_ids, **before, "logits_to_keep": 1, **options}

    def _expand_inputs_for_generation(self, expand_size: int = 1, **given: Any) -> tuple[Tensor, dict[str, Any]]:
        """Repeat each text's inputs for its beams, including `mems`, which transformers ignores."""
        if (mems := given.get("mems")) is not None:
            given["mems"] = tuple(states.repeat_interleave(expand_size, dim=1) for states in mems)
        expanded: tuple[Tensor, dict[str, Any]] = super()._expand_inputs_for_generation(expand_size, **given)
        return expanded

    def _update_model_kwargs_for_generation(
        self, outputs: ModelOutput, model_kwargs: dict[str, Any], *args: Any, **options: Any
    ) -> dict[str, Any]:
        updated: dict[str, Any] = super()._update_model_kwargs_for_generation(outputs, model_kwargs, *args, **options)
        if outputs.mems is not None:
            updated["past_key_values"] = (outputs.mems, outputs.memory_mask)
        return updated

    def _reorder_cache(
        self, past_key_values: tuple[Sequence[Tensor], Tensor | None], beams: Tensor
    ) -> tuple[Sequence[Tensor], Tensor | None]:
        """Return the memories of the chosen beams [beams]."""
        mems, memory_mask = past_key_values
        chosen = None if memory_mask is None else memory_mask.index_select(0, beams)
        return tuple(states.index_select(1, beams) for states in mems), chosen


class TransformerXLForSequenceClassification(TransformerXLPreTrainedModel):
    """A linear classifier, without a bias as in published checkpoints, on the state of the last real token."""

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__(config)
        self.transformer = TransformerXLModel(config)
        self.score = nn.Linear(config.d_model, config.num_labels, bias=False)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        mems: Sequence[Tensor] | None = None,
        *,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> TransformerXLHeadOutput:
        """Return `logits` [batch, labels], and `loss` given `labels`.

        Without an attention mask, the last token other than `config.pad_token_id` is used. The format of labels is set
        by `config.problem_type`, or else by their type, as elsewhere in transformers.
        """
        outputs = self.transformer(input_ids, mems, attention_mask=attention_mask, **inputs)
        states = outputs.last_hidden_state
        logits = self.score(last_states(states, input_ids, attention_mask, padding=self.config.pad_token_id))
        loss = None if labels is None else self.loss_function(labels, logits, self.config)
        return with_outputs(outputs, loss=loss, logits=logits)


class TransformerXLForTokenClassification(TransformerXLPreTrainedModel):
    """A linear classifier on the state of each token, which depends only on the tokens up to it."""

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__(config)
        self.transformer = TransformerXLModel(config)
        self.classifier = nn.Linear(config.d_model, config.num_labels)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        mems: Sequence[Tensor] | None = None,
        *,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> TransformerXLHeadOutput:
        """Return `logits` [batch, length, labels], and `loss`, the mean over labelled tokens, given `labels`.

        Labels are indices [batch, length], -100 where there is none.
        """
        outputs = self.transformer(input_ids, mems, attention_mask=attention_mask, **inputs)
        logits = self.classifier(outputs.last_hidden_state)
        loss = None if labels is None else self.loss_function(logits, labels, self.config)
        return with_outputs(outputs, loss=loss, logits=logits)


class TransformerXLForQuestionAnswering(TransformerXLPreTrainedModel):
    """A pointer: the state of the last real token, which has seen the whole text, attends to an answer's start and end.

    A head on each token would depend only on the tokens up to it.
    """

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__(config)
        self.transformer = TransformerXLModel(config)
        self.pointer = Pointer(config.d_model)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        mems: Sequence[Tensor] | None = None,
        *,
        attention_mask: Tensor | None = None,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        **inputs: Any,
    ) -> TransformerXLHeadOutput:
        """Return `start_logits` and `end_logits` [batch, length], and `loss` given both positions [batch].

        Without an attention mask, every token counts. Padding gets the minimum score.
        """
        outputs = self.transformer(input_ids, mems, attention_mask=attention_mask, **inputs)
        start_logits, end_logits = pointer_logits(self.pointer, outputs.last_hidden_state, attention_mask)
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = self.loss_function(start_logits, end_logits, start_positions, end_positions)
        return with_outputs(outputs, loss=loss, start_logits=start_logits, end_logits=end_logits)


def last_states(
    states: Tensor, input_ids: Tensor | None, attention_mask: Tensor | None, *, padding: int | None
) -> Tensor:
    """Return the state of each text's last real token [batch, d_model], or the last position if there is none.

    Args:
        states: States of all tokens [batch, length, d_model].
        input_ids: The tokens [batch, length].
        attention_mask: 1 for real tokens [batch, length]; None if all except `padding` are real.
        padding: The padding token; None if all tokens are real.
    """
    if attention_mask is not None:
        real = attention_mask.bool()
    elif input_ids is not None and padding is not None:
        real = input_ids != padding
    else:
        real = torch.ones(states.shape[:2], dtype=torch.bool, device=states.device)
    return states[torch.arange(states.shape[0], device=states.device), last_real(real)]


def with_outputs(outputs: TransformerXLOutput, **found: Tensor | None) -> TransformerXLHeadOutput:
    """Combine a head's results with the outputs of the model below."""
    return TransformerXLHeadOutput(
        **found,
        mems=outputs.mems,
        memory_mask=outputs.memory_mask,
        hidden_states=outputs.hidden_states,
        attentions=outputs.attentions,
    )
