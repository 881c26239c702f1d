"""A run that was copied to another seed's folder counts once; runs that may well agree are no copies."""

from pathlib import Path

import pytest
from synthetic_runs import LABELS, add_runs, curve, guesses, predictions, record, save

from harness.comparison.comparison import compare
from harness.comparison.conclusions import verdict
from harness.comparison.copies import originals
from harness.record import PREDICTIONS
from harness.reporting.entries import shortfall
from harness.reporting.remarks import remarks


def with_logits(rows: list[dict], shift: float = 0.0) -> list[dict]:
    return [{**row, "logits": [0.1 * place + shift, 0.3]} for place, row in enumerate(rows)]


def add(runs: Path, seed: int, rows: list[dict], **changes) -> None:
    save(runs, record(seed=seed, curve=(), **changes), rows)


def cell_of(runs: Path):
    return next(cell for cell in compare(runs).tasks[0].cells if cell.model == "bert-mini")


ROWS = predictions(*guesses(0.9, 3))


def test_seeds_with_the_same_numbers_to_the_bit_count_once(tmp_path: Path):
    for seed in range(3):
        add(tmp_path, seed, with_logits(ROWS))
    add_runs(tmp_path, "scratch", 0.6)
    cell = cell_of(tmp_path)
    assert len(cell.scored) == 1
    assert shortfall(cell) == "2 of 3 copied"
    assert not cell.estimate.includes_seeds
    task = compare(tmp_path).tasks[0]
    assert not any(one.beaten_by for one in task.cells)  # One seed tells nothing of a difference.
    assert "Of bert-mini 2 of 3 runs are copies of another" in " ".join(verdict(task))
    assert any("seed 2: a copy of seed 0" in line for line in remarks(compare(tmp_path)))


def test_the_name_carries_the_doubt_into_the_claim(tmp_path: Path):
    add(tmp_path, 0, with_logits(ROWS))
    add(tmp_path, 1, with_logits(predictions(*guesses(0.9, 4)), 0.01))
    add(tmp_path, 2, with_logits(ROWS))
    add_runs(tmp_path, "scratch", 0.6)
    assert verdict(compare(tmp_path).tasks[0])[0].startswith("bert-mini (1 of 3 copied) has the highest accuracy")


def test_labels_that_agree_are_no_copies(tmp_path: Path):
    for seed in range(3):
        add(tmp_path, seed, ROWS)
    assert len(cell_of(tmp_path).scored) == 3


def test_other_logits_are_no_copies(tmp_path: Path):
    for seed in range(3):
        add(tmp_path, seed, with_logits(ROWS, seed * 1e-12))
    assert len(cell_of(tmp_path).scored) == 3


def test_labels_that_agree_with_the_same_losses_on_the_way_are_copies(tmp_path: Path):
    import numpy as np

    losses = curve(np.random.default_rng(0))
    for seed in range(2):
        save(tmp_path, record(seed=seed, curve=losses), ROWS)
    assert len(cell_of(tmp_path).scored) == 1


def test_the_same_weights_are_copies_whatever_was_predicted(tmp_path: Path):
    for seed in range(2):
        add(tmp_path, seed, predictions(*guesses(0.9, seed)))
        weights = tmp_path / f"reviews/rotten_tomatoes/bert-mini/seed-{seed}/checkpoint/model.safetensors"
        weights.parent.mkdir()
    files = {"checkpoint/model.safetensors": "0" * 64}
    for seed in range(2, 4):
        add(tmp_path, seed, predictions(*guesses(0.9, seed)), files=files)
    assert [run.record.seed for run in cell_of(tmp_path).scored] == [0, 1, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"training": {"maximum_steps": 0}}},
        {"config": {"training": {"method": "probe"}}},
        {"family": "tfidf"},
    ],
    ids=["nothing is trained", "a probe", "a simple baseline"],
)
def test_where_a_seed_changes_nothing_equal_runs_are_no_copies(tmp_path: Path, changes: dict):
    for seed in range(2):
        add(tmp_path, seed, with_logits(ROWS), **changes)
    assert len(cell_of(tmp_path).scored) == 2


@pytest.mark.parametrize(("nats", "are_copies"), [(4.25, True), (4, False)])
def test_numbers_beside_others_in_an_answer_tell_copies_apart_and_whole_ones_do_not(tmp_path: Path, nats, are_copies):
    rows = predictions([{"bytes": 9}] * 3, [{"nats": nats, "tokens": 2}] * 3)
    found = [(save(tmp_path, record(seed=seed, curve=()), rows), record(seed=seed, curve=())) for seed in range(2)]
    assert originals(found) == ({found[1][0]: 0} if are_copies else {})


def test_predictions_that_can_not_be_read_are_no_copies_of_each_other(tmp_path: Path):
    found = [(save(tmp_path, record(seed=seed, curve=()), ROWS), record(seed=seed, curve=())) for seed in range(2)]
    for folder, _ in found:
        (folder / PREDICTIONS).write_bytes(b"cut short")
    assert originals(found) == {}


def test_two_models_may_agree(tmp_path: Path):
    for model in ("bert-mini", "scratch"):
        save(tmp_path, record(model=model, curve=()), with_logits(predictions(list(LABELS) * 9, list(LABELS) * 9)))
    assert [len(cell.scored) for cell in compare(tmp_path).tasks[0].cells] == [1, 1]
