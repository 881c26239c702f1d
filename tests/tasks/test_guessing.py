"""What is guessed of a user's rows: the task type, and which column holds what."""

import random

import pytest

from harness.data.guessing import guessed, looks_headless, split_column
from harness.errors import UserError

WORDS = ["the", "film", "was", "seen", "by", "many", "people", "in", "town", "on", "a", "rainy", "day"]


def texts(count=60, seed=0, length=12):
    chooser = random.Random(seed)
    return [" ".join(chooser.choices(WORDS, k=length)) for _ in range(count)]


def table(**columns):
    columns = {name: [value(row) for row in range(60)] if callable(value) else value for name, value in columns.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


KINDS = {
    "a review and its stars": (
        table(id=lambda row: row, review=texts(), stars=lambda row: str(row % 5 + 1)),
        "classification", {"text": ("review",), "label": ("stars",)},
    ),
    "one column that is no identifier": (
        table(ticket=texts(), number=lambda row: f"T-{row}", team=lambda row: ["sales", "support"][row % 2]),
        "classification", {"text": ("ticket",), "label": ("team",)},
    ),
    "the label stands first": (
        table(label=lambda row: "spam" if row % 3 else "ham", message=texts()),
        "classification", {"text": ("message",), "label": ("label",)},
    ),
    "a pair": (
        table(premise=texts(), hypothesis=texts(seed=1, length=5), label=lambda row: row % 3),
        "classification", {"text": ("premise", "hypothesis"), "label": ("label",)},
    ),
    "a numbered pair": (
        table(pair_ID=lambda row: row, sentence_A=texts(), sentence_B=texts(seed=1), judgment=lambda row: row % 3),
        "classification", {"text": ("sentence_A", "sentence_B"), "label": ("judgment",)},
    ),
    "a question and a sentence that may answer it": (
        table(question=texts(length=5), sentence=texts(seed=1), label=lambda row: row % 2),
        "classification", {"text": ("question", "sentence"), "label": ("label",)},
    ),
    "grades at two times are no pair": (
        table(essay=texts(), grade1=lambda row: row % 5, grade2=lambda row: row % 3, label=lambda row: row % 2),
        "classification", {"text": ("essay",), "label": ("label",)},
    ),
    "a price": (
        table(description=texts(), price=lambda row: f"{row * 7.5 + 3:.2f}"),
        "regression", {"text": ("description",), "label": ("price",)},
    ),
    "similarity with decimals": (
        table(sentence1=texts(), sentence2=texts(seed=1), score=lambda row: [0.0, 0.5, 1.0, 1.5][row % 4]),
        "regression", {"text": ("sentence1", "sentence2"), "label": ("score",)},
    ),
    "decimal commas": (
        table(Antwort=texts(), Punkte=lambda row: f"{row % 5},{row % 2 * 5}"),
        "regression", {"text": ("Antwort",), "label": ("Punkte",)},
    ),
    "a list of labels": (
        table(text=texts(), topics=lambda row: ["sport"] if row % 2 else ["food", "art"]),
        "multi_label", {"text": ("text",), "label": ("topics",)},
    ),
    "labels with a separator": (
        table(text=texts(), labels=lambda row: "sport" if row % 2 else "food|art"),
        "multi_label", {"text": ("text",), "label": ("labels",)},
    ),
    "a column per label": (
        table(comment=texts(), toxic=lambda row: row % 2, rude=lambda row: int(row % 3 == 0)),
        "multi_label", {"text": ("comment",), "label": ("toxic", "rude")},
    ),
    "questions": (
        table(id=lambda row: row, question=texts(length=5), context=texts(), answers=lambda row: {"text": ["film"]}),
        "question_answering", {"question": ("question",), "context": ("context",), "answers": ("answers",)},
    ),
    "questions with yes and no": (
        table(question=texts(length=5), passage=texts(), answer=lambda row: row % 2 == 0),
        "classification", {"text": ("question", "passage"), "label": ("answer",)},
    ),
    "tags": (
        table(tokens=lambda row: ["Anna", "came"], ner_tags=lambda row: ["B-PER", "O"]),
        "token_classification", {"tokens": ("tokens",), "tags": ("ner_tags",)},
    ),
    "nothing but texts": (table(text=texts(length=80)), "language_modelling", {"text": ("text",)}),
    "names in another case, with signs": (
        table(**{"Review_Text": texts(), "Class Name": lambda row: "AB"[row % 2], "Unnamed: 0": lambda row: row}),
        "classification", {"text": ("Review_Text",), "label": ("Class Name",)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_rows_tell_their_task_type_and_columns(kind):
    rows, task_type, columns = KINDS[kind]
    found = guessed(rows, named={})
    assert (found.task_type, found.columns) == (task_type, columns)


def test_what_the_user_names_stands():
    rows = table(title=texts(length=4), body=texts(), area=lambda row: "ab"[row % 2], mood=lambda row: "xy"[row % 2])
    found = guessed(rows, named={"label": ("mood",)})
    assert found.columns == {"text": ("body",), "label": ("mood",)}
    found = guessed(rows, named={"text": ("title",), "label": ("area",)})
    assert found.columns == {"text": ("title",), "label": ("area",)}
    stars = table(text=texts(), stars=lambda row: row % 5 + 1)
    assert guessed(stars, named={}).task_type == "classification"
    assert guessed(stars, named={}, task_type="multi_label").columns["label"] == ("stars",)


def test_labels_whose_texts_are_elsewhere_are_no_texts():
    labels = {"label": lambda row: "abc"[row % 3]}
    rows = table(filename=lambda row: f"texts/{row}.txt", **labels)
    with pytest.raises(UserError, match="column 'filename' names files, whose texts are not read"):
        guessed(rows, named={})
    assert guessed(rows, named={"text": ("filename",)}).columns["text"] == ("filename",)
    for body in (lambda row: f"word{row}", lambda row: f"今天天气很好{chr(0x4E00 + row)}"):
        named = guessed(table(filename=lambda row: f"texts/{row}.txt", body=body, **labels), named={"text": ("body",)})
        assert named.columns == {"text": ("body",), "label": ("label",)}
    beside = table(filename=lambda row: f"texts/{row}.txt", body=texts(length=3), **labels)
    assert guessed(beside, named={}).columns["text"] == ("body",)
    with pytest.raises(UserError, match=r"can't tell the task type \(columns: 'name', 'label'\)"):
        guessed(table(name=lambda row: f"{row}", **labels), named={})


def test_two_named_texts_are_no_documents():
    with pytest.raises(UserError, match="can't tell the task type"):
        guessed(table(body=texts(), id=lambda row: row), named={"text": ("body", "id")})


def test_one_class_is_recognised_so_that_it_can_be_told():
    found = guessed(table(text=texts(), label=lambda row: "good"), named={})
    assert (found.task_type, found.because) == ("classification", "1 class")


def test_a_guess_says_why():
    rows = table(review=texts(), stars=lambda row: str(row % 5 + 1))
    assert str(guessed(rows, named={})) == "classification (5 classes): text review, label stars"


@pytest.mark.parametrize(
    ("rows", "named", "said"),
    [
        (
            table(text=texts(), area=lambda row: "ab"[row % 2], mood=lambda row: "xyz"[row % 3]),
            {},
            "a.csv: the label may be 'area' or 'mood'. Say which: --label NAME.",
        ),
        (
            table(first=texts(), second=texts(seed=1, length=9), same=lambda row: "yes" if row % 2 else "no"),
            {"label": ("same",)},
            "a.csv: the text may be 'first' or 'second'. Say which: --text NAME, twice for a pair.",
        ),
        (
            table(post=texts(), reply=texts(seed=1, length=9), label=lambda row: row % 3),
            {},
            "a.csv: the text may be 'post' or 'reply'. Say which: --text NAME, twice for a pair.",
        ),
        (
            table(a=lambda row: row, b=lambda row: row % 2),
            {},
            "a.csv: can't tell the task type (columns: 'a', 'b')",
        ),
        (
            table(year=lambda row: str(1900 + row % 50), win=lambda row: str(row % 2)),
            {},
            "a.csv: can't tell the task type (columns: 'year', 'win')",
        ),
        (
            table(number=str, win=lambda row: str(row % 2)),
            {},
            "a.csv: can't tell the task type (columns: 'number', 'win')",
        ),
        (
            table(text=texts(), mood=lambda row: "good"),
            {},
            "a.csv: can't tell the task type (columns: 'text', 'mood' (always the same))",
        ),
        (table(text=texts()), {"label": ("stars",)}, "a.csv: no column 'stars' with content (it has 'text')."),
        (
            table(text=texts()),
            {"text": ("txet",)},
            "a.csv: no column 'txet' with content (it has 'text'). Did you mean text?",
        ),
    ],
)
def test_what_is_not_clear_is_asked(rows, named, said):
    with pytest.raises(UserError) as raised:
        guessed(rows, named=named, where="a.csv")
    assert raised.value.lines[0].startswith(said)


def test_times_are_no_texts_beside_short_ones():
    rows = table(
        tweet=texts(length=3),
        posted=lambda row: f"2026-01-{row % 28 + 1:02} 12:{row % 60:02}",
        label=lambda row: "ab"[row % 2],
    )
    assert guessed(rows, named={}).columns == {"text": ("tweet",), "label": ("label",)}


def test_columns_that_a_named_task_type_needs_are_asked_for():
    with pytest.raises(UserError) as raised:
        guessed(
            table(text=texts(), mood=lambda row: "ab"[row % 2]), named={}, task_type="question_answering", where="a"
        )
    assert raised.value.lines == (
        "a: question_answering has other columns than 'text', 'mood'. Name them: --question NAME --context NAME "
        "--answers NAME.",
    )


def test_a_column_that_is_called_like_one_of_its_labels_may_be_a_row():
    rows = [{"a fine film": "dull", "good": mood} for mood in ("bad", "good")]
    assert looks_headless(rows, {"text": ("a fine film",), "label": ("good",)}) == "good"
    assert looks_headless([{"text": "good", "mood": "good"}], {"text": ("text",), "label": ("mood",)}) is None


def test_a_text_of_its_own_in_every_row_is_no_label():
    with pytest.raises(UserError, match=r"can't tell the task type \(columns: 'de', 'en'\)\. .* --source and --target"):
        guessed(table(de=texts(), en=texts(seed=1)), named={})
    few = table(de=texts(), en=texts(seed=1))[:12]
    assert guessed(few, named={}).task_type == "classification"


def test_a_column_that_names_splits_is_told_unless_it_is_read():
    rows = table(text=texts(), part=lambda row: ["Train", "dev", "test"][row % 3], label=lambda row: "ab"[row % 2])
    assert split_column(rows, {"text": ("text",), "label": ("label",)}) == "part"
    assert split_column(rows, {"text": ("text",), "label": ("part",)}) is None
    facts = table(text=texts(), facts=lambda row: {"test": row})
    assert split_column(facts, {"text": ("text",)}) is None
    assert split_column(table(text=texts(), stage=lambda row: ["test", "live"][row % 2]), {"text": ("text",)}) is None
