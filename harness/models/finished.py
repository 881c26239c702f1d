"""Load the model of a finished run with its head, or report which file is damaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.models.checkpoint import Checkpoint
from harness.models.config_and_tokenizer import check_vocabulary, on_one_line, read_config, read_tokenizer
from harness.models.head import Head
from harness.models.loaded import Loaded
from harness.models.onnx_model import ONNX_FILE, OnnxModel
from harness.models.writers import layout_of, model_class_of
from harness.regular_files import check_regular, read_json

_AGAIN = "Do the run again with --redo."


def finished_model(family: Any, folder: Path, head: Head, labels: tuple[str, ...]) -> Loaded:
    """Load the model of a finished run. Its input length is the `model_max_length` of its tokenizer.

    Raises:
        UserError: If the checkpoint is damaged, lacks a tensor of the head, or has files of another one.
    """
    checkpoint = Checkpoint(str(folder), folder)
    with damage_told(folder):
        config = read_config(checkpoint, {})
    language = family.language_of(config, head)
    if (folder / ONNX_FILE).is_file():
        model, tokenizer, packing = OnnxModel(folder / ONNX_FILE, config, head), read_tokenizer(checkpoint), None
    else:
        model, tokenizer = _saved_model(checkpoint, model_class_of(head, language, str(folder), config), config)
        packing = family.packing
    parts = (family.pooled_head, packing, language)
    layout = layout_of(head, config, tokenizer)
    loaded = Loaded(model, tokenizer, tokenizer.model_max_length, labels, checkpoint, (), *parts, layout=layout)
    found: Loaded = family.as_read(loaded, head)
    return found


def _saved_model(checkpoint: Checkpoint, model_class: Any, config: Any) -> tuple[Any, Any]:
    """Load the model of a run's checkpoint, in fp32, and its tokenizer."""
    folder = checkpoint.folder
    with damage_told(folder):
        model, report = model_class.from_pretrained(
            folder,
            config=config,
            dtype="float32",
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
        tokenizer = read_tokenizer(checkpoint)
    _check_tensors(folder, report)
    check_vocabulary(str(folder), model.config, tokenizer)
    if tokenizer.pad_token_id is None:
        raise UserError(f"{folder}: its tokenizer has no padding token, but every run saves one. {_AGAIN}")
    return model, tokenizer


@contextmanager
def damage_told(folder: Path) -> Iterator[None]:
    """Turn any error from a damaged checkpoint into one line, which names the unreadable file if there is one.

    Raises:
        UserError: If the block fails, or if the checkpoint contains something other than regular files.
    """
    for file in sorted(folder.iterdir()):
        if not file.is_dir():
            check_regular(file, _AGAIN, within=folder)
    try:
        yield
    except UserError:
        _check_files(folder)
        raise
    except Exception as error:  # Libraries raise all kinds of errors for damaged files.
        _check_files(folder)
        raise UserError(
            f"{folder}: can't be loaded ({type(error).__name__}: {on_one_line(error):.200}). Its files "
            f"are damaged, or from different checkpoints. {_AGAIN}"
        ) from error


def _check_files(folder: Path) -> None:
    """Raise for the first file that is not valid, if any."""
    for file in sorted(folder.glob("*.json")):
        read_json(file, "JSON file", _AGAIN)
    if any(folder.glob("*.safetensors")):
        Checkpoint(str(folder), folder).weights()


def _check_tensors(folder: Path, report: Mapping[str, Any]) -> None:
    """Check that all tensors fit: missing or mismatched ones would be random, and unexpected ones ignored."""
    wrong = {
        "have another shape of": [str(key[0]) for key in report["mismatched_keys"]],
        "lack": list(report["missing_keys"]),
        "have, beside the model's,": list(report["unexpected_keys"]),
    }
    for what, names in wrong.items():
        if names:
            raise UserError(
                f"{folder}: its weights {what} {min(names)} ({len(names)} such tensors). Weights and "
                f"config.json don't belong together. {_AGAIN}"
            )
