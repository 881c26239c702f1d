"""Question answering: losses beside transformers' own, spans by hand, thresholds by trying them all."""

import itertools
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import FILLERS, loaded_model, question_examples, small_tokenizer, trainer_for
from tokenizers.processors import TemplateProcessing

from harness.config.training import Training
from harness.errors import UserError
from harness.metrics.lookup import find_metric
from harness.models.families.transformer_xl.tokenizer import TransformerXLTokenizer
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.question_answering.objective import best_threshold, objective
from harness.task_types.question_answering.spans import Span
from harness.task_types.question_answering.targets import span_scores
from harness.tokenization.items import Item
from harness.tokenization.reading import Reader, reader_for
from harness.tokenization.trained_tokenizer import train_tokenizer

FAMILIES = ("bert", "roberta", "xlnet", "scratch", "transformer_xl")
KIND = objective((), Training())
XL = Path(__file__).parents[1] / "data" / "transformer_xl" / "tokenizer"


def set_up(family, checkpoints, **settings):
    loaded, qa = loaded_model(family, checkpoints[family], "question_answering", labels=())
    trainer, reader = trainer_for(loaded, qa, Training(max_length=40, **settings))
    loaded.model.eval()
    return loaded, qa, trainer, reader


def answered_windows(features, example):
    """Whether each of an example's windows is to give an answer."""
    return [item.target.held for item in features.items if item.example == example]


@pytest.mark.slow_but_first
@pytest.mark.parametrize("family", FAMILIES)
def test_a_window_s_loss_is_that_of_transformers_own_head(family, checkpoints):
    loaded, qa, trainer, reader = set_up(family, checkpoints)
    features = qa.features(question_examples(4, unanswerable=1), reader)
    assert answered_windows(features, 0) == [False]
    assert answered_windows(features, 1) == [True]
    for item in features.items:  # one at a time: no padding
        ends = {"start_positions": torch.tensor([item.target.start]), "end_positions": torch.tensor([item.target.end])}
        expected = loaded.model(**trainer.forward.collator([item]).inputs, **ends).loss
        torch.testing.assert_close(trainer.forward.losses([item])[0], expected)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("family", FAMILIES)
def test_neither_loss_nor_answer_depends_on_the_padding(family, checkpoints):
    _, qa, trainer, reader = set_up(family, checkpoints)
    lengths = (5, 12, 20, 8)
    examples = [question_examples(1, seed=seed, words=words)[0] for seed, words in enumerate(lengths)]
    features = qa.features(examples, reader)
    together = trainer.forward.losses(features.items)
    alone = torch.cat([trainer.forward.losses([item]) for item in features.items])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    _, outputs = trainer.forward.evaluate(features, examples)
    singly = [
        trainer.forward.evaluate(qa.features([example], reader), [example])[1][0] for example in examples
    ]  # fmt: skip
    assert [(span.start, span.end) for span in outputs] == [(span.start, span.end) for span in singly]
    scores = [[(s.score, s.no_answer_score) for s in spans] for spans in (outputs, singly)]
    np.testing.assert_allclose(*scores, atol=1e-5)


def test_spans_are_scored_by_start_and_end():
    logits = torch.tensor([[1.0, 2.0, 4.0], [10.0, 20.0, 40.0]])
    no = -torch.inf
    assert span_scores(logits, 3).tolist() == [[11, 21, 41], [22, 42, no], [44, no, no]]
    assert span_scores(logits, 2).tolist() == [[11, 21], [22, 42], [44, no]]
    assert span_scores(logits, 1).tolist() == [[11], [22], [44]]
    torch.testing.assert_close(span_scores(logits, 10**9), span_scores(logits, 3))
    with pytest.raises(ValueError, match="longest must be at least 1, got 0"):
        span_scores(logits, 0)


def every_span(logits, longest):
    """The scores by start and end [length, length]: quadratic in the context's length."""
    scores = logits[0][:, None] + logits[1][None, :]
    allowed = torch.ones_like(scores, dtype=torch.bool).triu().tril(longest - 1)
    return scores.masked_fill(~allowed, -torch.inf)


