"""Seeds that are copies of one another: a copied run adds no information and counts once.

Two seeds of a model whose training is random never give the same numbers to the bit. Labels may well agree, so numbers
are compared: the weights, by the checksums in the record, or predictions that contain numbers; for predictions without
numbers, the training losses too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.checksums import file_digest
from harness.errors import UserError
from harness.record import PREDICTIONS, RunRecord
from harness.regular_files import check_regular

NOT_ANSWERS = ("id", "group", "length", "reference")


def originals(found: Sequence[tuple[Path, RunRecord]]) -> dict[Path, int]:
    """Map the folder of each copied run to the seed that it is a copy of.

    Args:
        found: The runs of a model on a task, with their folders, ordered by seed.
    """
    trained = [(folder, record) for folder, record in found if _has_luck(record)]
    digests = {folder: _digest(folder, record) for folder, record in trained}
    times = Counter(digests.values())
    seen: dict[Hashable, int] = {}
    copies: dict[Path, int] = {}
    for folder, record in trained:
        digest = digests[folder]
        marks = list(_marks(folder, record, digest if times[digest] > 1 else ""))
        original = next((seen[mark] for mark in marks if mark in seen), None)
        if original is not None:
            copies[folder] = original
        seen |= dict.fromkeys(marks, record.seed if original is None else original)
    return copies


def _has_luck(record: RunRecord) -> bool:
    """Return whether another seed would give other weights: not if no part is random or nothing is trained."""
    training = record.config.get("training", {})
    untrained = training.get("maximum_steps") == 0 or training.get("method") == "probe"
    return record.status == "complete" and not (record.simple_baseline or record.is_validation_only or untrained)


def _digest(folder: Path, record: RunRecord) -> str:
    if PREDICTIONS in record.files:
        return record.files[PREDICTIONS]
    try:
        check_regular(folder / PREDICTIONS, "", within=folder)
        return file_digest(folder / PREDICTIONS)
    except (OSError, UserError):
        return ""  # Reported when the run is scored.


def _marks(folder: Path, record: RunRecord, digest: str) -> Iterator[Hashable]:
    """Yield what no two runs share. `digest` is that of the predictions; empty if no other run has the same."""
    weights = tuple(sorted(item for item in record.files.items() if item[0].endswith(".safetensors")))
    if weights:
        yield weights
    losses = tuple(point.train_loss for point in record.curve)
    if digest and _hold_numbers(folder / PREDICTIONS):
        yield digest
    elif digest and losses:
        yield digest, losses


def _hold_numbers(file: Path) -> bool:
    import pyarrow  # noqa: PLC0415 -- a light command imports this module by way of `compare`
    from pyarrow import parquet  # noqa: PLC0415

    try:
        schema = parquet.read_schema(file)
    except (OSError, pyarrow.ArrowException):
        return False
    return any(_is_numeric(field.type) for field in schema if field.name not in NOT_ANSWERS)


def _is_numeric(kind: Any) -> bool:
    from pyarrow import types  # noqa: PLC0415 -- as above

    if types.is_nested(kind):
        return any(_is_numeric(kind.field(place).type) for place in range(kind.num_fields))
    return bool(types.is_floating(kind))
