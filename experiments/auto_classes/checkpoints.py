"""Tiny checkpoints of any architecture that transformers knows: random weights, and a small tokenizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers.processors import TemplateProcessing

from harness.tokenization.trained_tokenizer import train_tokenizer

WORDS = ["the", "film", "plot", "scene", "was", "seen", "by", "many", "people", "in", "town", "on", "a", "rainy", "day"]
OPINIONS = {"bad": ("dull", "awful", "boring"), "good": ("lovely", "superb", "witty")}
MOST_PARAMETERS = 20_000_000
# What configurations call their sizes; each is set where it is known.
SIZES: Mapping[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "emb_dim", "dim", "embedding_size"), 32),
    **dict.fromkeys(("num_hidden_layers", "n_layers", "n_layer", "num_layers", "encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("num_decoder_layers",), 2),
    **dict.fromkeys(("num_attention_heads", "n_heads", "n_head", "num_heads", "num_key_value_heads"), 2),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2),
    **dict.fromkeys(("intermediate_size", "d_ff", "hidden_dim", "encoder_ffn_dim", "decoder_ffn_dim"), 48),
    **dict.fromkeys(("d_inner", "n_inner", "dff", "ffn_dim", "moe_intermediate_size"), 48),
    **dict.fromkeys(("head_dim", "d_kv", "d_head"), 16),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "max_seq_len"), 128),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "layer_group_size"), 4),
    **dict.fromkeys(("num_experts_per_tok", "num_selected_experts"), 2),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank", "v_head_dim"), 16),
    **dict.fromkeys(("qk_rope_head_dim", "qk_nope_head_dim", "rotary_dim"), 8),
    **dict.fromkeys(("n_group", "topk_group"), 1),
    "entity_vocab_size": 10,
}
# Where an architecture asks for more than sizes.
MORE: Mapping[str, Mapping[str, Any]] = {
    "deepseek_v3": {"head_dim": 8},
    "axk1": {"head_dim": 8},
    "funnel": {"block_sizes": [1, 1]},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 8},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "use_mamba_kernels": False},
    "lilt": {"hidden_size": 48},
    "perceiver": {
        "d_latents": 32, "num_latents": 8, "num_blocks": 1, "num_self_attends_per_block": 2,
        "num_self_attention_heads": 2, "num_cross_attention_heads": 2,
    },
    "qwen3_5_text": {"layer_types": ["linear_attention", "full_attention"]},
    "qwen3_next": {"layer_types": ["linear_attention", "full_attention"]},
    "reformer": {
        "axial_pos_embds_dim": [16, 16], "axial_pos_shape": [8, 16], "attn_layers": ["local", "lsh"],
        "feed_forward_size": 48, "attention_head_size": 16,
    },
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
}  # fmt: skip

TWO_SEPARATORS = {"longformer"}  # Between the texts of a pair, as in RoBERTa: it counts them to find the question.


def write_checkpoint(model_type: str, folder: Path, *, auto_class: str) -> Path:
    """A tiny checkpoint with random weights and a small tokenizer.

    Args:
        model_type: Of the architecture.
        folder: Where it is written.
        auto_class: transformers' name of the class that knows its head.

    Raises:
        ValueError: It can't be made small.
    """
    tokenizer = train_tokenizer([" ".join(row) for row in _vocabulary()] * 3, vocabulary_size=300)
    tokenizer.model_input_names = tokenizer.init_kwargs["model_input_names"] = ["input_ids", "attention_mask"]
    tokenizer.eos_token = "[SEP]"
    if model_type in TWO_SEPARATORS:
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] [SEP] $B [SEP]",
            special_tokens=[(name, tokenizer.convert_tokens_to_ids(name)) for name in ("[CLS]", "[SEP]")],
        )
    special = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "eos", "cls", "sep")}
    special["decoder_start_token_id"] = special["bos_token_id"] = tokenizer.cls_token_id
    config = transformers.AutoConfig.for_model(
        model_type,
        **{**_sizes(model_type), **special, "vocab_size": len(tokenizer), **MORE.get(model_type, {})},
    )
    made = getattr(transformers, auto_class).from_config
    with torch.device("meta"):
        size = made(config).num_parameters()
    if size > MOST_PARAMETERS:
        raise ValueError(f"{size:,} parameters: its sizes have other names")
    torch.manual_seed(11)
    model = made(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.15)  # So narrow a model needs larger weights to tell words apart.
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _sizes(model_type: str) -> dict[str, Any]:
    """The small sizes that an architecture knows by these names, those that it computes itself left out."""
    known = transformers.AutoConfig.for_model(model_type)
    computed = {name for name in dir(type(known)) if isinstance(getattr(type(known), name), property)}
    return {name: size for name, size in SIZES.items() if name not in computed and hasattr(known, name)}


def _vocabulary() -> Iterator[Sequence[str]]:
    yield WORDS
    yield [word for words in OPINIONS.values() for word in words]
    yield ["? , .", "abcdefghijklmnopqrstuvwxyz"]
