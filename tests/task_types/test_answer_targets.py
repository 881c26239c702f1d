"""Where an answer lies among the tokens of windows that are made by hand, each bound from both sides."""

import pytest
import torch

from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.question_answering.targets import (
    answer_tokens,
    learnt_answer,
    span_scores,
    targets_of,
    tokens_of,
)
from harness.tokenization.reading import Document, Template, Window

CLS, SEP = 2, 3
QUESTION = (10, 11)
BERT = Template((((CLS, 0),), ((SEP, 0),), ((SEP, 1),)), (0, 1))
XLNET = Template(((), ((SEP, 0),), ((SEP, 1), (CLS, 2))), (0, 1))


def document(*spans, template=BERT, question=QUESTION):
    """A context of ten tokens of a character each, in windows behind a question."""
    windows = []
    for span in spans:
        ids, types, first = template.around(question, [100 + position for position in span])
        windows.append(Window(ids, types, first, span))
    return Document(tuple(windows), 12, 12, [(place, place + 1) for place in range(10)])


def test_a_span_s_score_is_its_start_s_and_its_end_s():
    logits = torch.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 40.0]])
    assert span_scores(logits, 1).tolist() == [[11], [22], [43]]
    assert span_scores(logits, 2).tolist() == [[11, 21], [22, 42], [43, -torch.inf]]
    assert span_scores(logits, 9).shape == (3, 3)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        span_scores(logits, 0)


@pytest.mark.parametrize(
    ("tokens", "first", "second"),
    [  # [CLS], two tokens of the question and [SEP] stand before the context.
        (range(4, 6), (8, 9), (4, 5)),  # from the one's first to the other's last token
        (range(3, 5), (7, 8), None),
        (range(5, 7), None, (5, 6)),
        (range(1), (4, 4), None),
        (range(9, 10), None, (9, 9)),
        (range(2, 8), None, None),
        (range(0), None, None),
    ],
)
def test_a_window_holds_an_answer_all_of_which_it_reads(tokens, first, second):
    read = document(range(6), range(4, 10))
    targets = targets_of(read, tokens, BERT, CLS)
    assert [target.held for target in targets] == [first is not None, second is not None]
    assert [(target.start, target.end) for target in targets] == [first or (0, 0), second or (0, 0)]
    assert [target.no_answer for target in targets] == [0, 0]
    assert [target.max_context_positions for target in targets] == [range(5), range(5, 10)]
    assert all(target.offsets is read.offsets for target in targets)


@pytest.mark.parametrize(
    ("template", "cls", "place"),
    [
        (BERT, CLS, 0),
        (Template((((5, 0), (CLS, 0)), ((SEP, 0),), ()), (0, 1)), CLS, 1),
        (Template(((), ((SEP, 0), (CLS, 0)), ()), (0, 1)), CLS, 3),
        (XLNET, CLS, 10),
        (XLNET, None, 2),  # without [CLS] the first special token
    ],
    ids=["first", "second", "between", "last", "none"],
)
def test_no_answer_is_where_the_template_s_cls_stands_whatever_the_texts_spell(template, cls, place):
    read = document(range(6), template=template, question=(CLS, 11) if template is XLNET else QUESTION)
    (target,) = targets_of(read, range(0), template, cls)
    assert (target.start, target.end, target.no_answer) == (place, place, place)


def test_the_first_answer_that_is_in_the_context_is_learnt():
    lost, found = Answer("z", -1), Answer("ab", 0)
    asked = QuestionExample("q", "what ?", "abcdefghij", (lost, found, Answer("c", 2)))
    assert learnt_answer(asked) == found
    assert answer_tokens(asked, document(range(10))) == range(2)
    unanswerable = QuestionExample("q", "what ?", "abcdefghij", (lost,))
    assert learnt_answer(unanswerable) is None
    assert answer_tokens(unanswerable, document(range(10))) == range(0)


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        (Answer("abc", 0), range(1)),
        (Answer("def", 3), range(1, 2)),
        (Answer("c", 2), range(1)),
        (Answer("cd", 2), range(2)),
        (Answer("f gh", 5), range(1, 3)),
        (Answer(" ", 6), range(0)),
    ],
)
def test_an_answer_s_tokens_are_those_that_it_touches(answer, tokens):
    read = Document((), 3, 3, [(0, 3), (3, 6), (7, 9)])  # "abc", "def", " ", "gh"
    assert tokens_of(answer, read) == tokens
