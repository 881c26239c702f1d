"""Run a model exported to ONNX in place of the transformers model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import UserError
from harness.models.config_and_tokenizer import on_one_line
from harness.models.head import Head

ONNX_FILE = "model.onnx"
NEEDS_EXTRA = "ONNX needs packages that are not installed. Run: pip install 'finetune-harness[onnx]'"


def onnx_runtime() -> Any:
    """Import onnxruntime.

    Raises:
        UserError: If it is not installed.
    """
    try:
        import onnxruntime  # noqa: PLC0415 -- of an extra
    except ImportError as error:
        raise UserError(f"{error.name}: {NEEDS_EXTRA}") from error
    return onnxruntime


class OnnxModel(nn.Module):
    """Computes the outputs of an exported model with onnxruntime, on the CPU and without gradients.

    Each row is read alone and without padding: int8 activations share one scale per forward pass, so that otherwise the
    outputs for a text would depend on the others, and larger batches bring almost nothing on a few cores.

    Attributes:
        config: The transformers configuration of the original model.
        device: The device of the inputs and outputs.
    """

    def __init__(self, file: Path, config: Any, head: Head) -> None:
        super().__init__()
        self.config = config
        self._head = head
        self._session = _session(file)
        self._inputs = {given.name for given in self._session.get_inputs()}
        self.device = torch.device("cpu")

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the head's outputs by name [rows, ...]; if they are per token, 0 on padding.

        Args:
            input_ids: Tokens [rows, length].
            attention_mask: 1 for real tokens, 0 for padding [rows, length].
            token_type_ids: The text of a pair that each token belongs to [rows, length].
        """
        given = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
        inputs = {name: tensor for name, tensor in given.items() if tensor is not None and name in self._inputs}
        kept = attention_mask.bool()
        kept[~kept.any(dim=-1), 0] = True  # An empty row is read as one padding token.
        rows = [self._row(inputs, index, places) for index, places in enumerate(kept)]
        return {name: self._together([row[name] for row in rows], kept) for name in self._head.outputs}

    def _row(self, inputs: dict[str, Tensor], index: int, places: Tensor) -> dict[str, Tensor]:
        """Return the head's outputs for one row, by name [...]."""
        row = {name: tensor[index, places][None].cpu().numpy() for name, tensor in inputs.items()}
        found = self._session.run(list(self._head.outputs), row)
        return {name: torch.from_numpy(array[0]) for name, array in zip(self._head.outputs, found, strict=True)}

    def _together(self, rows: list[Tensor], kept: Tensor) -> Tensor:
        if not self._head.per_token:
            return torch.stack(rows).to(kept.device)
        padded = torch.zeros(*kept.shape, *rows[0].shape[1:], device=kept.device)
        for target, places, row in zip(padded, kept, rows, strict=True):
            target[places] = row.to(kept.device)
        return padded


def _session(file: Path) -> Any:
    runtime = onnx_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # As in `prepare_libraries`.
    options.log_severity_level = 3  # Errors only, as it warns about nodes that it moves.
    try:
        return runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # Its errors have no common base class.
        raise UserError(
            f"{file}: onnxruntime can't read it ({on_one_line(error):.200}). Export the run again."
        ) from error
