"""LoRA: train low-rank matrices instead of the model's own, and merge them at the end.

Source: Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1. The layers of the library
`peft` are injected into the stock model, so that a checkpoint saved after merging is a stock checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from harness.errors import UserError
from harness.models.config_and_tokenizer import on_one_line
from harness.models.depth import POOLER, depths_of, layers_of

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"  # The file names of peft.
_PREFIX = "base_model.model."  # Prefix of every tensor name in these files.


@dataclass(frozen=True)
class Adapters:
    """Trained adapters.

    Attributes:
        config: The configuration as peft reads it.
        tensors: The low-rank matrices, by peft's names.
        head: Names of the model's own parameters that were trained as well.
    """

    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    head: frozenset[str]

    def save(self, model: Any, folder: Path) -> None:
        """Save the adapters and the model's head in peft's format, to be loaded on top of the initial checkpoint."""
        folder.mkdir(parents=True, exist_ok=True)
        own = {name: p.detach().cpu() for name, p in model.named_parameters() if name in self.head}
        tensors = {f"{_PREFIX}{name}": tensor.contiguous() for name, tensor in {**self.tensors, **own}.items()}
        save_file(tensors, folder / TENSORS, metadata={"format": "pt"})
        text = json.dumps(self.config, indent=2, sort_keys=True, default=sorted)  # Sets have no fixed order.
        (folder / CONFIG).write_text(text, encoding="utf-8")


def add_adapters(model: Any, *, rank: int, alpha: float, seed: int) -> None:
    """Add LoRA to the linear layers of the encoder, and train only the adapters and the head.

    Args:
        model: A transformers model, changed in place.
        rank: The rank of the matrices.
        alpha: The numerator of the scaling factor `alpha` / `rank`.
        seed: The seed of the initial values. The generators used in training are not advanced.

    Raises:
        UserError: If the encoder has no layers, or no linear layers in them.
    """
    from peft import LoraConfig, inject_adapter_in_model  # noqa: PLC0415 -- an extra that not everybody has

    head, maps = depths_of(model, "method").head, _linear_maps(model)
    if not maps:
        raise UserError(f'method: a {model.config.model_type} has no linear maps for LoRA. Set method = "full".')
    turned = any(isinstance(model.get_submodule(name), Conv1D) for name in maps)
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=maps, fan_in_fan_out=turned)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in head or "lora_" in name)


def has_adapters(model: Any) -> bool:
    """Whether the model has adapters."""
    return hasattr(model, "peft_config")


@torch.no_grad()
def merge_adapters(model: Any, *, checkpoint: str | None) -> Adapters:
    """Merge the adapters into the model's weights and restore the stock model.

    Args:
        model: A model with adapters, changed in place.
        checkpoint: The user's name of the initial checkpoint.

    Returns:
        The adapters.
    """
    from peft import get_peft_model_state_dict  # noqa: PLC0415
    from peft.tuners.tuners_utils import BaseTunerLayer  # noqa: PLC0415

    config = model.peft_config["default"]
    tensors = get_peft_model_state_dict(model, save_embedding_layers=False)
    kept = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items() if "lora_" in name}
    for name, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge(safe_merge=True)
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, module.get_base_layer())
    del model.peft_config
    head = depths_of(model, "method").head
    written = {"base_model_name_or_path": checkpoint, "inference_mode": True, "modules_to_save": _modules(model, head)}
    return Adapters({**config.to_dict(), **written}, kept, head)


def _linear_maps(model: Any) -> list[str]:
    """Return the names of the linear layers in the encoder that are called in a forward pass.

    Some are not called: only their weights are used, as for the queries of Transformer-XL. Adapters on them would have
    no effect.

    Raises:
        UserError: If the model has no layers, or needs other inputs than tokens.
    """
    parts = {id(part) for layer in layers_of(model, "method") for part in layer.modules()}
    maps = {n: part for n, part in model.named_modules() if id(part) in parts and isinstance(part, nn.Linear | Conv1D)}
    called: set[str] = set()
    hooks = [part.register_forward_pre_hook(lambda *_, name=name: called.add(name)) for name, part in maps.items()]
    try:
        _read_a_few_tokens(model)
    finally:
        for hook in hooks:
            hook.remove()
    return [name for name in maps if name in called]


def _read_a_few_tokens(model: Any) -> None:
    training = model.training
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            model.eval()(input_ids=torch.arange(1, 5, device=model.device)[None])
    except Exception as error:  # Architectures that need other inputs raise all kinds of errors.
        raise UserError(
            f"method: this {model.config.model_type} does not read plain tokens ({on_one_line(error)}). "
            'Set method = "full".'
        ) from error
    finally:
        model.train(training)


def _modules(model: Any, head: frozenset[str]) -> list[str]:
    """Return the names of the head's modules: poolers, and modules outside the encoder."""
    encoder = f"{model.base_model_prefix}."
    poolers = {f"{name.partition(f'.{POOLER}.')[0]}.{POOLER}" for name in head if name.startswith(encoder)}
    return sorted({*poolers, *(name.split(".")[0] for name in head if not name.startswith(encoder))})
