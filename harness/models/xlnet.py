"""XLNet: Yang et al. 2019, "XLNet: Generalized Autoregressive Pretraining for Language Understanding"."""

from __future__ import annotations

from harness.models._stock import StockFamily

family = StockFamily(
    model_types=("xlnet",),
    architecture={"d_model": 256, "n_layer": 4, "n_head": 4, "d_inner": 1024},
    padding_side="left",  # its classification head reads the last token
    unlimited=True,  # positions are relative
    settings={"use_mems_train": False, "use_mems_eval": False},
)
