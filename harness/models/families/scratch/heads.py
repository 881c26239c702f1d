"""Heads: classification or regression of texts, classification of tokens, question answering, multiple choice."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import (
    MultipleChoiceModelOutput,
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from transformers.utils import can_return_tuple

from harness.models.families.scratch.configuration import ScratchConfig
from harness.models.families.scratch.model import ScratchModel, ScratchPreTrainedModel


class ScratchForSequenceClassification(ScratchPreTrainedModel):
    """The encoder with a linear classifier on the first token's state, as in Devlin et al. 2019, section 4.1.

    The mean over real tokens was no better when both were tried (2 layers, width 128, on 4,000 sentences of Rotten
    Tomatoes, two seeds and two learning rates: 66.3 % on average against 66.4 %). The head therefore reads the first
    token like stock heads; as for these, padding must be on the right.
    """

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(config)
        dropout = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.transformer = ScratchModel(config)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        **options: Any,
    ) -> SequenceClassifierOutput:
        """Return `logits` [batch, labels], and `loss` given `labels`.

        The inputs are those of `ScratchModel`. The format of labels is set by `config.problem_type`: label indices
        [batch], 0 or 1 per label [batch, labels], or numbers [batch]; if it is not set, it is inferred from their type,
        as elsewhere in transformers.
        """
        outputs = self.transformer(input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **options)
        logits = self.classifier(self.dropout(outputs.last_hidden_state[:, 0]))
        loss = None if labels is None else self.loss_function(labels, logits, self.config)
        return SequenceClassifierOutput(
            loss=loss, logits=logits, hidden_states=outputs.hidden_states, attentions=outputs.attentions
        )


class ScratchForTokenClassification(ScratchPreTrainedModel):
    """The encoder with a linear classifier on each token's state, as in Devlin et al. 2019, section 5.3."""

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(config)
        dropout = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.transformer = ScratchModel(config)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        **options: Any,
    ) -> TokenClassifierOutput:
        """Return `logits` [batch, length, labels], and `loss`, the mean over labelled tokens, given `labels`.

        The inputs are those of `ScratchModel`. Labels are indices [batch, length], -100 where there is none.
        """
        outputs = self.transformer(input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **options)
        logits = self.classifier(self.dropout(outputs.last_hidden_state))
        loss = None if labels is None else self.loss_function(logits, labels, self.config)
        return TokenClassifierOutput(
            loss=loss, logits=logits, hidden_states=outputs.hidden_states, attentions=outputs.attentions
        )


class ScratchForQuestionAnswering(ScratchPreTrainedModel):
    """The encoder with two scores per token, as the start and as the end of the answer.

    Source: Devlin et al. 2019, section 4.2.
    """

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(config)
        self.transformer = ScratchModel(config)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        **options: Any,
    ) -> QuestionAnsweringModelOutput:
        """Return `start_logits` and `end_logits` [batch, length], and `loss` given both positions.

        Padding gets the minimum score: it is never predicted, and the loss does not depend on the amount of padding,
        unlike in stock models. The inputs are those of `ScratchModel`; `start_positions` [batch] and `end_positions`
        [batch] are the answer's first and last token.
        """
        outputs = self.transformer(input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **options)
        logits = self.qa_outputs(outputs.last_hidden_state)
        if attention_mask is not None:
            logits = logits.masked_fill(attention_mask.unsqueeze(-1) == 0, torch.finfo(logits.dtype).min)
        start_logits, end_logits = logits.unbind(dim=-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = self.loss_function(start_logits, end_logits, start_positions, end_positions)
        return QuestionAnsweringModelOutput(
            loss=loss,
            start_logits=start_logits,
            end_logits=end_logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


class ScratchForMultipleChoice(ScratchPreTrainedModel):
    """The encoder with a score on the first token's state of each choice, as in Devlin et al. 2019, section 4.4."""

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(config)
        dropout = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.transformer = ScratchModel(config)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        **options: Any,
    ) -> MultipleChoiceModelOutput:
        """Return `logits` [batch, choices], and `loss` given `labels`, the index of each right choice [batch].

        The inputs are those of `ScratchModel`, with a dimension of choices after the first.
        """
        choices = next(value.shape[1] for value in (input_ids, inputs_embeds) if value is not None)
        by_token = (input_ids, attention_mask, token_type_ids, position_ids)
        given = [None if value is None else value.view(-1, value.shape[-1]) for value in by_token]
        vectors = None if inputs_embeds is None else inputs_embeds.flatten(0, 1)
        outputs = self.transformer(*given, vectors, **options)
        logits = self.classifier(self.dropout(outputs.last_hidden_state[:, 0])).view(-1, choices)
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return MultipleChoiceModelOutput(
            loss=loss, logits=logits, hidden_states=outputs.hidden_states, attentions=outputs.attentions
        )
