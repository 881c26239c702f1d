"""Scores of parts of the test examples: by label, by length, by what a task type or the user's data has."""

import json
import math
from types import SimpleNamespace

import pyarrow
import pytest
from command_line import reviews, write_jsonl
from synthetic_runs import add_runs, card, guesses, predictions, record, save

from harness.cli import erring
from harness.comparison.comparison import compare
from harness.comparison.statistics import Estimate
from harness.error_analysis.answered import answered_tasks
from harness.error_analysis.aspects import aspect_called, categories, every_aspect, quarters
from harness.error_analysis.breakdown import Breakdown, Part, by_aspect, by_label, confusions
from harness.errors import UserError
from harness.metrics.metric import PERCENT
from harness.registry import TASK_TYPES
from harness.reporting.errors import order_note
from harness.task_types.question_answering.examples import Answer, QuestionExample


def wilson(count, of, quantile):
    """Wilson's interval of a share (1927), by hand."""
    share, z = count / of, quantile**2 / of
    half = math.sqrt(share * (1 - share) * z + z**2 / 4)
    return (share + z / 2 - half) / (1 + z), (share + z / 2 + half) / (1 + z)


@pytest.fixture
def folder(tmp_path):
    """200 texts, 40 of them positive: 38 of these found, 4 others taken for positive; long texts are the wrong ones."""
    references = ["positive"] * 40 + ["negative"] * 160
    predicted = ["positive"] * 38 + ["negative"] * 2 + ["positive"] * 4 + ["negative"] * 156
    rows = predictions(references, predicted)
    for place, row in enumerate(rows):
        row["length"] = place % 4 + (10 if row["reference"] != row["prediction"] else 0)
    run = record(model="bert-mini", seed=0, task_card=card("accuracy"), scores={"test": {"accuracy": 0.97}})
    return save(tmp_path / "runs", run, rows)


def test_each_label_has_its_recall_precision_and_f1_with_the_intervals_of_the_report(folder):
    (task,) = answered_tasks(folder)
    recall, precision, f1 = (by_label(task, measure) for measure in ("recall", "precision", "F1"))
    assert [(part.name, part.examples) for part in recall.parts] == [("negative", 160), ("positive", 40)]
    of_positive = [breakdown.parts[1].scores["bert-mini"] for breakdown in (recall, precision, f1)]
    assert [one.value for one in of_positive] == pytest.approx([38 / 40, 38 / 42, 76 / 82])
    # Wilson's, with Student's t of 39 degrees of freedom, where fewer than five are wrong.
    assert (of_positive[0].low, of_positive[0].high) == pytest.approx(wilson(38, 40, 2.0227), abs=4e-3)
    assert not of_positive[0].includes_seeds
    assert confusions(task, task.first) == {
        ("negative", "negative"): 156, ("positive", "positive"): 38, ("negative", "positive"): 4,
        ("positive", "negative"): 2,
    }  # fmt: skip


def test_the_parts_of_an_aspect_hold_every_example_once_and_their_scores_add_up(folder):
    (task,) = answered_tasks(folder)
    breakdown = by_aspect(task, aspect_called(task, "length"))
    assert breakdown.by == "length in tokens of bert-mini"
    assert sum(part.examples for part in breakdown.parts) == 200
    right = sum(part.examples * part.scores["bert-mini"].value for part in breakdown.parts)
    assert right == pytest.approx(194)
    assert breakdown.parts[-1].scores["bert-mini"].value < breakdown.parts[0].scores["bert-mini"].value == 1.0


@pytest.mark.slow
def test_several_seeds_give_one_mean_that_speaks_of_other_seeds_too(tmp_path, command):
    add_runs(tmp_path / "runs", "bert-mini", 0.8)
    add_runs(tmp_path / "runs", "tfidf", 0.7, range(1), family="tfidf")
    found = json.loads(command("errors", tmp_path / "runs", "--by", "label", "--json").output)
    (breakdown,) = found
    assert breakdown["measure"] == "F1"
    assert all({"bert-mini", "tfidf"} == part["scores"].keys() for part in breakdown["parts"])
    output = command("errors", tmp_path / "runs", "--by", "label").output
    assert "other test examples and other seeds" in output
    alone = command("errors", tmp_path / "runs/reviews/rotten_tomatoes/bert-mini/seed-0", "--by", "label").output
    assert "and not about other seeds" in alone
    assert "Precision" in alone