@pytest.mark.parametrize("length", [1, 2, 7, 40])
@pytest.mark.parametrize("longest", [1, 3, 30, 100])
def test_the_best_span_is_that_of_all_pairs_of_start_and_end(length, longest):
    for seed in range(20):
        # Whole numbers, so that spans are often equally good: the first of them is taken.
        logits = torch.randint(-3, 4, (2, length), generator=torch.Generator().manual_seed(seed)).float()
        pairs, banded = every_span(logits, longest), span_scores(logits, longest)
        start, end = divmod(int(pairs.argmax()), length)
        assert divmod(int(banded.argmax()), banded.shape[1]) == (start, end - start)
        assert sorted(banded[banded > -torch.inf].tolist()) == sorted(pairs[pairs > -torch.inf].tolist())


def test_a_context_of_a_hundred_thousand_tokens_takes_little_memory():
    banded = span_scores(torch.randn(2, 100_000), 30)
    assert banded.shape == (100_000, 30)  # 12 MB; all pairs would be 40 GB


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ["bert", "anna"])
def test_a_target_is_the_answer_s_tokens(family, name):
    context = f"the film was seen by {name} in town"
    example = QuestionExample("1", "who ?", context, (Answer(name, context.index(name)),))
    tokenizer = small_tokenizer(family)
    features = KIND.features([example], Reader(tokenizer, 64, "windows", 0, 64))
    (item,) = features.items
    ids = item.windows[0].input_ids
    assert tokenizer.decode(ids[item.target.start : item.target.end + 1]) == name
    assert ids[item.target.no_answer] == tokenizer.cls_token_id


@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_that_holds_the_special_token_is_not_taken_for_no_answer(family):
    tokenizer = small_tokenizer(family)
    cls = tokenizer.cls_token
    example = QuestionExample("1", f"who {cls} ?", f"the {cls} film", ())
    (item,) = KIND.features([example], Reader(tokenizer, 64, "windows", 0, 64)).items
    assert item.target.no_answer == (len(item.windows[0].input_ids) - 1 if family == "xlnet" else 0)


def test_an_answer_cut_by_a_window_counts_as_no_answer():
    # 8 tokens, question 1, special 3: windows of 4 context tokens, without overlap. The answer is tokens 3 and 4.
    context = "the film was seen by many people in town"
    example = QuestionExample("1", "who", context, (Answer("seen by", context.index("seen by")),))
    cut = KIND.features([example], Reader(small_tokenizer("bert"), 8, "windows", 0, 64))
    assert answered_windows(cut, 0) == [False, False, False]
    # With an overlap of two tokens the second window starts at token 2, and holds it.
    whole = KIND.features([example], Reader(small_tokenizer("bert"), 8, "windows", 2, 64))
    assert answered_windows(whole, 0) == [False, True, False, False]
    assert (whole.items[1].target.start, whole.items[1].target.end) == (3 + 1, 3 + 2)


def test_each_token_of_a_context_may_start_an_answer_in_one_window_only():
    examples = question_examples(3, words=50)
    for stride in (0, 1, 4, 5):
        features = KIND.features(examples, Reader(small_tokenizer("bert"), 16, "windows", stride, 64))
        for index in range(3):
            max_context_positions = [
                set(item.target.max_context_positions) for item in features.items if item.example == index
            ]
            assert len(max_context_positions) > 3
            assert set().union(*max_context_positions) == set(range(max(max(o) for o in max_context_positions) + 1))
            assert sum(map(len, max_context_positions)) == len(set().union(*max_context_positions))


def results_of(items, starts, ends, no_answer=-5.0):
    """The kind's results where the context's tokens have these logits, over all of an example's windows."""
    spans = []
    for item in items:
        window = item.windows[0]
        table = torch.full((2, len(window.input_ids)), -20.0)
        table[:, item.target.no_answer] = no_answer / 2
        for place, position in enumerate(window.positions):
            table[0, window.first + place] = starts.get(position, -20.0)
            table[1, window.first + place] = ends.get(position, -20.0)
        spans.append(KIND._best_span(table, item))
    return spans


