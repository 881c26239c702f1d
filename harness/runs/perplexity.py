"""Perplexity of a language model on a text file: with memories of several lengths, or in windows without a memory."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from rich.console import Console
from rich.progress import track
from rich.table import Table

from harness.config.model import find_model
from harness.config.training import Training
from harness.data.content import utf8_text
from harness.data.placed_rows import refuse
from harness.errors import UserError
from harness.long_texts.perplexity import EncodedText, Surprise, segment_losses, segments
from harness.long_texts.token_losses import unseen_memory
from harness.models.language_model import language_model
from harness.models.loaded import Loaded
from harness.ops.device import fresh_accelerator
from harness.output import plain_table
from harness.runs.token_costs import EachToken, by_place, token_costs, token_spans
from harness.task_types.language_modelling import DocumentExample
from harness.task_types.language_modelling.metrics import RATIOS, size
from harness.task_types.language_modelling.objective import objective as document_objective
from harness.tokenization.as_text import token_ids
from harness.training.task_model import forward_of, reader_of

Row = dict[str, Any]
SEGMENT = 128
TOKEN_COSTS = "token_costs"
_TOKEN_NATS = "token_nats"
# The possible keys of a row, with the heading and format of the column.
COLUMNS: Mapping[str, tuple[str, str]] = {
    "memory": ("memory", "d"),
    "window": ("window", "d"),
    "perplexity": ("perplexity", ".2f"),
    "bits_per_byte": ("bits/byte", ".4f"),
    "bits_per_character": ("bits/character", ".4f"),
    "pseudo_perplexity": ("pseudo-perplexity", ".2f"),
    "pseudo_bits_per_byte": ("pseudo-bits/byte", ".4f"),
    "tokens": ("tokens", ",d"),
    "unknown": ("unknown words", ".2%"),
    "seconds": ("seconds", ".1f"),
}


def perplexity_rows(
    name: str,
    file: Path,
    *,
    segment: int | None,
    memories: Sequence[int],
    mask_stride: int,
    console: Console,
    per_token: bool = False,
) -> list[Row]:
    """Evaluate the model `name` on the text in `file`: one row per memory length, or a single one without a memory.

    A model without a memory reads overlapping windows in its tokenizer's template, as in the task type
    language_modelling. A masked model has a pseudo-perplexity.

    Args:
        name: A checkpoint folder, a Hub id, or a file of configs/models.
        file: A plain text file in UTF-8.
        segment: Number of tokens read at once; None: 128, or without a memory the model's maximum, at most 512.
        memories: Memory lengths, in states that each layer keeps; a reading for each. Empty: 0 and the model's own.
        mask_stride: A masked model predicts every n-th token, one at a time; only that token is masked.
        console: Shows the progress on a terminal.
        per_token: Whether to add `token_costs` to the rows: see `harness.runs.token_costs`.

    Raises:
        UserError: If the model is no language model or can't have such a memory, or the text can't be read.
    """
    text = read_text(file)
    loaded = language_model(find_model(name), name)
    assert loaded.language is not None, "checked when the model was loaded"
    told = {"model": name, "text": str(file)}
    if not loaded.language.has_memory:
        _check_no_memory(loaded, memories)
        rows: Iterable[Row] = [_in_windows(loaded, text, file, window=segment, mask_stride=mask_stride)]
    else:
        rows = _with_memories(loaded, text, file, segment=segment or SEGMENT, memories=memories, console=console)
    found = [(row.pop(_TOKEN_NATS), told | row) for row in map(dict, rows)]
    if not per_token:
        return [row for _, row in found]
    spans = token_spans(loaded.tokenizer, text)
    return [row | {TOKEN_COSTS: token_costs(nats, spans)} for nats, row in found]


def _with_memories(
    loaded: Loaded, text: str, file: Path, *, segment: int, memories: Sequence[int], console: Console
) -> Iterator[Row]:
    """Evaluate with each memory length."""
    model = loaded.model
    chosen = list(dict.fromkeys(memories or (0, model.config.mem_len)))
    _check_memories(model.config, chosen)
    encoded = encode(text, loaded.tokenizer, file)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=Path())
    model.to(accelerator.device)
    for memory in chosen:
        started = time.monotonic()
        nats = _token_nats(model, accelerator, encoded, segment=segment, memory=memory, console=console)
        found = Surprise(math.fsum(nats), encoded)
        told = {"segment": segment, "memory": memory, **_formatted(found, time.monotonic() - started)}
        yield {**told, _TOKEN_NATS: dict(enumerate(nats, 1))}


def _in_windows(loaded: Loaded, text: str, file: Path, *, window: int | None, mask_stride: int) -> Row:
    """Evaluate a model without a memory."""
    started = time.monotonic()
    accelerator = fresh_accelerator("fp32", tracker=None, folder=Path())
    loaded.model.to(accelerator.device)
    training = Training.model_validate({"max_length": window, "mask_stride": mask_stride, "maximum_steps": 0})
    objective = document_objective((), training)
    each_token = EachToken(objective.segmented, objective.mask_stride)
    reader = reader_of(loaded, objective, training)
    documents = [DocumentExample(str(file), text)]
    forward = forward_of(loaded, each_token, accelerator, training, micro_batch_size=training.micro_batch_size)
    features = objective.features(documents, reader)
    each = forward.evaluate(features, documents)[1]
    results = [(math.fsum(nats), len(nats)) for nats in each]
    (costs,) = objective.outputs(results, features, documents)
    scores = {name: ratio([size(text)], [costs]) for name, ratio in RATIOS.items()}
    encoded = encode(text, loaded.tokenizer, file)
    return {
        "window": reader.window,
        "stride": reader.stride,
        **({} if reader.causal else {"mask_stride": mask_stride}),
        **{name: score for name, score in scores.items() if not math.isnan(score)},
        **_counted(encoded, time.monotonic() - started),
        _TOKEN_NATS: by_place(features, each),
    }


def perplexity_table(rows: Sequence[Row]) -> Table:
    """Format the rows as a table with their columns."""
    columns = {key: column for key, column in COLUMNS.items() if key in rows[0]}
    table = plain_table(*(heading for heading, _ in columns.values()), numbers_from=0)
    for row in rows:
        table.add_row(*(format(row[key], form) for key, (_, form) in columns.items()))
    return table


def read_text(file: Path) -> str:
    """Read the plain text in `file`.

    Raises:
        UserError: If it is missing, not text, or empty.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such file. Check the path (it is looked up from {Path.cwd()}).")
    text = utf8_text(file)
    if "\0" in text:
        raise UserError(f"{file}: holds zero bytes, so it is not plain text. Give a text file in UTF-8.")
    if not text.strip():
        raise UserError(f"{file}: is empty. Give a file with a text in it.")
    return text


