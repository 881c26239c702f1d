"""Tokens found back in their text: by hand, by an independent spelling, and where the truth is known by making."""

import json
import random
import time
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest

from harness.models.families.transformer_xl.tokenizer import TransformerXLTokenizer
from harness.tokenization.alignment import aligned
from harness.tokenization.encoding import encode

DATA = Path(__file__).parents[1] / "data" / "transformer_xl" / "tokenizer"
CASES = json.loads((DATA / "expected.json").read_text())
TEXTS = [
    *(case["text"] for case in (*CASES["cases"], *CASES["lower_case_cases"])),
    "“Hello”, he said – and: ‘no’… «oui»\u00a0!",
    "''x'' ``y`` ´´z´´ \"quoted\". O'Neil's dogs' 'twas",
    "10\u00a0000 m² (a) .b ...... 5 % 1/2 ½ e.g. 3.14, 23,000,000.25",
    "a\x00b\u200bc nai\u0308ve naïve e\u0301",
    "ſtraße İstanbul ΣΑΣ ﬁne Ⅷ",
    "हिन्दी में 한국어 日本語 العربية ไทย é 😀👩‍👧 x",
    'He said "no", "yes", "maybe", "I am" — and “left”.',
    "end.\r\nnext line\n\nmore\u2028last",
    "",
    " \t\n",
]
SETTINGS = [{}, {"lower_case": True}, {"split": "whitespace"}]


def tokenizer(**settings):
    return TransformerXLTokenizer(str(DATA / "vocab.txt"), **settings)


def spelled(text):
    """Another spelling than the module's own, by plain replacement."""
    for kinds, one in (('"“”„«»', "''"), ("‘’´`", "'"), ("–—", "-")):
        for kind in kinds:
            text = text.replace(kind, one)
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in letters if not c.isspace() and unicodedata.category(c) not in ("Mn", "Cc", "Cf"))


def check(text, tokens, ranges):
    """What every alignment promises."""
    assert len(ranges) == len(tokens)
    assert all(0 <= start <= end <= len(text) for start, end in ranges)
    assert all(one[1] <= other[0] for one, other in pairwise(ranges))
    for token, (start, end) in zip(tokens, ranges, strict=True):
        word = token if token == text[start:end] else token.strip("@▁#").removesuffix("</w>")
        assert start == end or spelled(text[start:end]) == spelled(word), (token, text[start:end])


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        ("The end.", ["The", "end", "."], ["The", "end", "."]),
        ("23,000 – 1.5", ["23", "@,@", "000", "-", "1", "@.@", "5"], ["23", ",", "000", "–", "1", ".", "5"]),
        ("co-op", ["co", "@-@", "op"], ["co", "-", "op"]),
        ("“It’s”…", ['"', "it", "'s", '"', "..."], ["“", "It", "’s", "”", "…"]),
        ("''x''", ['"', "x", '"'], ["''", "x", "''"]),
        ("in 東京 now", ["in", "<unk>", "now"], ["in", "", "now"]),
        ("a b\nc", ["a", "b", "<eos>", "c", "<eos>"], ["a", "b", "", "c", ""]),
        ("a <unk> b", ["a", "<unk>", "b"], ["a", "<unk>", "b"]),
        ("lower newest", ["low@@", "er", "newest</w>"], ["low", "er", "newest"]),
        ("lower", ["low", "##er"], ["low", "er"]),
        ("a café", ["▁a", "▁cafe"], ["a", "café"]),
        ("e\u0301t", ["e", "\u0301", "t"], ["e\u0301", "", "t"]),  # the accent is the letter's
        ("o\ufb01\u0301\u0302n", ["o", "fi", "n"], ["o", "\ufb01\u0301\u0302", "n"]),  # a ligature with two accents
        ("½ l", ["1", "/", "2", "l"], ["", "", "", "l"]),  # none of the three is the whole character
        ("x y", [], []),
        ("", ["<eos>"], [""]),
        # Moses moves a comma before a closing quote; both can't be found in rising order.
        ("“no”, he", ['"', "no", ",", '"', "he"], ["“", "no", "", "”", "he"]),
        ("“ab”, “cd”", ['"', "ab", ",", '"', '"', "cd", '"'], ["“", "ab", "", "”", "“", "cd", "”"]),
        ("black and", ["<unk>", "and"], ["", "and"]),
        (
            "5 @,@ 000 in @-@ law @-@",
            ["5", "@,@", "000", "in", "@-@", "law", "@-@"],
            ["5", "@,@", "000", "in", "@-@", "law", "@-@"],
        ),
        ("a nab", ["a", "ab"], ["a", ""]),  # part of a word of which nothing else is known
        ("a nb c", ["a", "b", "c"], ["a", "", "c"]),
        ("nab", ["ab"], [""]),
        ("abn a", ["ab", "a"], ["", "a"]),
        ("\ufb01n", ["f", "in"], ["", ""]),  # nor is a part of a ligature
        ("a b", ["ab"], [""]),  # two words are no token
    ],
)
def test_a_token_covers_the_characters_that_spell_it(text, tokens, expected):
    ranges = aligned(text, tokens)
    check(text, tokens, ranges)
    assert [text[start:end] for start, end in ranges] == expected


