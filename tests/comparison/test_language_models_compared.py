"""Language models in a report: documents are resampled, less is better, and what a model does not do is a gap."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_runs import card, predictions, record, save

from harness.comparison.comparison import compare
from harness.comparison.conclusions import verdict
from harness.metrics.lookup import unit_of
from harness.registry import FORMATS
from harness.reporting.columns import metric_label
from harness.reporting.entries import score_entry
from harness.reporting.remarks import remarks
from harness.reporting.tables import title

RNG = np.random.default_rng(5)
DOCUMENTS = 150
BYTES = RNG.integers(500, 9_000, DOCUMENTS)
HARDNESS = RNG.normal(0.7, 0.08, DOCUMENTS)


def add_model(
    runs: Path,
    model: str,
    nats_a_byte: float,
    *,
    masked: bool = False,
    maximum_steps: int = 0,
    metric: str = "bits_per_byte",
    bytes_a_token: int = 4,
) -> None:
    nats = BYTES * (HARDNESS + nats_a_byte + np.random.default_rng(len(model)).normal(0, 0.01, DOCUMENTS))
    prefix = "masked_" if masked else ""
    nothing = dict.fromkeys(("nats", "tokens", "masked_nats", "masked_tokens"))
    costs = [
        {**nothing, f"{prefix}nats": float(cost), f"{prefix}tokens": int(size) // bytes_a_token}
        for cost, size in zip(nats, BYTES, strict=True)
    ]
    sizes = [{"bytes": int(size), "characters": int(size)} for size in BYTES]
    settings: dict[str, Any] = {"training": {"maximum_steps": maximum_steps}, "model": {"init": "pretrained"}}
    told = card(metric, "language_modelling", higher_is_better=False)
    bits = float(nats.sum() / BYTES.sum() / math.log(2))
    known = {"pseudo_bits_per_byte": bits} if masked else {"bits_per_byte": bits}
    if metric == "perplexity":
        known["perplexity"] = math.exp(nats.sum() / sum(int(size) // bytes_a_token for size in BYTES))
    scores = {"test": {"bits_per_byte": math.nan, "pseudo_bits_per_byte": math.nan, **known}}
    save(runs, record(model=model, task="plays", task_card=told, config=settings, curve=(), scores=scores),
         predictions(sizes, costs))  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    add_model(tmp_path, "xl-memory", 0.00)
    add_model(tmp_path, "xl-alone", 0.02)
    add_model(tmp_path, "bert-masked", -0.3, masked=True)
    return tmp_path


def test_a_score_is_the_ratio_of_sums_and_its_interval_resamples_documents(runs: Path):
    task, _ = compare(runs).tasks
    cell = next(cell for cell in task.cells if cell.model == "xl-memory")
    assert cell.estimate is not None
    nats = BYTES * (HARDNESS + np.random.default_rng(len("xl-memory")).normal(0, 0.01, DOCUMENTS))
    assert cell.estimate.value == pytest.approx(nats.sum() / BYTES.sum() / math.log(2))
    drawn = RNG.integers(0, DOCUMENTS, (4_000, DOCUMENTS))
    bootstrapped = nats[drawn].sum(1) / BYTES[drawn].sum(1) / math.log(2)
    assert cell.estimate.standard_error == pytest.approx(bootstrapped.std(), rel=0.05)


def test_the_model_that_needs_fewer_bits_is_the_better_one(runs: Path):
    task, _ = compare(runs, baseline="xl-alone").tasks
    assert [cell.model for cell in task.ranked] == ["xl-memory", "xl-alone"]
    best, other = task.ranked
    assert best.is_top
    assert other.beaten_by == ("xl-memory",)
    assert best.from_baseline is not None
    assert best.from_baseline.gain == pytest.approx(0.02 / math.log(2), rel=0.2)
    sentences = " ".join(verdict(task))
    assert "xl-memory has the lowest bits per byte" in sentences
    assert "Against xl-alone, xl-memory (−0.0" in sentences
    assert "is better." in sentences
    assert metric_label(task).endswith("↓")


def test_a_masked_model_has_no_bits_but_a_comparison_apart(runs: Path):
    comparison = compare(runs)
    task, apart = comparison.tasks
    cells = [next(cell for cell in one.cells if cell.model == "bert-masked") for one in (task, apart)]
    assert [one.card.main_metric for one in (task, apart)] == ["bits_per_byte", "pseudo_bits_per_byte"]
    assert score_entry(cells[0], unit_of("bits_per_byte")).text == "–"
    assert "predicts in another way" in cells[0].runs[0].trouble
    assert [cell.model for cell in apart.ranked] == ["bert-masked"]
    assert [title(comparison, one) for one in comparison.tasks] == [
        "plays, bits per byte",
        "plays, pseudo-bits per byte",
    ]
    assert comparison.task_count == 1
    assert remarks(comparison) == ()


def test_masked_models_alone_are_compared_by_what_they_have(tmp_path: Path):
    add_model(tmp_path, "bert-masked", -0.3, masked=True)
    (task,) = compare(tmp_path).tasks
    assert task.card.main_metric == "pseudo_bits_per_byte"
    assert title(compare(tmp_path), task) == "plays"


def test_a_run_without_any_number_keeps_its_reason(tmp_path: Path):
    add_model(tmp_path, "xl-memory", 0.0)
    add_model(tmp_path, "broken", math.nan)
    assert any("broken" in line and "bits_per_byte" in line for line in remarks(compare(tmp_path)))


@pytest.mark.parametrize("name", FORMATS.names())
def test_every_format_shows_them(name: str, runs: Path):
    rendered = FORMATS.load(name)(compare(runs, baseline="xl-alone"))
    assert "xl-memory" in rendered
    assert "nan" not in rendered.lower()


def test_a_model_judged_as_it_is_would_give_the_same_with_any_seed(runs: Path):
    add_model(runs, "xl-trained", 0.01, maximum_steps=100)
    task, _ = compare(runs).tasks
    includes = {cell.model: cell.estimate.includes_seeds for cell in task.ranked if cell.estimate is not None}
    assert includes == {"xl-memory": True, "xl-alone": True, "xl-trained": False}


def test_perplexities_are_compared_only_where_the_tokens_are_the_same(tmp_path: Path):
    for model, nats, size in (("xl-memory", 0.0, 4), ("xl-alone", 0.02, 4), ("gpt", -0.05, 3)):
        add_model(tmp_path, model, nats, metric="perplexity", bytes_a_token=size)
    comparison = compare(tmp_path, baseline="xl-alone")
    (task,) = comparison.tasks
    cells = {cell.model: cell for cell in task.cells}
    assert cells["xl-memory"].from_baseline is not None
    assert cells["xl-memory"].from_baseline.estimate is not None
    assert cells["gpt"].from_baseline is not None
    assert cells["gpt"].from_baseline.estimate is None
    assert cells["xl-alone"].beaten_by == ("xl-memory",)
    assert cells["gpt"].beaten_by == ()
    (warning,) = comparison.warnings
    assert "the models' tokens are not the same, so their perplexity is compared only between those" in warning
    assert all(FORMATS.load(name)(comparison) for name in FORMATS.names())


def test_bits_per_byte_are_compared_whatever_the_tokens_are(tmp_path: Path):
    for model, size in (("xl-memory", 4), ("gpt", 3)):
        add_model(tmp_path, model, 0.02 * size, bytes_a_token=size)
    comparison = compare(tmp_path, baseline="xl-memory")
    (task,) = comparison.tasks
    assert next(cell for cell in task.cells if cell.model == "gpt").from_baseline.estimate is not None
    assert comparison.warnings == ()
