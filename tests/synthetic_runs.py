"""Synthetic runs: real records and real predictions, made-up numbers."""

from pathlib import Path
from typing import Any

import numpy as np

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
from harness.sample_attention import COLUMN, SampleAttention

LABELS = ("negative", "positive")


def card(metric: str = "accuracy", task_type: str = "classification", *, higher_is_better: bool = True) -> TaskCard:
    return TaskCard(
        task_type=task_type,
        labels=LABELS,
        main_metric=metric,
        higher_is_better=higher_is_better,
        description="Is this sentence of a film review positive?",
        licence="CC BY 4.0",
        citation="Pang and Lee 2005, https://example.org/paper",
    )


def curve(rng: np.random.Generator, points: int = 6) -> tuple[CurvePoint, ...]:
    """Training loss falls on; validation loss falls and then rises: the model overfits."""
    return tuple(
        CurvePoint(
            step=100 * k,
            epoch=k / 2,
            train_loss=0.7 * 0.7**k + 0.01 * rng.random(),
            validation_loss=0.45 + 0.02 * (k - 3) ** 2 + 0.01 * rng.random(),
            validation_scores={"accuracy": 0.7 + 0.02 * k},
        )
        for k in range(1, points + 1)
    )


def record(**changes: Any) -> RunRecord:
    rng = np.random.default_rng(changes.get("seed", 0))
    baseline = changes.get("family") in ("majority", "tfidf")
    settings: dict[str, Any] = {
        "status": "complete",
        "suite": "reviews",
        "task": "rotten_tomatoes",
        "model": "bert-mini",
        "family": "bert",
        "simple_baseline": baseline,
        "seed": 0,
        "task_card": card(),
        "config": {"task": "rotten_tomatoes", "seed": changes.get("seed", 0), "training": {"learning_rate": 2e-5}},
        "curve": () if baseline else curve(rng),
        "best_step": None if baseline else 300,
        "counts": Counts(
            parameters=0 if baseline else 11_171_074,
            examples={"train": 8530, "validation": 1066, "test": 1066},
            tokens={"test": Tokens(total=26000, seen=25000)},
        ),
        "cost": Cost(
            seconds={"train": 0.02 if baseline else 120 + 10 * rng.random(), "test": 2.0},
            train_tokens_per_second=0 if baseline else 6000,
            peak_memory_bytes=300_000_000 if baseline else 900_000_000,
            training_flops=0 if baseline else 3.1e13,
        ),
        "provenance": Provenance(
            data_digest="sha256:d1",
            packages={"torch": "2.13.0"},
            git_commit="0123abcd",
            git_dirty=False,
            hardware={"cpu": "2 cores"},
        ),
    }
    return RunRecord(**(settings | changes))


def predictions(references: list[Any], predicted: list[Any], groups: list[str] | None = None) -> list[dict[str, Any]]:
    groups = groups or [""] * len(references)
    rows = zip(references, predicted, groups, strict=True)
    return [
        {"id": f"test-{i}", "group": group, "length": 20, "reference": reference, "prediction": prediction}
        for i, (reference, prediction, group) in enumerate(rows)
    ]


def save(runs: Path, run: RunRecord, rows: list[dict[str, Any]] | None) -> Path:
    """The folder that now holds `run` and its predictions."""
    folder = runs / run.suite / run.task / run.model / f"seed-{run.seed}"
    folder.mkdir(parents=True)
    if rows is not None:
        write_predictions(rows, folder)
    write_record(run, folder)
    return folder


def guesses(share_right: float, seed: int, examples: int = 400) -> tuple[list[str], list[str]]:
    """References, and predictions of which about `share_right` are right; hard examples are hard for all models."""
    references = [LABELS[i % 2] for i in range(examples)]
    difficulty = np.random.default_rng(7).random(examples)
    noise = np.random.default_rng(seed).normal(0, 0.15, examples)
    right = difficulty + noise < share_right
    return references, [one if ok else LABELS[one == LABELS[0]] for one, ok in zip(references, right, strict=True)]


