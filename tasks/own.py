"""A task out of the user's own files, without a file in the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import UserError, nearest
from tasks.files import refuse
from tasks.metrics import EVALUATE, KINDS, metric
from tasks.perplexities import RATIOS
from tasks.sources import Files
from tasks.task import Task

Columns = Mapping[str, Sequence[str] | str | None]
DEFAULT_METRICS: Mapping[str, tuple[str, ...]] = {
    "classification": ("accuracy", "macro_f1"),
    "multi_label": ("micro_f1", "macro_f1"),
    "regression": ("pearson", "spearman", "mean_squared_error"),
    "question_answering": ("qa_f1", "exact_match"),
    "language_modelling": ("bits_per_byte", *(name for name in RATIOS if name != "bits_per_byte")),
}


def own_task(
    *,
    train: Path | str,
    validation: Path | str | None = None,
    test: Path | str | None = None,
    kind: str | None = None,
    text: Sequence[str] = (),
    label: str | None = None,
    question: str | None = None,
    context: str | None = None,
    answers: str | None = None,
    group: str | None = None,
    metrics: Sequence[str] | None = None,
) -> Task:
    """A task on csv, tsv, jsonl, parquet or txt files. A column that isn't named has its argument's name.

    Args:
        train: The file to train on; validation and test are carved out of it where they aren't given.
        validation: The file to choose on.
        test: The file to judge on.
        kind: Question answering where one of its columns is named, else classification; other kinds must be said.
        text: The column of the text, or the two of a pair.
        label: The column of the target.
        question: The column of the question.
        context: The column of the context.
        answers: The column of the answers.
        group: The column that says which rows belong together, if any.
        metrics: Names of `tasks.metrics` or "evaluate:" ones; by kind where none are named.

    Raises:
        UserError: Every setting that doesn't fit the others.
    """
    asked = {"question": question, "context": context, "answers": answers}
    chosen = kind or ("question_answering" if any(asked.values()) else "classification")
    refuse([*_column_problems(chosen, asked, {"text": text, "label": label}), *metric_problems(chosen, metrics or ())])
    return Task(
        kind=chosen,
        source=Files(train, validation, test),
        metrics=tuple(metrics or DEFAULT_METRICS[chosen]),
        licence="the user's own data",
        citation="",
        text=tuple(text) or ("text",),
        label=label or "label",
        question=question or "question",
        context=context or "context",
        answers=answers or "answers",
        group=group,
    )


def _column_problems(kind: str, asked: Columns, told: Columns) -> list[str]:
    """What doesn't fit in the columns of a question (`asked`) and of a text (`told`)."""
    if kind not in KINDS:
        return [f"kind: {kind!r} is none.{nearest(kind, KINDS)}"]
    unused = {
        "question_answering": told,
        "language_modelling": {**asked, "label": told["label"]},
    }
    problems = [
        f"{name}: names a column that {kind} has no use for (got {column!r}). Leave it out, or choose another kind."
        for name, column in unused.get(kind, asked).items()
        if column
    ]
    texts, most = told["text"] or (), 1 if kind == "language_modelling" else 2
    if len(texts) > most:
        allowed = ("one column makes", "one") if most == 1 else ("one column or two make", "at most two")
        problems.append(f"text: {allowed[0]} an input (got {len(texts)}). Name {allowed[1]}.")
    return problems


def metric_problems(kind: str, metrics: Sequence[str]) -> list[str]:
    """A line for each metric that is none, or that can't judge this kind of task."""
    problems: list[str] = []
    for name in metrics:
        try:
            kinds = metric(name).kinds
        except UserError as error:
            problems.extend(f"metrics: {line}" for line in error.lines)
            continue
        if kind in KINDS and kind not in kinds and not name.startswith(EVALUATE):
            fit = ", ".join(DEFAULT_METRICS[kind])
            problems.append(f"metrics: {name} can't judge {kind} (it judges {', '.join(kinds)}). Use {fit}.")
    return problems
