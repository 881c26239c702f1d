"""The number of examples of a task, as far as it is known before a run: only small data is read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.config.checking import checked_record
from harness.config.run import task_of
from harness.config.training import Training
from harness.data.scripts import count_unspaced
from harness.data.sources import SPLITS, Files, Packaged
from harness.data.splitting import TEST_SHARE, VALIDATION_SHARE
from harness.data.task import Row, Task
from harness.errors import UserError
from harness.record import RECORD, RunRecord
from harness.records import readable_record
from harness.runs.run import Run
from harness.task_types.contract import TaskType

READ_BYTES = 16 << 20
"""The user's own files with more bytes are not read for a plan."""
SAMPLED = 500
"""Rows whose lengths tell how many windows the others have."""
TOKENS_A_WORD = 1.4
"""For English, with a vocabulary of about 30,000 pieces. In scripts without blanks a character is a token."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The known sizes of a task.

    Attributes:
        examples: Number of examples of each split, before the recipe's limits.
        tokens: Mean number of tokens of a training example, without truncation, over all readings; None if unknown.
        pairs: Numbers of tokens of the first texts and of the last one, of some training examples with several texts.
        task_type: The task type; None: one that reads an example as one item.
        readings: How many times an example is read, on average, such as a question with each of its choices.
    """

    examples: Mapping[str, int]
    tokens: float | None
    pairs: Sequence[tuple[float, float]] = ()
    task_type: TaskType | None = None
    readings: float = 1.0

    def limited(self, split: str, training: Training) -> int | None:
        """Number of examples of a split that a recipe uses; None if unknown."""
        limit: int | None = getattr(training, f"{split}_examples")
        known = self.examples.get(split)
        return known if limit is None else min(limit, known or limit)


def task_records(run: Run, runs: Path) -> list[tuple[Path, RunRecord]]:
    """The runs of the same task and data in any suite, with their folders, without unreadable ones."""
    found = []
    task, _, _ = run.folder.parent.parent.name.partition("@")  # Any value's runs show the size of the whole data.
    files = [file for name in (task, f"{task}@*") for file in runs.glob(f"*/{name}/*/seed-*/{RECORD}")]
    for file in sorted(files):
        record = readable_record(file)
        if record is not None and record.status != "failed" and record.config.get("data") == run.config.data:
            found.append((file.parent, record))
    return found


def task_sizes(run: Run, records: Iterable[RunRecord]) -> Sizes:
    """The sizes of a run's task: as recorded, else as registered, else as counted in its files.

    Args:
        run: Any run of the task.
        records: Records of the same task and data.
    """
    recorded = _recorded(records)
    task = task_of(run.config)
    examples = {**_with_carved(task.examples), **recorded.examples}
    tokens = recorded.tokens
    readings = len(task.type.readings(task, {}))
    depends_on_rows = task.type.item_windows(run.config.training) is not None or not readings
    if "train" in examples and tokens is not None and not depends_on_rows:
        return Sizes(examples, tokens, (), task.type, readings)
    read = _read(task, packaged=depends_on_rows)
    found = readings or 1 if read.tokens is None else read.readings
    return Sizes({**read.examples, **examples}, tokens or read.tokens, read.pairs, task.type, found)


def _recorded(records: Iterable[RunRecord]) -> Sizes:
    """The sizes of splits that runs used in full, and the tokens read by trained models."""
    examples: dict[str, int] = {}
    tokens = None
    for record in records:
        recipe = checked_record(Training, record.config.get("training", {}), "", [])
        for split, count in record.counts.examples.items() if recipe is not None else ():
            limit = getattr(recipe, f"{split}_examples", None)
            if limit is None or count < limit:
                examples[split] = count
        counted = record.counts.tokens.get("train")
        if counted is not None and not record.simple_baseline and record.counts.examples.get("train"):
            tokens = counted.total / record.counts.examples["train"]
    return Sizes(examples, tokens)


def _with_carved(examples: Mapping[str, int]) -> dict[str, int]:
    """The splits with those that will be split off train; duplicates, which are dropped, are unknown."""
    if "train" not in examples:
        return dict(examples)
    whole = examples["train"]
    carved = {"test": TEST_SHARE, "validation": VALIDATION_SHARE}
    missing = {split: round(share * whole) for split, share in carved.items() if split not in examples}
    return {**examples, **missing, "train": whole - sum(missing.values())}


def _read(task: Task, *, packaged: bool) -> Sizes:
    """The sizes of small data on this machine: the user's own files, or with `packaged` also those of packages."""
    source = task.source
    try:
        if not isinstance(source, (Files, Packaged) if packaged else Files) or not is_small(source):
            return Sizes({}, None)
        rows = source.rows()
    except (UserError, OSError):
        return Sizes({}, None)  # A run reports what is wrong with them.
    counts = {split: len(found) for split, found in rows.items() if found}
    train = rows.get(SPLITS[0], ())
    if not train:
        return Sizes(_with_carved(counts), None)
    examples = [lengths for row in train if (lengths := _lengths(task, row))]
    if not examples:
        return Sizes(_with_carved(counts), None)
    pairs = [(sum(first), last) for (*first, last), *_ in examples[:: math.ceil(len(examples) / SAMPLED)]]
    tokens, readings = (sum(map(count, examples)) / len(examples) for count in (_total, len))
    return Sizes(_with_carved(counts), tokens, pairs, readings=readings)


def is_small(source: Files | Packaged) -> bool:
    """Whether the files may be read before any run, because that takes a moment at most."""
    located = source.files()
    files = located if isinstance(located, list) else [file for found in located.values() for file in found.files]
    return sum(file.stat().st_size for file in files) <= READ_BYTES


def _lengths(task: Task, row: Row) -> list[list[float]]:
    """The numbers of tokens of a row's texts each time that they are read, at a guess."""
    readings = task.type.readings(task, task.answered(row))
    return [[TOKENS_A_WORD * len(text.split()) + count_unspaced(text) for text in texts] for texts in readings]


def _total(readings: Sequence[Sequence[float]]) -> float:
    return sum(map(sum, readings))
