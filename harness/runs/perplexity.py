"""How well a language model with a memory predicts a text file, with memories of several lengths."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from rich.console import Console
from rich.progress import track
from rich.table import Table

from harness.config.model import find_model
from harness.data.files import refuse, utf8_text
from harness.errors import UserError
from harness.long_texts.perplexity import EncodedText, Surprise, segment_losses, segments
from harness.long_texts.token_losses import unseen_memory
from harness.models.language_model import language_model
from harness.ops.device import fresh_accelerator
from harness.tokenization.as_text import token_ids

Row = dict[str, Any]
# What a row says, by the heading of its column.
COLUMNS: Mapping[str, tuple[str, str]] = {
    "memory": ("memory", "d"),
    "perplexity": ("perplexity", ".2f"),
    "bits/byte": ("bits_per_byte", ".4f"),
    "bits/character": ("bits_per_character", ".4f"),
    "tokens": ("tokens", ",d"),
    "unknown words": ("unknown", ".2%"),
    "seconds": ("seconds", ".1f"),
}


def perplexity_rows(name: str, file: Path, *, segment: int, memories: Sequence[int], console: Console) -> list[Row]:
    """One row per memory length: what the model `name` makes of the text in `file`.

    Args:
        name: A checkpoint's folder, a Hub id, or a file of configs/models.
        file: Plain text in UTF-8.
        segment: Tokens that are read at once.
        memories: How many states of each layer a segment sees of those before it; empty: none, and the model's own.
        console: Shows how far it is, where it is a terminal.

    Raises:
        UserError: The model is no language model with a memory, or can't have one so long; the text can't be read.
    """
    text = read_text(file)
    model, tokenizer = language_model(find_model(name), name)
    chosen = list(dict.fromkeys(memories or (0, model.config.mem_len)))
    _check_memories(model.config, chosen)
    encoded = encode(text, tokenizer, file)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=Path())
    model.to(accelerator.device)
    rows = []
    for memory in chosen:
        started = time.monotonic()
        found = _surprise(model, accelerator, encoded, segment=segment, memory=memory, console=console)
        seconds = time.monotonic() - started
        rows.append(
            {"model": name, "text": str(file), "segment": segment, "memory": memory, **_formatted(found, seconds)}
        )
    return rows


def perplexity_table(rows: Sequence[Row]) -> Table:
    """The rows as a table."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in COLUMNS:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*(format(row[key], form) for key, form in COLUMNS.values()))
    return table


def read_text(file: Path) -> str:
    """The plain text in `file`.

    Raises:
        UserError: It is missing, no text, or holds none.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such file. Check the path (it is looked up from {Path.cwd()}).")
    text = utf8_text(file)
    if "\0" in text:
        raise UserError(f"{file}: holds zero bytes, so it is no plain text. Give a text file in UTF-8.")
    if not text.strip():
        raise UserError(f"{file}: is empty. Give a file with a text in it.")
    return text


def encode(text: str, tokenizer: Any, file: Path) -> EncodedText:
    """The text's tokens, all of it at once.

    Raises:
        UserError: There are fewer than two, so that there is nothing to predict.
    """
    (ids,) = token_ids(tokenizer, [text])
    if len(ids) < 2:
        raise UserError(
            f"{file}: too short, nothing in it comes after another token (got {len(ids)}). Give a longer text."
        )
    return EncodedText(ids, ids.count(tokenizer.unk_token_id), len(text), len(text.encode()))


def _check_memories(config: Any, memories: Sequence[int]) -> None:
    """Refuse memories that the model would not look at: with `same_length` it sees its last mem_len tokens alone."""
    reasons = {memory: unseen_memory(config, memory) for memory in memories}
    refuse(f"--memory {memory}: {reason}" for memory, reason in reasons.items() if reason is not None)


def _surprise(
    model: Any, accelerator: Accelerator, text: EncodedText, *, segment: int, memory: int, console: Console
) -> Surprise:
    losses = segment_losses(model, accelerator, text, segment=segment, memory=memory)
    bar: Iterable[Any] = track(
        losses,
        f"memory {memory}",
        total=segments(text, segment),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    return Surprise(sum(float(found.double().sum()) for found in bar), text)


def _formatted(found: Surprise, seconds: float) -> Row:
    text = found.text
    return {
        "perplexity": found.perplexity,
        "bits_per_byte": found.bits_per_byte,
        "bits_per_character": found.bits_per_character,
        "tokens": len(text.ids),
        "unknown": text.unknown / len(text.ids),
        "seconds": round(seconds, 3),
    }
