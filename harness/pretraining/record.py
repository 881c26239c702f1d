"""PretrainingRecord: what a run of pretraining leaves beside its checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.atomic_writes import write_atomically
from harness.checksums import with_digest, without_digest
from harness.errors import UserError
from harness.record import CurvePoint, Provenance

FILE = "pretraining.json"


class PretrainingRecord(BaseModel):
    """A model, pretrained from nothing or from another checkpoint.

    Attributes:
        status: "complete", or "diverged": a loss was not finite.
        reason: Why it diverged.
        name: The recipe's.
        config: The recipe, resolved.
        corpus: What was read, by corpus: see `harness/pretraining/pipeline.py`.
        parameters: Numbers in the model, its heads included.
        steps: Optimiser steps.
        tokens: That training read, special ones included.
        curve: Losses in nats per predicted word: of training since the point before (of pairs of texts, with the loss
            of next sentences added), of the held-out texts, by corpus.
        first_losses: Of the first steps, by which another run shows that it is the same.
        seconds: Of the clock, that training and scoring took.
        processor_seconds: Of the processor, that training took, of all threads.
        peak_memory_bytes: Most memory that the process held.
        provenance: Where everything came from.
        notes: What happened on the way.
        files: The SHA-256 of each file of its checkpoints by its path, model cards left out. Earlier versions recorded
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
    """Write `record` as `folder`/pretraining.json, whole or not at all, with its own digest."""
    content = with_digest(json.loads(record.model_dump_json()))
    write_atomically(folder / FILE, json.dumps(content, indent=1, ensure_ascii=False).encode())


def read_pretraining(file: Path) -> PretrainingRecord:
    """The record in `file`.

    Raises:
        UserError: It is none, or damaged.
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
