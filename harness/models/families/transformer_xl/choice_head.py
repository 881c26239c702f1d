"""The multiple-choice head: a score on the state of each choice's last real token."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from transformers.utils import can_return_tuple

from harness.models.families.transformer_xl.configuration import TransformerXLConfig
from harness.models.families.transformer_xl.heads import TransformerXLHeadOutput, last_states, with_outputs
from harness.models.families.transformer_xl.model import TransformerXLModel, TransformerXLPreTrainedModel


class TransformerXLForMultipleChoice(TransformerXLPreTrainedModel):
    """A linear score, without a bias as in the classifier, on the state after a choice and the text before it.

    Each choice is a separate text, so that no memory is passed between them.
    """

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__(config)
        self.transformer = TransformerXLModel(config)
        self.score = nn.Linear(config.d_model, 1, bias=False)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor,
        *,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> TransformerXLHeadOutput:
        """Return `logits` [batch, choices], and `loss` given `labels`.

        Args:
            input_ids: Words [batch, choices, length].
            attention_mask: 1 for real ones [batch, choices, length].
            labels: Index of each right choice [batch].
            **inputs: Other inputs of `TransformerXLModel`, for [batch * choices] texts.
        """
        choices, rows = input_ids.shape[1], input_ids.flatten(0, 1)
        mask = None if attention_mask is None else attention_mask.flatten(0, 1)
        outputs = self.transformer(rows, attention_mask=mask, **inputs)
        states = last_states(outputs.last_hidden_state, rows, mask, padding=self.config.pad_token_id)
        logits = self.score(states).view(-1, choices)
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return with_outputs(outputs, loss=loss, logits=logits)