def test_a_copied_seed_counts_once_and_is_told(tmp_path):
    for seed in range(3):
        weights = {"checkpoint/model.safetensors": f"sha256:{min(seed, 1)}"}  # Seed 2 is a copy of seed 1.
        save(tmp_path / "runs", record(seed=seed, files=weights), predictions(*guesses(0.8, min(seed, 1))))
    (task,) = answered_tasks(tmp_path / "runs")
    assert len(task.first.tables) == 2
    assert task.problems == ("rotten_tomatoes: bert-mini: seed 2 is a copy of another one; left out.",)


def test_seeds_of_which_some_gave_one_answer_to_all_have_a_mean_without_an_interval(tmp_path, command):
    add_runs(tmp_path / "runs", "bert-mini", 0.8, range(2))
    collapsed = predictions(["negative", "positive"] * 200, ["negative"] * 400)
    save(tmp_path / "runs", record(model="bert-mini", seed=2, scores={"test": {"accuracy": 0.5}}), collapsed)
    breakdowns = json.loads(command("errors", tmp_path / "runs", "--by", "label", "--json").output)
    scores = [part["scores"]["bert-mini"] for breakdown in breakdowns for part in breakdown["parts"]]
    known = [score for score in scores if score is not None]  # The third seed never predicts "positive".
    assert (len(scores), len(known)) == (6, 5)
    assert all(score["low"] is None for score in known)


@pytest.mark.parametrize(("right", "positive", "is_known"), [(320, 200, False), (204, 0, True)])
def test_with_a_seed_no_better_than_one_answer_a_mean_has_an_interval_where_it_has_one_in_a_comparison(
    right, positive, is_known, tmp_path
):
    labels = ["negative", "positive"] * 200
    better = [*labels[:right], *labels[::-1][right:]]
    collapsed = ["negative"] * (400 - positive) + ["positive"] * positive  # Half of them are right.
    for seed, guessed in enumerate((better, better, collapsed)):
        save(tmp_path / "runs", record(seed=seed, scores={}), predictions(labels, guessed))
    (task,) = answered_tasks(tmp_path / "runs")
    (cell,) = compare(tmp_path / "runs").tasks[0].cells
    assert len(cell.collapsed) == 1
    assert (cell.estimate.low is not None, not task.first.is_mixed) == (is_known, is_known)


@pytest.mark.slow
def test_a_column_of_the_users_data_parts_the_examples(command, tmp_path):
    rows = [{**row, "shop": f"s{number % 3}", "price": number} for number, row in enumerate(reviews(90))]
    train, test = write_jsonl(tmp_path / "a.jsonl", rows[:60]), write_jsonl(tmp_path / "b.jsonl", rows[60:])
    assert command("run", "--model", "majority", "--train", train, "--test", test).code == 0
    (found,) = tmp_path.rglob("run.json")
    (breakdown,) = json.loads(command("errors", found.parent, "--by", "shop", "--json").output)
    assert {part["name"]: part["examples"] for part in breakdown["parts"]} == {"s0": 10, "s1": 10, "s2": 10}
    (prices,) = json.loads(command("errors", found.parent, "--by", "price", "--json").output)
    assert [part["name"] for part in prices["parts"]] == ["60 to 67", "68 to 74", "75 to 81", "82 to 89"]
    assert "has no such parts. Did you mean shop?" in command("errors", found.parent, "--by", "shopp").errors
    assert "nearly every example has a different value" in command("errors", found.parent, "--by", "text").errors


