"""Write docs/results.md from the measured numbers in docs/results/ and the records of the checkpoints.

    python -m experiments.results_page              # writes the page; its text is in results_page.md.j2

A file of docs/results/ has the columns of a report as csv, or some of them. A new measurement replaces it:

    harness report runs/demo --format csv --output docs/results/demo.csv
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.claims.page import markdown_sections, told
from harness.comparison.formatting import amount, duration, memory
from harness.metrics.lookup import metric_name, unit_of
from harness.pretraining.record import read_pretraining
from harness.registry import BUILT_IN, is_simple_baseline

ROOT = Path(__file__).parent.parent
RESULTS, PAGE = ROOT / "docs" / "results", ROOT / "docs" / "results.md"
TEMPLATE = "results_page.md.j2"
CHECKPOINTS = ("bert-mini", "roberta-mini", "xl-mini")
NOTHING = "–"
Row = Mapping[str, str]


def page() -> str:
    """The page as it should be."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # Markdown, of our own numbers.
    )
    of_texts = (written, side_by_side)
    tables = (scores, with_costs, deviations, ways_to_read, memories, starts, *of_texts, speed, checkpoints, claims)
    return environment.get_template(TEMPLATE).render({table.__name__: table for table in tables})


def scores(name: str) -> str:
    """Models x tasks: the mean score and its interval; in bold the models that no other is shown to be ahead of."""
    return _by_model(name, lambda row: _bold(_score(row), strong=row.get("is_top") == "True"))


def with_costs(name: str) -> str:
    """One row per model of one task: the score as above, and what a training run took."""
    rows = _rows(name)
    body = [
        [
            _labelled(row["model"], row["family"]),
            _bold(_score(row), strong=row["is_top"] == "True"),
            duration(_number(row["train_processor_seconds"])),
            amount(_number(row["trained_parameters"])),
            memory(_number(row["peak_memory_bytes"])),
        ]
        for row in sorted(rows, key=lambda row: -float(row["mean"]))
    ]
    head = f"{rows[0]['task']}, {metric_name(rows[0]['metric'])}"
    return _table(["model", head, "training, processor time", "trained parameters", "peak memory"], body)


def deviations(name: str) -> str:
    """Models x tasks: the mean score, in brackets the seeds' standard deviation, and one run's training seconds."""
    return _by_model(name, lambda row: f"{_mean(row)} ({_scaled(row, 'seed_deviation')}), {row['train_seconds']} s")


def ways_to_read(name: str, ways: Mapping[str, str], columns: Mapping[str, tuple[str, str]]) -> str:
    """One row per way to read, one column per task and first part of its models' names."""
    means = {(row["task"], row["model"]): row["mean"] for row in _rows(name)}
    body = [
        [words, *(means.get((task, f"{prefix}-{way}"), NOTHING) for task, prefix in columns.values())]
        for way, words in ways.items()
    ]
    body.append(["TF-IDF, for comparison", *(means.get((task, "tfidf"), NOTHING) for task, _ in columns.values())])
    return _table(["reads", *columns], body)


def memories(name: str) -> str:
    """One row per task and metric, one column per model."""
    rows = _rows(name)
    means = {(row["task"], row["metric"], row["model"]): row["mean"] for row in rows}
    models = _distinct(rows, "model")
    body = [
        [f"{task}, {metric_name(metric)}", *(means[task, metric, model] for model in models)]
        for task in _distinct(rows, "task")
        for metric in _distinct(rows, "metric")
    ]
    return _table(["memory, in segments of 128 tokens", *(model.rpartition("-")[2] for model in models)], body)


def starts(name: str, beside: str) -> str:
    """Three scores per checkpoint and task: fresh weights, the start alone, the whole of pretraining."""
    rows = [*_rows(name), *_rows(beside)]
    found = {(row["model"], row["task"]): _mean(row) for row in rows}
    tasks = _distinct(_rows(name), "task")
    body = [
        [model, *(" / ".join(found[f"{model}{end}", task] for end in ("-random", "-start", "")) for task in tasks)]
        for model in (start.removesuffix("-start") for start in _distinct(_rows(name), "model"))
    ]
    return _table(["fresh / start alone / pretrained", *tasks], body)


