from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet
from sklearn.metrics import f1_score
from synthetic_runs import LABELS, guesses, predictions

from harness.comparison.predictions import digest_of_test_set, read_predictions
from harness.comparison.rescoring import NotANumberError, rescore
from harness.comparison.split import Split
from harness.errors import UserError
from harness.metrics.lookup import find_metric, known_metrics
from harness.record import PREDICTIONS, write_predictions
from harness.task_types.language_modelling.metrics import RATIOS
from harness.task_types.question_answering.languages import MLQA
from harness.task_types.question_answering.metrics import BY_ANSWERABILITY
from harness.task_types.sequence_to_sequence.metrics import METRICS as WRITING_METRICS

EXAMPLES = {
    "classification": (list(guesses(0.8, 1, 60)), LABELS),
    "multi_label": (([["a"], ["b"], [], ["a", "b"]] * 10, [["a"], [], [], ["a"]] * 10), ("a", "b", "c")),
    "regression": (([1.0, 2.0, 3.0, 4.0] * 5, [1.5, 2.0, 2.0, 4.5] * 5), ()),
    "multiple_choice": ((["A", "C", "B"] * 9, ["A", "B", "B"] * 9), ()),
    "question_answering": (([["the cat", "a cat"], ["dog"], []] * 9, ["cat", "a big dog", ""] * 9), ()),
}
TAGS = [["B-X", "I-X", "O"], ["O"], ["O", "B-Y"]] * 9, [["B-X", "O", "O"], ["O"], ["B-Y", "B-Y"]] * 9
EXAMPLES["token_classification"] = (TAGS, ())
PREDICTED = (
    [{"bytes": 90 + n, "characters": 80 + n} for n in range(12)],
    [{"nats": 60.0 + n * n, "tokens": 20 + n, "masked_nats": 40.0 - n, "masked_tokens": 21 + n} for n in range(12)],
)
EXAMPLES["language_modelling"] = (PREDICTED, ())
WRITTEN = [
    {"text": "a cat sat on my mat", "nats": 3.0, "tokens": 7, "right": 5},
    {"text": "", "nats": 4.0, "tokens": 3, "right": 1},
]
EXAMPLES["sequence_to_sequence"] = ((["a cat sat on a mat", "it rains"] * 9, WRITTEN * 9), ())
METRICS_OF = {
    "sequence_to_sequence": tuple(metric.name for metric in WRITING_METRICS),
    "language_modelling": tuple(RATIOS),
    "classification": ("accuracy", "macro_f1", "micro_f1", "f1", "matthews"),
    "multi_label": ("accuracy", "macro_f1", "micro_f1", "macro_f1_with_none", "micro_f1_with_none"),
    "multiple_choice": ("accuracy",),
    "regression": ("mean_squared_error", "pearson", "spearman"),
    "question_answering": ("exact_match", "qa_f1", *(metric.name for metric in (*BY_ANSWERABILITY, *MLQA))),
    "token_classification": ("entity_f1", "entity_precision", "entity_recall", "entity_macro_f1", "tag_accuracy"),
}
PAIRS = [(task_type, metric) for task_type, metrics in METRICS_OF.items() for metric in metrics]


def test_every_metric_is_read_from_some_task_type_of_predictions():
    assert {metric for _, metric in PAIRS} == set(known_metrics())


@pytest.mark.slow_but_first
@pytest.mark.parametrize(("task_type", "metric"), PAIRS)
def test_the_score_of_the_file_is_the_tasks_own(tmp_path: Path, task_type: str, metric: str):
    (references, predicted), labels = EXAMPLES[task_type]
    write_predictions(predictions(references, predicted), tmp_path)
    rescored = rescore(tmp_path, labels, metric)
    assert rescored.score == pytest.approx(find_metric(metric).function(references, predicted, labels), abs=1e-12)
    assert rescored.contributions.shape == (len(references),)
    assert rescored.contributions.sum() == pytest.approx(0, abs=1e-9)


def test_a_label_that_occurs_nowhere_is_left_out_of_the_macro_average(tmp_path: Path):
    references, predicted = ["a", "b", "a", "b"], ["a", "b", "b", "b"]
    write_predictions(predictions(references, predicted), tmp_path)
    expected = f1_score(references, predicted, average="macro")
    assert rescore(tmp_path, ("a", "b", "never"), "macro_f1").score == pytest.approx(expected)