@pytest.mark.slow_but_first
@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_row_is_that_of_its_own_split_where_splits_have_ids_in_common(split, command, tmp_path):
    def file(name, start, shop):
        rows = [{**row, "id": f"r{place}", "shop": shop} for place, row in enumerate(reviews(40, start=start))]
        return write_jsonl(tmp_path / f"{name}.jsonl", rows)

    # Without a test file, the test examples are taken out of the training rows, and not of the validation rows.
    files = ("--train", file("train", 0, "a"), f"--{split}", file(split, 100, "b"))
    assert command("run", "--model", "majority", *files).code == 0
    (found,) = tmp_path.rglob("run.json")
    (breakdown,) = json.loads(command("errors", found.parent, "--by", "shop", "--json").output)
    assert [part["name"] for part in breakdown["parts"]] == ["b" if split == "test" else "a"]


@pytest.mark.slow
def test_near_duplicates_of_training_texts_are_scored_apart(command, tmp_path):
    passage = " ".join(f"word{number}" for number in range(40))
    rows = [{"text": f"{passage} {end}", "label": "good"} for end in ("once", "twice")]
    train = write_jsonl(tmp_path / "a.jsonl", [*reviews(40), rows[0]])
    test = write_jsonl(tmp_path / "b.jsonl", [*reviews(20, start=50), rows[1]])
    validation = write_jsonl(tmp_path / "c.jsonl", reviews(20, start=80))
    files = ("--train", train, "--validation", validation, "--test", test)
    assert command("run", "--model", "majority", *files, "--near-duplicates", "keep").code == 0
    (found,) = tmp_path.rglob("run.json")
    (breakdown,) = json.loads(command("errors", found.parent, "--by", "duplicates", "--json").output)
    assert [(part["name"], part["examples"]) for part in breakdown["parts"]] == [
        ("all", 21), ("clean", 20), ("repeat a training text", 1)
    ]  # fmt: skip
    output = " ".join(command("errors", found.parent, "--by", "duplicates").output.split())
    assert "1 of 21 test examples nearly repeat a training example." in output
    # Predictions say so themselves: the data is not read again, and a comparison scores the clean examples too.
    train.unlink()
    assert json.loads(command("errors", found.parent, "--by", "duplicates", "--json").output) == [breakdown]
    assert "1 of 21 test examples nearly repeat a training example." in command("compare", "runs").output


def test_whether_the_order_of_models_hangs_on_repeats_is_told():
    def breakdown(repeats):
        of_all = {"a": Estimate(0.9, 0, None, None, None, False), "b": Estimate(0.8, 0, None, None, None, False)}
        of_clean = {**of_all, "a": Estimate(0.7, 0, None, None, None, False)}
        parts = (Part("all", 10, of_all), Part("clean", 10 - repeats, of_clean), Part("repeat", repeats, {}))
        return Breakdown("duplicates", "accuracy", PERCENT, parts)

    task = SimpleNamespace(card=card(), models=("a", "b"))
    assert order_note(task, breakdown(3)).endswith("the scores is b, a; with them a, b.")
    assert order_note(task, breakdown(0)).startswith("No test example nearly repeats")
    assert order_note(task, breakdown(10)) == (
        "All 10 test examples nearly repeat a training example: no clean one is left to score."
    )


def test_where_no_label_is_there_and_none_is_predicted_f1_says_nothing(tmp_path):
    rows = predictions([["a"], ["a", "b"], [], []], [["a"], ["a"], [], []])
    task_card = card("micro_f1", "multi_label").model_copy(update={"labels": ("a", "b")})
    folder = save(tmp_path / "runs", record(task_card=task_card, scores={"test": {"micro_f1": 0.8}}), rows)
    (task,) = answered_tasks(folder)
    breakdown = by_aspect(task, aspect_called(task, "labels-of-a-text"))
    scores = {part.name: part.scores["bert-mini"] for part in breakdown.parts}
    assert scores["0"] is None
    assert (scores["1"].value, scores["2"].value) == (1.0, pytest.approx(2 / 3))


