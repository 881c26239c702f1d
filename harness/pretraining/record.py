"""PretrainingRecord: the record of a pretraining run, written beside its checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.checksums import without_digest, write_document
from harness.errors import UserError
from harness.record import CurvePoint, Provenance

FILE = "pretraining.json"


class PretrainingRecord(BaseModel):
    """The record of a model that was pretrained from scratch or from another checkpoint.

    Attributes:
        status: "complete", or "diverged" if a loss was not finite.
        reason: The reason why it diverged.
        name: The recipe's name.
        config: The resolved recipe.
        corpus: Report on the texts, by corpus, and on the tokenizer: see `harness/pretraining/pipeline.py`.
        parameters: Number of parameters of the model, its heads included.
        steps: Number of optimiser steps.
        tokens: Number of tokens read in training, special tokens included.
        curve: Losses in nats per predicted token: the training loss since the previous point (plus that of
            next-sentence prediction if it is trained), and the held-out loss by corpus.
        first_losses: Losses of the first steps, which another run can be compared with.
        seconds: Wall-clock seconds of training and of validation.
        processor_seconds: Processor seconds of training, over all threads.
        peak_memory_bytes: Peak memory of the process, in bytes.
        provenance: Versions, commit, hardware and times.
        notes: Remarks for the record.
        files: The SHA-256 of each file of the checkpoints by its path, except model cards. Earlier versions recorded
            none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    schema_version: Literal[1] = 1
    status: Literal["complete", "diverged"] = "complete"
    reason: str = ""
    name: str
    config: dict[str, Any]
    corpus: dict[str, Any]
    parameters: int
    steps: int
    tokens: int
    curve: tuple[CurvePoint, ...]
    first_losses: tuple[float, ...]
    seconds: dict[str, float]
    processor_seconds: float
    peak_memory_bytes: int
    provenance: Provenance
    notes: tuple[str, ...] = ()
    files: dict[str, str] = {}


def write_pretraining(record: PretrainingRecord, folder: Path) -> None:
    """Write `record` with its digest to `folder`/pretraining.json, atomically."""
    write_document(folder / FILE, json.loads(record.model_dump_json()))


def read_pretraining(file: Path) -> PretrainingRecord:
    """Read the record in `file`.

    Raises:
        UserError: If the file is unreadable, not a record, or damaged.
    """
    try:
        content = json.loads(file.read_bytes())
        return PretrainingRecord.model_validate(without_digest(content) if isinstance(content, dict) else content)
    except OSError as error:
        raise UserError(f"{file}: can't be read ({error.strerror}). Name the pretraining.json of a run.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "content"
        raise UserError(f"{file}: {where}: {first['msg']}. Name the pretraining.json of a run.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{file}: damaged, or changed by hand ({error}). Pretrain again with --redo, or name another one."
        ) from error
