"""Warnings about a task's comparison, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.comparison.analysis import ModelRuns
from harness.comparison.clean import order_said, orders
from harness.comparison.doubts import data_of, is_flipped
from harness.record import RunRecord, TaskCard

SCORE_TOLERANCE = 1e-6


def warnings_about(by_model: Sequence[ModelRuns], card: TaskCard) -> tuple[str, ...]:
    """A sentence for everything that readers must know before they trust the numbers of a task."""
    metric = card.main_metric
    lines = [line for model_runs in by_model if model_runs.runs for line in _about_one(model_runs, metric)]
    records = [run.record for model_runs in by_model for run in model_runs.runs]
    where = _place(records[0])
    lines += [f"{where}: {line}" for line in (*_about_data(records, metric), *_about_direction(records, card))]
    scored = [model_runs for model_runs in by_model if model_runs.test_set is not None]
    if len({model_runs.test_set for model_runs in scored}) > 1:
        lines.append(
            f"{where}: the models were tested on different examples. Only models with the same test set are compared."
        )
    if len({model_runs.units for model_runs in scored}) > 1:
        lines.append(
            f"{where}: the models' tokens are not the same, so their {metric} is compared only between those with "
            "one tokenizer. Bits per byte compare them all."
        )
    lines += [f"{where}: {line}" for line in _about_repeats(by_model, card)]
    return tuple(lines)


def orders_of(by_model: Sequence[ModelRuns], card: TaskCard) -> tuple[list[str], list[str]]:
    """Order the models by their scores on all test examples, and on those that repeat no training example."""
    evidence = {one.model: (one.evidence, one.clean_evidence) for one in by_model}
    return orders(evidence, higher_is_better=card.higher_is_better)


def _about_repeats(by_model: Sequence[ModelRuns], card: TaskCard) -> Iterator[str]:
    first = next((one for one in by_model if one.clean_evidence is not None), None)
    repeating = [one.examples for model_runs in by_model for one in model_runs.rescored_runs if one.all_repeat]
    if first is not None:
        examples = first.split.examples
        every, clean = orders_of(by_model, card)
        others = [one.model for one in by_model if one.evidence is not None and one.model not in every]
        yield order_said(examples - first.clean_examples, examples, every, clean, others)
    elif repeating:
        yield (
            f"all {max(repeating):,} test examples nearly repeat a training example, so no clean one is left to score."
        )


def _about_one(model_runs: ModelRuns, metric: str) -> Iterator[str]:
    yield from _changed_scores(model_runs, metric)
    where = f"{_place(model_runs.runs[0].record)}/{model_runs.model}"
    yield from (f"{where}: {line}" for line in model_runs.other_settings)
    yield from model_runs.unread
    if model_runs.rescored_runs and model_runs.test_set is None:
        yield f"{where}: its seeds were tested on different examples, so they have no common score."
    seeds = [run.record.seed for run in model_runs.runs]
    for seed in sorted({seed for seed in seeds if seeds.count(seed) > 1}):
        yield f"{where}: seed {seed} appears twice. Remove a copy."


def _changed_scores(model_runs: ModelRuns, metric: str) -> Iterator[str]:
    for run in (training for one in model_runs.runs for training in one.trainings):
        recorded = run.record.scores.get("test", {}).get(metric)
        if run.score is not None and recorded is not None and not abs(run.score - recorded) <= SCORE_TOLERANCE:
            yield (
                f"{_place(run.record)}/{model_runs.model}, {run.record.which}: the predictions give {metric} "
                f"{run.score:.6f}, the record says {recorded:.6f}. The report shows the former."
            )


def _about_data(records: Sequence[RunRecord], metric: str) -> Iterator[str]:
    digests = data_of(records)
    if len(digests) > 1:
        yield f"the runs did not read the same data ({len(digests)} digests)."
    metrics = sorted({record.task_card.main_metric for record in records})
    if len(metrics) > 1:
        yield f"the runs name different main metrics ({', '.join(metrics)}); {metric} is used."


def _about_direction(records: Sequence[RunRecord], card: TaskCard) -> Iterator[str]:
    flipped = [record for record in records if is_flipped(record, card)]
    if flipped:
        right, wrong = ("more", "less") if card.higher_is_better else ("less", "more")
        yield (
            f"{right} {card.main_metric} is better, but the records of {len(flipped)} of {len(records)} runs say that "
            f"{wrong} is ({flipped[0].model}, seed {flipped[0].seed}). They are read as {right}."
        )


def _place(record: RunRecord) -> str:
    return f"{record.suite}/{record.task}"
