"""Which tokens of a document each of its windows predicts, and what a tokenizer loses, by hand."""

from types import SimpleNamespace

import pytest
from transformers import ByT5Tokenizer

from harness.models.families.transformer_xl.tokenizer import TransformerXLTokenizer
from harness.task_types.language_modelling.windows import losses_of_tokenizer, masked_tokens, next_tokens
from harness.tokenization.reading import Document, Window


def document(*spans, first=1, total=10):
    return Document(tuple(Window([], [], first, span) for span in spans), total, total, [])


def predicted(windows):
    return [(window.positions, list(window.scored_tokens)) for window in windows]


def test_each_token_is_predicted_in_the_first_window_that_reads_it():
    spans = (range(6), range(4, 10))
    assert predicted(next_tokens(document(*spans))) == [(spans[0], [1, 2, 3, 4, 5, 6]), (spans[1], [3, 4, 5, 6])]


def test_a_token_with_nothing_before_it_is_not_predicted():
    spans = (range(6), range(4, 10))
    assert predicted(next_tokens(document(*spans, first=0))) == [(spans[0], [1, 2, 3, 4, 5]), (spans[1], [2, 3, 4, 5])]
    assert predicted(next_tokens(document(range(1), first=0, total=1))) == []
    assert predicted(next_tokens(document(range(0), total=0))) == []


@pytest.mark.parametrize(
    ("spans", "total", "every", "expected"),
    [  # One special token stands before each window.
        ((range(6), range(4, 10)), 10, 3, [(0, [2, 5]), (1, [4])]),  # the tokens 1, 4 and 7
        ((range(3), range(2, 5)), 5, 5, [(1, [1])]),  # the middle one, of which the second window has more
        ((range(2),), 2, 5, [(0, [2])]),
        ((range(3),), 3, 1, [(0, [1, 2, 3])]),
        ((range(0),), 0, 5, []),
    ],
)
def test_every_so_manieth_token_is_predicted_where_it_has_the_most_context(spans, total, every, expected):
    found = predicted(masked_tokens(document(*spans, total=total), every))
    assert found == [(spans[window], places) for window, places in expected]


def test_line_ends_and_blanks_before_signs_are_not_lost(tmp_path):
    (tmp_path / "vocab.txt").write_text("<unk>\n<eos>\nthe\nfilm\n")
    reader = SimpleNamespace(tokenizer=TransformerXLTokenizer(str(tmp_path / "vocab.txt"), split="whitespace"))
    assert losses_of_tokenizer(["the film\nthe film\n"], reader) == []
    assert losses_of_tokenizer(["the film . the"], SimpleNamespace(tokenizer=ByT5Tokenizer())) == []
    (said,) = losses_of_tokenizer(["the film\n", "the zoo\n"], reader)
    # The three letters of "zoo" of 17, and one of six tokens.
    assert "loses 17.65% of the test split's characters, and 16.67% of its tokens stand for unknown words" in said
