"""Answers found back among a tokenizer's tokens, and those that its tokens or the windows do not hold."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_models import question_examples, small_tokenizer
from tokenizers.processors import TemplateProcessing

from harness.config.training import Training
from harness.errors import UserError
from harness.models.families.transformer_xl.tokenizer import TransformerXLTokenizer
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.question_answering.objective import objective
from harness.tokenization.reading import Reader
from harness.tokenization.trained_tokenizer import train_tokenizer

FAMILIES = ("bert", "roberta", "xlnet", "scratch", "transformer_xl")
KIND = objective((), Training())
XL = Path(__file__).parents[1] / "data" / "transformer_xl" / "tokenizer"


@pytest.mark.parametrize("stride", [0, 5])
def test_answers_in_any_script_are_found_back_at_their_characters(minilm_tokenizer, stride):
    context = (
        "Im Jahr 1905 schrieb Einstein – in Zürich? – «Über Wärme». 東京 is big 😀, naïve café, x²+y², e.g. São Paulo."
    )
    reader = Reader(minilm_tokenizer, 24, "windows", stride, 64)
    tried = 0
    for text in ("1905", "Einstein", "Zürich", "Über Wärme", "東京", "東", "café", "São Paulo", "naïve", "2+y"):
        if text not in context:
            continue
        example = QuestionExample("1", "who?", context, (Answer(text, context.index(text)),))
        features = KIND.features([example], reader)
        for item in features.items:
            if item.target.start == item.target.no_answer:
                continue
            window, target = item.windows[0], item.target
            first, last = (window.positions[place - window.first] for place in (target.start, target.end))
            assert context[target.offsets[first][0] : target.offsets[last][1]] == text
            tried += 1
    assert tried >= 8


def test_every_target_over_random_contexts_is_the_answer():
    for seed, family in itertools.product(range(5), FAMILIES):
        tokenizer = small_tokenizer(family)
        examples = question_examples(5, seed=seed, words=40)
        features = KIND.features(examples, Reader(tokenizer, 24, "windows", 6, 64))
        for index, example in enumerate(examples):
            held = [
                item for item in features.items if item.example == index and item.target.start != item.target.no_answer
            ]
            assert held
            for item in held:
                ids = item.windows[0].input_ids[item.target.start : item.target.end + 1]
                assert tokenizer.decode(ids) == example.answers[0].text


def published_tokenizer(**settings):
    """The published Transformer-XL tokenizer, of few words: words as such, no offsets, no [CLS]."""
    return TransformerXLTokenizer(str(XL / "vocab.txt"), **settings)


@pytest.mark.slow
def test_answers_are_found_without_the_tokenizer_s_offsets_and_a_separator_stands_for_no_answer():
    context = "Zyzzogeton said: “23,000 people’s well-known co-op” – not 1.5 …"
    tokenizer = published_tokenizer()
    reader = Reader(tokenizer, 64, "windows", 0, 64)
    for text in ("Zyzzogeton", "23,000", "23,000 people", "people’s", "well-known", "co-op", "“23,000 people’s", "1.5"):
        example = QuestionExample("1", "Who said it?", context, (Answer(text, context.index(text)),))
        features = KIND.features([example], reader)
        (item,) = features.items
        window, target = item.windows[0], item.target
        first, last = (window.positions[place - window.first] for place in (target.start, target.end))
        assert context[target.offsets[first][0] : target.offsets[last][1]] == text
        assert features.unreachable_answers == 0
        # <eos> between question and context
        assert target.no_answer == window.first - 1
        assert window.input_ids[target.no_answer] == tokenizer.eos_token_id


def test_a_question_s_own_separator_is_not_taken_for_no_answer():
    example = QuestionExample("1", "<eos> who <eos> ?", "a <eos> b", ())
    tokenizer = published_tokenizer()
    (item,) = KIND.features([example], Reader(tokenizer, 64, "windows", 0, 64)).items
    assert item.target.no_answer == item.windows[0].first - 1
    assert item.windows[0].input_ids.index(tokenizer.eos_token_id) == item.target.no_answer  # the template's, alone


def test_a_template_without_cls_lets_its_first_token_stand_for_no_answer():
    tokenizer = small_tokenizer("bert")
    tokenizer.cls_token = None
    (item,) = KIND.features(question_examples(1), Reader(tokenizer, 64, "windows", 0, 64)).items
    assert item.target.no_answer == 0


def test_a_tokenizer_that_puts_nothing_between_question_and_context_is_refused():
    tokenizer = small_tokenizer("bert")
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])
    with pytest.raises(UserError, match="does not separate the two texts of a pair"):
        KIND.features(question_examples(1), Reader(tokenizer, 64, "windows", 0, 64))


def test_the_share_of_answers_that_the_tokens_do_not_give_back_is_counted():
    context = "the film was seen by many people in town"

    def share(*answers):
        examples = [QuestionExample(str(n), "who ?", context, found) for n, found in enumerate(answers)]
        return KIND.features(examples, Reader(small_tokenizer("bert"), 64, "windows", 0, 64)).unreachable_answers

    whole = (Answer("many people", context.index("many")),)
    part = (Answer("eop", context.index("eop")),)  # "people" is one token
    article = (Answer("film", 4), Answer("never", -1))
    missing = (Answer("never", -1),)
    assert share(whole) == share(article, whole) == 0
    assert share(part) == 1
    assert share(part, whole, article, whole) == 0.25
    assert share(part, whole, (), missing) == 2 / 3  # of the questions with an answer
    assert share((*part, *whole)) == 0  # one of a question's answers is enough
    assert share(()) is None
    assert share((Answer("the film", 0),), (Answer("film", 4),)) == 0


def causes(examples, *, window=16, stride=2, max_windows=None, **settings):
    """How many answers are out of reach, by cause, in windows of 16 - 3 - 1 = 12 tokens of the context."""
    qa = objective((), Training(max_windows=max_windows, **settings))
    reader = Reader(small_tokenizer("bert"), window, "windows", stride, max_windows or 64)
    return dict(qa.features(examples, reader).unreachable)


def test_answers_out_of_reach_are_counted_by_cause():
    context = " ".join(["the", "film", "was", "seen", "by"] * 6)  # 30 tokens, read from 0, 10 and 20 on

    def at(first, last):
        words = context.split()
        start = len(" ".join(words[:first])) + (first > 0)
        text = " ".join(words[first : last + 1])
        assert context[start : start + len(text)] == text
        return QuestionExample("1", "who", context, (Answer(text, start),))

    part = QuestionExample("1", "who", context, (Answer("il", 5),))
    missing = QuestionExample("1", "who", context, (Answer("never", -1),))
    assert causes([at(0, 3), at(11, 13), at(29, 29)]) == {}
    assert causes([missing, part, missing]) == {"not in the context": 2, "spelt otherwise by the tokens": 1}
    first = replace(missing, answers=(*missing.answers, Answer("th", 0)))  # of those that are there
    assert causes([first]) == {"spelt otherwise by the tokens": 1}
    assert causes([at(3, 18)]) == {"whole in no window": 1}
    assert causes([at(10, 12)]) == {"whole in no window": 1}  # its start has more context in the first window
    assert causes([at(0, 3), at(0, 4)], longest_answer=4) == {"longer than longest_answer": 1}
    assert causes([at(21, 22), at(22, 23)], max_windows=2) == {"beyond max_windows": 2}
    assert causes([at(20, 21), at(19, 21)], max_windows=2) == {}
    several = QuestionExample("1", "who", context, (*missing.answers, *at(3, 18).answers, *at(0, 1).answers))
    assert causes([several]) == {}
    assert causes([QuestionExample("1", "who", context, ())]) == {}


def test_an_accent_that_the_tokens_leave_out_belongs_to_the_answer():
    context = "le cafe\u0301 noir"
    example = QuestionExample("1", "who", context, (Answer("cafe\u0301", 3),))
    tokenizer = train_tokenizer(["le cafe noir who"] * 3, vocabulary_size=100)
    features = KIND.features([example], Reader(tokenizer, 64, "windows", 0, 64))
    (item,) = features.items
    assert features.unreachable_answers == 0
    window = item.windows[0]
    table = torch.zeros(2, len(window.input_ids))
    table[:, item.target.start : item.target.end + 1] = 9.0
    (best,) = KIND.outputs([KIND._best_span(table, item)], features, [example])
    assert context[best.start : best.end] == "cafe\u0301"


def test_what_normalisation_leaves_out_makes_no_answer_lost():
    # "film." is one token of its own tokenizer, and the answer's normalised words are the same without the point.
    context = "It was a film. Then"
    example = QuestionExample("1", "what ?", context, (Answer("film", 9),))
    features = KIND.features([example], Reader(published_tokenizer(split="whitespace"), 64, "windows", 0, 64))
    (item,) = features.items
    assert item.target.end == item.target.start
    assert features.unreachable_answers == 0
