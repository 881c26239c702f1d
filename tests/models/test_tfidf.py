import math
from functools import partial

import numpy as np
import pytest

from harness.errors import UserError
from harness.models.baselines.majority import family as majority
from harness.models.baselines.tfidf import family
from harness.task_types.question_answering.examples import QuestionExample
from harness.task_types.question_answering.spans import Span
from harness.task_types.texts import TextExample


def _text(text, target, pair=None):
    return TextExample(id=text, text=text, target=target, pair=pair)


def _question(question, context):
    return QuestionExample(id=question, question=question, context=context, answers=())


REVIEWS = [_text("a good film", 0), _text("good fun", 0), _text("a bad film", 1), _text("bad bad bad and dull", 1)]
TOPICS = [_text("good food", (0, 1)), _text("good film", (1,)), _text("bad food", (0,)), _text("bad film", ())]
PRICES = [_text("cheap", 1.0), _text("dear", 9.0), _text("cheap thing", 1.0), _text("dear thing", 9.0)]
PAIRS = [_text("yes", 0, "no"), _text("no", 1, "yes"), _text("yes", 0, "no"), _text("no", 1, "yes")]


def test_it_tells_classes_apart_by_their_words():
    outputs = family.fit(REVIEWS, task_type="classification", labels=("fresh", "rotten")).outputs(
        [_text("good", 0), _text("BAD!", 1)]
    )
    assert outputs.argmax(axis=1).tolist() == [0, 1]
    np.testing.assert_allclose(np.exp(outputs).sum(axis=1), 1.0)


def test_a_text_without_a_known_word_gets_the_intercepts():
    fitted = family.fit(REVIEWS, task_type="classification", labels=("fresh", "rotten"))
    unknown = fitted.outputs([_text("", 0), _text("ünbekannt 👍", 0)])
    expected = fitted.intercepts - np.log(np.exp(fitted.intercepts).sum())
    np.testing.assert_allclose(unknown, [expected] * 2)


def test_two_classes_get_the_probabilities_of_scikit_learn_s_own():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    texts, classes = [one.text for one in REVIEWS], [one.target for one in REVIEWS]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    model = LogisticRegression(C=10.0, max_iter=1000).fit(vectorizer.fit_transform(texts), classes)
    expected = model.predict_log_proba(vectorizer.transform(texts))
    ours = family.fit(REVIEWS, task_type="classification", labels=("fresh", "rotten")).outputs(REVIEWS)
    np.testing.assert_allclose(ours, expected, atol=1e-9)


def test_weights_of_labels_are_those_of_scikit_learn_and_noted():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    examples = [*REVIEWS, _text("good good", 0), _text("a good good film", 0)]
    texts, classes = [one.text for one in examples], [one.target for one in examples]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    model = LogisticRegression(C=10.0, max_iter=1000, class_weight="balanced")
    expected = model.fit(vectorizer.fit_transform(texts), classes).predict_log_proba(vectorizer.transform(texts))
    labels = ("fresh", "rotten")
    fitted = family.fit(examples, task_type="classification", labels=labels, class_weights="balanced")
    np.testing.assert_allclose(fitted.outputs(examples), expected, atol=1e-6)
    assert fitted.notes == ["class weights: fresh 0.75, rotten 1.5"]
    plain = family.fit(examples, task_type="classification", labels=labels)
    assert np.abs(plain.outputs(examples) - expected).max() > 0.01
    with pytest.raises(UserError, match="class_weights: 'rotton': no such label"):
        family.fit(examples, task_type="classification", labels=labels, class_weights={"rotton": 2.0})


def test_of_several_labels_the_yes_of_each_is_weighed_against_its_no():
    rare = [*TOPICS, _text("film", (1,)), _text("a film", (1,)), _text("films", (1,))]
    fit = partial(family.fit, rare, task_type="multi_label", labels=("food", "praise"))
    plain, weighed, own = fit(), fit(class_weights="balanced"), fit(class_weights={"food": 9.0})
    unknown = [_text("?", ())]
    assert (weighed.outputs(unknown) - plain.outputs(unknown))[0, 0] > 0.5  # Two of seven texts have it.
    assert (weighed.outputs(unknown) - plain.outputs(unknown))[0, 1] < -0.5  # Five of seven.
    np.testing.assert_allclose(own.outputs(rare)[:, 1], plain.outputs(rare)[:, 1])
    assert (own.outputs(unknown) - plain.outputs(unknown))[0, 0] > 0.5


def test_a_class_that_training_lacks_is_improbable_not_impossible():
    outputs = family.fit(REVIEWS, task_type="classification", labels=("fresh", "rotten", "other")).outputs(REVIEWS)
    assert outputs.argmax(axis=1).tolist() == [0, 0, 1, 1]
    assert np.isfinite(outputs).all()
    assert (outputs[:, 2] < math.log(0.2)).all()


def test_a_third_class_is_told_apart_too():
    examples = [*REVIEWS, _text("so so", 2), _text("so middling", 2)]
    outputs = family.fit(examples, task_type="classification", labels=("fresh", "rotten", "middling")).outputs(examples)
    assert outputs.argmax(axis=1).tolist() == [0, 0, 1, 1, 2, 2]


