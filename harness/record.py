"""RunRecord: the record of a run. Comparisons and reports read records and predictions, and nothing else.

A run's folder, `runs/<suite>/<task>/<model>/seed-<N>/`, holds `run.json`, `predictions.parquet` and `checkpoint/`. It
is called `seed-<N>-fold-<K>/` in cross-validation, and lies below `<task>@<value>/` if the suite varies a setting.

The predictions have one row per test example in the order of the split, unless the run is scored on validation alone:
`id`, `group`, `length` (tokens without special tokens; words for simple baselines), `reference` and `prediction` in the
form of the task type, and its further columns, such as logits, answer positions or scores (`harness/task_types`). If an
encoder-decoder wrote the texts, one row has the attention of its decoder (`harness/sample_attention.py`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from harness.atomic_writes import write_atomically
from harness.checksums import without_digest, write_document
from harness.errors import UserError
from harness.fold import Fold, which_run
from harness.rare_label import RareLabel
from harness.regular_files import read_json
from harness.trial import Trial, Tuning
from harness.varied import Varied

SCHEMA_VERSION = 2
RECORD = "run.json"
PREDICTIONS = "predictions.parquet"
PRETRAINING = "pretraining"  # Of a checkpoint's config.json.
Status = Literal["complete", "diverged", "failed"]
# Bounded, so that a mean or a chart can be computed from any record.
Count = Annotated[int, Field(ge=0, lt=2**63)]
Amount = Annotated[float, Field(ge=0, le=1e100)]


class _Part(BaseModel):
    # A loss may be NaN, which JSON lacks, so it is written as text.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class CurvePoint(_Part):
    """One evaluation during training.

    `train_loss` is the mean loss per example since the previous point, `validation_loss` that of the validation split.
    """

    step: Count
    epoch: Amount
    train_loss: float
    validation_loss: float
    validation_scores: dict[str, float]

    @property
    def measured(self) -> dict[str, float]:
        """The scores that there are: none of written texts where the loss alone chooses and no text is written."""
        return {name: score for name, score in self.validation_scores.items() if not math.isnan(score)}


class Tokens(_Part):
    """Number of tokens in a split, without special tokens, and how many of them the model read."""

    total: Count
    seen: Count


class Counts(_Part):
    """Numbers of parameters, examples and tokens. `examples` and `tokens` are by split, `dropped` is by reason.

    `trained_parameters` includes adapters; earlier versions did not count it. `unreachable_answers` is, by split of a
    question answering task, the share of answered questions whose answer cannot be predicted as it is, given the
    windows and limits; `unreachable_causes` counts them by cause. `rare_label` is the rarest training label, if rare.
    """

    parameters: Count = 0
    trained_parameters: Count | None = None
    examples: dict[str, Count] = {}
    tokens: dict[str, Tokens] = {}
    dropped: dict[str, Count] = {}
    unreachable_answers: dict[str, Amount] = {}
    unreachable_causes: dict[str, dict[str, Count]] = {}
    rare_label: RareLabel | None = None


class Cost(_Part):
    """The cost of a run.

    Attributes:
        seconds: Wall time by phase: load, features, train, validate, test, save.
        processor_seconds: Processor time by phase, of all threads and processes; empty in records of earlier versions.
        others: Number of processors that other work on the machine kept busy on average; None if not measured.
    """

    seconds: dict[str, Amount] = {}
    processor_seconds: dict[str, Amount] = {}
    others: Amount | None = None
    train_tokens_per_second: Amount = 0.0
    train_examples_per_second: Amount = 0.0
    peak_memory_bytes: Count = 0
    training_flops: Amount = 0.0

    @property
    def total_seconds(self) -> float:
        """The wall time of the whole run."""
        return sum(self.seconds.values())


class Pretraining(_Part):
    """The pretraining of a run's initial weights by `harness pretrain`: the recipe, and the tokens trained on.

    Stored in the checkpoint's config.json under `pretraining`. With `init = "random"`, tokens is 0.
    """

    recipe: str
    tokens: Count


class Provenance(_Part):
    """The origin of data, weights and code, so that the run can be repeated.

    `command` holds the arguments of `harness`, without those that change no result. It is empty for a run from Python.
    """

    data_digest: str = ""
    checkpoint_digest: str = ""
    hub_commit: str | None = None
    pretraining: Pretraining | None = None
    packages: dict[str, str] = {}
    git_commit: str | None = None
    git_dirty: bool | None = None
    hardware: dict[str, str | int] = {}
    started: str = ""
    finished: str = ""
    command: tuple[str, ...] = ()

    @property
    def local_changes(self) -> str:
        """What to say of local changes behind the commit; nothing if there are none."""
        return {True: " with local changes", None: " (local changes unknown)"}.get(self.git_dirty, "")


class TaskCard(_Part):
    """The description of a task for reports. `labels` are in the order of the predictions' logits."""

    task_type: str
    labels: tuple[str, ...] = ()
    main_metric: str
    higher_is_better: bool = True
    description: str = ""
    licence: str = ""
    citation: str = ""


