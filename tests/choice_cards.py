"""Small data sets for multiple choice with the columns, types and label names of the Hub's cards."""

from datasets import ClassLabel, Sequence, Value

TEXT = Value("string")
LETTERS = ("A", "B", "C", "D", "E")
NAMED = {"label": Sequence(TEXT), "text": Sequence(TEXT)}


def named(count):
    """Choices with the letters that their rows give them."""
    return lambda texts: {"choices": {"label": list(LETTERS[:count]), "text": texts}}


def by_column(*columns):
    """A column for each choice."""
    return lambda texts: dict(zip(columns, texts, strict=True))


# By task: the columns beside the choices, those of the choices, how many there are, where the texts of the choices go,
# and what the right one is called.
CARDS = {
    "swag": (
        dict.fromkeys(("video-id", "fold-ind", "startphrase", "sent1", "sent2", "gold-source"), TEXT)
        | {"label": ClassLabel(names=["0", "1", "2", "3"])},
        dict.fromkeys(("ending0", "ending1", "ending2", "ending3"), TEXT),
        4,
        by_column("ending0", "ending1", "ending2", "ending3"),
        ("label", int),
    ),
    "race": (
        dict.fromkeys(("example_id", "article", "question", "answer"), TEXT),
        {"options": Sequence(TEXT)},
        4,
        lambda texts: {"options": texts},
        ("answer", LETTERS.__getitem__),
    ),
    "commonsense_qa": (
        dict.fromkeys(("id", "question", "question_concept", "answerKey"), TEXT),
        {"choices": NAMED},
        5,
        named(5),
        ("answerKey", LETTERS.__getitem__),
    ),
    "piqa": (
        {"goal": TEXT, "label": ClassLabel(names=["0", "1"])},
        dict.fromkeys(("sol1", "sol2"), TEXT),
        2,
        by_column("sol1", "sol2"),
        ("label", int),
    ),
    "siqa": (
        dict.fromkeys(("context", "question", "label"), TEXT),
        dict.fromkeys(("answerA", "answerB", "answerC"), TEXT),
        3,
        by_column("answerA", "answerB", "answerC"),
        ("label", lambda place: str(place + 1)),
    ),
    "openbookqa": (
        dict.fromkeys(("id", "question_stem", "answerKey"), TEXT),
        {"choices": NAMED},
        4,
        named(4),
        ("answerKey", LETTERS.__getitem__),
    ),
    "copa": (
        {"premise": TEXT, "question": TEXT, "idx": Value("int32"), "label": ClassLabel(names=["choice1", "choice2"])},
        dict.fromkeys(("choice1", "choice2"), TEXT),
        2,
        by_column("choice1", "choice2"),
        ("label", int),
    ),
}


def choice_features(name):
    """The types of all columns."""
    others, choices, *_ = CARDS[name]
    return {**others, **choices}


def choice_row(name, split, number):
    """A row whose choices say whether they are right."""
    others, _, count, placed, (column, called) = CARDS[name]
    right = number % count
    texts = [f"{'right' if place == right else 'wrong'} {split}{number} {place}" for place in range(count)]
    row = {other: f"{other} {split}{number}" for other in others} | placed(texts) | {column: called(right)}
    if name == "copa":
        row |= {"idx": number, "question": ("cause", "effect")[number % 2]}
    return row
