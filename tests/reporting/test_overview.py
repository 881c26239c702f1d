"""The first screen's words: the question, the advice, a verdict and the costs in each row, the count of troubles."""

from pathlib import Path

import pytest
from synthetic_runs import add_runs, record, save

from harness.comparison.comparison import compare
from harness.comparison.recommendation import Recommendation
from harness.comparison.recommended_tasks import advice_over_tasks
from harness.comparison.results import Comparison
from harness.record import Cost
from harness.registry import FORMATS
from harness.reporting import overview
from harness.reporting.remarks import Remarks, sorted_remarks


def test_the_question_names_a_few_tasks_and_counts_more(tmp_path: Path):
    for task in ("boolq", "cola"):
        add_runs(tmp_path, "bert", 0.8, range(1), examples=20, task=task)
    assert overview.question(compare(tmp_path)) == "Which model for boolq and cola?"
    for task in ("qnli", "rte"):
        add_runs(tmp_path, "bert", 0.8, range(1), examples=20, task=task)
    assert overview.question(compare(tmp_path)) == "Which model for these 4 tasks?"


def test_recommendations_are_put_together_by_model_and_stay_as_firm_as_they_were():
    found = {
        "a": Recommendation("best", "bert", ""),
        "b": Recommendation("cheapest", "bert", ""),
        "c": Recommendation("best", "minilm", ""),
        "d": Recommendation("baseline", "tfidf", ""),
        "e": Recommendation("unclear", "tfidf", ""),
        "f": Recommendation("unclear", None, ""),
    }
    assert advice_over_tasks(found) == (
        "Use bert on a and b and minilm on c. Nothing beats the simple baseline tfidf on d: use it there. "
        "Use tfidf for now on e: no model is shown to beat it. Can't tell yet on f."
    )
    short = {name: Recommendation("after short runs", "bert", "") for name in "ab"}
    assert advice_over_tasks(short) == "Use bert for now on both tasks: only short runs are compared."
    same = dict.fromkeys("abcdefgh", Recommendation("best", "bert", ""))
    assert advice_over_tasks(same) == "Use bert on all 8 tasks."
    each = {name: Recommendation("best", f"model-{name}", "") for name in "abcde"}
    assert advice_over_tasks(each | {"f": each["a"]}) == (
        "It depends on the task: use model-a on 2 of 6 tasks; model-b, model-c, model-d and model-e on 1 of 6 tasks "
        "each."
    )


def test_up_to_four_models_are_told_with_their_tasks_and_up_to_three_tasks_by_their_names():
    def on(**tasks: str) -> str:
        found = {name: Recommendation("best", model, "") for model, names in tasks.items() for name in names}
        return advice_over_tasks(found)

    assert on(a="t", b="uvw", c="x", d="yz") == "Use a on t, b on u, v and w, c on x and d on y and z."
    assert on(a="tuvw", b="x") == "Use a on 4 of 5 tasks and b on x."
    assert [on(a=names) for names in ("t", "tu", "tuv")] == [
        "Use a on t.",
        "Use a on both tasks.",
        "Use a on all 3 tasks.",
    ]
    assert on(a="stu", b="v", c="w", d="xy", e="zq") == (
        "It depends on the task: use a on 3 of 9 tasks; d and e on 2 of 9 tasks each; b and c on 1 of 9 tasks each."
    )


def test_a_row_says_what_the_family_of_comparisons_shows(comparison: Comparison):
    task = comparison.tasks[1]
    said = {row.model: row.more[0].text for row in overview.of_one_task(task).rows}
    assert said == {
        "roberta-mini": "may be the best",
        "bert-mini": "may be the best",
        "xlnet-mini": "not compared: one seed (1 of 3 diverged, 1 of 3 failed)",
        "tfidf": "behind roberta-mini and 1 more",
        "scratch": "behind roberta-mini and 1 more",
        "majority": "not compared",
    }
    assert all(cell.is_top == (said[cell.model] == "may be the best") for cell in task.cells)