@pytest.mark.slow
def test_what_does_not_part_the_examples_is_told(tmp_path, command):
    add_runs(tmp_path / "runs", "bert-mini", 0.8, range(1))
    assert "all of one length" in command("errors", tmp_path / "runs", "--by", "length").errors
    assert "in no groups" in command("errors", tmp_path / "runs", "--by", "group").errors


def test_a_task_without_such_parts_is_told_and_hides_no_other(tmp_path, command):
    for task, groups in (("boolq", None), ("rotten_tomatoes", ["a", "b"] * 4)):
        rows = predictions(["positive", "negative"] * 4, ["negative"] * 8, groups)
        save(tmp_path / "runs", record(task=task, seed=0), rows)
    found = command("errors", tmp_path / "runs", "--by", "group", "--json")
    assert found.code == 0
    assert [one["task"] for one in json.loads(found.output)] == ["rotten_tomatoes"]
    (line,) = found.errors.splitlines()
    assert "boolq are in no groups" in line


def test_a_task_that_has_several_lines_to_tell_counts_once_among_those_left_out(tmp_path, command, monkeypatch):
    for task in ("boolq", "rotten_tomatoes"):
        add_runs(tmp_path / "runs", "bert-mini", 0.8, range(1), examples=8, task=task)
    asked = []

    def shown(task, *, as_json):
        asked.append(task.task)
        if task.task == "boolq":
            raise UserError("boolq: one reason.", "boolq: another one.")
        return [{"task": task.task}]

    monkeypatch.setitem(erring.SHOWN, "found", shown)
    found = command("errors", tmp_path / "runs", "--by", "found", "--json")
    assert sorted(asked) == ["boolq", "rotten_tomatoes"]
    assert (found.code, json.loads(found.output)) == (0, [{"task": "rotten_tomatoes"}])
    assert found.lines == ["boolq: one reason.", "boolq: another one."]


def test_what_is_wrong_in_a_folder_is_told_once_and_what_is_wrong_in_a_task_with_it(tmp_path):
    for task in ("boolq", "rotten_tomatoes"):
        add_runs(tmp_path / "runs", "bert-mini", 0.8, range(1), examples=8, task=task)
        add_runs(tmp_path / "runs", "tfidf", 0.8, range(1), examples=6, task=task)
    damaged = tmp_path / "runs/reviews/sst2/bert-mini/seed-0/run.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{", encoding="utf-8")
    told = [task.problems for task in answered_tasks(tmp_path / "runs")]
    assert [len(lines) for lines in told] == [2, 1]
    assert "sst2" in told[0][0]
    assert [lines[-1].split(": ")[:2] for lines in told] == [["boolq", "tfidf"], ["rotten_tomatoes", "tfidf"]]


def test_of_models_with_several_test_sets_those_with_the_most_common_one_are_shown(tmp_path):
    for model, examples in (("a", 6), ("b", 8), ("c", 8)):
        add_runs(tmp_path, model, 0.8, range(1), examples=examples)
    (task,) = answered_tasks(tmp_path)
    assert [one.model for one in task.models] == ["b", "c"]
    assert task.problems == ("rotten_tomatoes: a: tested on other examples than b; left out.",)


@pytest.mark.slow_but_first
@pytest.mark.parametrize(("by", "said"), [("lenght", "Did you mean length?"), ("", "Known: duplicates, found, group")])
def test_a_wrong_aspect_names_the_nearest(by, said, command, tmp_path):
    assert command("run", "--model", "majority", "--train", write_jsonl(tmp_path / "own.jsonl", reviews(40))).code == 0
    found = command("errors", tmp_path / "runs", "--by", by)
    assert found.code == 2
    assert found.lines[0].startswith(f"--by {by or repr(by)}: own-")
    assert f" has no such parts. {said}" in found.lines[0]


