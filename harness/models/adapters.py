"""LoRA: small matrices beside a model's own, which are trained in their place and added to them at the end.

Source: Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1. The layers are those of the
library `peft`, put into the stock model, which stays what it is: what is saved after `merge` is a stock checkpoint.
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

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"  # As peft calls its files.
_PREFIX = "base_model.model."  # Of every tensor in them.


@dataclass(frozen=True)
class Adapters:
    """What was trained beside a model's own matrices.

    Attributes:
        config: As peft reads it.
        tensors: The small matrices, by peft's names for them.
        head: The names of the model's own parameters that were trained too.
    """

    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    head: frozenset[str]

    def save(self, model: Any, folder: Path) -> None:
        """Write them, and the model's head, as peft's own files: on the first checkpoint they make the model again.

        Args:
            model: The trained one.
            folder: Is made.
        """
        folder.mkdir(parents=True, exist_ok=True)
        own = {name: p.detach().cpu() for name, p in model.named_parameters() if name in self.head}
        tensors = {f"{_PREFIX}{name}": tensor.contiguous() for name, tensor in {**self.tensors, **own}.items()}
        save_file(tensors, folder / TENSORS, metadata={"format": "pt"})
        text = json.dumps(self.config, indent=2, sort_keys=True, default=sorted)  # It has sets, whose order is chance.
        (folder / CONFIG).write_text(text, encoding="utf-8")


def add_adapters(model: Any, *, rank: int, alpha: float, seed: int) -> None:
    """Put small matrices beside the linear maps of the encoder's layers; they and the head alone are trained.

    Args:
        model: A transformers model; is changed.
        rank: Of the matrices.
        alpha: What they give is multiplied by `alpha` / `rank`.
        seed: Of their random start, which takes no numbers from the generators of training.

    Raises:
        UserError: It has no layers, or no linear maps in them.
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
    """Whether small matrices stand beside the model's own."""
    return hasattr(model, "peft_config")


@torch.no_grad()
def merge_adapters(model: Any, *, checkpoint: str | None) -> Adapters:
    """Add the small matrices to the model's own, and make it the stock model again.

    Args:
        model: With adapters; is changed.
        checkpoint: What the user calls the weights that training began with.

    Returns:
        The adapters by themselves.
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
    """The names of the linear maps in the encoder's layers that a forward pass calls.

    Some are read for their weights alone, as Transformer-XL's queries, and would never hear of what stands beside them.

    Raises:
        UserError: The model has no layers, or reads more than tokens.
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
    except Exception as error:  # Whatever an architecture raises that wants more than tokens.
        raise UserError(
            f"method: this {model.config.model_type} does not read plain tokens ({on_one_line(error)}). "
            'Set method = "full".'
        ) from error
    finally:
        model.train(training)


def _modules(model: Any, head: frozenset[str]) -> list[str]:
    """The names of the modules that the head's parameters lie in: poolers, and what stands beside the encoder."""
    encoder = f"{model.base_model_prefix}."
    poolers = {f"{name.partition(f'.{POOLER}.')[0]}.{POOLER}" for name in head if name.startswith(encoder)}
    return sorted({*poolers, *(name.split(".")[0] for name in head if not name.startswith(encoder))})
