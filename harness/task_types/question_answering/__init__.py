"""Extractive question answering: the answer is a span of the context, or there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from harness.config.checking import Strict
from harness.data.fields import text_field
from harness.data.inner_fields import inner_fields
from harness.data.placed_rows import with_fields
from harness.data.rows import group_of
from harness.data.sampled_columns import SampledColumn, columns_named_like
from harness.data.task import Row, Task
from harness.task_types.contract import Column, ItemWindows, TaskType, finite
from harness.task_types.question_answering import errors
from harness.task_types.question_answering.answers import is_written, read_answers
from harness.task_types.question_answering.examples import QuestionExample
from harness.task_types.question_answering.languages import MLQA
from harness.task_types.question_answering.metrics import BY_ANSWERABILITY, EXACT_MATCH, QA_F1, qa_f1
from harness.task_types.question_answering.squad_files import (
    CANDIDATES_OF_SQUAD,
    N_BEST,
    check_squad_files,
    write_squad_files,
)

if TYPE_CHECKING:  # Training settings are composed of those of the task types, so this import would be circular.
    from harness.config.training import Training

# Columns with one answer per row, instead of a column of all answers.
TEXT_COLUMNS = ("answer_text", "answer")
START_COLUMN = "answer_start"
# Names of columns, the most usual first.
NAMES = {
    "question": ("question", "query"),
    "context": ("context", "passage", "paragraph", "document"),
    "answers": ("answers", "answer", *TEXT_COLUMNS),
}


class Settings(Strict):
    """Training settings of question answering.

    Attributes:
        longest_answer: Maximum number of tokens in an answer. Default: the 99th percentile of the training answers'
            lengths, but at least 30.
        empty_windows: Fraction of the training windows without an answer that are kept; the same ones for every seed.
            Most windows of a long context have none (Alberti et al. 2019, "A BERT baseline for the Natural Questions").
            Validation and test read all windows.
        repeat_question: Repeat the question after the context, so that the last state, which points at the answer, has
            just read it (in segments).
    """

    earlier_defaults: ClassVar[Mapping[str, Any]] = {"longest_answer": 30}

    longest_answer: int | None = Field(None, ge=1)
    empty_windows: float = Field(1.0, ge=0, le=1)
    repeat_question: bool = False


class PredictSettings(Strict):
    """Options of `harness predict` in question answering."""

    n_best: int | None = Field(
        None, ge=1, description="How many answers to give per question, with their probabilities."
    )
    squad: Path | None = Field(
        None, description="A folder to write SQuAD's predictions.json, nbest_predictions.json and null_odds.json to."
    )


class QuestionAnswering(TaskType):
    """The task type."""

    name = "question_answering"
    columns: Mapping[str, Column] = {
        "question": Column("The column of the question (question answering)."),
        "context": Column("The column of the text that contains the answers (question answering)."),
        "answers": Column("The column of the answers (question answering)."),
    }
    inputs = ("question", "context")
    may_be_blank = ("answers",)
    predict_options: Mapping[str, str] = {
        "question": "A question; needs --context.",
        "context": "The text that contains the answer.",
    }
    metrics = (QA_F1, EXACT_MATCH, *BY_ANSWERABILITY, *MLQA)
    default_metrics = ("qa_f1", "exact_match")
    prediction_columns = ("prediction", "start", "end", "score", "no_answer_score")
    predict_settings = PredictSettings
    settings = Settings
    unused_settings = ("strategy", "pool")
    inferred = True
    recorded_aspects = staticmethod(errors.recorded_aspects)
    read_aspects = staticmethod(errors.read_aspects)

    def guess_columns(
        self, columns: Mapping[str, SampledColumn], named: Mapping[str, tuple[str, ...]]
    ) -> Mapping[str, tuple[str, ...]] | None:
        """Guess the columns of questions, contexts and answers by their names."""
        return columns_named_like(columns, named, NAMES)

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Accept answers other than yes and no."""
        return None if columns["answers"][0].is_binary else "questions with contexts"

    def item_windows(self, training: Training) -> ItemWindows | None:
        """Return the windows of a context; None if it is read from end to end."""
        if training.segmented:
            return None
        own = self.own_settings(training)
        return ItemWindows(training.max_length, training.stride, training.max_windows, own.empty_windows)

    def example(
        self, task: Task, row: Row, identity: str, *, split: str, labels: tuple[str, ...], dropped: Counter[str]
    ) -> QuestionExample | None:
        """Convert a row to an example; None for a training question with no answer in its context."""
        question, context = self._texts(task, row)
        read = read_answers(row[task.column("answers")], context)
        dropped.update(read.notes)
        unplaced = any(answer.start < 0 for answer in read.answers)
        answers = tuple(answer for answer in read.answers if answer.start >= 0) if split == "train" else read.answers
        if unplaced and not answers:
            dropped["train rows whose answer is not in its context"] += 1
            return None
        return QuestionExample(identity, question, context, answers, group_of(task, row))

    def answered(self, task: Task, row: Row) -> Row:
        """Combine `answer_text` and `answer_start` into the answer, if the row has these columns instead."""
        column = task.column("answers")
        name = next((name for name in (column, *TEXT_COLUMNS) if name in row), None)
        starts = {START_COLUMN: row[START_COLUMN]} if START_COLUMN in row else _starts_beside(column, row)
        if name is None or (name == column and not starts):
            return row
        field = row[name]
        if starts and not is_written(field):
            field = {"text": field, **starts}
        return with_fields(row, {column: field})

    def unlabelled(self, task: Task, row: Row, identity: str) -> QuestionExample:
        """Convert a row to a question for prediction."""
        return QuestionExample(identity, *self._texts(task, row), ())

    def constant_answers(self, references: Sequence[Any]) -> Sequence[Any]:
        """Return no answer to each question."""
        return [""] * len(references)

    def pipeline_tag(self, _test_scores: Mapping[str, float]) -> str:
        """Return the Hub's pipeline tag."""
        return "question-answering"

    def predicted(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> dict[str, Any]:
        """Return the answer, its position and the scores. An empty context has no span and therefore no score."""
        several = {N_BEST: answer[N_BEST]} if N_BEST in answer else {}
        return {name: finite(answer[name]) for name in self.prediction_columns} | several

    def wrongness(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> float:
        """Return 1 - F1."""
        return 1 - qa_f1(answer["reference"], answer["prediction"])

    def predicting(self, objective: Any, settings: PredictSettings) -> Any:
        """Return the objective with the requested number of answers; SQuAD's files contain twenty."""
        n_best = settings.n_best or 0
        wanted = max(n_best, CANDIDATES_OF_SQUAD) if n_best or settings.squad else 1
        return replace(objective, candidates=wanted, n_best=n_best)

    def check_files(self, settings: PredictSettings, rows: Sequence[Row]) -> None:
        """Check the folder for SQuAD's files, and that ids are unique."""
        if settings.squad is not None:
            check_squad_files(settings.squad, rows)

    def write_files(self, settings: PredictSettings, rows: Sequence[Row], answers: Sequence[Mapping[str, Any]]) -> None:
        """Write SQuAD's files, if requested."""
        if settings.squad is not None:
            write_squad_files(settings.squad, rows, answers)

    def _texts(self, task: Task, row: Row) -> tuple[str, str]:
        return text_field(row, task.column("question")), text_field(row, task.column("context"))


def _starts_beside(column: str, row: Row) -> dict[str, object]:
    """Return the field with the answers' starts in the same object as their texts, if the texts are inside of one."""
    outer, _, _ = column.rpartition(".")
    beside = f"{outer}.{START_COLUMN}"
    found = inner_fields(row, [beside] if outer else [])
    return {START_COLUMN: found[beside]} if found else {}


task_type = QuestionAnswering()
