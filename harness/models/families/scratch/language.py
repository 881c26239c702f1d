"""The encoder's language heads: masked words, and next-sentence prediction.

Source: Devlin et al. 2019, section 3.1; the head for masked words is that of its published code, with output embeddings
tied to the input's (Press & Wolf 2017). Not part of Vaswani et al. 2017.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import MaskedLMOutput
from transformers.utils import can_return_tuple

from harness.models.families.scratch.configuration import ScratchConfig
from harness.models.families.scratch.model import ScratchModel, ScratchPreTrainedModel
from harness.models.language_head import Language, losses_by


class ScratchLanguageModel(ScratchPreTrainedModel):
    """The common part of both language models: the encoder with one score per word of the vocabulary."""

    _tied_weights_keys = {"decoder.weight": "transformer.embeddings.tokens.weight"}  # noqa: RUF012

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(config)
        self.transformer = ScratchModel(config)
        self.transform = nn.Linear(config.hidden_size, config.hidden_size)
        self.transform_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)

    def get_output_embeddings(self) -> nn.Linear:
        """Return the output embeddings, which are tied to the input's."""
        return self.decoder

    def set_output_embeddings(self, value: nn.Linear) -> None:
        """Replace the output embeddings."""
        self.decoder = value

    def word_scores(self, states: Tensor) -> Tensor:
        """Compute one score per word [..., vocabulary] from states [..., width]."""
        # Input embeddings have a variance of 1 / width, which also suits states of variance 1 here.
        scores: Tensor = self.decoder(self.transform_norm(functional.gelu(self.transform(states))))
        return scores

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
    ) -> MaskedLMOutput:
        """Return `logits` [batch, length, vocabulary], and `loss` given `labels`.

        The inputs are those of `ScratchModel`; labels are words [batch, length], -100 to ignore one.
        """
        outputs = self.transformer(input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **options)
        logits = self.word_scores(outputs.last_hidden_state)
        loss = None if labels is None else functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        return MaskedLMOutput(
            loss=loss, logits=logits, hidden_states=outputs.hidden_states, attentions=outputs.attentions
        )


class ScratchForMaskedLM(ScratchLanguageModel):
    """The encoder with one score per word of the vocabulary."""

    _keys_to_ignore_on_load_unexpected = [r"^follows\."]  # noqa: RUF012 -- of a ScratchForPreTraining

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(config)
        self.post_init()


class ScratchForPreTraining(ScratchLanguageModel):
    """The encoder with one score per word, and two scores per pair of texts for next-sentence prediction."""

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(config)
        self.follows = nn.Linear(config.hidden_size, 2)
        self.post_init()


language = Language(
    "AutoModelForPreTraining",
    causal=False,
    word_losses=losses_by(lambda model, states: model.word_scores(states)),
    pair_scores=lambda model, first: model.follows(first),
)
