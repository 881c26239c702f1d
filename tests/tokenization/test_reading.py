"""Our windows beside those of Hugging Face tokenizers, which are the expected value wherever they can do the same."""

import random
from pathlib import Path

import pytest
from small_models import FILLERS, small_tokenizer

from harness.errors import UserError
from harness.models.families.transformer_xl.tokenizer import TransformerXLTokenizer
from harness.tokenization.reading import (
    Document,
    Reader,
    Window,
    covered,
    learnt_template,
    max_context_positions,
)
from harness.tokenization.trained_tokenizer import train_tokenizer

FAMILIES = ("bert", "roberta", "xlnet")
XL = Path(__file__).parents[1] / "data" / "transformer_xl" / "tokenizer"
WORDS = [*FILLERS, "unbelievable", "counter-intuitive", "Zürich", "日本", "don't", "😀"]


def words(count, seed=0):
    return " ".join(random.Random(seed).choices(WORDS, k=count))


def reader(tokenizer, window=16, *, strategy="head", stride=0, max_windows=64):
    return Reader(tokenizer, window, strategy, stride, max_windows)


def read(tokenizer, text, pair=None, **settings):
    return reader(tokenizer, **settings).documents([text], [pair])[0]


def both(windows):
    return [(window.input_ids, window.token_type_ids) for window in windows]


def theirs(encoded):
    return list(zip(encoded["input_ids"], encoded["token_type_ids"], strict=True))


@pytest.fixture(params=[*FAMILIES, "minilm"])
def tokenizer(request):
    return request.getfixturevalue("minilm_tokenizer") if request.param == "minilm" else small_tokenizer(request.param)


@pytest.mark.parametrize(
    ("family", "single", "pair", "types"),
    [  # [CLS] is 2, [SEP] is 3.
        ("bert", (((2, 0),), ((3, 0),)), (((2, 0),), ((3, 0),), ((3, 1),)), (0, 1)),
        ("roberta", (((2, 0),), ((3, 0),)), (((2, 0),), ((3, 0), (3, 0)), ((3, 0),)), (0, 0)),
        ("xlnet", ((), ((3, 0), (2, 2))), ((), ((3, 0),), ((3, 1), (2, 2))), (0, 1)),
    ],
)
def test_a_template_is_learnt_with_its_special_tokens_and_types(family, single, pair, types):
    tokenizer = small_tokenizer(family)
    assert learnt_template(tokenizer, 1).pieces == single
    assert learnt_template(tokenizer, 2).pieces == pair
    assert learnt_template(tokenizer, 2).types == types


def test_a_template_is_learnt_although_the_probe_is_an_unknown_word():
    tokenizer = train_tokenizer(["你好 再见"])
    assert tokenizer.convert_ids_to_tokens(tokenizer("a")["input_ids"]) == ["[CLS]", "[UNK]", "[SEP]"]
    assert learnt_template(tokenizer, 2).pieces == (((2, 0),), ((3, 0),), ((3, 1),))


@pytest.mark.parametrize("count", [0, 1, 5, 13, 14, 15, 60])
def test_the_head_is_what_the_tokenizer_itself_keeps(tokenizer, count):
    text = words(count, seed=count)
    expected = tokenizer(text, truncation=True, max_length=16, return_token_type_ids=True)
    document = read(tokenizer, text)
    assert both(document.windows) == [(expected["input_ids"], expected["token_type_ids"])]
    assert document.total == len(tokenizer(text, add_special_tokens=False)["input_ids"])
    assert document.seen == sum(m == 0 for m in tokenizer(
        text, truncation=True, max_length=16, return_special_tokens_mask=True)["special_tokens_mask"])  # fmt: skip


@pytest.mark.slow_but_first
@pytest.mark.parametrize("window", [16, 17])
@pytest.mark.parametrize("lengths", [(2, 3), (2, 40), (40, 2), (40, 40), (41, 30), (30, 41), (0, 30), (7, 0)])
def test_of_a_pair_the_longer_text_is_cut_first_as_the_tokenizer_does(tokenizer, lengths, window):
    text, pair = (words(length, seed) for seed, length in enumerate(lengths))
    # As a batch: alone, a text with an empty pair would be taken for a text without one.
    expected = tokenizer([text], [pair], truncation=True, max_length=window, return_token_type_ids=True)
    assert both(read(tokenizer, text, pair, window=window).windows) == theirs(expected)


@pytest.mark.parametrize("lengths", [(40, 40), (41, 40), (40, 41)])
def test_where_both_texts_of_a_pair_are_too_long_the_odd_token_is_where_the_tokenizer_has_it(lengths):
    tokenizer = small_tokenizer("bert")
    text, pair = (" ".join([word] * count) for word, count in zip(("film", "plot"), lengths, strict=True))
    for window in (16, 17):
        expected = tokenizer([text], [pair], truncation=True, max_length=window, return_token_type_ids=True)
        assert both(read(tokenizer, text, pair, window=window).windows) == theirs(expected)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("stride", [0, 1, 5])
