"""Scores by name, on the forms of predictions.parquet."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from harness.errors import UserError
from harness.metrics.lookup import find_metric, known_metrics, scores
from harness.registry import TASK_TYPES

NAMES = ("no", "yes")


def judged_types(name):
    return [task_type for task_type in TASK_TYPES.names() if find_metric(name) in TASK_TYPES.load(task_type).metrics]


def test_accuracy_is_the_share_of_right_labels():
    assert scores(["accuracy"], ["no", "yes", "yes"], ["no", "no", "yes"]) == {"accuracy": pytest.approx(2 / 3)}


def test_accuracy_of_several_labels_asks_for_all_of_them():
    assert scores(["accuracy"], [["a", "b"], ["a"], []], [["b", "a"], ["a", "b"], []])["accuracy"] == pytest.approx(
        2 / 3
    )


def test_f1_is_that_of_the_second_label():
    # yes: 2 right, 1 wrong, 1 missed: 2*2 / (2*2 + 1 + 1)
    references, predictions = ["yes", "yes", "yes", "no", "no"], ["yes", "yes", "no", "yes", "no"]
    assert scores(["f1"], references, predictions, NAMES)["f1"] == pytest.approx(2 / 3)
    assert scores(["f1"], references, predictions, ("yes", "no"))["f1"] == pytest.approx(0.5)  # no: 1, 1, 1


def test_f1_is_scikit_learn_s_to_the_bit():
    generator, names = np.random.default_rng(0), np.array(list("abcdefghijk"))
    for count in (2, 11):
        one, other = (names[generator.integers(0, count, 50)].tolist() for _ in range(2))
        found = scores(["macro_f1", "micro_f1"], one, other, names[:count].tolist())
        assert found == {f"{name}_f1": f1_score(one, other, average=name) for name in ("macro", "micro")}
        several = [generator.random((50, count)) < 0.3 for _ in range(2)]
        rows = ([names[:count][row].tolist() for row in matrix] for matrix in several)
        found = scores(["macro_f1", "micro_f1"], *rows, names[:count].tolist())
        assert found == {f"{name}_f1": f1_score(*several, average=name) for name in ("macro", "micro")}


def test_f1_of_three_labels_is_the_users_error():
    with pytest.raises(UserError, match="needs two labels"):
        scores(["f1"], ["a"], ["a"], ("a", "b", "c"))


def test_macro_f1_is_the_mean_over_labels_and_micro_f1_the_accuracy():
    references, predictions = ["yes", "yes", "yes", "no", "no"], ["yes", "yes", "no", "yes", "no"]
    found = scores(["macro_f1", "micro_f1", "accuracy"], references, predictions, NAMES)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["micro_f1"] == pytest.approx(found["accuracy"])


def test_f1_of_several_labels_counts_every_decision():
    # a: 1 right, 0 wrong, 1 missed: 2/3; b: 1 right, 1 wrong: 2/3; c: never: 0. Together 2 right, 1 wrong, 1 missed.
    references, predictions = [["a"], ["a", "b"], []], [["a"], ["b"], ["b"]]
    found = scores(["macro_f1", "micro_f1"], references, predictions, ("a", "b", "c"))
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert found["micro_f1"] == pytest.approx(4 / 6)


def test_f1_of_a_task_with_one_label_counts_that_label_alone():
    never, half = [[], [], [], []], [["a"], ["a"], [], []]  # half of a's two are found, and one of two is right
    references = [["a"], [], ["a"], []]
    for average in ("macro_f1", "micro_f1"):
        assert scores([average], references, never, ("a",)) == {average: 0.0}
        assert scores([average], references, half, ("a",)) == {average: 0.5}


def test_no_label_at_all_counts_as_a_label_where_lexglue_counts_it():
    # a: 1 right, 1 wrong: 2/3; none: 1 right, 1 missed: 2/3. Together 2 right, 1 wrong, 1 missed.
    references, predictions = [["a"], [], []], [["a"], [], ["a"]]
    found = scores(["macro_f1_with_none", "micro_f1_with_none", "micro_f1"], references, predictions, ("a",))
    assert found["macro_f1_with_none"] == pytest.approx(2 / 3)
    assert found["micro_f1_with_none"] == pytest.approx(4 / 6)
    assert found["micro_f1"] == pytest.approx(2 / 3)


def test_matthews_correlation_by_hand():
    # 2 true and 1 false positive, 1 true and 1 false negative: (2*1 - 1*1) / sqrt(3*3*2*2)
    references, predictions = ["yes", "yes", "yes", "no", "no"], ["yes", "yes", "no", "yes", "no"]
    assert scores(["matthews"], references, predictions)["matthews"] == pytest.approx(1 / 6)


def test_correlations_by_hand():
    # Deviations -1, 0, 1 against -4/3, -1/3, 5/3: 3 / sqrt(2 * 42/9)
    found = scores(["pearson", "spearman"], [1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    assert found["pearson"] == pytest.approx(3 / math.sqrt(2 * 42 / 9))
    assert found["spearman"] == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["pearson", "spearman"])
@pytest.mark.parametrize(
    ("references", "predictions"),
    [
        ([1.0, 2.0], [3.0, 3.0]),
        ([1.0, 1.0], [2.0, 3.0]),
        ([1.0], [2.0]),
        ([1.0, 2.0, 3.0], [1.0, math.nan, 3.0]),
        ([1.0, 2.0, 3.0], [1.0, math.inf, 3.0]),
    ],
)
def test_a_constant_side_has_no_correlation_and_is_never_nan(name, references, predictions):
    assert scores([name], references, predictions)[name] == 0.0


@pytest.mark.parametrize(("name", "expected"), [("matthews", 0.0), ("f1", 0.0), ("macro_f1", 1 / 3)])
def test_constant_predictions_give_a_number(name, expected):
    assert scores([name], ["no", "yes"], ["no", "no"], NAMES)[name] == pytest.approx(expected)


def test_the_mean_squared_error_is_better_the_lower_it_is():
    assert scores(["mean_squared_error"], [1.0, 2.0], [2.0, 4.0])["mean_squared_error"] == 2.5
    assert not find_metric("mean_squared_error").higher_is_better


def test_an_evaluate_metric_is_better_the_higher_unless_its_name_says_lower():
    assert find_metric("evaluate:mse").higher_is_better
    assert not find_metric("evaluate:mse:lower").higher_is_better


@pytest.mark.parametrize(
    ("name", "task_type"), [(name, found) for name in known_metrics() for found in judged_types(name)]
)
def test_every_metric_judges_its_task_types_within_its_bounds(name, task_type, samples):
    references, predictions = samples[task_type]
    wrong = find_metric(name).function(references, predictions, NAMES)
    right = find_metric(name).function(references, perfect(task_type, references), NAMES)
    assert isinstance(wrong, float)
    assert math.isfinite(wrong)
    assert right == pytest.approx(1.0 if find_metric(name).higher_is_better or "perplexity" in name else 0.0)
    assert (right > wrong) == find_metric(name).higher_is_better


def perfect(task_type, references):
    if task_type == "language_modelling":
        return [{"nats": 0.0, "tokens": 2, "masked_nats": 0.0, "masked_tokens": 3}] * len(references)
    if task_type == "sequence_to_sequence":
        return [{"text": text, "nats": 0.0, "tokens": 4, "right": 4} for text in references]
    return [next(iter(texts), "") for texts in references] if task_type == "question_answering" else references


@pytest.mark.parametrize("name", [name for name, one in known_metrics().items() if one.per_example])
def test_the_score_is_the_mean_of_its_values_by_example(name, samples):
    one = find_metric(name)
    references, predictions = samples[judged_types(name)[0]]
    values = one.per_example(references, predictions, NAMES)
    assert len(values) == len(references)
    assert sum(values) / len(values) == pytest.approx(one.function(references, predictions, NAMES))


def test_there_are_metrics_for_every_task_type_and_some_by_example(samples):
    assert {task_type for name in known_metrics() for task_type in judged_types(name)} == set(samples)
    assert set(samples) == set(TASK_TYPES.names())
    assert any(one.per_example for one in known_metrics().values())


def test_an_unknown_metric_names_the_nearest_one():
    with pytest.raises(UserError, match=r"'acuracy': no such metric. Did you mean accuracy\?"):
        scores(["acuracy"], ["a"], ["a"])


@pytest.mark.slow
def test_listing_metrics_imports_neither_scikit_learn_nor_scipy():
    import subprocess
    import sys

    code = "import sys, harness.metrics.lookup; assert not {'sklearn', 'scipy', 'evaluate'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
