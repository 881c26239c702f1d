"""XLNet: Yang et al. 2019, "XLNet: Generalized Autoregressive Pretraining for Language Understanding"."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from harness.models._stock import StockFamily


def pooled_head(model: Any, pooled: Tensor) -> tuple[Tensor, ...]:
    """Logits [texts, labels] from pooled states [texts, width], which stand where the stock head reads the last one."""
    return (model.logits_proj(model.sequence_summary(pooled.unsqueeze(1))),)


family = StockFamily(
    model_types=("xlnet",),
    architecture={"d_model": 256, "n_layer": 4, "n_head": 4, "d_inner": 1024},
    padding_side="left",  # its classification head reads the last token
    unlimited=True,  # positions are relative
    settings={"use_mems_train": False, "use_mems_eval": False},
    pooled_head=pooled_head,
)
