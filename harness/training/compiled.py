"""Training with a model that torch compiles: what lies between its matrix products is fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException

from harness.errors import UserError
from harness.long_texts.windows import Windows
from harness.models.config_and_tokenizer import on_one_line
from harness.tokenization.items import Item
from harness.training.cuda_graphs import Sizes, sizes_of_graphs
from harness.training.forward import Forward
from harness.training.trainer import Trainer


@dataclass(frozen=True)
class Compiled(Windows):
    """Reads padded windows by the compiled model in training, and by the stock one in evaluation, as `predict` does.

    Attributes:
        compiled: The model, compiled. It has the same tensors.
        sizes: The sizes of inputs that CUDA graphs are recorded for; None if there are no such graphs.
    """

    compiled: Any
    sizes: Sizes | None = None

    def _logits(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        if self.sizes is None or not self.model.training:
            return super()._logits(inputs)
        torch.compiler.cudagraph_mark_step_begin()  # What the pass before returned is no longer needed.
        return self.sizes.read(super()._logits, inputs)

    def _read(self, inputs: Mapping[str, Tensor]) -> Any:
        return (self.compiled if self.model.training else self.model)(**inputs)


def compile_training(
    trainer: Trainer[Forward], batch: Sequence[Item], *, graphed: Sequence[Item] | None = None
) -> None:
    """Have the trainer's model compiled, in this process alone, for batches of any size and length.

    The model and its tensors' names stay as they are. Kernels are chosen by the sizes of what is read first. So `batch`
    is read first, without a step; a run that is resumed gets the same kernels in this way.

    Args:
        trainer: A trainer at the start of a run; its `forward.scoring` is replaced. Its random state stays the same.
        batch: The first batch of the run, whether or not it was read before.
        graphed: All training items, if what is compiled is to be replayed as CUDA graphs; else None.

    Raises:
        UserError: If the model does not read padded windows, or cannot be compiled or replayed here.
    """
    forward = trainer.forward
    scoring = forward.scoring
    if type(scoring) is not Windows:
        raise UserError(
            f"compile: not for a {forward.model.config.model_type} on this task, which does not read windows padded to "
            "one length. Leave it out."
        )
    torch.compiler.reset()  # What was compiled for an earlier run of this process counts towards torch's limit.
    sizes = None if graphed is None else sizes_of_graphs(trainer, graphed)
    if sizes is not None:
        # A graph overwrites its gradients when it is replayed, so each parameter gets one of its own beforehand.
        trainer.keeps_gradients = True
        trainer.rehearse(batch)
    compiled = torch.compile(forward.model, dynamic=True, options=_options(graphs=sizes is not None))
    forward.scoring = Compiled(scoring.model, scoring.outputs, scoring.accelerator, compiled, sizes)
    try:
        trainer.rehearse(batch)
    except TorchDynamoException as error:
        raise UserError(f"compile: torch can't compile this model here ({on_one_line(error)}). {_advice()}") from error


def _advice() -> str:
    """Return what to do if compiling fails. Torch does not quote its folder in the compiler's command."""
    folder = Path(torch.__file__).parent
    if " " in str(folder):
        return f"It can't compile from a folder with a blank in its path, {folder}. Move it, or leave compile out."
    return "It needs a C++ compiler, such as g++, and on a GPU triton. Install them, or leave compile out."


def _options(*, graphs: bool) -> dict[str, Any]:
    """Options for CUDA graphs, and to keep kernels from being chosen by their time, if torch has them."""
    options = {"triton.cudagraphs": True} if graphs else {}
    return options | ({"deterministic": True} if "deterministic" in torch._inductor.list_options() else {})
