"""What makes a task's comparison doubtful, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.comparison.analysis import ModelRuns
from harness.record import RunRecord
from harness.runs.identity import run_differences

SCORE_TOLERANCE = 1e-6


def warnings_about(by_model: Sequence[ModelRuns], metric: str) -> tuple[str, ...]:
    """A sentence for everything that a reader must know before believing the numbers, which are of `metric`."""
    lines = [line for model_runs in by_model if model_runs.runs for line in _about_one(model_runs, metric)]
    lines += _about_data([run.record for model_runs in by_model for run in model_runs.runs])
    sets = {model_runs.test_set for model_runs in by_model if model_runs.test_set is not None}
    if len(sets) > 1:
        where = _place(next(run.record for model_runs in by_model for run in model_runs.runs))
        lines.append(
            f"{where}: the models were tested on different examples. Only models with the same test set are compared."
        )
    if len({model_runs.units for model_runs in by_model if model_runs.test_set is not None}) > 1:
        where = _place(next(run.record for model_runs in by_model for run in model_runs.runs))
        lines.append(
            f"{where}: the models' tokens are not the same, so that their {metric} is compared only between those with "
            "one tokenizer. Bits per byte compare them all."
        )
    return tuple(lines)


def _about_one(model_runs: ModelRuns, metric: str) -> Iterator[str]:
    yield from _changed_scores(model_runs, metric)
    yield from _differing_settings(model_runs)
    if model_runs.rescored_runs and model_runs.test_set is None:
        where = f"{_place(model_runs.runs[0].record)}/{model_runs.model}"
        yield f"{where}: its seeds were tested on different examples, so they have no common score."
    seeds = [run.record.seed for run in model_runs.runs]
    for seed in sorted({seed for seed in seeds if seeds.count(seed) > 1}):
        yield f"{_place(model_runs.runs[0].record)}/{model_runs.model}: seed {seed} is there twice. Remove a copy."


def _changed_scores(model_runs: ModelRuns, metric: str) -> Iterator[str]:
    for run in model_runs.runs:
        recorded = run.record.scores.get("test", {}).get(metric)
        if run.score is not None and recorded is not None and not abs(run.score - recorded) <= SCORE_TOLERANCE:
            yield (
                f"{_place(run.record)}/{model_runs.model}, seed {run.record.seed}: the predictions give {metric} "
                f"{run.score:.6f}, the record says {recorded:.6f}. The report shows the former."
            )


def _differing_settings(model_runs: ModelRuns) -> Iterator[str]:
    first, *others = [run.record for run in model_runs.runs]
    for other in others:
        lines = run_differences(first.config, other.config)
        changed = [line for line in lines if not line.startswith("seed: ")]
        if changed:
            yield (
                f"{_place(other)}/{model_runs.model}: seeds {first.seed} and {other.seed} ran with different settings "
                f"({'; '.join(line.replace('recorded', 'first').replace('wanted', 'then') for line in changed)})."
            )


def _about_data(records: Sequence[RunRecord]) -> Iterator[str]:
    digests = {record.provenance.data_digest for record in records if record.provenance.data_digest}
    if len(digests) > 1:
        yield f"{_place(records[0])}: the runs did not read the same data ({len(digests)} digests)."
    metrics = sorted({record.task_card.main_metric for record in records})
    if len(metrics) > 1:
        yield f"{_place(records[0])}: the runs name different main metrics ({', '.join(metrics)}); the first is used."


def _place(record: RunRecord) -> str:
    return f"{record.suite}/{record.task}"