def encode(text: str, tokenizer: Any, file: Path) -> EncodedText:
    """Tokenize the whole text at once.

    Raises:
        UserError: If it has fewer than two tokens, so that there is nothing to predict.
    """
    (ids,) = token_ids(tokenizer, [text])
    if len(ids) < 2:
        raise UserError(f"{file}: too short: it has no token after the first (got {len(ids)}). Give a longer text.")
    return EncodedText(ids, ids.count(tokenizer.unk_token_id), len(text), len(text.encode()))


def _check_no_memory(loaded: Loaded, memories: Sequence[int]) -> None:
    """Reject a memory for a model without one."""
    kind = loaded.model.config.model_type
    if any(memories):
        raise UserError(f"--memory {max(memories)}: a {kind} has no memory of what it read before. Leave it out.")


def _check_memories(config: Any, memories: Sequence[int]) -> None:
    """Reject memories that the model would ignore: with `same_length` it attends to its last mem_len tokens only."""
    reasons = {memory: unseen_memory(config, memory) for memory in memories}
    refuse(f"--memory {memory}: {reason}" for memory, reason in reasons.items() if reason is not None)


def _token_nats(
    model: Any, accelerator: Accelerator, text: EncodedText, *, segment: int, memory: int, console: Console
) -> list[float]:
    """The cost in nats of each token of the text except the first."""
    losses = segment_losses(model, accelerator, text, segment=segment, memory=memory)
    bar: Iterable[Any] = track(
        losses,
        f"memory {memory}",
        total=segments(text, segment),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    return [nats for found in bar for nats in found.tolist()]


def _formatted(found: Surprise, seconds: float) -> Row:
    text = found.text
    return {
        "perplexity": found.perplexity,
        "bits_per_byte": found.bits_per_byte,
        "bits_per_character": found.bits_per_character,
        **_counted(text, seconds),
    }


def _counted(text: EncodedText, seconds: float) -> Row:
    return {
        "tokens": len(text.ids),
        "unknown": text.unknown / len(text.ids),
        "seconds": round(seconds, 3),
    }
