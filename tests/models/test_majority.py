import json
import math

import numpy as np
import pytest

from harness.config.training import Training
from harness.metrics.lookup import scores
from harness.models.baselines.majority import family
from harness.registry import TASK_TYPES
from harness.task_types.language_modelling import DocumentExample
from harness.task_types.question_answering.baselines import STRATEGIES
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.question_answering.spans import Span
from harness.task_types.texts import TextExample


def _texts(*targets):
    return [TextExample(id=str(index), text="", target=target) for index, target in enumerate(targets)]


def _question(context, *answers):
    return QuestionExample(
        id="q", question="?", context=context, answers=tuple(Answer(text, context.find(text)) for text in answers)
    )


def test_the_most_frequent_class_gets_the_highest_log_probability():
    fitted = family.fit(_texts(1, 1, 2), task_type="classification", labels=("a", "b", "c"))
    # By hand, one added to each count: (0 + 1, 2 + 1, 1 + 1) of 3 + 3.
    expected = np.log([[1 / 6, 3 / 6, 2 / 6]] * 2)
    np.testing.assert_allclose(fitted.outputs(_texts(0, 0)), expected)
    assert np.exp(expected[0]).sum() == pytest.approx(1.0)


def test_the_first_of_equally_frequent_classes_wins():
    outputs = family.fit(_texts(2, 1, 1, 2), task_type="classification", labels=("a", "b", "c")).outputs(_texts(0))
    assert outputs[0].argmax() == 1


def test_labels_are_predicted_that_more_than_half_of_the_examples_have():
    fitted = family.fit(_texts((0, 1), (0,), (0, 1), ()), task_type="multi_label", labels=("a", "b", "c"))
    # By hand: 3, 2 and 0 of 4, so log (3 + 1)/(1 + 1), log (2 + 1)/(2 + 1) and log (0 + 1)/(4 + 1).
    np.testing.assert_allclose(fitted.outputs(_texts(())), [[math.log(2), 0.0, -math.log(5)]])


def test_a_number_is_answered_with_the_mean():
    outputs = family.fit(_texts(1.0, 2.0, 6.0), task_type="regression", labels=()).outputs(_texts(0.0, 0.0))
    assert outputs.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("strategy", "answer"),
    [
        ("first sentence", "One two."),
        ("last sentence", "Six!"),
        ("longest sentence", "Three four five."),
        ("whole context", "One two. Three four five. Six!"),
        ("no answer", ""),
    ],
)
def test_the_place_is_chosen_that_answers_the_training_questions_best(strategy, answer):
    context = "One two. Three four five. Six!"
    fitted = family.fit([_question(context, *filter(None, [answer]))] * 3, task_type="question_answering", labels=())
    assert fitted.strategy == strategy
    other = _question("A bee. See dee e. F")
    start, end = STRATEGIES[strategy](other.context)
    assert fitted.outputs([other]) == [Span(start, end, fitted.score, fitted.no_answer_score)]
    assert (fitted.score > fitted.no_answer_score) == bool(answer)


def test_the_scores_of_a_place_are_mean_token_f1s():
    # By hand: "One two." against "two" has precision 1/2 and recall 1, so F1 2/3; against no answer 0.
    examples = [_question("One two. Three four five six.", "two"), _question("One. Two three four five.")]
    fitted = family.fit(examples, task_type="question_answering", labels=())
    assert fitted.strategy == "no answer"
    assert fitted.no_answer_score == pytest.approx(1 / 2)
    assert fitted.score == pytest.approx((2 / 3 + 0) / 2)


def test_an_empty_context_is_answered_with_an_empty_span():
    fitted = family.fit([_question("One two.", "One two.")], task_type="question_answering", labels=())
    span = fitted.outputs([_question("")])[0]
    assert (span.start, span.end) == (0, 0)


@pytest.mark.parametrize(
    ("task_type", "labels", "examples"),
    [
        ("classification", ("a", "ä"), _texts(0, 1, 1)),
        ("multi_label", ("a", "ä"), _texts((0,), (0, 1), ())),
        ("regression", (), _texts(0.1, 0.2)),
        ("question_answering", (), [_question("Ä b. C d.", "Ä b")]),
    ],
)
def test_a_saved_one_comes_back_the_same(task_type, labels, examples, tmp_path):
    fitted = family.fit(examples, task_type=task_type, labels=labels)
    fitted.save(tmp_path)
    loaded = family.load(tmp_path, task_type=task_type, labels=labels)
    assert loaded == fitted
    assert np.array_equal(loaded.outputs(examples), fitted.outputs(examples))
    assert [file.name for file in tmp_path.iterdir()] == ["majority.json"]
    json.loads((tmp_path / "majority.json").read_text())


def _documents(*texts):
    return [DocumentExample(id=str(index), text=text) for index, text in enumerate(texts)]


def test_a_document_costs_what_its_bytes_cost_by_their_frequency_in_training(tmp_path):
    fitted = family.fit(_documents("aab", "c"), task_type="language_modelling", labels=())
    # By hand, one added to each of 256 counts: (2 + 1) / 260 and (0 + 1) / 260; é is two bytes.
    (found,) = fitted.outputs(_documents("aé"))
    assert found["nats"] == pytest.approx(-math.log(3 / 260) - 2 * math.log(1 / 260))
    assert found["tokens"] is found["masked_nats"] is None
    fitted.save(tmp_path)
    assert family.load(tmp_path, task_type="language_modelling", labels=()) == fitted


def test_bytes_never_seen_cost_eight_bits_where_nothing_was_learnt():
    fitted = family.fit([], task_type="language_modelling", labels=())
    rows = (
        TASK_TYPES.load("language_modelling")
        .objective((), Training())
        .rows(fitted.outputs(_documents("abc")), _documents("abc"), {})
    )
    reference, prediction = rows[0]["reference"], rows[0]["prediction"]
    assert scores(["bits_per_byte"], [reference], [prediction])["bits_per_byte"] == pytest.approx(8.0)
