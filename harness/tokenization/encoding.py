"""Encode texts without special tokens; large splits are cached.

The name of a cache entry is a digest of all that it depends on: the texts, the tokenizer and the library versions. An
entry thus serves every model, recipe and suite with the same texts and tokenizer, and is never outdated. Damaged
entries are encoded again.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.cache import alone, cache_folder, scratch_folder
from harness.checksums import check_seal, sealed_entry
from harness.tokenization.alignment import aligned
from harness.tokenization.as_text import Encoded, encoded_as_text, without_controls

FORM = "2"  # Increased whenever the file format or the encoding changes.
LEAST_CHARACTERS = 50_000  # Encoding less is faster than reading the cache.
_LIBRARIES = ("tokenizers", "transformers", "sentencepiece", "sacremoses")
_log = logging.getLogger(__name__)


def encode(tokenizer: Any, texts: Sequence[str], *, return_offsets: bool) -> list[Encoded]:
    """Encode each text in full, without special tokens. Offsets are aligned if the tokenizer has none."""
    if os.environ.get("HARNESS_FEATURES") == "0" or sum(map(len, texts)) < LEAST_CHARACTERS:
        return _encoded(tokenizer, texts, return_offsets=return_offsets)
    entry = cache_folder("texts") / _key(tokenizer, texts, return_offsets=return_offsets)
    try:
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (found := _read(entry, return_offsets=return_offsets)) is not None:
            return found
        with alone(entry.with_suffix(".lock")):
            found = _read(entry, return_offsets=return_offsets)  # Another process may have written it meanwhile.
            if found is None:
                found = _encoded(tokenizer, texts, return_offsets=return_offsets)
                _write(found, entry)
            return found
    except OSError as error:
        _log.warning("%s: encoded texts are not kept (%s). HARNESS_CACHE names another folder.", entry.parent, error)
        return _encoded(tokenizer, texts, return_offsets=return_offsets)


def _encoded(tokenizer: Any, texts: Sequence[str], *, return_offsets: bool) -> list[Encoded]:
    if return_offsets and not tokenizer.is_fast:
        return without_controls(tokenizer, texts, [_located(tokenizer, text) for text in texts])
    return encoded_as_text(tokenizer, texts, return_offsets=return_offsets)


def _located(tokenizer: Any, text: str) -> Encoded:
    # Tokens rather than ids, since all words outside the vocabulary share one id.
    tokens = tokenizer.tokenize(text)
    return Encoded(tokenizer.convert_tokens_to_ids(tokens), aligned(text, tokens))


def _key(tokenizer: Any, texts: Sequence[str], *, return_offsets: bool) -> str:
    digest = hashlib.sha256(f"{FORM} {return_offsets} {type(tokenizer).__qualname__} {_versions()}".encode())
    digest.update(content_of(tokenizer))
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()[:40]


def _versions() -> str:
    found = []
    for library in _LIBRARIES:
        try:
            found.append(f"{library}=={version(library)}")
        except PackageNotFoundError:
            continue
    return " ".join(found)


def content_of(tokenizer: Any) -> bytes:
    """Return the full content of the tokenizer, as saved."""
    if tokenizer.is_fast:
        # Encoding resets these anyway, whatever the file or an earlier call set.
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
        return str(tokenizer.backend_tokenizer.to_str()).encode()
    with scratch_folder() as folder:
        tokenizer.save_pretrained(folder)
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        return b"".join(file.name.encode() + file.read_bytes() for file in files)


def _write(found: Sequence[Encoded], entry: Path) -> None:
    """Write an entry atomically."""
    ids = np.fromiter((token for text in found for token in text.ids), dtype=np.int64)
    offsets = [place for text in found for place in text.offsets]
    with sealed_entry(entry) as partial:
        np.save(partial / "ids.npy", ids.astype(np.uint16 if ids.max(initial=0) < 2**16 else np.uint32))
        np.save(partial / "lengths.npy", np.array([len(text.ids) for text in found], dtype=np.int64))
        np.save(partial / "offsets.npy", np.array(offsets, dtype=np.int32).reshape(-1, 2))


def _read(entry: Path, *, return_offsets: bool) -> list[Encoded] | None:
    """Read an entry, or return None if it is missing or damaged."""
    try:
        check_seal(entry)
        ids, lengths, offsets = (_array(entry / f"{name}.npy") for name in ("ids", "lengths", "offsets"))
    except (FileNotFoundError, NotADirectoryError, ValueError, EOFError):
        return None
    if lengths.sum() != len(ids) or len(offsets) != (len(ids) if return_offsets else 0):
        return None
    ends = lengths.cumsum()
    # Converting to lists first is faster than slicing arrays (a microsecond each) or making tuples one by one.
    tokens, places = ids.tolist(), list(zip(*offsets.T.tolist(), strict=True))
    bounds = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
    return [Encoded(tokens[start:end], places[start:end]) for start, end in bounds]


def _array(file: Path) -> NDArray[Any]:
    """Memory-map the array of a file.

    Raises:
        ValueError: If the file is damaged.
    """
    array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    return array
