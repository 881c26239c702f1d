"""Exact match and F1 of answers, by the rules of SQuAD's official evaluation scripts."""

import pytest

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
