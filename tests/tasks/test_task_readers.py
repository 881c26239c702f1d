"""The parts of tasks that read or make their own rows."""

from collections import Counter
from itertools import pairwise

import pytest

from harness.data.orange_tab import read_tab
from harness.data.samples import GENRES
from harness.registry import TASKS

plays, wikitext_103, listops, listops_short, needle, needle_last, narrative_qa, quac_spans = (
    TASKS.entry(name).module()
    for name in (
        *("plays", "wikitext_103", "listops", "listops_short", "needle", "needle_last", "narrative_qa", "quac_spans"),
    )
)

PASSAGE = "In May she married Nikos, a composer. In November she sang. It was a hit."


@pytest.mark.parametrize(
    ("together", "references"),
    [
        ("she sang. In November she sang.", ["she sang.", "In November she sang."]),
        ("a composer. a composer. a composer.", ["a composer."]),
        ("CANNOTANSWER CANNOTANSWER", []),
        ("she sang. CANNOTANSWER", []),  # half of them give none
        ("she sang. CANNOTANSWER she sang.", ["she sang."]),
        ("It was a hit. she sang.", ["It was a hit.", "she sang."]),
    ],
)
def test_references_run_together_are_told_apart_as_spans_of_the_passage(together, references):
    assert quac_spans.references(together, PASSAGE) == references


def test_references_are_told_apart_by_the_whole_even_where_a_longer_piece_would_fit_first():
    # "b c" is the longest piece at the start, but then "d e" would be left, which the passage hasn't got.
    assert quac_spans.references("a b c d", "a b. c d. a b c") == ["a b", "c d"]


def test_text_read_in_the_wrong_encoding_is_mended_and_other_text_left_alone():
    assert narrative_qa.mended("suicide—at".encode().decode("latin-1")) == "suicide—at"
    assert narrative_qa.mended("café — naïve") == "café — naïve"


def test_tab_files_have_three_header_lines_and_no_quotes(tmp_path):
    file = tmp_path / "a.tab"
    file.write_text('Category\tText\nd\tstring\nclass\t\nx\tsaid "so\ny\tb\n')
    assert read_tab(file) == [{"Category": "x", "Text": 'said "so'}, {"Category": "y", "Text": "b"}]


