"""RunRecord: what a run leaves behind. Comparing and reporting read records and predictions, nothing else.

A run's folder is `runs/<suite>/<task>/<model>/seed-<N>/`, with `run.json`, `predictions.parquet` and `checkpoint/`; in
cross-validation it is `seed-<N>-fold-<K>/`, at one of several values of a setting `<task>@<value>/`.
The predictions hold one row per test example (a run that is scored on validation alone has none), in the test split's
order: `id`, `group` and `length` (tokens of the
example, special ones left out; words, for the simple baselines), `reference` and `prediction` in the task type's own
form, and what else it has: logits, where an answer stands, scores (`harness/task_types`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from harness.atomic_writes import write_atomically
from harness.checksums import with_digest, without_digest
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
SINGLE = "single"  # The suite of runs outside any suite.
Status = Literal["complete", "diverged", "failed"]
# What is counted, and what is measured: numbers that a mean or a chart can be made of.
Count = Annotated[int, Field(ge=0, lt=2**63)]
Amount = Annotated[float, Field(ge=0, le=1e100)]


class _Part(BaseModel):
    # A loss may be no number, and a record with it must be read again: JSON knows no NaN, so it is written as text.
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


class Tokens(_Part):
    """Tokens of a split's texts, special tokens left out, and how many of them the model read."""

    total: Count
    seen: Count


class Counts(_Part):
    """How much there was of everything. `examples` and `tokens` are by split; `dropped` by reason.

    `trained_parameters` are those that training changes, adapters included; earlier versions did not count them.
    `unreachable_answers` is by split, of question answering: of the questions with an answer, the share that no model
    can answer as it is, read and bounded like this; `unreachable_causes`, by split, how many of them and why.
    `rare_label` is the rarest label of the training split, where it is rare.
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
    """What the run took.

    Attributes:
        seconds: On the clock, by phase: load, features, train, validate, test, save.
        processor_seconds: Of the processor, of all threads and processes, likewise. Other work on the machine hardly
            changes them. Empty in records of earlier versions.
        others: Processors that other work on the machine kept busy meanwhile, on average; None: not measured.
    """

    seconds: dict[str, Amount] = {}
    processor_seconds: dict[str, Amount] = {}
    others: Amount | None = None
    train_tokens_per_second: Amount = 0.0
    train_examples_per_second: Amount = 0.0
    peak_memory_bytes: Count = 0
    training_flops: Amount = 0.0


class Pretraining(_Part):
    """How far `harness pretrain` had come with the weights that a run began with: `tokens` of which `recipe`.

    It stands in the checkpoint's config.json under `pretraining`. Of fresh weights in its architecture it is 0 tokens.
    """

    recipe: str
    tokens: Count


class Provenance(_Part):
    """Where everything came from, so that the run can be repeated.

    `command` is what was typed after `harness`, without what changes no result; of a run from Python it is empty.
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


class TaskCard(_Part):
    """What a reader of a report wants to know of the task. `labels` are in the order of the predictions' logits."""

    task_type: str
    labels: tuple[str, ...] = ()
    main_metric: str
    higher_is_better: bool = True
    description: str = ""
    licence: str = ""
    citation: str = ""


class RunHeader(_Part):
    """Which run it is, and how it ended.

    Attributes:
        status: "complete"; "diverged": the loss was not finite, a result in itself; "failed": an error, tried again.
        reason: Why it diverged or failed.
        simple_baseline: Whether the model is a trivial one, there to be beaten, whose seed changes nothing.
        fold: Which fold it was tested on; None outside cross-validation.
        varied: Which value a setting has of which its suite compares several; None where none is varied.
        config: The resolved configuration; two runs with the same one are the same run.
        trial: Of a run that tried a recipe, and is no seed of its model.
        tuning: Of a run whose recipe was chosen by trials.
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
        """The task's name without the value of what is varied."""
        return self.task if self.varied is None else self.varied.task

    @property
    def which(self) -> str:
        """Which of its model's runs it is, such as "seed 0", "seed 0, fold 2 of 5" or "trial 3"."""
        return which_run(self.seed, self.fold) if self.trial is None else f"trial {self.trial.number}"


class Measurements(_Part):
    """What was measured of a run.

    Attributes:
        scores: Metric values in their natural unit (accuracy in 0..1), by split ("validation", "test") and metric.
        best_step: The optimiser step whose weights were kept, chosen on validation; None for the simple baselines.
        calibration: What was chosen on validation after training, such as the no-answer threshold, or by the training
            split, such as the length of answers.
        notes: What happened on the way, such as a batch halved for want of memory.
        files: The SHA-256 of each file that the run left beside its record, by its path in the run's folder; model
            cards left out, for those may be written on. Earlier versions recorded none.
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
    """One run of a comparison: a model, fine-tuned on a task with a seed. Its file begins with the header."""

    @property
    def is_validation_only(self) -> bool:
        """Whether the run never saw the test split, so that it has no test score."""
        return self.config.get("evaluate") == "validation"


def write_record(record: RunRecord, folder: Path) -> None:
    """Write `record` as `folder`/run.json, whole or not at all, with its own digest. A run's record is written last."""
    content = with_digest(json.loads(record.model_dump_json()))
    write_atomically(folder / RECORD, json.dumps(content, indent=1, ensure_ascii=False).encode())


def read_record(file: Path) -> RunRecord:
    """The record in `file`.

    Raises:
        UserError: The file is cut short, of another schema, no record at all, or no file.
    """
    content = read_json(file, "record", "Delete it and do the run again.")
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(content, dict):
        content = _undamaged(content, file)
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
        where = ".".join(str(part) for part in first["loc"])
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
    """A record of schema 1 in today's words; its configuration is renamed where it is read."""
    found = {**content, "schema_version": SCHEMA_VERSION}
    if "floor" in found:
        found["simple_baseline"] = found.pop("floor")
    for part, old, new in (
        ("task_card", "kind", "task_type"),
        ("counts", "answers_not_aligned", "unreachable_answers"),
    ):
        if isinstance(found.get(part), Mapping) and old in found[part]:
            found[part] = {new if key == old else key: value for key, value in found[part].items()}
    return found


def write_predictions(rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Write one row per test example as `folder`/predictions.parquet, whole or not at all."""
    import pyarrow  # noqa: PLC0415 -- listing and reading records needs no arrow
    from pyarrow import parquet  # noqa: PLC0415

    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), sink)
    write_atomically(folder / PREDICTIONS, sink.getvalue().to_pybytes())
