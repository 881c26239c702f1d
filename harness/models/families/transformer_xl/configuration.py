"""TransformerXLConfig: the configuration of a Transformer-XL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from itertools import pairwise
from typing import Any

from transformers import PreTrainedConfig

from harness.errors import UserError


class TransformerXLConfig(PreTrainedConfig):
    """The configuration of a Transformer-XL; the defaults are those of the published WikiText-103 model.

    Names are those of published checkpoints, so that their config.json can be read directly.

    Attributes:
        vocab_size: Number of words, ordered by descending frequency.
        cutoffs: Ends of the vocabulary's clusters except the last; empty for a single cluster.
        d_model: Width of the model; even, since positions are pairs of sine and cosine.
        d_embed: Width of the first cluster's embedding.
        div_val: Factor by which each cluster's embedding is narrower than the previous one; 1 for a single table.
        n_head: Number of heads.
        d_head: Width of a head; n_head x d_head may differ from d_model.
        d_inner: Width of the feed-forward network's hidden layer.
        n_layer: Number of layers.
        mem_len: Number of states kept per layer for the next segment; 0 for none.
        memory_start: Memory of a first segment: "zeros" for mem_len zero vectors that are attended to, as the published
            weights are used, or "empty" as in the paper.
        same_length: Whether each position sees exactly the last mem_len positions, rather than all.
        clamp_len: Maximum distance, to which larger ones are clamped; 0 or negative for no maximum.
        untie_r: Whether each layer has its own biases u and v (section 3.3), rather than one pair for all.
        pre_lnorm: Whether normalisation precedes each sub-layer instead of following it.
        dropout: Dropout on embeddings, positions and sub-layers.
        dropatt: Dropout on attention weights.
        init: "normal" with `init_std`, or "uniform" within `init_range`, for matrices; `proj_init_std` for projections.
        tie_projs: Whether each cluster's output projection is tied to the input's; None to tie all but the first (the
            old field proj_share_all_but_first).
        tie_word_embeddings: Whether output embeddings are tied to the input's (tie_weight in early files).
    """

    model_type = "transfo-xl"
    keys_to_ignore_at_inference = ["mems", "memory_mask"]  # noqa: RUF012 -- the base class's form
    attribute_map = {  # noqa: RUF012
        "n_token": "vocab_size",
        "hidden_size": "d_model",
        "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
    }

    vocab_size: int = 267735
    cutoffs: list[int] | tuple[int, ...] = field(default_factory=lambda: [20000, 40000, 200000])
    d_model: int = 1024
    d_embed: int = 1024
    div_val: int = 4
    n_head: int = 16
    d_head: int = 64
    d_inner: int = 4096
    n_layer: int = 18
    mem_len: int = 1600
    memory_start: str = "zeros"
    same_length: bool = True
    clamp_len: int = 1000
    untie_r: bool = True
    pre_lnorm: bool = False
    dropout: float | int = 0.1
    dropatt: float | int = 0.0
    layer_norm_epsilon: float = 1e-5
    init: str = "normal"
    init_std: float = 0.02
    init_range: float = 0.01
    proj_init_std: float = 0.01
    tie_projs: list[bool] | tuple[bool, ...] | None = None
    tie_word_embeddings: bool = True
    attn_type: int = 0
    sample_softmax: int = -1
    eos_token_id: int | None = 0
    pad_token_id: int | None = None

    def __post_init__(self, **settings: Any) -> None:
        shared = settings.pop("proj_share_all_but_first", True)
        self.tie_word_embeddings = settings.pop("tie_weight", True) and self.tie_word_embeddings
        if self.tie_projs is None:
            self.tie_projs = [False, *[bool(shared)] * len(self.cutoffs)]
        super().__post_init__(**settings)
        if mistakes := [f"architecture.{mistake}" for mistake in (*self._size_mistakes(), *self._choice_mistakes())]:
            raise UserError(*mistakes)

    @property
    def widths(self) -> list[int]:
        """Width of each cluster's embedding."""
        return [self.d_embed // self.div_val**index for index in range(len(self.cutoffs) + 1)]

    def _size_mistakes(self) -> Iterator[str]:
        for name in ("vocab_size", "d_model", "d_embed", "div_val", "n_head", "d_head", "d_inner", "n_layer"):
            if getattr(self, name) < 1:
                yield f"{name}: must be at least 1 (got {getattr(self, name)}). Choose another."
                return
        if self.d_model % 2:
            yield f"d_model: must be even (got {self.d_model}). Positions take sine and cosine in pairs."
        ends = [0, *self.cutoffs, self.vocab_size]
        if any(end <= start for start, end in pairwise(ends)):
            yield (
                f"cutoffs: must rise from above 0 to below vocab_size, {self.vocab_size} (got {list(self.cutoffs)}). "
                "Choose others, or [] for a single cluster."
            )
        if self.widths[-1] < 1:
            yield (
                f"div_val: leaves nothing of d_embed, {self.d_embed}, for the last of {len(self.widths)} clusters "
                f"(got {self.div_val}). Choose a smaller one, or fewer cutoffs."
            )
        if self.tie_projs and len(self.tie_projs) != len(ends) - 1:
            yield f"tie_projs: must have {len(ends) - 1} entries, one per cluster (got {len(self.tie_projs)}). Fix it."

    def _choice_mistakes(self) -> Iterator[str]:
        if self.mem_len < 0:
            yield f"mem_len: must be 0 or more (got {self.mem_len}). Choose another."
        if self.same_length and self.mem_len == 0:
            yield (
                "same_length: needs a memory, but mem_len is 0: no position would see anything but what comes after "
                "it. Set same_length to false, or mem_len above 0."
            )
        for name, known in (("memory_start", ("zeros", "empty")), ("init", ("normal", "uniform"))):
            if getattr(self, name) not in known:
                yield f'{name}: must be "{known[0]}" or "{known[1]}" (got {getattr(self, name)!r}). Choose one.'
        if self.attn_type != 0:
            yield f"attn_type: only 0, the paper's attention, is known (got {self.attn_type}). Use other weights."
        if self.sample_softmax > 0:
            yield f"sample_softmax: sampling is not known (got {self.sample_softmax}). Set it to -1 for the whole."