@pytest.mark.parametrize("family", FAMILIES)
def test_the_best_span_over_all_windows_wins(family):
    context = "the film was seen by many people in town on a rainy day and then again"
    example = QuestionExample("1", "who", context, ())
    features = KIND.features([example], Reader(small_tokenizer(family), 11, "windows", 2, 64))
    assert len(features.items) > 2
    # "many people" is tokens 5 and 6; "rainy" is 11 and scores less.
    spans = results_of(features.items, {5: 3.0, 11: 2.0}, {6: 3.0, 11: 2.0}, no_answer=-4.0)
    (best,) = KIND.outputs(spans, features, [example])
    assert context[best.start : best.end] == "many people"
    assert (best.score, best.no_answer_score) == (6.0, -4.0)


def test_the_no_answer_score_is_the_lowest_of_the_windows():
    features = KIND.features(question_examples(1, words=30), Reader(small_tokenizer("bert"), 16, "windows", 2, 64))
    spans = [Span(0, 1, float(place), -float(place)) for place, _ in enumerate(features.items)]
    (best,) = KIND.outputs(spans, features, question_examples(1, words=30))
    assert (best.score, best.no_answer_score) == (len(spans) - 1, -(len(spans) - 1))


def test_an_answer_longer_than_allowed_is_not_given():
    context = "the film was seen by many people in town"
    example = QuestionExample("1", "who", context, ())
    features = KIND.features([example], Reader(small_tokenizer("bert"), 64, "windows", 0, 64))
    short = objective((), Training(longest_answer=2))
    (item,) = features.items
    table = torch.zeros(2, len(item.windows[0].input_ids))
    table[0, item.windows[0].first], table[1, item.windows[0].first + 8] = 9.0, 9.0
    found = KIND._best_span(table, item)
    assert (found.start, found.end) == (0, len(context))
    assert len(context[slice(*((s := short._best_span(table, item)).start, s.end))].split()) <= 2


def test_an_empty_context_has_no_answer(checkpoints):
    _, qa, trainer, reader = set_up("bert", checkpoints)
    examples = [QuestionExample("1", "who ?", "", ()), *question_examples(1)]
    features = qa.features(examples, reader)
    assert torch.isfinite(trainer.forward.losses(features.items)).all()
    loss, outputs = trainer.forward.evaluate(features, examples)
    assert np.isfinite(loss)
    row = qa.rows(outputs, examples, {})[0]
    assert (row["prediction"], row["start"], row["end"]) == ("", -1, -1)


def test_white_space_around_an_answer_is_cut_off():
    context = "seen by  anna  in town"
    spans = [Span(7, 15, 1.0, 0.0)]
    features_items = [Item(0, (), None)]
    (trimmed,) = KIND.outputs(
        spans, type("F", (), {"items": features_items})(), [QuestionExample("1", "who", context, ())]
    )
    assert (trimmed.start, trimmed.end) == (9, 13)
    assert context[trimmed.start : trimmed.end] == "anna"


@pytest.mark.parametrize("seed", range(20))
def test_the_threshold_is_the_best_of_all_there_are(seed):
    chooser = random.Random(seed)
    examples = [
        QuestionExample(str(index), "who", "ab cd ef", (Answer("cd", 3),) if chooser.random() < 0.6 else ())
        for index in range(12)
    ]
    # Whole numbers, so that leads are often equal.
    outputs = [
        Span(*chooser.choice([(3, 5), (0, 2), (0, 5), (-1, -1)]), chooser.randint(-3, 3), chooser.randint(-3, 3))
        for _ in examples
    ]
    outputs = [Span(s.start, s.end, -np.inf if s.start < 0 else s.score, s.no_answer_score) for s in outputs]

    def f1(threshold):
        rows = KIND.rows(outputs, examples, {"no_answer_threshold": threshold})
        references = [row["reference"] for row in rows]
        return np.mean(find_metric("qa_f1").per_example(references, [row["prediction"] for row in rows], ()))

    best = max(f1(threshold) for threshold in np.arange(-10, 10, 0.5))
    assert f1(best_threshold(outputs, examples)) == pytest.approx(best)


def test_a_threshold_is_chosen_only_where_some_question_has_no_answer():
    spans = [Span(0, 3, 1.0, 0.0)] * 2
    assert KIND.calibration(spans, question_examples(2)) == {}
    assert KIND.calibration(spans, question_examples(2, unanswerable=1)).keys() == {"no_answer_threshold"}


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


