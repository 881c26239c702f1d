"""Convert a finished run's model to an ONNX graph for any number of texts of any length."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.config.run import RunConfig
from harness.errors import UserError
from harness.models.config_and_tokenizer import on_one_line
from harness.models.head import Head
from harness.models.loaded import Loaded
from harness.models.onnx_model import NEEDS_EXTRA, ONNX_FILE, onnx_runtime
from harness.record import RunRecord

OPSET = 18
LENGTH = 12  # Length of the texts for tracing; there are two, and the second is padded.
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class HeadOutputs(nn.Module):
    """The outputs of a model's head as a tuple, with positional inputs, as ONNX requires.

    Attributes:
        model: A transformers model.
        outputs: The names of its head's outputs.
    """

    def __init__(self, model: Any, outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.outputs = outputs

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Compute the outputs [rows, ...].

        Args:
            *inputs: input_ids, attention_mask and optionally token_type_ids [rows, length].
        """
        found = self.model(**dict(zip(INPUTS, inputs, strict=False)))
        return tuple(found[name] for name in self.outputs)


def check_exportable(run: Path, record: RunRecord, config: RunConfig, head: Head) -> None:
    """Reject runs without a graph that reads a text in one pass.

    Raises:
        UserError: If it is a simple baseline or a language model, generates text or reads by segments, or a package is
            missing.
    """
    other = "Use --to folder."
    if record.simple_baseline:
        raise UserError(f"{run}: {record.family} is not a neural network, so it can't be written as ONNX. {other}")
    if head.auto_class is None:
        raise UserError(f"{run}: a language model that is scored token by token can't be written as ONNX. {other}")
    if head.generation is not None:
        raise UserError(f"{run}: a model that writes a text token by token can't be written as ONNX. {other}")
    if config.training.segmented:
        raise UserError(
            f"{run}: reads texts segment by segment with a memory (strategy {config.training.strategy!r}), and an ONNX "
            f"graph reads a text at once. {other}"
        )
    onnx_runtime()
    try:
        import onnx  # noqa: F401, PLC0415 -- of an extra; torch writes by it
    except ImportError as error:
        raise UserError(f"{error.name}: {NEEDS_EXTRA}") from error


def write_graph(loaded: Loaded, head: Head, folder: Path, *, is_int8: bool) -> None:
    """Write the model as `folder`/model.onnx with dynamic batch size and length.

    Args:
        loaded: The model as saved.
        head: The head whose outputs the graph has.
        folder: The target folder.
        is_int8: Whether to quantize the weights to 8 bits, and the activations dynamically.

    Raises:
        UserError: If torch can't convert some part of the model to ONNX.
    """
    file = folder / ONNX_FILE
    inputs = _example(loaded)
    names, sizes = INPUTS[: len(inputs)], {0: "batch", 1: "sequence"}
    axes = dict.fromkeys(names, sizes) | dict.fromkeys(head.outputs, sizes if head.per_token else {0: "batch"})
    try:
        with torch.no_grad(), _quiet():
            torch.onnx.export(
                HeadOutputs(loaded.model.cpu().eval(), head.outputs),
                inputs,
                str(file),
                input_names=list(names),
                output_names=list(head.outputs),
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,  # The newer exporter fails at XLNet and Transformer-XL, and takes 20 times as long.
            )
    except Exception as error:  # Of a model that it can't write, it raises anything.
        kind = getattr(loaded.model.config, "model_type", "the model")
        raise UserError(
            f"{kind}: can't be written as ONNX ({type(error).__name__}: {on_one_line(error):.200}). Use --to folder."
        ) from error
    if is_int8:
        _quantise(file)


def _example(loaded: Loaded) -> tuple[Tensor, ...]:
    """Two rows of words, the second padded, where the tokenizer pads."""
    words = [index for index in range(len(loaded.tokenizer)) if index not in loaded.tokenizer.all_special_ids]
    ids = torch.tensor([words[place % len(words)] for place in range(2 * LENGTH)]).view(2, LENGTH)
    mask = torch.ones_like(ids)
    padding = slice(0, 3) if loaded.tokenizer.padding_side == "left" else slice(LENGTH - 3, LENGTH)
    ids[1, padding], mask[1, padding] = loaded.pad_id, 0
    takes = inspect.signature(loaded.model.forward).parameters
    assert {"input_ids", "attention_mask"} <= takes.keys()
    return (ids, mask, torch.zeros_like(ids)) if loaded.uses_token_type_ids else (ids, mask)


def _quantise(file: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 -- of an extra

    whole = file.with_suffix(".fp32")
    file.rename(whole)
    with _quiet():
        quantize_dynamic(whole, file, weight_type=QuantType.QInt8, per_channel=True)
    whole.unlink()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' warnings: of what they say may go wrong, the check that follows sees what did."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
