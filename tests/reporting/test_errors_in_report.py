"""The report's section on where models err: every task type's own, and never a reason to have no report."""

import numpy as np
from synthetic_runs import LABELS, add_runs, card, predictions, record, save

from harness.comparison.comparison import compare
from harness.record import write_predictions
from harness.reporting.entries import Entry
from harness.reporting.errors_in_report import errors_of


def test_models_stand_beside_each_other_by_label_and_by_length_and_the_best_ones_confusions(tmp_path):
    add_runs(tmp_path / "runs", "bert-mini", 0.8)
    add_runs(tmp_path / "runs", "tfidf", 0.7, range(1), family="tfidf")
    (task,) = compare(tmp_path / "runs").tasks
    found = errors_of(task, {})
    by_label, confused = found.tables
    assert by_label.headings == ("Model", "negative (200)", "positive (200)")
    assert [row[0] for row in by_label.rows] == [Entry("bert-mini"), Entry("tfidf (simple baseline)")]
    assert "bert-mini" in confused.caption
    counts = np.array([[float(entry.text.replace(",", "")) for entry in row[1:]] for row in confused.rows])
    assert counts.sum(axis=1).round(0).tolist() == [200, 200]
    assert found.curves == {}


def test_probabilities_have_curves_and_lengths_have_quarters(tmp_path):
    rng = np.random.default_rng(0)
    rows = predictions([*LABELS] * 40, [*LABELS] * 30 + [*LABELS[::-1]] * 10)
    for row in rows:
        row |= {"length": int(rng.integers(1, 90)), "logits": [0.0, 1.0 if row["prediction"] == LABELS[1] else -1.0]}
    save(tmp_path / "runs", record(seed=0, scores={"test": {"accuracy": 0.75}}), rows)
    (task,) = compare(tmp_path / "runs").tasks
    found = errors_of(task, {"bert-mini": "c0"})
    assert [table.caption.partition(": ")[2].split(" (")[0] for table in found.tables] == [
        "F1 by label", "what each label", "accuracy by length in tokens of bert-mini",
        "how far probabilities can be trusted", "F1 where positive is predicted above a probability",
    ]  # fmt: skip
    # Of 40 positive ones 30 are right at 0.73, as are 10 negative ones; of all 80, 2 * 40 / (80 + 40), of none, 0.
    at_thresholds = [entry.text.partition(" ")[0] for entry in found.tables[-1].rows[0][1:]]
    assert at_thresholds == ["66.7", "75.0", "75.0", "75.0", "0.0"]
    assert 'class="c0"' in found.curves["bert-mini"]
    assert len(found.notes) == 4


def test_predictions_that_can_not_be_analysed_leave_the_section_out(tmp_path):
    folder = save(tmp_path / "runs", record(seed=0, scores={"test": {"accuracy": 1.0}}), None)
    rows = [{**row, "logits": ["no", "number"]} for row in predictions(list(LABELS) * 5, list(LABELS) * 5)]
    write_predictions(rows, folder)
    (task,) = compare(tmp_path / "runs").tasks
    assert task.ranked
    assert errors_of(task, {}).curves == {}


def test_a_user_who_kept_near_duplicates_is_told_how_to_score_without_them(tmp_path):
    for name, kept in (("keep", True), ("drop", False)):
        add_runs(tmp_path / name, "bert-mini", 0.8, range(1), config={"local": {"near_duplicates": name}})
        (task,) = compare(tmp_path / name).tasks
        assert any("--by duplicates" in note for note in errors_of(task, {}).notes) is kept


def test_numbers_have_no_labels_and_no_section_where_all_are_of_one_length(tmp_path):
    rows = predictions([0.1 * n for n in range(30)], [0.1 * n + 0.01 for n in range(30)])
    changes = {"task_card": card("pearson", "regression").model_copy(update={"labels": ()})}
    save(tmp_path / "runs", record(seed=0, scores={"test": {"pearson": 1.0}}, **changes), rows)
    (task,) = compare(tmp_path / "runs").tasks
    found = errors_of(task, {})
    assert (found.tables, found.curves, found.notes) == ((), {}, ())


def test_of_very_many_models_the_best_are_shown_and_the_others_counted(tmp_path):
    for number in range(14):
        add_runs(tmp_path / "runs", f"model-{number:02}", 0.9 - 0.03 * number, range(1), examples=60)
    (task,) = compare(tmp_path / "runs").tasks
    found = errors_of(task, {})
    assert [row[0].text for row in found.tables[0].rows] == [cell.model for cell in task.ranked[:12]]
    assert found.notes[-1] == "Only the best 12 of 14 models."
