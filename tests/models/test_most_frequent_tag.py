"""The simple baselines on words: what they answer, and to which tasks."""

import pytest
from small_models import TAGS

from harness.errors import UserError
from harness.models.baselines.majority import family as majority
from harness.models.baselines.most_frequent_tag import family
from harness.models.baselines.tfidf import family as tfidf
from harness.task_types.token_classification.examples import TaggedSentence, Tagging

KIND = "token_classification"


def sentence(words, *tags):
    return TaggedSentence(words, tuple(words.split()), tags)


TRAIN = [sentence("Anna saw Bo", 0, 2, 0), sentence("Bo saw", 1, 2), sentence("Bo ran far", 0, 2, 2)]


def test_a_word_has_its_most_frequent_tag_and_an_unknown_one_that_of_all():
    fitted = family.fit(TRAIN, task_type=KIND, labels=TAGS)
    # By hand: Bo is 0 twice and 1 once; of eight words four are 2.
    assert fitted.outputs([sentence("Bo ran off", 2, 2, 2)]) == [Tagging((0, 2, 2), (2 / 3, 1.0, 1 / 2))]


def test_the_majority_is_one_tag_for_all():
    fitted = majority.fit(TRAIN, task_type=KIND, labels=TAGS)
    assert fitted.outputs([sentence("Bo ran", 2, 2), sentence("")]) == [Tagging((2, 2), (0.5, 0.5)), Tagging((), ())]


def test_the_first_of_equally_frequent_tags_wins():
    fitted = family.fit([sentence("Bo Bo", 2, 1)], task_type=KIND, labels=TAGS)
    assert fitted.outputs([sentence("Bo", 0)]) == [Tagging((1,), (0.5,))]


@pytest.mark.parametrize("baseline", [family, majority])
def test_a_saved_one_comes_back_the_same(baseline, tmp_path):
    fitted = baseline.fit(TRAIN, task_type=KIND, labels=TAGS)
    fitted.save(tmp_path)
    assert baseline.load(tmp_path, task_type=KIND, labels=TAGS) == fitted


@pytest.mark.parametrize(
    ("baseline", "task_type", "instead"),
    [(family, "classification", "majority, tfidf"), (tfidf, KIND, "majority, most_frequent_tag")],
)
def test_a_baseline_without_an_answer_names_those_that_have_one(baseline, task_type, instead):
    with pytest.raises(UserError) as raised:
        baseline.fit([], task_type=task_type, labels=())
    said = f"{baseline.name}: does not support tasks of type {task_type}. Leave it out, or use {instead}."
    assert raised.value.lines == (said,) or raised.value.lines == [said]
