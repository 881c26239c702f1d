"""What a plan can tell on each task, of runs that are not made: the design, and which noise it is foreseen by."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from synthetic_runs import add_runs

from harness.comparison.planned_power import TaskPower, noise_of, planned_power
from harness.comparison.power import (
    Design,
    assumed_noise,
    detectable,
    examples_to_detect,
    half_width,
    seeds_to_detect,
)
from harness.comparison.statistics import SHARED_TRAINING
from harness.fold import Fold
from harness.metrics.metric import PERCENT
from harness.records import read_records
from harness.suites.seeds import SeedRule
from harness.suites.sizes import Sizes

SIZES = Sizes({"train": 800, "validation": 100, "test": 300}, None)
FOLD = Fold(number=1, of=5)


def runs(*models, seeds=(0, 1, 2), task="race", metric="accuracy", fold=None, evaluate="test", **limits):
    """A plan's runs, as far as a forecast reads them."""
    limits = {"train_examples": None, "validation_examples": None, "test_examples": None, **limits}
    return [
        SimpleNamespace(
            model=model,
            config=SimpleNamespace(
                task=task, base_task=task, local=None, metrics=(metric,), seed=seed, fold=fold, evaluate=evaluate,
                training=SimpleNamespace(**limits),
            ),
        )
        for model in models
        for seed in ((0,) if model in ("tfidf", "majority") else seeds)
    ]  # fmt: skip


def power(planned, *, rule=None, records=None, sizes=SIZES):
    tasks = dict.fromkeys((run.config.task for run in planned), sizes)
    return planned_power(planned, rule, records or {}, tasks, ("tfidf", "majority"))


@pytest.mark.parametrize(
    ("planned", "design"),
    [
        (runs("a", "b", "c"), Design(3, 300, models=3)),
        (
            runs("a", "b", "tfidf", "majority"),
            Design(3, 300, models=3),
        ),  # Of simple baselines the best one is compared.
        (runs("a", "tfidf", seeds=(4, 7)), Design(2, 300, models=2, trained=1)),
        (runs("a", "b", test_examples=200), Design(3, 200, models=2)),
        (runs("a", "b", fold=FOLD), Design(3, 1200, models=2)),  # Each row is a test row once.
    ],
)
def test_the_design_counts_models_seeds_and_test_examples(planned, design):
    (found,) = power(planned)
    assert (found.task, found.unit, found.design, found.group) == ("race", PERCENT, design, "example_id")


def test_the_last_look_s_level_counts():
    rule = SeedRule((0, 1, 2, 3), (3, 4), (0.04, 0.02))
    assert power(runs("a", "b", seeds=range(4)), rule=rule)[0].design == Design(4, 300, models=2, level=0.02)


def test_where_nothing_is_compared_there_is_nothing_to_tell():
    for planned in (runs("a"), runs("tfidf", "majority"), runs("a", "b", evaluate="validation")):
        assert power(planned) == []
    assert power(runs("a", "b"), sizes=Sizes({}, None)) == []
    # Of a cross-validation some splits may be unknown, but not the test split.
    (crossed,) = power(runs("a", "b", fold=FOLD), sizes=Sizes({"train": 800, "test": 300}, None))
    assert crossed.design.examples == 1100


def test_without_records_a_prior_stands_for_the_noise_where_a_metric_has_a_range():
    known, unknown = power([*runs("a", "b"), *runs("a", "b", task="swag", metric="mean_squared_error")])
    assert [(one.task, one.noise) for one in (known, unknown)] == [("race", assumed_noise(PERCENT)), ("swag", None)]
    assert (unknown.detectable, unknown.half_width, unknown.seeds_for(0.1), unknown.examples_for(0.1)) == (None,) * 4
    (crossed,) = power(runs("a", "b", fold=FOLD))
    assert crossed.noise == replace(known.noise, examples=SHARED_TRAINING * known.noise.examples)
    (unknown,) = power(runs("a", "b", fold=FOLD, metric="mean_squared_error"))
    assert unknown.noise is None


def test_what_a_task_s_plan_tells_is_of_its_noise_and_design():
    design, noise = Design(3, 300, models=2), assumed_noise(PERCENT)
    found = TaskPower("race", PERCENT, design, noise)
    assert (found.detectable, found.half_width) == (detectable(noise, design), half_width(noise, design))
    assert found.seeds_for(0.08) == seeds_to_detect(noise, design, 0.08) > 3
    assert found.examples_for(0.08) == examples_to_detect(noise, design, 0.08) > 300


@pytest.mark.slow
def test_recorded_runs_come_before_the_prior_and_of_them_those_of_eight_models_that_are_complete(tmp_path):
    names = [f"m{number}" for number in range(9)]
    for number, name in enumerate(names):
        add_runs(tmp_path, name, 0.5 + 0.05 * number, range(2), examples=60)
    records = read_records(tmp_path)[0]
    (found,) = power(runs("a", "b"), records={"race": records})
    assert found.noise == noise_of(records, "accuracy")
    assert found.noise.source == "as in 18 recorded runs of suite reviews"
    assert found.noise == replace(noise_of(records[:16], "accuracy"), source=found.noise.source)
    partly = [
        (folder, record.model_copy(update={"status": "failed"} if number > 3 else {}))
        for number, (folder, record) in enumerate(records)
    ]
    assert noise_of(partly, "accuracy") == noise_of(records[:4], "accuracy")
    assert noise_of(records, "macro_f1").examples != found.noise.examples
    fewer = [(folder, record.model_copy(update={"suite": "another"})) for folder, record in records[4:10]]
    assert noise_of([*fewer, *records], "accuracy") == found.noise