@pytest.mark.parametrize("count", [0, 1, 12, 13, 14, 15, 26, 27, 40, 100])
def test_windows_are_the_tokenizer_s_overflowing_ones(tokenizer, count, stride):
    text = words(count, seed=count)
    expected = tokenizer(
        text, truncation=True, max_length=16, stride=stride, return_overflowing_tokens=True, return_token_type_ids=True
    )
    document = read(tokenizer, text, strategy="windows", stride=stride)
    assert both(document.windows) == theirs(expected)
    assert document.seen == document.total


@pytest.mark.slow_but_first
@pytest.mark.parametrize("stride", [0, 3])
@pytest.mark.parametrize("count", [1, 7, 8, 30, 90])
def test_windows_of_a_context_repeat_the_question_as_the_tokenizer_does(tokenizer, count, stride):
    question, context = "who was seen", words(count, seed=count)
    expected = tokenizer(
        question, context, truncation="only_second", max_length=16, stride=stride,
        return_overflowing_tokens=True, return_token_type_ids=True,
    )  # fmt: skip
    document = read(tokenizer, question, context, strategy="windows", stride=stride)
    assert [window.input_ids for window in document.windows] == expected["input_ids"]
    if learnt_template(tokenizer, 2).types == (0, 1):
        # Tokenizers whose types are all 0 give later windows type 1: an oversight of theirs that no model reads.
        assert both(document.windows) == theirs(expected)


def test_a_stretch_says_where_its_tokens_stand(tokenizer):
    text = words(60)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    for strategy in ("head", "head_tail", "windows"):
        for window in read(tokenizer, "who was seen", text, strategy=strategy, stride=3).windows:
            here = window.input_ids[window.first : window.first + len(window.positions)]
            assert here == [ids[position] for position in window.positions]


def test_head_tail_reads_a_quarter_from_the_head_and_the_rest_from_the_tail():
    # 18 tokens leave 16 for text: 4 from the head, 12 from the tail (Sun et al. 2019, section 5.3.1).
    document = read(small_tokenizer("bert"), " ".join(["film"] * 50), window=18, strategy="head_tail")
    assert list(document.windows[0].positions) == [0, 1, 2, 3, *range(38, 50)]
    assert (document.seen, document.total) == (16, 50)


@pytest.mark.parametrize("strategy", ["head", "head_tail", "windows"])
def test_a_text_that_fits_is_read_whole_whatever_the_strategy(strategy):
    tokenizer = small_tokenizer("bert")
    text = " ".join(["film"] * 14)
    document = read(tokenizer, text, strategy=strategy)
    assert both(document.windows) == [(tokenizer(text)["input_ids"], [0] * 16)]
    assert (document.seen, document.total) == (14, 14)


@pytest.mark.parametrize("room", [2, 5, 14])
def test_windows_cover_every_token(room):
    for stride in range(room):
        for length in range(60):
            spans = reader(None, strategy="windows", stride=stride).spans(length, room)
            assert sorted(set().union(*spans)) == list(range(length)), (stride, length)
            assert covered(spans) == length
            assert all(len(stretch) <= room for stretch in spans)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ((range(7), range(4, 11), range(8, 13)), (range(5), range(5, 9), range(9, 13))),  # of 4, 5, 6 the first has one
        ((range(6), range(4, 10)), (range(5), range(5, 10))),
        ((range(3), range(3, 6)), (range(3), range(3, 6))),
        ((range(3),), (range(3),)),
        ((range(0),), (range(0),)),
    ],
)
def test_what_windows_share_is_read_in_one_of_them_as_far_as_its_middle(spans, expected):
    document = Document(tuple(Window([], [], 0, span) for span in spans), 13, 13, [])
    assert tuple(max_context_positions(index, document) for index in range(len(spans))) == expected


def test_what_lies_beyond_the_last_window_counts_as_unread():
    # 14 tokens per window: two windows read 28 of 50.
    document = read(small_tokenizer("bert"), " ".join(["film"] * 50), strategy="windows", max_windows=2)
    assert (len(document.windows), document.seen, document.total) == (2, 28, 50)


@pytest.mark.parametrize("strategy", ["head_tail", "windows"])
def test_a_cut_question_counts_as_unread(strategy):
    # Room 13, of which the question gets what the context leaves, and at least 6.
    question = " ".join(["film"] * 20)
    short = read(small_tokenizer("bert"), question, "plot", strategy=strategy)
    assert (short.seen, short.total) == (13, 21)
    long = read(small_tokenizer("bert"), question, " ".join(["plot"] * 7), strategy=strategy)
    assert (long.seen, long.total) == (13, 27)


@pytest.mark.parametrize("strategy", ["head", "head_tail", "windows"])
def test_a_pair_that_fits_is_read_whole_whatever_the_strategy(strategy):
    document = read(small_tokenizer("bert"), " ".join(["film"] * 11), "plot plot", strategy=strategy)
    assert (document.seen, document.total, len(document.windows)) == (13, 13, 1)