def test_all_windows_of_a_context_are_read_unless_the_recipe_bounds_them():
    examples = question_examples(2, words=300)  # 29 windows of 12 tokens that share 2, were it not for max_windows
    reader = Reader(small_tokenizer("bert"), 18, "windows", 2, 4)
    free = objective((), Training()).features(examples, reader)
    bounded = objective((), Training(max_windows=4)).features(examples, reader)
    assert (free.seen, sum(free.lengths)) == (608, 608)
    assert len(free.items) > 2 * 29
    assert len(bounded.items) == 2 * 4


def test_what_the_recipe_leaves_open_follows_the_training_answers():
    context = " ".join(FILLERS * 10)
    tokenizer = small_tokenizer("bert")

    def answered(*counts):
        texts = [" ".join(context.split()[:count]) for count in counts]
        return [QuestionExample("1", "who", context, (Answer(text, 0),)) for text in texts]

    def recipe(examples, **settings):
        training = Training(**settings)
        qa = objective((), training).following(examples, tokenizer)
        reader = reader_for(training, tokenizer, limit=512, stride=qa.stride, strategy=qa.strategy, shared=qa.shared)
        return qa.longest, reader.stride

    assert recipe(answered(2, 3)) == (30, 128)
    assert recipe(answered(2, 90)) == (90, 180)
    assert recipe(answered(*[40] * 198, 90, 90)) == (40, 128)  # 99 of 100
    assert recipe(answered(2, 180)) == (180, 256)  # half a window at most
    assert recipe(answered(90), longest_answer=7) == (7, 180)
    assert recipe(answered(90), stride=5) == (90, 5)
    assert recipe(answered(20), max_length=64) == (30, 32)
    assert recipe(question_examples(3, unanswerable=3)) == (30, 128)


def test_a_recorded_run_s_answers_are_as_long_as_they_were():
    qa = replace(objective((), Training()), answer_length=44)
    calibration = qa.calibration([Span(0, 1, 2.0, 0.0)], question_examples(1))
    assert calibration == {"answer_length": 44.0}
    assert objective((), Training()).recalled(calibration).longest == 44
    assert objective((), Training(longest_answer=30)).recalled({}).longest == 30


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


def test_under_recurrence_question_and_context_are_one_text_of_any_length():
    example = question_examples(1, words=300)[0]
    recipe = Training(strategy="segment_recurrence", segment=8)
    tokenizer, qa = small_tokenizer("transformer_xl"), objective((), recipe)
    reader = reader_for(recipe, tokenizer, limit=None, stride=qa.stride, strategy=qa.strategy)
    (item,) = qa.features([example], reader).items
    assert item.windows[0].input_ids == tokenizer(example.question, example.context)["input_ids"]
    assert item.target.max_context_positions == range(300)
    assert (qa.head().pointer, KIND.head().pointer) == (True, False)
    assert (qa.strategy, KIND.strategy) == (None, "windows")


def long_questions(checkpoints, **settings):
    """A kind of such settings, and the features of ten questions on contexts of several windows each."""
    qa = objective((), Training(**settings))
    _, _, _, reader = set_up("bert", checkpoints, stride=8)
    return qa, qa.features(question_examples(10, words=120, unanswerable=2), reader)


def test_every_window_is_trained_on_unless_the_recipe_says_otherwise(checkpoints):
    qa, features = long_questions(checkpoints)
    assert not all(item.target.held for item in features.items)
    assert qa.training_subset(features) == features


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_of_the_windows_without_an_answer_a_share_is_trained_on_and_all_with_one(share, checkpoints):
    qa, features = long_questions(checkpoints, empty_windows=share)
    taught = qa.training_subset(features)
    empty = [item for item in features.items if not item.target.held]
    kept = [item for item in taught.items if not item.target.held]
    assert len(kept) == pytest.approx(share * len(empty), abs=0.2 * len(empty) * bool(share))
    assert [item for item in taught.items if item.target.held] == [item for item in features.items if item.target.held]
    assert qa.training_subset(features) == taught
    assert (taught.lengths, taught.seen) == (features.lengths, features.seen)


def test_a_share_that_leaves_no_window_says_what_to_do(checkpoints):
    qa, features = long_questions(checkpoints, empty_windows=0.0)
    silent = replace(features, items=[item for item in features.items if not item.target.held])
    with pytest.raises(UserError, match=r"empty_windows: 0\.0 leaves no training window.*Raise it"):
        qa.training_subset(silent)