def value(text):
    """What a list of operations comes to, read from the right with a stack (the generator goes from the left)."""
    operations = {"MIN": min, "MAX": max, "SM": lambda values: sum(values) % 10}
    stack = []
    for symbol in reversed(text.split()):
        if not symbol.startswith("["):
            stack.append(symbol)
            continue
        values = []
        while (item := stack.pop()) != "]":
            values.append(int(item))
        middle = sorted(values)[(len(values) - 1) // 2], sorted(values)[len(values) // 2]
        stack.append(str(sum(middle) // 2 if symbol == "[MED" else operations[symbol[1:]](values)))
    (result,) = stack
    return result


def test_the_example_of_the_long_range_arena_paper_comes_to_its_value():
    assert value("[MAX 4 3 [MIN 2 3 ] 1 0 [MED 1 5 8 9 2 ] ]") == "5"  # Tay et al. 2021, section 2.2.1


def test_lists_of_operations_are_right_within_their_bounds_and_different():
    rows = listops.rows(train=30, validation=5, test=5)
    everything = [row for split in rows.values() for row in split]
    assert [len(split) for split in rows.values()] == [30, 5, 5]
    assert len({row["text"] for row in everything}) == 40
    for row in everything:
        symbols = row["text"].split()
        assert 500 < len(symbols) < 2_000
        assert value(row["text"]) == row["label"]
        assert deepest(symbols) < 10
        assert set(symbols) <= {"[MIN", "[MAX", "[MED", "[SM", "]", *"0123456789"}


def test_short_lists_of_operations_are_right_within_their_own_bounds():
    rows = listops_short.rows(train=200, validation=5, test=5)["train"]
    lengths = {len(row["text"].split()) for row in rows}
    assert 10 <= min(lengths) < max(lengths) <= 40
    assert max(deepest(row["text"].split()) for row in rows) == 3
    assert {value(row["text"]) == row["label"] for row in rows} == {True}


def deepest(symbols):
    depth = most = 0
    for symbol in symbols:
        depth += symbol.startswith("[") - (symbol == "]")
        most = max(most, depth)
    return most


def test_fewer_generated_examples_are_the_first_of_more():
    assert listops.rows(3, 0, 0)["train"] == listops.rows(5, 0, 0)["train"][:3]


def test_the_needle_stands_where_its_id_says_and_names_the_only_colour():
    rows = needle.rows(train=48, validation=12, test=12)
    for row in rows["train"]:
        sentences = row["text"].split(". ")
        (place,) = [n for n, sentence in enumerate(sentences) if "vault" in sentence]
        low, high = needle.PLACES[row["id"].rpartition("-")[2]]
        assert low - 0.02 <= place / len(sentences) <= high + 0.02
        assert [colour for colour in needle.COLOURS if colour in row["text"].replace(".", "").split()] == [row["label"]]
        assert 1_100 <= len(row["text"].split()) <= 1_300


@pytest.mark.slow
def test_the_short_needle_is_the_same_in_fewer_words():
    rows = TASKS.load("needle_short").source.rows()
    assert {split: len(found) for split, found in rows.items()} == {"train": 1_200, "validation": 240, "test": 600}
    assert {len(row["text"].split()) for row in rows["test"]} == {37 * 8 + 7}


def test_places_and_colours_of_the_needle_are_equally_frequent():
    rows = needle.rows(train=48, validation=12, test=12)
    for split in rows.values():
        kinds = Counter((row["id"].rpartition("-")[2], row["label"]) for row in split)
        assert set(kinds.values()) == {len(split) // 12}


def vault_places(text):
    return [place for place, sentence in enumerate(text.split(". ")) if "vault" in sentence]


def test_the_last_of_the_needles_is_the_label_and_every_text_has_the_same_colours():
    for split in needle_last.rows(train=48, validation=12, test=12).values():
        for row in split:
            colours = [word for word in row["text"].replace(".", "").split() if word in needle.COLOURS]
            assert sorted(colours) == sorted(needle.COLOURS)
            assert colours[-1] == row["label"]
        assert set(Counter(row["label"] for row in split).values()) == {len(split) // 4}


def test_needles_are_so_far_apart_and_from_the_end_that_a_window_sees_one_and_not_whether_another_follows():
    rows = needle_last.rows(train=200, validation=0, test=0)["train"]
    steps = [
        after - before
        for row in rows
        for before, after in pairwise([*vault_places(row["text"]), len(row["text"].split(". "))])
    ]
    assert min(steps) == needle_last.BETWEEN + 1
    # A colour and a point, three sentences of eight words and a point, "The door of the vault is" before the next one.
    assert 1 + 1 + needle_last.BETWEEN * 9 + 6 == 35
    assert min(vault_places(row["text"])[0] for row in rows) == 0


def words_of(text):
    """As Transformer-XL's published reader has it: split at blanks, every line ends with a token of its own."""
    return [word for line in text.removesuffix("\n").split("\n") for word in (*line.split(), "<eos>")]


def test_the_articles_of_wikitext_have_the_words_of_the_whole_file_in_its_order():
    lines = [
        *(
            " \n",
            " = One = \n",
            " \n",
            " The first 1 @.@ 5 <unk> . \n",
            " \n",
            " = = Its part = = \n",
            " \n",
            " a = b \n",
        ),
        *(" \n", " = Two = Three = \n", " \n", " = not a title , for no empty line follows = \n", " The end . \n"),
    ]
    stored = [{"text": "" if line == " \n" else line} for line in lines]  # as the Hub has them
    found = [row["text"] for row in wikitext_103.articles(stored)]
    assert [text.split("\n")[1] for text in found] == [" = One = ", " = Two = Three = "]
    assert [word for text in found for word in words_of(text)] == words_of("".join(lines))


def test_the_held_out_plays_are_whole_and_of_three_genres():
    genre = {name: kind for kind, names in GENRES.items() for name in names}
    for names in plays.JUDGING.values():
        assert sorted(genre[name] for name in names) == ["comedies", "histories", "tragedies"]
    assert not set(plays.JUDGING["test"]) & set(plays.JUDGING["validation"])
