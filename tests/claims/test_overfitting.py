"""What the gap between training and test says, by one mean of each seed; and which runs it is taken from."""

import pytest
from synthetic_runs import card, record

from harness.claims.by_size import runs_by_size
from harness.claims.kinds import overfitting
from harness.claims.kinds.overfitting import OverfittingNumbers, OverfittingSettings, Trained
from harness.errors import UserError
from harness.metrics.lookup import find_metric
from harness.record import Counts
from harness.varied import Varied


def outcomes(numbers):
    return [found.outcome for found in overfitting.judge(numbers).findings]


def trained(gaps, gain=0.0, noise=0.001, metric="accuracy"):
    """Runs of three seeds with these gaps at two sizes without regularisation, and half of that with it."""
    sign = 1 if find_metric(metric).higher_is_better else -1
    return OverfittingNumbers(
        task="reviews",
        metric=metric,
        plain="plain",
        regularised="regularised",
        differing="dropout 0.3 instead of 0.0",
        runs=tuple(
            Trained(
                model=model,
                seed=seed,
                examples=examples,
                train=0.6
                + sign * ((model == "regularised") * gain + gap * share + (seed + (seed - 1) * examples / 200) * noise),
                validation=0.6,
                test=0.6 + sign * ((model == "regularised") * gain + seed * noise * (share - 0.5)),
            )
            for model, share in (("plain", 1.0), ("regularised", 0.5))
            for examples, gap in zip((100, 200), gaps, strict=True)
            for seed in range(3)
        ),
    )


CASES = [
    (((0.4, 0.2), 0.05), ["held", "held", "held", "held"]),
    (((0.4, 0.2), -0.05), ["held", "held", "held", "did not hold"]),
    (((0.2, 0.4), 0.0), ["held", "did not hold", "held", "cannot tell"]),
    (((-0.2, -0.2), 0.0, 0.01), ["did not hold", "cannot tell", "did not hold", "cannot tell"]),
]


@pytest.mark.parametrize("metric", ["accuracy", "mean_squared_error"])
@pytest.mark.parametrize(("made", "found"), CASES)
def test_overfitting_holds_where_there_is_a_gap_that_examples_and_regularisation_make_smaller(made, found, metric):
    assert outcomes(trained(*made, metric=metric)) == found


def test_the_gap_is_told_in_the_metrics_unit():
    # 0.4 to 0.2 and 0.2 to 0.1 over one doubling: 15 points on average; the other way round, it grows by as much.
    assert "the gap between training and test shrinks by 15.0 (" in overfitting.judge(trained((0.4, 0.2))).sentence
    assert "the gap between training and test grows by 15.0 (" in overfitting.judge(trained((0.2, 0.4))).sentence
    # Seeds are 0.0005 apart: 0.0005 / sqrt(3) times t(1 - 0.05 / 8, 2) = 8.860.
    errors = overfitting.judge(trained((0.4, 0.2), metric="mean_squared_error"))
    assert "shrinks by 0.150 (0.147 to 0.153)" in errors.sentence
    assert "points" not in errors.sentence + errors.charts[0].up + errors.tables[0].caption
    assert "× 100" not in errors.tables[0].caption
    assert "macro-F1" in overfitting.judge(trained((0.4, 0.2), metric="macro_f1")).charts[0].title


def test_seeds_that_all_collapsed_show_no_gap():
    # Every run gives the same answer to all: 52 % of the training examples have it, and 50 % of the test examples.
    runs = [one.model_copy(update={"train": 0.52, "test": 0.5}) for one in trained((0.4, 0.2)).runs]
    judged = overfitting.judge(trained((0.4, 0.2)).model_copy(update={"runs": tuple(runs)}))
    assert [found.outcome for found in judged.findings] == ["cannot tell"] * 4
    assert "better on training than on test (by 2.0 (no interval) points)" in judged.findings[0].text


def test_sizes_of_one_seed_are_no_repeats_of_it():
    # Seeds gain 0.00, 0.06 and 0.12 at both sizes: over three means not shown, over six runs it would be.
    numbers = trained((0.4, 0.2))
    runs = [
        one.model_copy(update={"test": 0.6 + (one.model == "regularised") * 0.06 * one.seed}) for one in numbers.runs
    ]
    gained = overfitting.judge(numbers.model_copy(update={"runs": tuple(runs)})).findings[-1]
    # By hand: mean 6, standard error 6 / sqrt(3), t(1 - 0.05 / 8, 2) = 8.860.
    assert gained.outcome == "cannot tell"
    assert "(by 6.0 (−24.7 to 36.7) points)" in gained.text


def run(model="plain", size=100, setting="train_examples", task="reviews", metric="accuracy"):
    return record(
        model=model,
        task=f"{task}@{size}",
        varied=Varied(task=task, setting=setting, value=size),
        task_card=card(metric),
        counts=Counts(examples={"train": size}),
    )


BOTH = [run(model, size) for model in ("plain", "regularised") for size in (100, 300)]


@pytest.fixture
def found(tmp_path, monkeypatch):
    """What is found in a study's folder whose suite has the given records."""
    (tmp_path / "overfitting").mkdir()

    def given(records):
        pairs = [(tmp_path, one) for one in records]
        monkeypatch.setattr("harness.claims.by_size.read_records", lambda _: (pairs, []))
        return [one for _, one in runs_by_size(("plain", "regularised"), OverfittingSettings(), tmp_path)]

    return given


def test_runs_with_another_setting_that_varies_do_not_count(found):
    assert found([*BOTH, run(setting="max_length"), run("other")]) == BOTH


def test_a_seeds_runs_with_all_examples_count_once_whatever_was_asked_for(found):
    again = run(size=300).model_copy(update={"varied": Varied(task="reviews", setting="train_examples", value=900)})
    assert found([*BOTH, again]) == BOTH


@pytest.mark.parametrize(
    ("records", "mistake"),
    [
        (BOTH[:3], "several numbers of training examples each (got plain: 2, regularised: 1). Name such a suite."),
        ([], "several numbers of training examples each (got plain: 0, regularised: 0). Name such a suite."),
        ([*BOTH, run(task="news")], "tasks or metrics (news, accuracy and reviews, accuracy). Name a suite with one"),
        ([*BOTH, run(metric="macro_f1")], "(reviews, accuracy and reviews, macro_f1). Name a suite with one task."),
    ],
)
def test_runs_that_have_no_gap_by_size_are_refused(found, records, mistake):
    with pytest.raises(UserError) as raised:
        found(records)
    assert mistake in str(raised.value)
