"""RunConfig: what identifies a run; and a user's own files as its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, create_model, field_validator, model_validator

from harness.config.checking import Strict
from harness.config.model import ModelConfig
from harness.config.training import Training
from harness.data.custom import column_roles, custom_task, type_by_files
from harness.data.sources import SPLITS, Files
from harness.data.splits import limited
from harness.data.task import BlankRows, Decimal, NearDuplicates, Splits, Task
from harness.fold import MOST_FOLDS, Fold
from harness.registry import TASKS
from harness.varied import Varied

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Folds = Annotated[int, Field(ge=2, le=MOST_FOLDS)]
Evaluate = Literal["test", "validation"]


def _as_names(value: object) -> object:
    """One column's name as a list of one; none, as older versions recorded it, as an empty one."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


Columns = Annotated[tuple[str, ...], BeforeValidator(_as_names)]


class LocalFiles(Strict):
    """A user's own files as a task, without its columns; see `harness.data.custom.custom_task`.

    Attributes:
        train: The training file, or a folder, or a pattern such as "train-*.parquet". Not needed if the model is only
            scored.
        validation: The file that the checkpoint is chosen on. Default: split off the training data.
        test: The file that the model is scored on. Default: split off the training data.
        task_type: Default: the only type that has one of the named columns, such as "question", or that reads files
            with this extension, such as .conll; otherwise classification.
        group: The column that identifies rows that belong together.
        separator: The field separator of csv and tsv files: a character, or comma, semicolon, tab or pipe. Default:
            guessed, and reported.
        encoding: The encoding of text files, such as "cp1252". Default: UTF-8, or guessed and reported.
        near_duplicates: "drop" leaves out training rows that nearly repeat a row of validation or test; "keep" only
            leaves out exact copies.
        blank_rows: "refuse" blank documents and texts without a label, or "skip" and count these and other rows that
            lack what an example needs, such as a question or a target.
        decimal: What stands before the decimals of numbers, "point" or "comma" (regression). Default: a point, or a
            comma, which is reported, if all numbers of the training data are written like that.
        folds: Number of folds for cross-validation: train is split into this many folds, and each is the test split of
            a run that is trained on the others.
    """

    renamed: ClassVar[Mapping[str, str]] = {"kind": "task_type"}

    train: str | None = None
    validation: str | None = None
    test: str | None = None
    task_type: str | None = None
    group: str | None = None
    separator: str | None = None
    encoding: str | None = None
    near_duplicates: NearDuplicates = "drop"
    blank_rows: BlankRows = "refuse"
    decimal: Decimal | None = None
    folds: Folds | None = None

    @model_validator(mode="after")
    def _there_is_a_file(self) -> Self:
        if self.train is None and self.test is None:
            raise ValueError("needs a file to train on. Give train; test alone is enough if a model is scored as it is")
        return self

    @field_validator("folds")
    @classmethod
    def _folds_are_the_test_split(cls, folds: int | None, given: ValidationInfo) -> int | None:
        files = [split for split in SPLITS if given.data.get(split) is not None]
        if folds is not None and ("train" not in files or "test" in files):
            raise ValueError("each row of train is a test row once. Leave out test, and give train; or leave out folds")
        return folds

    def files(self) -> dict[str, str]:
        """The path of each split that is given."""
        return {split: path for split in SPLITS if (path := getattr(self, split)) is not None}

    def settled(self) -> Self:
        """The same with the task type that its files tell, so that a run keeps it when they are gone."""
        if self.task_type is not None or self._columns():
            return self
        return self.model_copy(update={"task_type": type_by_files(Files(self.train, self.validation, self.test))})

    def task(self, metrics: Sequence[str] = (), fold: Fold | None = None) -> Task:
        """The task that they make.

        Args:
            metrics: Names of metrics; by task type where none are named.
            fold: The one of `folds` that is the test split.

        Raises:
            UserError: Every setting that doesn't fit the others.
        """
        return custom_task(
            train=self.train,
            validation=self.validation,
            test=self.test,
            task_type=self.task_type,
            columns=self._columns(),
            group=self.group,
            near_duplicates=self.near_duplicates,
            blank_rows=self.blank_rows,
            decimal=self.decimal,
            metrics=metrics,
            separator=self.separator,
            encoding=self.encoding,
            fold=fold,
        )

    def _columns(self) -> dict[str, tuple[str, ...]]:
        return {role: names for role in column_roles() if (names := getattr(self, role))}


if TYPE_CHECKING:
    LocalData = LocalFiles
else:
    _COLUMNS = dict.fromkeys(column_roles(), (Columns, ()))
    LocalData = create_model("LocalData", __base__=LocalFiles, __module__=__name__, **_COLUMNS)
    LocalData.__doc__ = "A user's own files as a task, with a setting per column that some task type reads."


class RunConfig(Strict):
    """The configuration that identifies a run: runs with equal configurations are the same run.

    Attributes:
        task: The name of the task, with the value of the setting that is varied.
        data: Fingerprint of the task's data source.
        weights: Fingerprint of the checkpoint's weights, if it is a folder of the user's.
        files: SHA-256 of the user's other files: of the checkpoint's folder, the tokenizer's folder and the metrics'
            scripts. Earlier versions recorded none.
        metrics: Names of the metrics, the main one first.
        local: The files, if the data is the user's own.
        model: The model.
        seed: The random seed of new layers, data order and dropout.
        fold: The fold that is the test split, in cross-validation.
        varied: The value of a setting, if the suite compares several.
        training: The training settings.
        evaluate: What the trained model is scored on: "test" as well as validation, or "validation" alone, as in tuning
            trials, which neither read nor score the test split.
    """

    renamed: ClassVar[Mapping[str, str]] = {"own": "local"}

    task: str
    data: str
    weights: str = ""
    files: dict[str, str] = Field({})
    metrics: tuple[str, ...]
    local: LocalData | None = None
    model: ModelConfig
    seed: Seed
    fold: Fold | None = None
    varied: Varied | None = None
    training: Training
    evaluate: Evaluate = "test"

    @property
    def base_task(self) -> str:
        """The name of the task as it is registered, or as the suite's own data is called."""
        return self.task if self.varied is None else self.varied.task

    def resolved(self) -> dict[str, Any]:
        """The configuration as it goes into the record."""
        return self.model_dump(mode="json")


def task_of(config: RunConfig) -> Task:
    """The task that the configuration names: of the registry, or the user's own files."""
    if config.local is not None:
        return config.local.task(config.metrics, config.fold)
    task: Task = TASKS.load(config.base_task)
    return task


def limited_splits(splits: Splits, config: RunConfig) -> Splits:
    """The splits with as many examples as the recipe takes; where sizes are compared, a larger one has the smaller."""
    return limited(
        splits,
        train=config.training.train_examples,
        validation=config.training.validation_examples,
        test=config.training.test_examples,
        is_nested=config.varied is not None and config.varied.setting == "train_examples",
    )