def test_a_token_without_a_place_lies_between_its_neighbours():
    assert aligned("in 東京 now", ["in", "<unk>", "now"])[1] == (4, 4)  # 2 to 6
    assert aligned("in 東京 now", ["in", "<unk>", "<unk>", "now"])[1:3] == [(3, 3), (5, 5)]
    assert aligned("東京", ["<unk>"]) == [(1, 1)]
    assert aligned("!x", ["<unk>", "x"]) == [(0, 0), (1, 2)]


@pytest.mark.slow_but_first
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:12])
def test_the_published_tokenizer_s_words_are_found(text, settings):
    ours = tokenizer(**settings)
    tokens = ours.tokenize(text)
    ranges = aligned(text, tokens)
    check(text, tokens, ranges)
    lost = [token for token, (start, end) in zip(tokens, ranges, strict=True) if start == end]
    # End of line; a comma or point that was moved or made of a space; a character of no width, and lone accents.
    assert {token for token in lost if spelled(token)} <= {"<eos>", ",", ".", "@.@"}
    assert len(lost) <= max(4, len(tokens) // 5)


def test_words_that_repeat_where_the_text_was_changed_are_left_out():
    text = 'He said "ha", "ha", "ha", "ha" and left.'
    tokens = tokenizer().tokenize(text)  # "ha," "ha," …: only of the first and the last it is certain which they are
    found = [text[start:end] for start, end in aligned(text, tokens)]
    assert [word for word in found if word.isalpha()] == ["He", "said", "ha", "ha", "and", "left"]


def test_an_unknown_word_is_found_by_its_spelling():
    ours = tokenizer()
    tokens = ours.tokenize("Zyzzogeton people")
    assert ours.convert_tokens_to_ids(tokens)[0] == ours.unk_token_id
    assert aligned("Zyzzogeton people", tokens) == [(0, 10), (11, 17)]


@pytest.mark.slow
@pytest.mark.parametrize(("lost", "doubtful"), [(0.0, 0.001), (0.03, 0.005)])
def test_a_range_that_is_given_is_the_right_one(lost, doubtful):
    """Texts that are made of tokens, some of which are then unknown, invented, or lost."""
    wrong = given = count = 0
    for seed in range(40):
        text, tokens, truth = _made(random.Random(seed), lost)
        ranges = aligned(text, tokens)
        check(text, tokens, ranges)
        count += len(tokens)
        given += sum(start < end for start, end in ranges)
        wrong += sum(found[0] < found[1] and found != true for found, true in zip(ranges, truth, strict=True))
    # Where one of two equal words side by side is lost, nothing tells which; no other doubt is left.
    assert wrong <= doubtful * count
    assert given > 0.88 * count


def _made(chooser, lost):
    """A text of few words, its tokens, and where each of them stands."""
    text, tokens, truth = "", [], []
    for _ in range(400):
        word = chooser.choice(["the", "film", "ha", "a", "ab", "aba", "b", "“", "”", ",", "—", "23", ".", "é", "東京"])
        if chooser.random() >= lost:
            known = chooser.random() > 0.05
            tokens.append({"“": '"', "”": '"', "—": "-"}.get(word, word.upper()) if known else "<unk>")
            truth.append((len(text), len(text) + len(word)))
        if chooser.random() < 0.02:
            tokens.append("<eos>")
            truth.append(None)
        text += word + chooser.choice(["", " ", "  ", "\n"])
    return text, tokens, truth


MANY = {
    "prose": "He said “well-known” things, 23,000 of them… ",
    "quotes and commas": '"ha", ',
    "words": "film plot ",
    "one letter": "a",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MANY)
def test_a_hundred_thousand_characters_take_a_hundred_times_a_thousand_s_time(name):
    def seconds(length):
        text = (MANY[name] * length)[:length]
        tokens = tokenizer().tokenize(text)
        started = time.thread_time()
        check(text, tokens, aligned(text, tokens))
        return time.thread_time() - started

    short = min(seconds(10_000) for _ in range(3))
    # A quadratic way would always take 100 times as long; a busy processor takes longer now and then.
    assert any(seconds(100_000) < 40 * short + 0.1 for _ in range(5))


@pytest.mark.parametrize(
    "tokens", [["b"] * 20_000, ["ba", "<unk>"] * 10_000, list("ba" * 10_000)], ids=["none", "some", "half"]
)
def test_tokens_of_another_text_are_as_fast(tokens):
    started = time.thread_time()
    check("a" * 20_000, tokens, aligned("a" * 20_000, tokens))
    assert time.thread_time() - started < 5


@pytest.mark.parametrize(
    ("skipped", "end", "found"),
    [
        (15, "lmn", False),
        (15, "lmno", True),
        (40, "lmnopqr", False),
        (40, "lmnopqrs", True),
        (63, "lmnopqrs", True),
        (200, "lmnopqrsabc", False),
        (200, "lmnopqrsabcd", True),
    ],
)
def test_the_more_letters_differ_the_more_must_agree_to_be_a_meeting(skipped, end, found):
    before, behind = "v" * skipped, f"{end} {'w' * 40}"
    for text, tokens in (
        (f"{before} {behind}", ["e" * skipped, end, "f" * 40]),
        (f"{before} {behind}", [end, "f" * 40]),  # The tokens leave letters out,
        (behind, ["e" * skipped, end, "f" * 40]),  # or have more than the text.
    ):
        start, stop = aligned(text, tokens)[tokens.index(end)]
        assert (text[start:stop] == end) is found
        assert found or start == stop


def test_a_few_tokens_are_found_however_much_of_the_text_they_leave_out():
    assert aligned(f"{'v' * 40} lmnopqrs", ["lmnopqrs"]) == [(41, 49)]


def test_a_letter_that_agrees_far_away_is_chance():
    assert aligned(f"{'v' * 40} e {'w' * 40}", ["e", "x"]) == [(20, 20), (62, 62)]


@pytest.mark.parametrize("split", ["moses", "whitespace"])
def test_tokens_of_a_tokenizer_without_offsets_are_located_where_that_is_asked_for(split):
    text = "Zyzzogeton’s 23,000 well-known “people”"
    published = tokenizer(split=split)
    plain, return_offsets = (encode(published, [text], return_offsets=wanted)[0] for wanted in (False, True))
    assert return_offsets.ids == plain.ids == published(text)["input_ids"]
    assert (plain.offsets, return_offsets.offsets[0]) == ([], (0, 10 if split == "moses" else 12))
    assert len(return_offsets.offsets) == len(return_offsets.ids)
