"""Transformer-XL without a head: layers, memory of segments, initialisation and tied weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.integrations.flex_attention import flex_attention_forward
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.utils import ModelOutput, can_return_tuple

from harness.models.families.transformer_xl.adaptive import AdaptiveInput
from harness.models.families.transformer_xl.attention import PositionalEmbedding, RelativeAttention, inverse_frequencies
from harness.models.families.transformer_xl.configuration import TransformerXLConfig
from harness.models.families.transformer_xl.memory import (
    Keys,
    Memory,
    check_memory,
    first_memory,
    keys_of,
    next_memory,
)
from harness.models.families.transformer_xl.ties import BIASES, shared_biases, stored_as_output


@dataclass
class TransformerXLOutput(ModelOutput):
    """The outputs of the model.

    Attributes:
        last_hidden_state: The state of each token [batch, length, d_model].
        mems: The memory for the next segment, one tensor per layer [kept, batch, d_model]; None if mem_len is 0.
        memory_mask: Which states of the memory belong to a text [batch, kept]; None if all do.
        hidden_states: The input of each layer, and the last state, if requested.
        attentions: Attention weights of each layer [batch, heads, length, keys], if requested.
    """

    last_hidden_state: Tensor | None = None
    mems: tuple[Tensor, ...] | None = None
    memory_mask: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


class FeedForward(nn.Module):
    """Two linear layers with a ReLU, at each position; section 3.3's "Positionwise-Feed-Forward"."""

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__()
        self.pre_lnorm = config.pre_lnorm
        self.CoreNet = nn.Sequential(
            nn.Linear(config.d_model, config.d_inner),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.d_inner, config.d_model),
            nn.Dropout(config.dropout),
        )
        self.layer_norm = nn.LayerNorm(config.d_model, eps=config.layer_norm_epsilon)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the sub-layer's output, in the shape of `hidden`."""
        if self.pre_lnorm:
            return hidden + self.CoreNet(self.layer_norm(hidden))
        return self.layer_norm(hidden + self.CoreNet(hidden))


class Layer(GradientCheckpointingLayer):
    """Relative attention, then the feed-forward network: section 3.3, the equations at its end."""

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__()
        self.dec_attn = RelativeAttention(config)
        self.pos_ff = FeedForward(config)

    def forward(
        self, hidden: Tensor, context: Tensor, positions: Tensor, mask: Tensor, *, weigh: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Return the layer's output and the attention weights; arguments as in `RelativeAttention`."""
        attended, weights = self.dec_attn(hidden, context, positions, mask, weigh=weigh)
        return self.pos_ff(attended), weights


class TransformerXLPreTrainedModel(PreTrainedModel):
    """The base class of the models: initialisation, tied weights, and loading of old and new checkpoints."""

    config_class = TransformerXLConfig
    config: TransformerXLConfig
    base_model_prefix = "transformer"
    supports_gradient_checkpointing = True
    accepts_loss_kwargs = False  # Losses are means over the batch, which transformers' Trainer must divide itself.
    _no_split_modules = ["Layer"]  # noqa: RUF012 -- the base class's form
    _supports_sdpa = True
    # Earlier versions of transformers would silently ignore the positions.
    _supports_flex_attn = "position_bias" in signature(flex_attention_forward).parameters
    _keys_to_ignore_on_load_missing = [r"pos_emb\.inv_freq"]  # noqa: RUF012 -- it is computed

    @property
    def _tied_weights_keys(self) -> dict[str, str]:
        """Tied tensors by name; transformers adds those of submodels."""
        return {}

    def get_expanded_tied_weights_keys(self, all_submodels: bool = False) -> dict[str, str]:
        """Return ties by the tied tensor's name; tie_word_embeddings only controls word embeddings."""
        if all_submodels:
            return super().get_expanded_tied_weights_keys(all_submodels=True)
        return self._tied_weights_keys

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **options: Any) -> Any:
        """Load a model from a folder; see transformers.

        Checkpoints store only one of two tied tensors, either of them. If only the output layer's is stored, a model
        without an output layer loads it as its input embedding.
        """
        folder = Path(str(pretrained_model_name_or_path))
        if not cls.has_output_layer() and folder.is_dir() and "key_mapping" not in options:
            config = options.get("config") or TransformerXLConfig.from_pretrained(folder)
            renamed = stored_as_output(folder, config)
            options["key_mapping"] = {f"^{re.escape(name)}$": twin for name, twin in renamed.items()} or None
        found = super().from_pretrained(pretrained_model_name_or_path, *args, **options)
        model = found[0] if isinstance(found, tuple) else found
        # Otherwise transformers would save the tensors under the names that they were loaded from.
        model._weight_conversions = None
        for module in model.modules():
            if isinstance(module, PositionalEmbedding):
                module.compute_frequencies()
        return found

    def resize_token_embeddings(self, *_: Any, **__: Any) -> None:
        """Not supported: words are numbered by frequency, so that new ones cannot be appended.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("a Transformer-XL's vocabulary can't grow; make a model with another vocab_size")

    @classmethod
    def has_output_layer(cls) -> bool:
        """Whether the model has output embeddings."""
        return False

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Initialise the weights of `module` as in the authors' published code; the paper does not specify it."""
        if isinstance(module, nn.Linear | nn.Embedding):
            self._init_matrix(module.weight)
            if getattr(module, "bias", None) is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            init.normal_(module.weight, mean=1.0, std=self.config.init_std)
            init.zeros_(module.bias)
        elif isinstance(module, PositionalEmbedding):
            init.copy_(module.inv_freq, inverse_frequencies(self.config.d_model))
        elif isinstance(module, nn.ParameterList):
            for projection in module:
                init.normal_(projection, std=self.config.proj_init_std)
        for name, tensor in module.named_parameters(recurse=False):
            if name in {*BIASES, "cluster_weight"}:
                self._init_matrix(tensor)
            elif name == "cluster_bias":
                init.zeros_(tensor)

    def _init_matrix(self, tensor: Tensor) -> None:
        if self.config.init == "uniform":
            init.uniform_(tensor, -self.config.init_range, self.config.init_range)
        else:
            init.normal_(tensor, std=self.config.init_std)


