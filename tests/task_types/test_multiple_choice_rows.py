"""How a question's choices and the right one are read, and what is said of rows that can't be."""

import json

import pytest

from harness.data.custom import custom_task
from harness.data.guessing import guessed
from harness.data.loading import load_splits
from harness.data.untrained import splits_to_score
from harness.errors import UserError
from harness.task_types.multiple_choice.fields import Choices
from harness.task_types.multiple_choice.right_choice import place_in

TEXTS = ("a cat", "a dog", "a cow", "an owl")


def row(number, right, *, called, choices=TEXTS):
    """A question that is no other's, with its choices in columns a to d."""
    texts = [f"{text} {number}" for text in choices]
    return {"question": f"q{number} w{number} which", **dict(zip("abcd", texts, strict=False)), "answer": called(right)}


def written(tmp_path, rows, *, columns=("a,b,c,d",), label="answer", text=(), name="q.jsonl", **settings):
    file = tmp_path / name
    file.write_text("\n".join(json.dumps(one) for one in rows) + "\n")
    named = {"choices": list(columns), "label": [label], "text": list(text)}
    return custom_task(train=file, columns=named, **settings)


def loaded(tmp_path, rows, **settings):
    return load_splits(written(tmp_path, rows, **settings))


def complaint(tmp_path, rows, **settings):
    with pytest.raises(UserError) as raised:
        loaded(tmp_path, rows, **settings)
    return raised.value.lines


def everything(splits):
    return [*splits.train, *splits.validation, *splits.test]