def test_a_missing_run_does_not_make_a_model_cheap(tmp_path: Path):
    for task in ("boolq", "cola"):
        add_runs(tmp_path, "bert", 0.8, range(2), examples=40, task=task, cost=Cost(seconds={"train": 60.0}))
    add_runs(tmp_path, "minilm", 0.7, range(2), examples=40, task="boolq", cost=Cost(seconds={"train": 60.0}))
    (matrix,) = overview.of_tasks(compare(tmp_path))
    place = matrix.headings.index("Training time")
    assert {row.model: row.more[place].text for row in matrix.rows} == {"bert": "2.0 min", "minilm": "60 s (1 of 2)"}


def test_more_tasks_than_stand_beside_each_other_make_a_second_table(tmp_path: Path):
    for number in range(12):
        add_runs(tmp_path, "bert", 0.8, range(1), examples=20, task=f"task-{number:02}")
    first, second = overview.of_tasks(compare(tmp_path))
    assert [len(first.tasks), len(second.tasks)] == [10, 2]
    assert second.headings == ()
    assert all(row.more == () for row in second.rows)


@pytest.mark.slow
def test_failures_gaps_and_warnings_are_counted_and_what_every_run_notes_is_not(runs: Path):
    add_runs(runs, "noted", 0.8, notes=("every weight is new",))
    found = sorted_remarks(compare(runs))
    assert found.counted == "3 failures, 4 gaps"
    assert [line.split(": ")[0] for line in found.failures] == [
        "boolq · roberta-mini · seed 0",
        "rotten_tomatoes · xlnet-mini · seed 1",
        "rotten_tomatoes · xlnet-mini · seed 2",
    ]
    assert found.notes == ("rotten_tomatoes · noted · seed 0, 1, 2: every weight is new",)
    assert not set(found.notes) & set(found.troubles)
    assert Remarks(notes=("a note",)).counted == ""
    assert Remarks(failures=("a",), warnings=("b", "c")).counted == "1 failure, 2 warnings"


def test_a_run_that_was_left_out_is_no_failure(tmp_path: Path):
    add_runs(tmp_path, "bert", 0.8, range(2), examples=40)
    save(tmp_path, record(model="bert", seed=2, config={"evaluate": "validation"}), None)
    found = sorted_remarks(compare(tmp_path))
    assert found.failures == ()
    assert found.warnings[-1].endswith("seed 2: no test score: run with --validation-only")


def test_a_collapsed_model_that_is_not_shown_to_be_behind_can_only_not_be_ruled_out(tmp_path: Path):
    add_runs(tmp_path, "bert", 0.3, range(3), examples=40)  # No better than one answer to all.
    add_runs(tmp_path, "minilm", 0.35, range(3), examples=40)
    (task,) = compare(tmp_path).tasks
    fallen = next(cell for cell in task.cells if cell.model == "bert")
    assert fallen.is_top
    assert fallen.has_learnt_nothing
    assert overview.standing(task, fallen).text.startswith("can't be ruled out (3 of 3 collapsed)")


def test_one_seed_and_long_names_change_the_table_of_the_first_screen(tmp_path: Path):
    long = "scratch-with-dropout-and-a-name-that-says-everything-about-it"
    for task in ("boolq", "cola"):
        add_runs(tmp_path, "bert", 0.8, range(3), examples=40, task=task)
        add_runs(tmp_path, long, 0.7, range(3), examples=40, task=task)
    legend = "dotted interval: one seed, so other test examples only, and not compared"
    page = FORMATS.load("html")(compare(tmp_path))
    assert f'<span class="long-name">{long}</span>' in page
    assert '<span class="long-name">bert' not in page
    assert legend not in page
    add_runs(tmp_path, "minilm", 0.7, range(1), examples=40, task="cola")
    assert legend in FORMATS.load("html")(compare(tmp_path))


def test_what_all_models_note_stands_once_and_what_one_notes_stands_with_its_seeds(tmp_path: Path):
    of_data = "26 labels are read without blanks at their ends"
    add_runs(tmp_path, "a", 0.8, range(2), examples=20, notes=("padded", of_data))
    add_runs(tmp_path, "b", 0.6, range(2), examples=20, notes=(of_data, "every weight is new"))
    save(tmp_path, record(model="b", seed=2, status="failed", reason="out of memory"), None)
    assert sorted_remarks(compare(tmp_path)).notes == (
        f"rotten_tomatoes: {of_data}",
        "rotten_tomatoes · a · seed 0, 1: padded",
        "rotten_tomatoes · b · seed 0, 1: every weight is new",
    )
