"""The cost of a report on very many runs: by default 200 models x 10 tasks x 5 seeds, with 1,000 predictions each.

    python -m benchmarks.many_records                        # four minutes, most of them to generate the records
    python -m benchmarks.many_records --models 20 --tasks 2  # --keep FOLDER: keep the records there, or reuse them

prints the processor time and peak memory of `harness report`, in its own process on one thread, and the size of its
page. Whether an answer is right depends on the example (which all models share), the model, the seed and chance, so
that similar models can't be told apart and different ones can.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow
from pyarrow import parquet

from harness.checksums import with_digest
from harness.config.training import recipe_of
from harness.record import PREDICTIONS, RECORD, Cost, Counts, CurvePoint, Provenance, RunRecord, TaskCard, Tokens

LABELS = ("negative", "positive")
POINTS = 6
"""Of a learning curve."""


def main() -> None:
    """Make the records up, report on them, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("models", 200), ("tasks", 10), ("seeds", 5), ("examples", 1000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--format", default="html")
    parser.add_argument("--keep", type=Path, help="A folder for the records, which are not made again if it is there.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        runs = asked.keep or Path(temporary) / "runs"
        if not runs.exists():
            make_runs(runs, asked.models, asked.tasks, asked.seeds, asked.examples)
        page = Path(temporary) / "report"
        command = [
            sys.executable,
            "-m",
            "harness",
            "report",
            str(runs),
            "--format",
            asked.format,
            "--output",
            str(page),
        ]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        records = sum(1 for _ in runs.rglob(RECORD))
        print(
            f"{records:,} records of {asked.examples:,} predictions to {asked.format}: "
            f"{used.ru_utime + used.ru_stime:.1f} CPU-s, peak memory {used.ru_maxrss / 2**20:.2f} GiB, "
            f"page {page.stat().st_size / 2**20:.1f} MiB"
        )


def make_runs(runs: Path, models: int, tasks: int, seeds: int, examples: int) -> None:
    """Write the records and the predictions of all runs, each model with an accuracy of its own."""
    rng = np.random.default_rng(0)
    skills = np.sort(rng.uniform(0.5, 1.5, models))
    training = recipe_of({"": {}}, [])
    assert training is not None, "nothing is wrong with the defaults"
    for task in range(tasks):
        ease, references = rng.normal(size=examples), rng.integers(0, 2, examples)
        for model, skill in enumerate(skills):
            own = ease + 0.5 * rng.normal(size=examples) + skill
            for seed in range(seeds):
                right = own + 0.1 * rng.normal() + 0.6 * rng.normal(size=examples) > 0
                folder = runs / "many" / f"task-{task}" / f"model-{model:03}" / f"seed-{seed}"
                folder.mkdir(parents=True)
                _write_predictions(folder, references, np.where(right, references, 1 - references))
                _write_record(folder, float(right.mean()), training.model_dump(mode="json"))


def _write_predictions(folder: Path, references: np.ndarray, predicted: np.ndarray) -> None:
    names = np.array(LABELS)
    columns = {
        "id": [f"test-{number}" for number in range(len(references))],
        "group": [""] * len(references),
        "length": np.full(len(references), 20),
        "reference": names[references].tolist(),
        "prediction": names[predicted].tolist(),
        "logits": [[1.25, -1.25]] * len(references),
    }
    parquet.write_table(pyarrow.table(columns), folder / PREDICTIONS)


def _write_record(folder: Path, score: float, training: dict[str, object]) -> None:
    model, task, seed = folder.parent.name, folder.parent.parent.name, int(folder.name.removeprefix("seed-"))
    record = RunRecord(
        status="complete",
        suite="many",
        task=task,
        model=model,
        family="bert",
        seed=seed,
        task_card=TaskCard(task_type="classification", labels=LABELS, main_metric="accuracy", description="Made up."),
        config={"task": task, "seed": seed, "model": {"family": "bert", "checkpoint": model}, "training": training},
        scores={"validation": {"accuracy": score}, "test": {"accuracy": score}},
        curve=[_point(number) for number in range(1, POINTS + 1)],
        best_step=100 * POINTS,
        counts=Counts(parameters=11_171_074, examples={"test": 1000}, tokens={"test": Tokens(total=20, seen=20)}),
        cost=Cost(seconds={"train": 100.0 + seed}, train_tokens_per_second=6000, training_flops=3e13),
        provenance=Provenance(data_digest="sha256:d", packages={"torch": "2.13.0"}, command=("run", "many")),
        files={PREDICTIONS: hashlib.sha256((folder / PREDICTIONS).read_bytes()).hexdigest()},
    )
    content = with_digest(json.loads(record.model_dump_json()))
    (folder / RECORD).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _point(number: int) -> CurvePoint:
    loss = 0.7 * 0.8**number
    scores = {"accuracy": 0.7 + 0.02 * number}
    return CurvePoint(
        step=100 * number, epoch=number / 2, train_loss=loss, validation_loss=loss + 0.1, validation_scores=scores
    )


if __name__ == "__main__":
    main()