def add_runs(
    runs: Path, model: str, share_right: float, seeds: range = range(3), *, examples: int = 400, **changes: Any
) -> None:
    """Complete runs of one model, their recorded score the right one."""
    for seed in seeds:
        generator = sum(map(ord, model)) + 1000 * seed
        references, predicted = guesses(share_right, generator, examples)
        right = sum(one == reference for one, reference in zip(predicted, references, strict=True))
        scores = {"test": {"accuracy": right / examples}}
        save(runs, record(model=model, seed=seed, scores=scores, **changes), predictions(references, predicted))


def add_two_tasks(folder: Path) -> None:
    """Two tasks: a clear winner, a tie, a diverged seed, a failed one, a gap, two simple baselines."""
    add_runs(folder, "bert-mini", 0.82)
    add_runs(folder, "roberta-mini", 0.815, family="roberta")
    add_runs(folder, "scratch", 0.70, family="scratch")
    add_runs(folder, "majority", 0.50, range(1), family="majority")
    add_runs(folder, "tfidf", 0.72, range(1), family="tfidf")
    add_runs(folder, "xlnet-mini", 0.78, range(1), family="xlnet")
    save(
        folder,
        record(model="xlnet-mini", family="xlnet", seed=1, status="diverged", reason="loss nan at step 40"),
        None,
    )
    save(folder, record(model="xlnet-mini", family="xlnet", seed=2, status="failed", reason="out of memory"), None)
    add_runs(folder, "bert-mini", 0.66, task="boolq")
    add_runs(folder, "scratch", 0.62, task="boolq", family="scratch")
    add_runs(folder, "majority", 0.62, range(1), task="boolq", family="majority")
    save(
        folder, record(model="roberta-mini", family="roberta", seed=0, task="boolq", status="failed", reason="no"), None
    )


def add_wide(folder: Path, *, models: int = 10, tasks: int = 10, seeds: int = 5, examples: int = 40) -> None:
    """Many models and two simple baselines on many tasks; which model is the best differs from task to task."""
    for number in range(tasks):
        task = f"task_with_a_name_{number}"
        for place in range(models):
            share = 0.6 + 0.03 * ((3 * place + number) % models)
            add_runs(folder, f"model-{place}", share, range(seeds), examples=examples, task=task)
        add_runs(folder, "majority", 0.5, range(1), examples=examples, task=task, family="majority")
        add_runs(folder, "tfidf", 0.7, range(1), examples=examples, task=task, family="tfidf")


RIGHT = ["save the <b>file</b> now", "a cat sat on the mat", "it rains a lot in the town of Bern today"] * 10
SOURCES = ["speichere die <i>Datei</i>", "eine Katze sass auf der Matte", "es " + "regnet " * 60] * 10


def add_writer(runs: Path, model: str, texts: list[str], attention: Any = None) -> None:
    """A run of a model that writes texts, with the attention on the first of its sources."""
    answers = [{"text": text, "nats": 9.0, "tokens": 7, "right": 5} for text in texts]
    rows = [
        {**row, "source": source, "length": 5, **({} if attention is None else {COLUMN: None if place else attention})}
        for place, (row, source) in enumerate(zip(predictions(RIGHT, answers), SOURCES, strict=True))
    ]
    changes = {"task_card": card("bleu", "sequence_to_sequence").model_copy(update={"labels": ()}), "model": model}
    save(runs, record(seed=0, scores={"test": {"bleu": 0.5}}, **changes), rows)


def attention_of(tokens: int, written: int) -> dict[str, Any]:
    """As large an attention as is wanted, most of it along the diagonal."""
    noise = np.random.default_rng(3).dirichlet(np.full(tokens, 0.3), written)
    right = np.eye(tokens)[np.arange(written) * (tokens - 1) // max(written - 1, 1)]
    words = ["[CLS]", *(f"{'Quellwort' * (place % 3)}<i>{place}" for place in range(tokens - 2)), "[SEP]"]
    return SampleAttention.of(words, [f"word{place}" for place in range(written)], (noise + 2 * right) / 3).row()