def written(name: str, task: str) -> str:
    """Models x metrics of one task: the score and its interval."""
    rows = [row for row in _rows(name) if row["task"] == task]
    found = {(row["model"], row["metric"]): _score(row) for row in rows}
    metrics, families = _distinct(rows, "metric"), {row["model"]: row["family"] for row in rows}
    seconds = {row["model"]: _number(row["train_processor_seconds"]) for row in rows}
    body = [
        [
            _labelled(model, family),
            *(found.get((model, metric), NOTHING) for metric in metrics),
            NOTHING if is_simple_baseline(family) else duration(seconds[model]),
        ]
        for model, family in families.items()
    ]
    return _table([task, *map(metric_name, metrics), "training, processor time"], body)


def side_by_side(name: str, task: str, *models: str) -> str:
    """Samples: source, right text, and what each of the models wrote."""
    rows = [row for row in _rows(f"{name}_samples") if row["task"] == task]
    body = [[row[column].replace("|", "\\|") or NOTHING for column in ("source", "right", *models)] for row in rows]
    return _table(["source", "right text", *models], body)


def speed(name: str, mode: str) -> str:
    """How many times as fast as the Trainer, by case."""
    columns = {
        "times_default_trainer": "Trainer, default",
        "times_best_trainer": "Trainer, best flags",
        "times_best_trainer_whole_vocabulary": "the same, whole vocabulary trained",
        "share_of_peak": "share of the processor's peak",
    }
    rows = [row for row in _rows(name) if row["mode"] == mode]
    used = [column for column in columns if any(row[column] for row in rows)]
    body = [[row["case"], *(_speed(column, row[column]) for column in used)] for row in rows]
    return _table([mode, *(columns[column] for column in used)], body)


def checkpoints() -> str:
    """What the shipped checkpoints cost, and how well they predicted held-out text on the way, from their records."""
    records = {
        name: read_pretraining(BUILT_IN / "configs" / "models" / name / "pretraining.json") for name in CHECKPOINTS
    }
    body = []
    for name, record in records.items():
        shares = (0.1, 0.3, 1.0)
        points = [record.curve[round(share * len(record.curve)) - 1] for share in shares]
        losses = [f"{point.validation_loss:.2f}" for point in points]
        minutes = f"{record.processor_seconds / 60:.0f}"
        body.append([f"`{name}`", f"{record.parameters / 1e6:.2f} M", minutes, *losses])
    return _table(["checkpoint", "parameters", "minutes of one core", "loss after 10 %", "30 %", "all"], body)


def claims(name: str) -> str:
    """A section per claim of a study: what held in a sentence, the numbers, how they were measured."""
    return markdown_sections(told(RESULTS / name), level=3)


def _rows(name: str) -> list[Row]:
    with (RESULTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _number(text: str) -> float | None:
    return float(text) if text else None


def _by_model(name: str, entry: Callable[[Row], str]) -> str:
    rows = _rows(name)
    found = {(row["model"], row["task"]): entry(row) for row in rows}
    metrics = {row["task"]: row["metric"] for row in rows}
    families = {row["model"]: row["family"] for row in rows}
    body = [
        [_labelled(model, family), *(found.get((model, task), NOTHING) for task in metrics)]
        for model, family in families.items()
    ]
    return _table(["model", *(f"{task}, {metric_name(metric)}" for task, metric in metrics.items())], body)


def _labelled(model: str, family: str) -> str:
    return f"{model} (simple baseline)" if is_simple_baseline(family) else model


def _score(row: Row) -> str:
    if not row.get("low"):
        return _mean(row)
    return f"{_mean(row)} ({_scaled(row, 'low')}–{_scaled(row, 'high')})"


def _mean(row: Row) -> str:
    return _scaled(row, "mean")


def _scaled(row: Row, column: str) -> str:
    return f"{float(row[column]) * unit_of(row['metric']).factor:.1f}".replace("-", "−")


def _speed(column: str, value: str) -> str:
    if not value:
        return NOTHING
    return f"{float(value):.0%}".replace("%", " %") if column == "share_of_peak" else f"{value} x"


def _bold(text: str, *, strong: bool) -> str:
    return f"**{text}**" if strong else text


def _distinct(rows: Sequence[Row], column: str) -> list[str]:
    return list(dict.fromkeys(row[column] for row in rows))


def _table(headings: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
