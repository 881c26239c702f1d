"""Load the model of a finished run with its head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.models.checkpoint import Checkpoint
from harness.models.config_and_tokenizer import read_config
from harness.models.head import Head
from harness.models.loaded import Loaded
from harness.models.onnx_model import ONNX_FILE, onnx_model
from harness.models.saved_model import damage_told, saved_model
from harness.models.writers import layout_of, model_class_of


def finished_model(family: Any, folder: Path, head: Head, labels: tuple[str, ...]) -> Loaded:
    """Load the model of a finished run. Its input length is the `model_max_length` of its tokenizer.

    Args:
        family: The model family of the run.
        folder: The checkpoint, or an export of it.
        head: The head.
        labels: The names of the head's outputs.

    Raises:
        UserError: If the checkpoint is damaged or lacks a tensor of the head.
    """
    checkpoint = Checkpoint(str(folder), folder)
    with damage_told(folder):
        config = read_config(checkpoint, {})
    language = family.language_of(config, head)
    if (folder / ONNX_FILE).is_file():
        model, tokenizer = onnx_model(checkpoint, config, head)
        parts = (family.pooled_head, None, language)
    else:
        model, tokenizer = saved_model(checkpoint, model_class_of(head, language, str(folder), config), config)
        parts = (family.pooled_head, family.packing, language)
    layout = layout_of(head, config, tokenizer)
    loaded = Loaded(model, tokenizer, tokenizer.model_max_length, labels, checkpoint, (), *parts, layout=layout)
    found: Loaded = family.as_read(loaded, head)
    return found