@pytest.mark.parametrize("stride", [14, 15])
def test_windows_that_would_not_advance_are_refused(stride):
    with pytest.raises(UserError, match=f"stride: {stride} is not smaller than the 14 tokens"):
        read(small_tokenizer("bert"), words(60), strategy="windows", stride=stride)


def test_a_text_that_fits_exactly_needs_no_stride():
    assert reader(None, strategy="windows", stride=14).spans(14, 14) == [range(14)]


def test_a_question_that_leaves_less_than_a_stride_has_a_smaller_one():
    # Of 16 tokens the template takes 3, the long question 6, so that 7 are left, and half of that is shared.
    tokenizer = small_tokenizer("bert")
    questions, context = ["who was seen", "who was seen by many people in town on a rainy day"], words(40)
    asked = reader(tokenizer, strategy="windows", stride=9)
    short, long = (asked.documents([question], [context])[0] for question in questions)
    assert [window.positions[0] for window in short.windows[:3]] == [0, 1, 2]  # 10 tokens, 9 of them shared
    assert [window.positions[0] for window in long.windows[:3]] == [0, 4, 8]
    assert {len(window.positions) for window in long.windows[:-1]} == {7}
    assert long.windows[-1].positions[-1] == long.total - 12 - 1
    assert reader(tokenizer, strategy="windows", stride=7).documents(questions[1:], [context]) == [long]


def test_a_window_without_room_for_text_is_refused():
    with pytest.raises(UserError, match="max_length: 3 tokens leave no room for text next to 2 special ones"):
        read(small_tokenizer("bert"), "film", window=3)
    assert read(small_tokenizer("bert"), "film plot town", window=4).seen == 2


def test_a_text_of_a_hundred_thousand_characters_is_read_to_its_end(minilm_tokenizer):
    text = ("film plot " * 10_000)[:100_000]
    whole = reader(minilm_tokenizer, window=512, strategy="windows")
    document = whole.documents(["film"], [text], return_offsets=True)[0]
    assert document.total == document.seen == 20_001
    assert len(document.windows) == 40  # 20,000 tokens, 508 a window beside the first text
    assert document.offsets[-1] == (99_995, 99_999)


def test_an_empty_text_is_its_special_tokens():
    for strategy in ("head", "head_tail", "windows"):
        document = read(small_tokenizer("bert"), "", strategy=strategy)
        assert both(document.windows) == [([2, 3], [0, 0])]
        assert (document.total, document.seen) == (0, 0)


def test_a_text_without_tokens_or_template_is_one_token_that_says_nothing_of_it():
    tokenizer = TransformerXLTokenizer(str(XL / "vocab.txt"))
    for text in ("", " \n "):
        document = read(tokenizer, text, strategy="windows")
        assert both(document.windows) == [([tokenizer.eos_token_id], [0])]
        assert (document.total, document.seen, list(document.windows[0].positions)) == (0, 0, [])


def test_a_text_alone_among_pairs_is_one_with_an_empty_text():
    asked = reader(small_tokenizer("bert"))
    assert asked.documents(["film", "plot"], ["town", None]) == [
        *asked.documents(["film"], ["town"]),
        *asked.documents(["plot"], [""]),
    ]


def test_there_are_no_offsets_of_a_text_alone_nor_where_none_are_asked_for():
    assert read(TransformerXLTokenizer(str(XL / "vocab.txt")), "film plot").offsets == []
    assert read(small_tokenizer("bert"), "film plot", "town").offsets == []


def test_no_texts_give_no_documents():
    assert reader(small_tokenizer("bert")).documents([], []) == []


@pytest.mark.parametrize("strategy", ["windows", "segment_recurrence"])
def test_a_first_text_can_be_repeated_behind_all_else(tokenizer, strategy):
    context = words(30)
    question_ids = tokenizer("who was seen", add_special_tokens=False)["input_ids"]
    asked = reader(tokenizer, window=40, strategy=strategy, stride=2)
    (document,) = asked.documents(["who was seen"], [context], repeat_first=True)
    template = learnt_template(tokenizer, 2)
    context_ids = tokenizer(context, add_special_tokens=False)["input_ids"]
    for window in document.windows:
        ids, types, first = template.around(question_ids, [context_ids[place] for place in window.positions])
        assert window.input_ids == ids + question_ids
        assert window.token_type_ids == types + [template.types[0]] * len(question_ids)
        assert window.first == first
        assert len(window.input_ids) <= 40
    assert document.windows


def test_a_repeated_question_leaves_the_context_half_of_a_short_window():
    # 13 tokens beside the 3 special ones: the question gets 6 for both copies, so 3 each, and the context 7.
    document = reader(small_tokenizer("bert")).documents(
        [" ".join(["film"] * 20)], [" ".join(["plot"] * 20)], repeat_first=True
    )[0]
    (window,) = document.windows
    assert (window.first, len(window.positions), len(window.input_ids)) == (1 + 3 + 1, 7, 16)
    assert document.seen == 10