def test_a_label_that_the_record_does_not_know_is_not_taken_for_right(tmp_path: Path):
    write_predictions(predictions(["a", "b"], ["x", "y"]), tmp_path)
    assert rescore(tmp_path, (), "accuracy").score == 0


def test_grouped_examples_are_one_cluster_and_the_others_their_own(tmp_path: Path):
    write_predictions(predictions(["a"] * 5, ["a", "b", "a", "b", "b"], ["g", "", "g", "", "h"]), tmp_path)
    rescored = rescore(tmp_path, ("a", "b"), "accuracy")
    # Right by 0.6 or wrong by 0.4, a fifth each; g holds the two that are right.
    assert sorted(rescored.contributions) == pytest.approx([-0.08, -0.08, -0.08, 0.24])


@pytest.mark.parametrize(
    ("references", "predicted", "groups", "same"),
    [
        (["a", "b"], ["b", "b"], ["g", "g"], True),
        (["a", "b"], ["a", "b"], ["g", "h"], False),
        (["b", "a"], ["a", "b"], ["g", "g"], False),
    ],
)
def test_other_groups_or_references_make_another_test_set(
    tmp_path: Path, references: list[str], predicted: list[str], groups: list[str], same: bool
):
    found = set()
    for name, rows in (
        ("first", predictions(["a", "b"], ["a", "b"], ["g", "g"])),
        ("other", predictions(references, predicted, groups)),
    ):
        (tmp_path / name).mkdir()
        write_predictions(rows, tmp_path / name)
        found.add(rescore(tmp_path / name, ("a", "b"), "accuracy").test_set)
    assert len(found) == (1 if same else 2)


