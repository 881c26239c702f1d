"""The tokenizer of a pretraining run: trained on its texts, or taken from a checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.models.checkpoint import PATTERNS, find_checkpoint
from harness.models.config_and_tokenizer import read_tokenizer
from harness.pretraining.cleaning import sentences
from harness.pretraining.recipe import TokenizerRecipe
from harness.runs.content import files_read
from harness.tokenization.trained_tokenizer import train_byte_pairs, train_tokenizer

SAMPLED_CHARACTERS = 20_000_000
BLOCK_SENTENCES = 32
_FILES = tuple(pattern for pattern in PATTERNS if pattern != "*.safetensors")


def tokenizer_origin(recipe: TokenizerRecipe) -> str | None:
    """Return the digest of a tokenizer in a local folder; None for any other one.

    Raises:
        UserError: If one of its files can't be read.
    """
    if recipe.checkpoint is None or not Path(recipe.checkpoint).is_dir():
        return None
    digest = hashlib.sha256(repr(files_read(Path(recipe.checkpoint))).encode()).hexdigest()
    return f"SHA-256 {digest}"


def checkpoint_tokenizer(name: str) -> Any:
    """Load the tokenizer of a checkpoint, with truncation and padding disabled.

    Raises:
        UserError: If there is no such checkpoint, or if it has no tokenizer.
    """
    tokenizer = read_tokenizer(find_checkpoint(name, files=_FILES))
    if tokenizer.is_fast:
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def trained(texts: Iterable[str], recipe: TokenizerRecipe) -> Any:
    """Train a tokenizer with the special tokens [PAD] [UNK] [CLS] [SEP] [MASK] as ids 0 to 4.

    Raises:
        UserError: If the texts yield fewer entries than the recipe's vocabulary size.
    """
    size = recipe.vocabulary_size
    if recipe.kind == "wordpiece":
        tokenizer = train_tokenizer(texts, vocabulary_size=size, lower=recipe.lowercase)
    else:
        tokenizer = train_byte_pairs(texts, vocabulary_size=size, lower=recipe.lowercase)
    if len(tokenizer) < size:
        raise UserError(
            f"tokenizer.vocabulary_size: the training texts give {len(tokenizer)} entries only (got {size}). "
            "Lower it, or give more texts."
        )
    return tokenizer


def sample(texts: Iterable[str], characters: int, most: int = SAMPLED_CHARACTERS) -> Iterator[str]:
    """Sample about `most` of all `characters` of the texts, as blocks of sentences at even distances."""
    share, owed = min(1.0, most / max(characters, 1)), 0.0
    for text in texts:
        pieces = sentences(text)
        for start in range(0, len(pieces), BLOCK_SENTENCES):
            block = "".join(pieces[start : start + BLOCK_SENTENCES])
            owed += share * len(block)
            if owed > 0:
                owed -= len(block)
                yield block
