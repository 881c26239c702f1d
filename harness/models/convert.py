"""Convert old checkpoints with pickled weights or vocabularies to safetensors and plain text.

This is the only place where pickles are read, by readers that cannot run code in them: torch's for weights, and
`harness/models/families/transformer_xl/vocabulary.py` for words.
"""

from __future__ import annotations

import json
import pickle
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import save_file
from torch import Tensor

from harness.errors import UserError
from harness.models.checkpoint import PATTERNS, PICKLED_VOCABULARIES, PICKLED_WEIGHTS, WEIGHTS, Checkpoint
from harness.models.families.transformer_xl.vocabulary import VOCABULARY, read_pickled_words, write_words

KEPT = {*(pattern.removeprefix("*") for pattern in PATTERNS), ".md", ".jinja"}
# The class in files of transformers 4, which transformers 5 no longer has.
OLD_TOKENIZER = "TransfoXLTokenizer"


def convert(folder: Path, output: Path) -> list[str]:
    """Write a safe copy of the checkpoint in `folder` to `output`, and return the names of the converted files.

    Raises:
        UserError: If there is nothing to convert, a file has more than tensors or words, or `output` is not empty.
    """
    config = Checkpoint(str(folder), folder).config()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"{output}: already exists. Name another folder with --output, or remove it.")
    vocabularies = [folder / name for name in PICKLED_VOCABULARIES if (folder / name).is_file()]
    vocabulary = vocabularies[0] if vocabularies and not (folder / VOCABULARY).is_file() else None
    pickled = [] if any(folder.glob("*.safetensors")) else _pickled_weights(folder)
    if not pickled and vocabulary is None:
        raise UserError(
            f"{folder}: has no pickled weights or vocabulary; there is nothing to convert. Use it as it is."
        )
    tensors = _merged(pickled)
    words = None if vocabulary is None else read_pickled_words(vocabulary)
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as place:
        _write(folder, Path(place) / "whole", tensors=tensors, words=words)
        if config["model_type"] == "transfo-xl":
            _forget_old_tokenizer(Path(place) / "whole" / "tokenizer_config.json")
        (Path(place) / "whole").rename(output)
    return [file.name for file in (*pickled, *([vocabulary] if vocabulary else []))]


def _pickled_weights(folder: Path) -> list[Path]:
    """Return the files of pickled weights: one file, or all its shards.

    Raises:
        UserError: If there are several that are not shards of one.
    """
    found = sorted({file for pattern in PICKLED_WEIGHTS for file in folder.glob(pattern)})
    found = [file for file in found if file.name not in {*PICKLED_VOCABULARIES, "training_args.bin"}]
    parts = [file for file in found if file.name.startswith("pytorch_model")]
    if parts or len(found) <= 1:
        return parts or found
    names = ", ".join(file.name for file in found)
    raise UserError(f"{folder}: has several files of weights ({names}). Leave only the one that is to be converted.")


def _merged(files: Sequence[Path]) -> dict[str, Tensor]:
    """Read the tensors of all files, with one name for each tensor that has several."""
    tensors: dict[str, Tensor] = {}
    for file in files:
        tensors |= _read_tensors(file)
    return {name: tensors[name].contiguous() for name in _kept_names(tensors)}


def _read_tensors(file: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        # torch's own message is not shown, as it suggests opening the file anyway.
        raise UserError(
            f"{file}: is damaged, or holds more than tensors and so could run code. It was not opened; get weights "
            "alone (a state dict) from where it was published."
        ) from error
    if not isinstance(content, dict) or not all(isinstance(tensor, Tensor) for tensor in content.values()):
        raise UserError(f"{file}: is not a state dict, which has one tensor per name. Save model.state_dict() instead.")
    return content


def _kept_names(tensors: Mapping[str, Tensor]) -> list[str]:
    """Choose one name for each tensor that has several: the one in the encoder, which every model has.

    The encoder is the module with most tensors. transformers ties the head to it again.
    """
    sizes = Counter(name.split(".")[0] for name in tensors)
    by_storage: dict[tuple[object, ...], str] = {}
    for name in sorted(tensors, key=lambda name: (-sizes[name.split(".")[0]], name)):
        tensor = tensors[name]
        place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype) if tensor.numel() else (name,)
        by_storage.setdefault(place, name)
    return sorted(by_storage.values())


def _write(folder: Path, output: Path, *, tensors: Mapping[str, Tensor], words: list[str] | None) -> None:
    """Write the converted files to `output`, and copy the safe files of `folder`."""
    output.mkdir()
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.suffix in KEPT and not file.name.endswith(".bin.index.json"):
            shutil.copyfile(file, output / file.name)
    if tensors:
        save_file(dict(tensors), output / WEIGHTS, metadata={"format": "pt"})
    if words is not None:
        write_words(words, output / VOCABULARY)


def _forget_old_tokenizer(file: Path) -> None:
    """Remove a tokenizer class of transformers 4, so that our tokenizer is found by the architecture."""
    if not file.is_file():
        return
    settings = json.loads(file.read_text(encoding="utf-8"))
    if settings.get("tokenizer_class") in (OLD_TOKENIZER, None):
        known = ("lower_case", "eos_token", "unk_token", "model_max_length")
        kept = {name: settings[name] for name in known if settings.get(name) is not None}
        file.write_text(json.dumps(kept, indent=1), encoding="utf-8")
