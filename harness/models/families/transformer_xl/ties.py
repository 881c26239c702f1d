"""Tied tensors, and the names under which files store them."""

from __future__ import annotations

from pathlib import Path

from safetensors import safe_open

from harness.models.families.transformer_xl.configuration import TransformerXLConfig

BIASES = ("r_w_bias", "r_r_bias")


def shared_biases(config: TransformerXLConfig) -> dict[str, str]:
    """Map the biases of layers to the shared pair, if `untie_r` is false."""
    if config.untie_r:
        return {}
    return {f"layers.{layer}.dec_attn.{bias}": bias for layer in range(config.n_layer) for bias in BIASES}


def output_ties(config: TransformerXLConfig) -> dict[str, str]:
    """Map output embeddings and projections of the language model to the input's that they are tied to.

    `tie_word_embeddings` controls the embeddings, `tie_projs` the projections.
    """
    ties = {}
    if config.tie_word_embeddings:
        for index in range(1 if config.div_val == 1 else len(config.widths)):
            ties[f"crit.out_layers.{index}.weight"] = f"transformer.word_emb.emb_layers.{index}.weight"
    if config.div_val > 1 or config.d_model != config.d_embed:
        for index, tied in enumerate(config.tie_projs or ()):
            if tied:
                source = 0 if config.div_val == 1 else index
                ties[f"crit.out_projs.{index}"] = f"transformer.word_emb.emb_projs.{source}"
    return ties


def stored_as_output(folder: Path, config: TransformerXLConfig) -> dict[str, str]:
    """Map output tensors in the folder's safetensors to tied input tensors that are missing there."""
    names: set[str] = set()
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            names.update(tensors.keys())
    absent = {source: name for name, source in output_ties(config).items() if name in names and source not in names}
    return {name: source for source, name in absent.items()}