@pytest.mark.slow
def test_predictions_that_hold_something_else_are_told(tmp_path, command):
    rows = [{**row, "prediction": {"odd": 1}} for row in predictions(["negative"] * 4, [""] * 4)]
    folder = save(tmp_path / "runs", record(), rows)
    for words in (("errors", folder, "--by", "label"), ("errors", folder, "--by", "group"), ("diff", folder, folder)):
        found = command(*words)
        assert found.code in (0, 2), words
    assert "can't be analysed" in command("errors", folder, "--by", "label").errors


def test_equal_numbers_stay_in_one_quarter():
    aspect = quarters("length", [1.0] * 7 + [2.0])
    assert aspect.parts == ("1", "2")
    assert [aspect.values.count(part) for part in aspect.parts] == [7, 1]


def test_quarters_have_names_that_tell_them_apart_and_years_have_no_comma():
    assert quarters("year", range(1990, 1998)).parts == (
        "1990 to 1991", "1992 to 1993", "1994 to 1995", "1996 to 1997"
    )  # fmt: skip
    assert quarters("price", [9_999, 10_000, 20_000, 1_234_567]).parts == ("9999", "10,000", "20,000", "1,234,567")
    aspect = quarters("share", [1 + number / 1e8 for number in range(1, 9)])
    assert aspect.parts == (
        "1.00000001 to 1.00000002", "1.00000003 to 1.00000004", "1.00000005 to 1.00000006", "1.00000007 to 1.00000008"
    )  # fmt: skip
    assert aspect.values == tuple(part for part in aspect.parts for _ in range(2))


def test_groups_and_labels_that_look_like_numbers_are_names(tmp_path):
    names = [str(number) for number in range(1, 9)] * 3  # More different ones than are kept whole of numbers.
    folder = save(tmp_path / "runs", record(seed=0), predictions(names, names, [f"1{name}" for name in names]))
    (task,) = answered_tasks(folder)
    assert aspect_called(task, "group").parts == tuple(f"1{name}" for name in names[:8])
    aspects, _ = every_aspect(task)
    assert next(aspect.parts for aspect in aspects if aspect.name == "label") == tuple(names[:8])
    assert categories("stars", names).parts == ("1 to 2", "3 to 4", "5 to 6", "7 to 8")


def test_rare_values_of_a_column_are_taken_together():
    aspect = categories("shop", [name for number in range(14) for name in [f"s{number:02}"] * (20 - number)])
    assert len(aspect.parts) == 13
    assert aspect.values.count("others") == 8 + 7


def test_questions_are_told_apart_by_answer_and_by_how_they_ask():
    task_type = TASK_TYPES.load("question_answering")
    table = pyarrow.table({"reference": [["Paris"], [], ["the old town hall of Graz"]]})
    answerable, length = task_type.recorded_aspects(table)
    assert answerable.values == ("answerable", "unanswerable", "answerable")
    assert length.values == ("1 word", None, "more words")
    context = "x" * 75 + "Paris" + "y" * 20
    examples = [
        QuestionExample("a", "Where is it?", context, (Answer("Paris", 75),)),
        QuestionExample("b", "In whose town?", context, ()),
    ]
    word, position = task_type.read_aspects(examples)
    assert word.values == ("where", "who")
    assert position.values == ("last quarter", None)


def test_entities_count_by_type_and_sets_of_labels_by_label():
    tags = TASK_TYPES.load("token_classification")
    table = pyarrow.table({"reference": [["B-PER", "I-PER", "O"]], "prediction": [["B-PER", "O", "B-LOC"]]})
    counts = tags.label_counts(table, ("O", "B-PER", "I-PER", "B-LOC"))
    assert counts.names == ("LOC", "PER")
    assert (counts.found.tolist(), counts.predicted.tolist()) == ([[0, 0]], [[1, 1]])
    sets = TASK_TYPES.load("multi_label")
    counts = sets.label_counts(pyarrow.table({"reference": [["a"], ["a", "b"]], "prediction": [["a"], []]}), ("a", "b"))
    assert counts.found.tolist() == [[1, 0], [0, 0]]
    assert counts.there.sum(axis=0).tolist() == [2, 1]
