"""The example report in `reports/`: generated runs with fixed numbers, in every format (`make example`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from harness.comparison.comparison import compare
from harness.record import (
    Cost,
    Counts,
    CurvePoint,
    Provenance,
    RunRecord,
    TaskCard,
    Tokens,
    write_predictions,
    write_record,
)
from harness.registry import FORMATS
from harness.reporting.files import ending_of, write_report

TARGET = Path(__file__).parent.parent / "reports"
NAME = "example"
DESCRIPTION = "Made-up runs, to show what a report looks like: no model was trained."
EXAMPLES, SEEDS = 300, 3


@dataclass(frozen=True)
class Model:
    """A made-up model: how good it is on each task, and what it costs."""

    name: str
    family: str
    skill: tuple[float, float]
    parameters: int = 0
    seconds: float = 0.02

    @property
    def is_simple(self) -> bool:
        """Whether it stands for a simple baseline."""
        return not self.parameters


TASKS = {
    "film_reviews": TaskCard(
        task_type="classification", labels=("negative", "positive"), main_metric="accuracy", higher_is_better=True,
        description="Is a sentence of a film review positive? (made up)", licence="none", citation="none",
    ),
    "headlines": TaskCard(
        task_type="classification", labels=("sport", "trade", "weather"), main_metric="macro_f1",
        higher_is_better=True, description="What is a headline about? (made up)", licence="none", citation="none",
    ),
}  # fmt: skip
MODELS = (
    Model("large-encoder", "bert", (1.9, 2.6), 110_000_000, 420.0),
    Model("small-encoder", "bert", (1.75, 2.1), 22_700_000, 95.0),
    Model("recurrent", "transformer_xl", (1.3, 2.0), 5_500_000, 60.0),
    Model("scratch", "scratch", (0.7, 1.1), 5_250_000, 70.0),
    Model("tfidf", "tfidf", (1.0, 1.9)),
    Model("majority", "majority", (0.0, 0.0)),
)


def write_runs(folder: Path) -> None:
    """Write the made-up runs below a folder, the same every time; one of them failed."""
    for number, (task, card) in enumerate(TASKS.items()):
        for place, model in enumerate(MODELS):
            for seed in range(1 if model.is_simple else SEEDS):
                where = folder / NAME / task / model.name / f"seed-{seed}"
                where.mkdir(parents=True)
                has_failed = (task, model.name, seed) == ("headlines", "recurrent", 2)
                rows = [] if has_failed else list(_rows(card, model.skill[number], number, [number, place, seed]))
                if rows:
                    write_predictions(rows, where)
                write_record(_record(task, card, model, seed, rows), where)


def _rows(card: TaskCard, skill: float, task: int, seed: list[int]) -> Iterator[dict[str, object]]:
    """Predictions by logits in which the right label is ahead by the skill; texts are equally hard for all models."""
    hard, own = np.random.default_rng(task), np.random.default_rng([1, *seed])
    labels, bias = card.labels, 3.0 if not skill else 0.0
    for number in range(EXAMPLES):
        right = int(hard.integers(len(labels)))
        logits = hard.normal(0, 0.8, len(labels)) + own.normal(0, 0.5 if skill else 0.0, len(labels))
        logits[right] += skill
        logits[0] += 10 * bias
        yield {
            "id": f"test-{number}", "group": "", "length": 8 + int(hard.integers(40)), "reference": labels[right],
            "prediction": labels[int(logits.argmax())], "logits": logits.tolist(),
        }  # fmt: skip


def _record(task: str, card: TaskCard, model: Model, seed: int, rows: list[dict[str, object]]) -> RunRecord:
    seconds = model.seconds * (1 + 0.05 * seed)
    steps = () if model.is_simple else tuple(_curve(seed))
    return RunRecord(
        status="complete" if rows else "failed", reason="" if rows else "out of memory (made up)",
        suite=NAME, task=task, model=model.name, family=model.family, simple_baseline=model.is_simple, seed=seed,
        task_card=card, config={"task": task, "seed": seed, "training": {"learning_rate": 1e-4, "epochs": 3}},
        curve=steps, best_step=200 if steps else None, scores={"test": _scores(card, rows)} if rows else {},
        counts=Counts(
            parameters=model.parameters, examples={"train": 1200, "validation": 150, "test": EXAMPLES},
            tokens={"test": Tokens(total=9000, seen=8900)},
        ),
        cost=Cost(
            seconds={"train": seconds, "test": seconds / 10}, train_tokens_per_second=80_000 / max(seconds, 1),
            peak_memory_bytes=400_000_000 + 16 * model.parameters, training_flops=6e5 * model.parameters,
        ),
        provenance=Provenance(data_digest="sha256:made-up", packages={}, hardware={"processor": "none: made up"}),
    )  # fmt: skip


def _scores(card: TaskCard, rows: list[dict[str, object]]) -> dict[str, float]:
    from harness.metrics.lookup import scores

    return scores(
        (card.main_metric,), [row["reference"] for row in rows], [row["prediction"] for row in rows], card.labels
    )


def _curve(seed: int) -> Iterator[CurvePoint]:
    for point in range(1, 4):
        loss = 0.7 * 0.6**point + 0.01 * seed
        scores = {"accuracy": 0.6 + 0.08 * point}
        yield CurvePoint(
            step=100 * point, epoch=float(point), train_loss=loss, validation_loss=0.4 + 0.03 * (point - 2) ** 2,
            validation_scores=scores,
        )  # fmt: skip


def write_example(target: Path) -> list[Path]:
    """Write the report of the made-up runs in every format that is ours, and return the files."""
    files = []
    with TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        write_runs(runs)
        comparison = compare(runs, baseline="scratch", description=DESCRIPTION)
        for format_ in sorted(name for name in FORMATS.names() if FORMATS.entry(name).built_in):
            file = target / f"{NAME}{ending_of(format_)}"
            write_report(format_, comparison, file)
            file.write_text(file.read_text(encoding="utf-8").replace(str(runs), "runs"), encoding="utf-8")
            files.append(file)
    return files


def form(text: str) -> str:
    """A report without what numbers and drawings depend on: the machine, and versions of libraries.

    >>> form("scored 81.3 (79.0 to 83.1)")
    'scored # (# to #)'
    """
    drawn = re.sub(r"<svg.*?</svg>", "<svg/>", text, flags=re.DOTALL)
    return re.sub(r"[-−+]?\d[\d.,]*(e[-+]?\d+)?", "#", drawn)


def main() -> None:
    """Write it anew."""
    for file in write_example(TARGET):
        print(file.relative_to(TARGET.parent))


if __name__ == "__main__":
    main()
