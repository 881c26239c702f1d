"""The model of a finished run, with the head that it was trained with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.models.checkpoint import Checkpoint
from harness.models.family import Loaded, model_class_of
from harness.models.head import Head
from harness.models.saved_model import saved_model


def finished_model(family: Any, folder: Path, head: Head, labels: tuple[str, ...]) -> Loaded:
    """The model that a run left in a folder, as its texts were read: in windows of the length that its tokenizer cuts.

    Args:
        family: The run's.
        folder: Its checkpoint.
        head: What is on top.
        labels: The names of the head's outputs.

    Raises:
        UserError: The checkpoint is damaged, or lacks a tensor of the head.
    """
    model, tokenizer = saved_model(folder, model_class_of(head, family.language, str(folder)))
    checkpoint = Checkpoint(str(folder), folder)
    parts = (family.pooled_head, family.packing, family.language)
    return Loaded(model, tokenizer, tokenizer.model_max_length, labels, checkpoint, (), *parts)
