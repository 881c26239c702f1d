"""The windows of a question's context: how many and how long a recipe has them, and which are trained on."""

from dataclasses import replace

import pytest
from small_models import FILLERS, question_examples, small_tokenizer

from harness.config.training import Training
from harness.errors import UserError
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.question_answering.objective import objective
from harness.task_types.question_answering.spans import Span
from harness.tokenization.reading import Reader, reader_for

KIND = objective((), Training())


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


def long_questions(**settings):
    """A kind of such settings, and the features of ten questions on contexts of several windows each."""
    qa = objective((), Training(**settings))
    reader = Reader(small_tokenizer("bert"), 40, "windows", 8, 64)
    return qa, qa.features(question_examples(10, words=120, unanswerable=2), reader)


def test_every_window_is_trained_on_unless_the_recipe_says_otherwise():
    qa, features = long_questions()
    assert not all(item.target.held for item in features.items)
    assert qa.training_subset(features) == features


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_of_the_windows_without_an_answer_a_share_is_trained_on_and_all_with_one(share):
    qa, features = long_questions(empty_windows=share)
    taught = qa.training_subset(features)
    empty = [item for item in features.items if not item.target.held]
    kept = [item for item in taught.items if not item.target.held]
    assert len(kept) == pytest.approx(share * len(empty), abs=0.2 * len(empty) * bool(share))
    assert [item for item in taught.items if item.target.held] == [item for item in features.items if item.target.held]
    assert qa.training_subset(features) == taught
    assert (taught.lengths, taught.seen) == (features.lengths, features.seen)


def test_a_share_that_leaves_no_window_says_what_to_do():
    qa, features = long_questions(empty_windows=0.0)
    silent = replace(features, items=[item for item in features.items if not item.target.held])
    with pytest.raises(UserError, match=r"empty_windows: 0\.0 leaves no training window.*Raise it"):
        qa.training_subset(silent)