@pytest.mark.slow
def test_a_metric_without_closed_form_is_judged_by_the_jackknife(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    references, predicted = guesses(0.8, 1, 400)
    write_predictions(predictions(references, predicted), tmp_path)
    exact = rescore(tmp_path, LABELS, "matthews")
    without = replace(find_metric("matthews"), influence=None)
    monkeypatch.setattr("harness.comparison.rescoring.find_metric", lambda _: without)
    jackknifed = rescore(tmp_path, LABELS, "matthews")
    assert jackknifed.score == pytest.approx(exact.score)
    assert jackknifed.contributions.shape == (40,)
    # Forty blocks know the deviation to about 11 % (1 / sqrt(2 * 39)).
    assert np.linalg.norm(jackknifed.contributions) == pytest.approx(np.linalg.norm(exact.contributions), rel=0.33)


def test_each_example_has_a_value_where_the_score_is_their_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_predictions(predictions(["a", "b", "a", "b"], ["a", "b", "b", "b"]), tmp_path)
    exact = rescore(tmp_path, ("a", "b"), "accuracy")
    assert exact.values == pytest.approx([1, 1, 0, 1])
    assert rescore(tmp_path, ("a", "b"), "macro_f1").values is None
    single = replace(find_metric("accuracy"), influence=None)
    monkeypatch.setattr("harness.comparison.rescoring.find_metric", lambda _: single)
    found = rescore(tmp_path, ("a", "b"), "accuracy")
    assert (found.score, list(found.values)) == (exact.score, pytest.approx([1, 1, 0, 1]))
    assert found.contributions == pytest.approx(exact.contributions)
    assert found.shares == pytest.approx([0.25] * 4)
    whole = replace(find_metric("accuracy"), influence=None, per_example=None)
    monkeypatch.setattr("harness.comparison.rescoring.find_metric", lambda _: whole)
    assert rescore(tmp_path, ("a", "b"), "accuracy").values is None


def test_labels_that_no_test_example_has_are_named_where_labels_weigh_alike(tmp_path: Path):
    write_predictions(predictions(["a", "b", "a"], ["z", "b", "c"]), tmp_path)
    assert rescore(tmp_path, ("a", "b", "c"), "macro_f1").unknown_labels == ("c", "z")
    assert rescore(tmp_path, ("a", "b", "c"), "accuracy").unknown_labels == ()


def test_a_score_that_is_not_computed_here_is_the_recorded_one_and_of_single_examples_nothing_is_known(tmp_path: Path):
    write_predictions(predictions(["a"] * 3, ["a"] * 3), tmp_path)
    found = rescore(tmp_path, (), "evaluate:x", recorded={"evaluate:x": 0.25})
    assert (found.score, found.examples, found.split) == (0.25, 3, Split(3))
    assert (found.contributions.shape, found.shares.shape, found.values) == ((0,), (0,), None)
    assert not found.is_constant
    assert not found.all_repeat
    with pytest.raises(UserError, match=r"no test score of evaluate:x \(got None\)") as caught:
        rescore(tmp_path, (), "evaluate:x")
    assert not isinstance(caught.value, NotANumberError)
    with pytest.raises(NotANumberError, match="no test score of evaluate:x"):
        rescore(tmp_path, (), "evaluate:x", recorded={"evaluate:x": float("inf")})


@pytest.mark.parametrize(("score", "contribution"), [(float("nan"), 0.0), (0.5, float("inf")), (0.5, 1e101)])
def test_a_score_is_a_number_if_what_each_example_adds_is_one(tmp_path: Path, monkeypatch, score, contribution):
    write_predictions(predictions(["a"], ["a"]), tmp_path)
    found = score, np.array([contribution]), np.ones(1), None
    monkeypatch.setattr("harness.comparison.rescoring.scored_table", lambda *_: found)
    with pytest.raises(NotANumberError, match="accuracy is not a number"):
        rescore(tmp_path, ("a",), "accuracy")


@pytest.mark.parametrize("metric", ["mean_squared_error", "pearson", "spearman"])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_predictions_that_are_no_numbers_are_an_error(metric: str, wrong: float, tmp_path: Path):
    write_predictions(predictions([1.0, 2.0, 4.0], [1.0, wrong, 3.0]), tmp_path)
    with pytest.raises(UserError, match="is not a number"):
        rescore(tmp_path, (), metric)


def test_rows_of_several_folders_follow_each_other_and_none_is_in_two(tmp_path: Path):
    rows = predictions(["a", "b", "a"], ["a", "b", "b"])
    for name, part in (("one", rows[:2]), ("other", rows[2:]), ("again", rows[1:])):
        (tmp_path / name).mkdir()
        write_predictions(part, tmp_path / name)
    found = read_predictions([tmp_path / "one", tmp_path / "other"])
    assert found["id"].to_pylist() == ["test-0", "test-1", "test-2"]
    needed = ["id", "group", "reference", "prediction"]
    for more, there in ((("length", "never"), [*needed, "length"]), ((), needed)):
        assert read_predictions([tmp_path / "one"], more).column_names == there
    assert set(read_predictions([tmp_path / "one"], None).column_names) == {*needed, "length"}
    with pytest.raises(UserError, match="a row is in several folds"):
        read_predictions([tmp_path / "one", tmp_path / "again"])
    write_predictions([rows[0], rows[0]], tmp_path / "one")  # What a file holds twice is in one fold.
    assert read_predictions([tmp_path / "one"]).num_rows == 2


def test_a_file_without_predictions_is_told_with_what_is_wrong(tmp_path: Path):
    file = tmp_path / PREDICTIONS
    file.write_bytes(b"cut short")
    with pytest.raises(UserError, match=r"no readable predictions \(.+\). Do the run again"):
        read_predictions([tmp_path])
    whole = pyarrow.Table.from_pylist(predictions(["a"], ["a"]))
    for table in (whole.select(["id", "group"]), whole.slice(0, 0)):
        parquet.write_table(table, file)
        with pytest.raises(UserError, match="no predictions in it"):
            read_predictions([tmp_path])


def test_an_example_without_a_group_is_the_same_however_that_was_written():
    def digest(groups, references=("a", "b")):
        columns = {"id": ["1", "2"], "group": groups, "reference": list(references)}
        return digest_of_test_set(pyarrow.table(columns))

    assert digest([None, "g"]) == digest(["", "g"]) != digest(["", ""])
    assert digest(["", "g"], (None, "b")) != digest(["", "g"], ("", "b"))


def test_an_empty_file_is_an_error(tmp_path: Path):
    write_predictions([], tmp_path)
    with pytest.raises(UserError, match="predictions"):
        rescore(tmp_path, LABELS, "accuracy")


@pytest.mark.parametrize("prediction", [{"nats": None, "tokens": None, "masked_nats": 4.0, "masked_tokens": 2}, {}])
def test_a_perplexity_of_a_model_that_predicts_otherwise_is_a_gap_with_its_reason(tmp_path: Path, prediction: dict):
    sizes = [{"bytes": 9, "characters": 9}] * 3
    write_predictions(predictions(sizes, [{"other": 1, **prediction}] * 3), tmp_path)
    with pytest.raises(UserError, match="no bits_per_byte: this model predicts in another way"):
        rescore(tmp_path, (), "bits_per_byte")
