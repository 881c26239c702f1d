"""Question answering: losses beside transformers' own, spans by hand, thresholds by trying them all."""

import random

import numpy as np
import pytest
import torch
from small_models import loaded_model, question_examples, small_tokenizer, trainer_for

from harness.config.training import Training
from harness.metrics.lookup import find_metric
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.question_answering.objective import best_threshold, objective
from harness.task_types.question_answering.spans import Span
from harness.task_types.question_answering.targets import span_scores
from harness.tokenization.reading import Reader

FAMILIES = ("bert", "roberta", "xlnet", "scratch", "transformer_xl")
KIND = objective((), Training())


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