class TransformerXLModel(TransformerXLPreTrainedModel):
    """The decoder of Dai et al. 2019, which reads a segment with the memory of previous ones."""

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__(config)
        self.word_emb = AdaptiveInput(config)
        self.drop = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layer))
        if not config.untie_r:
            for bias in BIASES:
                self.register_parameter(bias, nn.Parameter(torch.empty(config.n_head, config.d_head)))
        self.pos_emb = PositionalEmbedding(config)
        self.gradient_checkpointing = False
        self.post_init()

    @property
    def _tied_weights_keys(self) -> dict[str, str]:
        """The layers' biases, if they are shared."""
        return shared_biases(self.config)

    def get_input_embeddings(self) -> AdaptiveInput:
        """Return the word embeddings."""
        return self.word_emb

    def set_input_embeddings(self, value: AdaptiveInput) -> None:
        """Replace the word embeddings."""
        self.word_emb = value

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        mems: Sequence[Tensor] | None = None,
        *,
        attention_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        use_mems: bool | None = None,
    ) -> TransformerXLOutput:
        """Return the state of each token, and the memory for the next segment.

        Words and memory may be positional arguments, as in the published model; all others are keyword-only.

        Args:
            input_ids: Words [batch, length].
            mems: The memory returned for the previous segment; None to start as in `config.memory_start`.
            attention_mask: 1 for real tokens, 0 for padding [batch, length]; None if all are real, as published.
            memory_mask: The mask returned with the memory; None if all of it is real.
            inputs_embeds: Scaled embeddings instead of `input_ids` [batch, length, d_model].
            output_hidden_states: Whether to return the input of each layer.
            output_attentions: Whether to return attention weights.
            use_mems: False to skip computing the memory for the next segment. `mems`, if given, is attended to all the
                same.

        Raises:
            ValueError: If not exactly one of `input_ids` and `inputs_embeds` is given, or `mems` is not a memory.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("input_ids or inputs_embeds: give one of them")
        check_memory(self.config, mems)
        hidden = self.drop(self.word_emb(input_ids) if inputs_embeds is None else inputs_embeds)
        memory = first_memory(self.config, hidden) if mems is None else Memory(tuple(mems), memory_mask)
        keys = keys_of(memory, hidden, attention_mask)
        weigh = self.config.output_attentions if output_attentions is None else output_attentions
        show = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        states, weights = self._through_layers(hidden, keys, weigh=weigh)
        kept = None if use_mems is False else next_memory(keys, states[:-1], self.config.mem_len)
        states[-1] = self.drop(states[-1])
        return TransformerXLOutput(
            last_hidden_state=states[-1],
            mems=None if kept is None else kept.states,
            memory_mask=None if kept is None else kept.real,
            hidden_states=tuple(states) if show else None,
            attentions=tuple(weights) if weigh else None,
        )

    def _through_layers(self, hidden: Tensor, keys: Keys, *, weigh: bool) -> tuple[list[Tensor], list[Tensor]]:
        """Return the input of each layer and the output of the last one, and the attention weights."""
        positions = self.drop(self.pos_emb(keys.count + 1).to(hidden.dtype))
        mask = keys.mask(self.config, hidden)
        states, weights = [hidden], []
        for index, layer in enumerate(self.layers):
            context = keys.of_layer(index, states[-1])
            hidden, weight = layer(states[-1], context, positions, mask, weigh=weigh)
            states.append(hidden)
            weights.append(weight)
        return states, weights
