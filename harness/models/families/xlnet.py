"""XLNet: Yang et al. 2019, "XLNet: Generalized Autoregressive Pretraining for Language Understanding"."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    XLNetConfig,
    XLNetModel,
    XLNetPreTrainedModel,
    XLNetTokenizer,
)
from transformers.models.xlnet.modeling_xlnet import XLNetForQuestionAnsweringSimpleOutput
from transformers.utils import can_return_tuple

from harness.models.family import StockFamily
from harness.models.pointer_head import Pointer, pointer_logits
from harness.models.stock_language import scores_by_order


class XLNetPointerConfig(XLNetConfig):
    """The configuration of an XLNet with a pointer.

    It has its own model_type, so that plain transformers rejects such a checkpoint instead of adding a random head.
    """

    model_type = "xlnet-pointer"


class XLNetForPointerQuestionAnswering(XLNetPreTrainedModel):
    """XLNet with a pointer: the text's last state attends to an answer's start and end.

    XLNet reads in both directions within a segment, but from left to right across segments, so that tokens do not see
    later segments. The last state has seen everything.
    """

    config_class = XLNetPointerConfig
    config: XLNetPointerConfig

    def __init__(self, config: XLNetPointerConfig) -> None:
        super().__init__(config)
        self.transformer = XLNetModel(config)
        self.pointer = Pointer(config.d_model)
        self.loss_type = "ForQuestionAnswering"  # transformers infers it only for its own class names.
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        **inputs: Any,
    ) -> XLNetForQuestionAnsweringSimpleOutput:
        """Return `start_logits` and `end_logits` [batch, length], and `loss` given both positions [batch].

        The inputs are those of `XLNetModel`. Padding gets the minimum score.
        """
        outputs = self.transformer(input_ids, attention_mask, token_type_ids=token_type_ids, **inputs)
        start_logits, end_logits = pointer_logits(self.pointer, outputs.last_hidden_state, attention_mask)
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = self.loss_function(start_logits, end_logits, start_positions, end_positions)
        return XLNetForQuestionAnsweringSimpleOutput(
            loss=loss,
            start_logits=start_logits,
            end_logits=end_logits,
            mems=outputs.mems,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


def register() -> None:
    """Register the model with a pointer with transformers' Auto classes. Repeated calls have no effect."""
    AutoConfig.register(XLNetPointerConfig.model_type, XLNetPointerConfig, exist_ok=True)
    AutoTokenizer.register(XLNetPointerConfig, XLNetTokenizer, exist_ok=True)
    AutoModelForQuestionAnswering.register(XLNetPointerConfig, XLNetForPointerQuestionAnswering, exist_ok=True)


def pointer_config(config: XLNetConfig) -> XLNetPointerConfig:
    """Convert a configuration to that of the model with a pointer."""
    settings = {name: value for name, value in config.to_dict().items() if name not in ("model_type", "architectures")}
    return XLNetPointerConfig(**settings)


def pooled_head(model: Any, pooled: Tensor) -> tuple[Tensor, ...]:
    """Compute logits [texts, labels] from pooled states [texts, width] in place of the last state."""
    return (model.logits_proj(model.sequence_summary(pooled.unsqueeze(1))),)


MODEL_TYPES = ("xlnet", "xlnet-pointer")
RECURRENT = True

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture={"d_model": 256, "n_layer": 4, "n_head": 4, "d_inner": 1024},
    padding_side="left",  # The classification head reads the last token.
    unlimited=True,  # Positions are relative.
    settings={"use_mems_train": False, "use_mems_eval": False},
    pooled_head=pooled_head,
    pointer_config=pointer_config,
    scores=scores_by_order,
)
