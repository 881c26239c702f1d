"""The model of a finished run, with the head that it was trained with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.models.checkpoint import Checkpoint
from harness.models.config_and_tokenizer import read_config, read_tokenizer
from harness.models.family import Loaded, model_class_of
from harness.models.head import Head
from harness.models.weights import pretrained


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
    checkpoint = Checkpoint(str(folder), folder)
    config, tokenizer = read_config(checkpoint, {}), read_tokenizer(checkpoint)
    language = family.language_of(config, head)
    model_class = model_class_of(head, language, str(folder), config)
    model, notes = pretrained(model_class, checkpoint, config, new_head=False)
    lost = [note for note in notes if note.startswith("new layers")]
    if lost:
        raise UserError(f"{folder}: its weights are not whole ({lost[0]}). Copy the run again, or run it again.")
    parts = (family.pooled_head, family.packing, language)
    loaded = Loaded(model, tokenizer, tokenizer.model_max_length, labels, checkpoint, (), *parts)
    found: Loaded = family.as_read(loaded, head)
    return found