class RunHeader(_Part):
    """The identity of a run, and how it ended.

    Attributes:
        status: "complete"; "diverged" if the loss was not finite, which is a result in itself; or "failed" after an
            error.
        reason: Why the run diverged or failed.
        simple_baseline: Whether the model is a simple baseline, which is deterministic.
        fold: The test fold; None outside cross-validation.
        varied: The value of the setting that the suite varies, if any.
        config: The resolved configuration; runs with equal configurations are the same run.
        trial: The tuning trial, if the run is one and so not a seed of its model.
        tuning: How the recipe was chosen, if by trials.
    """

    schema_version: Literal[2] = 2
    status: Status
    reason: str = ""
    suite: str
    task: str
    model: str
    family: str
    simple_baseline: bool = False
    seed: Count
    fold: Fold | None = None
    varied: Varied | None = None
    task_card: TaskCard
    config: dict[str, Any]
    trial: Trial | None = None
    tuning: Tuning | None = None

    @field_validator("config")
    @classmethod
    def _has_tables(cls, config: dict[str, Any]) -> dict[str, Any]:
        wrong = [name for name in ("training", "model") if not isinstance(config.get(name, {}), dict)]
        wrong += [name for name in ("local", "own") if not isinstance(config.get(name), dict | None)]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: must be a table")
        return config

    @property
    def base_task(self) -> str:
        """The name of the task without the value of a varied setting."""
        return self.task if self.varied is None else self.varied.task

    @property
    def which(self) -> str:
        """The run among those of its model: "seed 0", "seed 0, fold 2 of 5" or "trial 3"."""
        return which_run(self.seed, self.fold) if self.trial is None else f"trial {self.trial.number}"


class Measurements(_Part):
    """The results of a run.

    Attributes:
        scores: Metric values in their natural unit (accuracy: 0 to 1), by split ("validation", "test") and metric.
        best_step: The optimizer step whose weights were kept, chosen on validation; None for simple baselines.
        calibration: Values chosen on validation after training, such as the no-answer threshold, or on the training
            split, such as the length of answers.
        notes: Remarkable events, such as a batch that was halved for lack of memory.
        files: SHA-256 of each file that the run wrote beside its record, by path inside the run's folder. Model cards
            are left out, because users may edit them. Earlier versions recorded none.
    """

    scores: dict[str, dict[str, float]] = {}
    curve: tuple[CurvePoint, ...] = ()
    best_step: Count | None = None
    calibration: dict[str, float] = {}
    counts: Counts = Counts()
    cost: Cost = Cost()
    provenance: Provenance = Provenance()
    notes: tuple[str, ...] = ()
    files: dict[str, str] = {}


class RunRecord(Measurements, RunHeader):
    """The record of a run: a model fine-tuned on a task with one seed. In the file, the header comes first."""

    @property
    def is_validation_only(self) -> bool:
        """Whether the run did not use the test split, and so has no test score."""
        return self.config.get("evaluate") == "validation"


def write_record(record: RunRecord, folder: Path) -> None:
    """Write `record` to `folder`/run.json atomically, with its own digest. It is the last file that a run writes."""
    write_document(folder / RECORD, json.loads(record.model_dump_json()))


def read_record(file: Path) -> RunRecord:
    """Read a record.

    Raises:
        UserError: If the file is missing, damaged, not a record, or of an unknown schema.
    """
    content, version = read_json(file, "record", "Delete it and do the run again."), None
    if isinstance(content, dict):
        version, content = content.get("schema_version"), _undamaged(content, file)
    if version == 1:
        content = from_version_1(content)
    elif version != SCHEMA_VERSION:
        raise UserError(
            f"{file}: record schema {version!r}, but this version reads 1 and {SCHEMA_VERSION}. "
            "Do the run again with --redo."
        )
    try:
        return RunRecord.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{file}: {where}: {first['msg']}. Do the run again with --redo.") from error


def _undamaged(content: Mapping[str, Any], file: Path) -> dict[str, Any]:
    try:
        return without_digest(content)
    except ValueError as error:
        raise UserError(
            f"{file}: damaged, or changed by hand ({error}). Do the run again with --redo; "
            'after a change on purpose, delete the line "sha256".'
        ) from error


def from_version_1(content: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a record of schema 1 to the current one. Its configuration is converted when it is read."""
    found = {**content, "schema_version": SCHEMA_VERSION}
    if "floor" in found:
        found["simple_baseline"] = found.pop("floor")
    renamed = ("task_card", "kind", "task_type"), ("counts", "answers_not_aligned", "unreachable_answers")
    for part, old, new in renamed:
        if isinstance(found.get(part), Mapping) and old in found[part]:
            found[part] = {new if key == old else key: value for key, value in found[part].items()}
    return found


def write_predictions(rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Write one row per test example to `folder`/predictions.parquet atomically."""
    import pyarrow  # noqa: PLC0415 -- listing and reading records needs no arrow
    from pyarrow import parquet  # noqa: PLC0415

    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), sink)
    write_atomically(folder / PREDICTIONS, sink.getvalue().to_pybytes())
