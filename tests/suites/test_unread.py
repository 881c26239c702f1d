"""What is said after runs of texts that were never read, and of answers out of reach."""

from pathlib import Path

import pytest
from command_line import questions, reviews, write_csv, write_jsonl
from synthetic_runs import record

from harness.data.task import Splits
from harness.rare_label import rare_label
from harness.record import Counts, Tokens
from harness.registry import TASK_TYPES
from harness.suites.unread import never_read_lines, rare_label_lines, unreachable_lines
from harness.task_types.texts import TextExample
from harness.task_types.token_classification.examples import TaggedSentence


def counted(**counts):
    return record(task="quiz", model="bert", counts=Counts(**counts))


def test_answers_out_of_reach_are_told_by_split_and_cause_and_warned_of_above_two_percent():
    found = counted(
        unreachable_answers={"train": 0.02, "validation": 0.0, "test": 0.25},
        unreachable_causes={"train": {"not in the context": 2}, "test": {"whole in no window": 1, "longer": 9}},
    )
    assert unreachable_lines(found) == [
        ("quiz, bert: 2.0% of the train answers can't be given as they are: 2 not in the context", False),
        ("quiz, bert: 25.0% of the test answers can't be given as they are: 9 longer, 1 whole in no window", True),
    ]
    assert unreachable_lines(counted(unreachable_answers={"test": 0.0})) == []


def test_of_each_task_the_largest_share_that_was_never_read_is_told():
    def read(task, model, seen, split="test", **changes):
        counts = Counts(tokens={"train": Tokens(total=9, seen=1), split: Tokens(total=1000, seen=seen)})
        return record(task=task, model=model, counts=counts, **changes)

    runs = [
        read("films", "bert", 900),
        read("films", "xlnet", 750),
        read("news", "bert", 1000),
        read("plays", "bert", 990, "validation", config={"evaluate": "validation"}),
        record(task="none", counts=Counts()),
    ]
    see = "See strategy (windows reads a whole text, unless a target is written), max_length and max_windows."
    assert never_read_lines(runs) == [
        f"films: 25.0% of the test split's tokens were never read (xlnet). {see}",
        f"plays: 1.0% of the validation split's tokens were never read (bert). {see}",
    ]


def test_a_rare_label_is_told_once_a_task_unless_a_model_weighs_labels():
    def run(task, examples, **training):
        rare = rare_label(("fine", "fraud"), (100 - examples, examples), metrics=("macro_f1",))
        return record(task=task, counts=Counts(rare_label=rare), config={"task": task, "training": training})

    runs = [
        *[run("mails", 3), run("mails", 3, class_weights=None)],
        *[run("letters", 3), run("letters", 3, class_weights="balanced")],
        *[run("posts", 3, focal_gamma=2.0), run("talks", 40)],
    ]
    assert rare_label_lines(runs) == [
        "mails: the rarest label, fraud, is 3.0% of the training examples. With --set class_weights=balanced all "
        "labels count equally in training, with macro_f1 in the score."
    ]


def test_of_many_labels_one_is_rare_that_has_a_fifth_of_an_even_share():
    names = tuple("abcdefghij")
    assert rare_label(names, [100] * 9 + [18], metrics=("m",)).label == "j"  # 1.96 %, an even share is 10 %.
    assert rare_label(names, [100] * 9 + [19], metrics=("m",)) is None
    assert rare_label(names, [100, 100, *[0] * 8], metrics=("m",)) is None  # What never occurs can't be weighed.


@pytest.mark.slow
def test_a_run_with_a_rare_label_ends_with_what_to_do_and_its_report_has_it(command, tmp_path):
    rows = [row for n, row in enumerate(reviews(400)) if row["label"] == "good" or n % 40 == 0]
    file = write_csv(tmp_path / "mails.csv", rows)
    result = command("run", "--model=tfidf", "--train", file)
    assert result.code == 0, result.errors
    *_, said, _ = result.output.splitlines()
    assert ": the rarest label, bad, is 4.8% of the training examples. With --set class_weights=balanced all" in said
    result = command("report", tmp_path / "runs/single", "--output", tmp_path / "report.md")
    assert result.code == 0, result.errors
    assert "the rarest label, bad, is 4.8% of the training examples" in (tmp_path / "report.md").read_text()
    result = command("run", "--model=tfidf", "--train", file, "--set=class_weights=balanced", "--redo")
    assert "rarest label" not in result.output
    assert "tfidf: class weights: bad 10.5, good 0.525" in result.output


@pytest.mark.slow
def test_a_run_ends_with_what_its_model_never_read_and_could_not_answer(command, checkpoints):
    rows = questions(60)
    for number, row in enumerate(rows):  # The one window of a context holds seven of its words.
        row["context"] = f"in town on a rainy day and then again {row['context']}"
        row["answers"] = "nowhere" if number < 4 else row["answers"]
    for name, split in (("train", rows[20:]), ("valid", rows[2:12]), ("test", [*rows[:2], *rows[12:20]])):
        write_jsonl(Path(f"{name}.jsonl"), split)
    files = ("--train", "train.jsonl", "--validation", "valid.jsonl", "--test", "test.jsonl")
    settings = ("--set", "maximum_steps=1", "--set", "max_length=16", "--set", "max_windows=1")
    result = command("run", "--model", checkpoints["bert"], *files, "--question", "question", *settings)
    assert result.code == 0, result.errors
    *_, unreachable, never_read, _ = result.output.splitlines()
    assert unreachable.startswith("    warning: ")
    assert "% of the test answers can't be given as they are: 8 beyond max_windows, 2 not in the context" in unreachable
    assert "% of the test split's tokens were never read (" in never_read


@pytest.mark.parametrize(
    ("task_type", "labels", "examples", "said"),
    [
        (
            "multi_label",
            ("news", "sport", "war"),
            [TextExample("", "", (0,)), *[TextExample("", "", (0, 1))] * 20, TextExample("", "", (0, 2))],
            "the rarest label, war, is 2.3% of the training labels: macro_f1",  # 22 + 20 + 1 are given
        ),
        (
            "token_classification",
            ("B-PER", "I-PER", "O", "B-LOC"),
            [*[TaggedSentence("", ("a",) * 4, (0, 1, 2, 0))] * 15, TaggedSentence("", ("a",) * 2, (3, 2))],
            "the rarest type of entity, LOC, is 3.2% of the training entities: entity_macro_f1",  # 30 PER and 1 LOC
        ),
        ("token_classification", ("NOUN", "X"), [TaggedSentence("", ("a",) * 99, (*[0] * 98, 1))], None),
    ],
    ids=["several labels", "entities", "tags without entities"],
)
def test_a_rare_label_is_told_in_the_task_type_s_own_words(task_type, labels, examples, said):
    splits = Splits(labels=labels, train=examples, validation=[], test=[])
    rare = TASK_TYPES.load(task_type).rare_label(splits)
    assert (rare and f"{rare}: {rare.metrics[0]}") == said