def test_each_label_is_decided_by_itself():
    fitted = family.fit(TOPICS, task_type="multi_label", labels=("food", "praise", "never"))
    outputs = fitted.outputs(TOPICS)
    assert (outputs[:, :2] > 0).tolist() == [[True, True], [False, True], [True, False], [False, False]]
    # By hand: a label that none of four has keeps its constant, log (0 + 1)/(4 + 1).
    np.testing.assert_allclose(outputs[:, 2], -math.log(5))


def test_a_number_follows_the_words():
    cheap, unknown, dear = family.fit(PRICES, task_type="regression", labels=()).outputs(
        [_text("cheap", 0.0), _text("", 0.0), _text("dear", 0.0)]
    )
    assert cheap < unknown < dear
    assert unknown == pytest.approx(5.0, abs=0.5)


def test_the_two_texts_of_a_pair_are_not_mixed_up():
    fitted = family.fit(PAIRS, task_type="classification", labels=("a", "b"))
    assert fitted.outputs([_text("yes", 0, "no"), _text("no", 1, "yes")]).argmax(axis=1).tolist() == [0, 1]
    # A word that only the second texts may have says nothing in the first.
    assert len(fitted.sides) == 2


def test_the_sentence_nearest_to_the_question_is_the_answer():
    context = "The cat sat. The dog barked loudly. Nobody came."
    fitted = family.fit([_question("?", context)], task_type="question_answering", labels=())
    span = fitted.outputs([_question("Who barked?", context)])[0]
    assert context[span.start : span.end] == "The dog barked loudly."
    # By hand: four words of which each stands in one sentence but "the" in two of three. "Who" is unknown, so the
    # question is "barked" alone, and the cosine is that word's share of its sentence's length.
    rare, common = math.log(4 / 2) + 1, math.log(4 / 3) + 1
    assert span.score == pytest.approx(rare / math.sqrt(3 * rare**2 + common**2))
    assert span.no_answer_score == 0.0


def test_a_question_without_a_shared_word_gets_the_first_sentence_and_no_score():
    context = "The cat sat. The dog barked."
    fitted = family.fit([_question("?", context)], task_type="question_answering", labels=())
    assert fitted.outputs([_question("", context), _question("Why?", "")]) == [
        Span(0, 12, 0.0, 0.0),
        Span(-1, -1, 0.0, 0.0),
    ]


NOTHING_TO_LEARN = [
    ("classification", ("a", "b"), [_text("one example", 1)]),
    ("classification", ("a", "b"), [_text("", 1), _text("!?", 0), _text(" ", 1)]),
    ("multi_label", ("a", "b"), [_text("", (1,)), _text("", ())]),
    ("multi_label", ("a", "b"), [_text("one example", (1,))]),
    ("regression", (), [_text("", 2.0), _text("", 4.0)]),
]


@pytest.mark.parametrize(("task_type", "labels", "examples"), NOTHING_TO_LEARN)
def test_where_words_say_nothing_it_is_the_majority_s_constant(task_type, labels, examples):
    ours = family.fit(examples, task_type=task_type, labels=labels).outputs(examples)
    np.testing.assert_allclose(ours, majority.fit(examples, task_type=task_type, labels=labels).outputs(examples))


@pytest.mark.parametrize(
    ("task_type", "labels", "examples"),
    [
        ("classification", ("fresh", "rotten"), REVIEWS),
        ("classification", ("a", "b"), PAIRS),
        ("multi_label", ("food", "praise"), TOPICS),
        ("regression", (), PRICES),
        ("question_answering", (), [_question("Wer käme?", "Ein Übermut. Ein 猫.")]),
        *NOTHING_TO_LEARN,
    ],
)
def test_a_saved_one_comes_back_the_same_and_training_again_gives_it_too(task_type, labels, examples, tmp_path):
    fitted = family.fit(examples, task_type=task_type, labels=labels)
    fitted.save(tmp_path)
    before = fitted.outputs(examples)
    assert np.array_equal(family.load(tmp_path, task_type=task_type, labels=labels).outputs(examples), before)
    assert np.array_equal(family.fit(examples, task_type=task_type, labels=labels).outputs(examples), before)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["tfidf.json", "tfidf.safetensors"]


def test_words_of_one_text_are_left_out_where_there_are_many_texts():
    examples = [_text(f"word{index} good", index % 2) for index in range(1000)]
    fitted = family.fit(examples, task_type="classification", labels=("a", "b"))
    assert fitted.sides[0].vocabulary == ("good",)


def test_a_stronger_penalty_makes_smaller_weights_and_the_usual_one_is_the_default():
    def weights(**settings):
        return family.fit(REVIEWS, task_type="classification", labels=("fresh", "rotten"), **settings).weights

    assert np.array_equal(weights(), weights(baseline_penalty=1.0))
    assert np.abs(weights(baseline_penalty=100.0)).max() < np.abs(weights()).max() / 5
    assert np.abs(weights(baseline_penalty=0.01)).max() > np.abs(weights()).max()


def test_an_answer_that_has_no_weights_ignores_their_penalty():
    context = "One sentence. Another one."
    questions = [_question("?", context)]
    fitted = family.fit(questions, task_type="question_answering", labels=(), baseline_penalty=3.0)
    assert fitted.outputs(questions)