WAYS = {
    "letters": (lambda place: "ABCD"[place], "as a letter, A for the first choice"),
    "small letters in brackets": (lambda place: f"({'abcd'[place]})", "as a letter, A for the first choice"),
    "from 0": (lambda place: place, "as a number, 0 for the first choice"),
    "from 1": (lambda place: f"{place + 1}.0", "as a number, 1 for the first choice"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_right_choice_may_be_a_letter_or_a_number_and_the_record_says_which(way, tmp_path):
    called, told = WAYS[way]
    splits = loaded(tmp_path, [row(number, number % 4, called=called) for number in range(40)])
    assert splits.labels == ()
    assert f"answer: the right choice is given {told}" in splits.notes
    for one in everything(splits):
        number = int(one.choices[0].split()[-1])
        assert one.right == number % 4
        assert one.texts == (f"q{number} w{number} which",)


@pytest.mark.parametrize("form", [json.dumps, repr, "\n".join], ids=["JSON", "Python", "lines"])
def test_a_list_of_choices_may_be_written_as_a_text(form, tmp_path):
    rows = [
        {"question": f"q{n} w{n}", "options": form([f"a cat {n}", f"a dog {n}"]), "answer": "AB"[n % 2]}
        for n in range(40)
    ]
    assert all(one.choices[0].startswith("a cat") for one in everything(loaded(tmp_path, rows, columns=["options"])))
    (line,) = complaint(tmp_path, [{**rows[0], "options": "a cat"}, *rows[1:]], columns=["options"])
    assert "options: no list of choices (got 'a cat'). Give a list, or a line for each" in line


def test_the_right_choice_may_be_its_text_also_where_choices_are_numbers(tmp_path):
    rows = [
        {"question": f"q{n} w{n}", "options": [n, n + 1, n + 2], "answer": str(n + 2 * (n % 2))} for n in range(1, 41)
    ]
    splits = loaded(tmp_path, rows, columns=["options"])
    assert "answer: the right choice is given as the text of the choice" in splits.notes
    assert {one.right for one in everything(splits)} == {0, 2}
    assert all(one.choices[0] in one.texts[0] for one in everything(splits))


def test_numbers_that_may_count_from_0_or_1_are_refused(tmp_path):
    rows = [row(number, number % 2, called=lambda place: place + 1) for number in range(40)]
    (line,) = complaint(tmp_path, rows)
    assert "whole numbers that may count from 0 or from 1 (1, 2)" in line
    # One that only counting from 1 can explain tells for all.
    assert loaded(tmp_path, [*rows, row(40, 3, called=lambda place: place + 1)]).notes


def test_choices_that_have_names_of_their_own_are_found_by_them(tmp_path):
    names = (["A", "B", "C"], ["1", "2", "3"])  # as in ARC, where few rows have numbers
    rows = [
        {
            "question": f"q{n} w{n}",
            "choices": {"text": [f"{word} {n}" for word in ("x", "y", "z")], "label": names[n % 2]},
            "answerKey": names[n % 2][n % 3],
        }
        for n in range(40)
    ]
    splits = loaded(tmp_path, rows, columns=["choices"], label="answerKey")
    assert not splits.notes
    assert all(one.right == int(one.choices[0].split()[1]) % 3 for one in everything(splits))


def test_questions_may_have_differing_numbers_of_choices(tmp_path):
    rows = [row(number, 0, called="ABCD".__getitem__, choices=TEXTS[: 2 + number % 3]) for number in range(40)]
    rows = [{name: one.get(name, "") for name in ("question", *"abcd", "answer")} for one in rows]
    assert {len(one.choices) for one in everything(loaded(tmp_path, rows))} == {2, 3, 4}


def test_more_choices_than_any_training_row_has_are_called_on():
    names = ("A", "B", "C")
    assert place_in("E", Choices(("p", "q", "r", "s", "t")), names) == 4
    assert place_in("5", Choices(("p", "q", "r", "s", "t")), ("1", "2", "3")) == 4
    assert place_in("D", Choices(("p", "q", "r")), names) is None


BAD = {
    "a letter that is none of its choices": ({"answer": "E"}, "answer: 'E' is none of the row's 4 choices, which are "
                                             "called A, B, C, D. Fix the row."),
    "no label": ({"answer": None}, "answer: no label (got None)."),
    "a withheld label": ({"answer": -1}, "answer: label -1, which stands for a withheld one."),
    "an empty choice between others": ({"b": " "}, "choice 2 of 4 is empty. Fill it, or move the others up."),
    "one choice": (dict.fromkeys("bcd"), "a question needs two choices (got 1)."),
    "a choice that is no text": ({"c": {"x": 1}}, "choice 3 is not text (got {'x': 1})."),
    "no question": ({"question": None}, "question: not text (got None)."),
}  # fmt: skip


@pytest.mark.parametrize("mistake", BAD)
def test_a_row_that_can_t_be_read_is_named(mistake, tmp_path):
    changed, said = BAD[mistake]
    rows = [row(number, number % 4, called="ABCD".__getitem__) for number in range(40)]
    rows[7] |= changed
    (line,) = complaint(tmp_path, rows, text=["question"])
    assert line.startswith("train (q.jsonl, line 8): ") or "q.jsonl, line 8" in line
    assert said in line


def test_a_column_that_is_not_there_is_no_missing_choice(tmp_path):
    rows = [row(number, number % 4, called="ABCD".__getitem__) for number in range(40)]
    assert "no column 'e'" in complaint(tmp_path, rows, columns=["a,b,c,d,e"])[0]


def test_the_text_of_two_equal_choices_is_no_answer_and_a_letter_is(tmp_path):
    same = ("a cat", "a cat", "a cow", "an owl")
    rows = [row(number, 2, called=lambda _: "") for number in range(40)]
    for one in rows:
        one["answer"] = one["c"]
    rows[3] = row(3, 0, called=lambda _: "a cat 3", choices=same)
    assert "'a cat 3' is the text of several choices" in complaint(tmp_path, rows)[0]
    lettered = [row(number, number % 4, called="ABCD".__getitem__, choices=same) for number in range(40)]
    assert any(note.startswith("40 questions have two choices that are the same") for note in
               loaded(tmp_path, lettered).notes)  # fmt: skip


def test_a_passage_is_read_before_the_question_that_stands_before_each_choice(tmp_path):
    rows = [{**row(n, n % 4, called="ABCD".__getitem__), "passage": f"p{n} v{n}"} for n in range(40)]
    one = everything(loaded(tmp_path, rows, text=["passage", "question"]))[0]
    assert one.context.startswith("p")
    assert one.read_choices == tuple(f"{one.texts[1]} {choice}" for choice in one.choices)
    # Without a name, both are found by what they are called, and are one text.
    assert all("\nq" in found.context for found in everything(loaded(tmp_path, rows)))


def test_the_same_question_with_other_choices_is_another_one(tmp_path):
    question = "which of the following statements is true , according to the passage above ?"
    rows = [{**row(n, n % 4, called="ABCD".__getitem__), "question": question} for n in range(40)]
    splits = loaded(tmp_path, rows)
    assert len(everything(splits)) == 40
    assert not [note for note in splits.notes if "too large" in note]


def test_questions_on_one_passage_are_on_one_side(tmp_path):
    rows = [
        {**row(n, n % 4, called="ABCD".__getitem__), "passage": " ".join(f"p{n // 4}w{word}" for word in range(12))}
        for n in range(80)
    ]
    splits = loaded(tmp_path, rows, text=["passage", "question"])
    sides = [{one.texts[0] for one in split} for split in (splits.train, splits.validation, splits.test)]
    assert all(sides)
    assert sum(map(len, sides)) == 20


def test_naming_choices_makes_it_multiple_choice_and_a_name_with_commas_is_several(tmp_path):
    task = written(tmp_path, [row(0, 0, called="ABCD".__getitem__)])
    assert (task.task_type, task.columns_of("choices"), task.metrics) == (
        "multiple_choice",
        tuple("abcd"),
        ("accuracy",),
    )
    assert written(tmp_path, [], columns=["a", "b"]).columns_of("choices") == ("a", "b")


def test_a_test_file_alone_is_scored_with_its_own_spelling(tmp_path):
    file = tmp_path / "t.jsonl"
    file.write_text("\n".join(json.dumps(row(n, n % 4, called=lambda place: place)) for n in range(4)))
    task = custom_task(train=None, test=file, columns={"choices": ["a,b,c,d"], "label": ["answer"]})
    assert [one.right for one in splits_to_score(task).test] == [0, 1, 2, 3]


GUESSED = {
    "columns of letters": ({"question": "q", "a": "x y", "b": "y z", "c": "z", "answer": "A"}, ("a", "b", "c")),
    "SWAG": ({"sent1": "s", "sent2": "t", "ending0": "u v", "ending1": "w", "label": 0}, ("ending0", "ending1")),
    "PIQA": ({"goal": "g", "sol1": "x y", "sol2": "y", "label": 1}, ("sol1", "sol2")),
    "Social IQa": (
        {"context": "c", "question": "q", "answerA": "x", "answerB": "y", "label": "1"}, ("answerA", "answerB"),
    ),
    "RACE": ({"article": "p", "question": "q", "options": ["x", "y"], "answer": "B"}, ("options",)),
    "CommonsenseQA": (
        {"question": "q", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": "A"}, ("choices",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GUESSED)
def test_columns_of_published_data_sets_are_recognised(name):
    one, choices = GUESSED[name]
    found = guessed([one] * 30, named={})
    assert (found.task_type, found.columns["choices"]) == ("multiple_choice", choices)


@pytest.mark.parametrize(
    "one",
    [
        {"question": "q", "a": 1, "b": 0, "answer": "yes"},  # numbers are no choices
        {"question": "q", "context": "c", "answers": ["x"]},
        {"text": "t", "label": "a", "b": "x"},
    ],
)
def test_other_tables_are_no_multiple_choice(one):
    assert guessed([one, {**one, "label": "z"}] * 30, named={}).task_type != "multiple_choice"
