"""Exact match and F1 of answers, by the rules of SQuAD's official evaluation scripts."""

import math

import pytest

from harness.metrics.lookup import scores
from harness.task_types.question_answering.languages import LANGUAGES, MLQA, words_of
from harness.task_types.question_answering.metrics import answer_words, exact_match, qa_f1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat", ["cat"]),
        ("an Apple, a pear", ["apple", "pear"]),
        ("theatre another", ["theatre", "another"]),  # articles are whole words
        ("U.S.", ["us"]),  # punctuation leaves no space behind
        ("re-elected", ["reelected"]),
        ("$1,000.50", ["100050"]),
        ("a-ha", ["aha"]),  # punctuation goes before articles
        ("«Ça va» – “oui”", ["«ça", "va»", "–", "“oui”"]),  # only ASCII punctuation is taken out
        ("  two \n lines\t", ["two", "lines"]),
        ("the", []),
        ("", []),
    ],
)
def test_only_lower_case_words_without_articles_and_punctuation_count(text, words):
    assert answer_words(text) == words


@pytest.mark.parametrize(
    ("references", "prediction", "match", "f1"),
    [
        (["Denver Broncos"], "the denver broncos.", 1.0, 1.0),
        (["Denver Broncos"], "Broncos", 0.0, 2 / 3),  # precision 1, recall 1/2
        (["Denver Broncos"], "Carolina Panthers", 0.0, 0.0),
        (["Broncos", "Denver Broncos"], "Denver Broncos", 1.0, 1.0),  # the best reference counts
        (["one two three", "two three four five"], "two three four", 0.0, 6 / 7),  # 3 shared of 3 and 4
        (["new york new york"], "new york", 0.0, 2 / 3),  # words are counted, not just found
        (["1,000"], "1000", 1.0, 1.0),
        (["42"], "forty-two", 0.0, 0.0),
        ([], "", 1.0, 1.0),  # no answer, and none given
        ([], "something", 0.0, 0.0),
        (["something"], "", 0.0, 0.0),
        ([], "the", 1.0, 1.0),  # nothing is left of "the"
        (["the", "cat"], "cat", 1.0, 1.0),  # a reference of which nothing is left doesn't count
        (["the"], "", 1.0, 1.0),
    ],
)
def test_scores_follow_from_the_rules_by_hand(references, prediction, match, f1):
    assert exact_match(references, prediction) == match
    assert qa_f1(references, prediction) == pytest.approx(f1)


# Worked out from the rules of MLQA's official script: lower case, no punctuation, no articles, characters in Chinese.
@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "The «New» York Times, a", ["new", "york", "times"]),
        ("de", "Der Fluß, die „Donau“", ["fluß", "donau"]),
        ("de", "the river", ["the", "river"]),
        ("es", "¿La casa de los López?", ["casa", "de", "lópez"]),
        ("vi", "những cái cây", ["cây"]),
        ("ar", "البيت الكبير", ["بيت", "كبير"]),
        ("hi", "नई दिल्ली।", ["नई", "दिल्ली"]),
        ("zh", "《2008年》 Beijing 北京", ["2008", "年", "beijing", "北", "京"]),
        ("ja", "東京タワー、2階", ["東", "京", "タ", "ワ", "ー", "2", "階"]),
        ("th", "ไทย 5", ["ไ", "ท", "ย", "5"]),
        ("en", "a+b $5", ["ab", "5"]),
        ("en", "the", []),
    ],
)
def test_each_language_has_words_articles_and_punctuation_of_its_own(language, text, words):
    assert words_of(text, language) == words


def test_an_answer_in_characters_is_right_in_part():
    found = scores(["qa_f1", "mlqa_f1_ja", "mlqa_exact_match_ja", "mlqa_f1_zh"], [["東京都"]], ["東京"])
    # Two characters of two and of three: precision 1, recall 2/3.
    assert found == {
        "qa_f1": 0,
        "mlqa_f1_ja": pytest.approx(0.8),
        "mlqa_exact_match_ja": 0,
        "mlqa_f1_zh": found["mlqa_f1_ja"],
    }
    assert scores(["mlqa_exact_match_de"], [["die Donau"]], ["Donau."]) == {"mlqa_exact_match_de": 1.0}
    assert scores(["mlqa_f1_de"], [["die Donau", "der Inn"]], ["Inn"]) == {"mlqa_f1_de": 1.0}
    assert len(MLQA) == 2 * len(LANGUAGES)


def test_questions_with_and_without_an_answer_are_scored_apart():
    names = ["has_answer_f1", "has_answer_exact_match", "no_answer_accuracy", "qa_f1"]
    references = [["Denver Broncos"], ["cat"], [], [], []]
    predictions = ["Broncos", "", "", "", "dog"]
    found = scores(names, references, predictions)
    assert found == {
        "has_answer_f1": pytest.approx((2 / 3 + 0) / 2),
        "has_answer_exact_match": 0.0,
        "no_answer_accuracy": pytest.approx(2 / 3),
        "qa_f1": pytest.approx((2 / 3 + 2) / 5),
    }
    alone = scores(names, references[:2], predictions[:2])
    assert alone["has_answer_f1"] == found["has_answer_f1"]
    assert math.isnan(alone["no_answer_accuracy"])
