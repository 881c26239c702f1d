"""Evaluation examples that stand in a corpus are found, and documents that were there before."""

import numpy as np

from harness.pretraining.overlap import (
    LEAST_WORDS,
    RUN_WORDS,
    Numbers,
    Seen,
    evaluation_ngrams,
    run_hashes,
    word_hashes,
)

WORDS = [f"word{number}" for number in range(200)]
LONG, SHORT, TINY = " ".join(WORDS[:40]), " ".join(WORDS[50 : 50 + LEAST_WORDS]), " ".join(WORDS[100:104])


def text(start, stop):
    return " ".join(WORDS[start:stop])


def owners(ngrams, looked_through):
    found = ngrams.owners_at(word_hashes(looked_through))
    return sorted({ngrams.owners[owner] for owner in found if owner >= 0})


def test_a_document_with_thirteen_words_of_an_example_is_found_by_its_owner():
    ngrams = evaluation_ngrams({"reviews": [(LONG,)], "questions": [(SHORT,)]}.items())
    assert owners(ngrams, "before " + text(20, 20 + RUN_WORDS) + " behind") == ["reviews"]
    assert owners(ngrams, "before " + SHORT + " behind") == ["questions"]


def test_every_word_of_a_run_is_covered_and_no_other():
    ngrams = evaluation_ngrams({"reviews": [(LONG,)]}.items())
    found = ngrams.owners_at(word_hashes("one two " + text(20, 20 + RUN_WORDS) + " three"))
    assert found.tolist() == [-1, -1, *[0] * RUN_WORDS, -1]


def test_twelve_words_of_a_long_example_are_no_overlap():
    ngrams = evaluation_ngrams({"reviews": [(LONG,)], "questions": [(SHORT,)]}.items())
    assert owners(ngrams, "before " + text(20, 19 + RUN_WORDS) + " behind") == []
    assert owners(ngrams, text(120, 200)) == []
    assert owners(ngrams, "") == []


def test_case_and_punctuation_hide_no_example():
    ngrams = evaluation_ngrams({"reviews": [(LONG,)]}.items())
    assert owners(ngrams, ", ".join(WORDS[:RUN_WORDS]).upper()) == ["reviews"]


def test_what_is_too_short_to_be_looked_for_is_counted():
    ngrams = evaluation_ngrams({"reviews": [(LONG, TINY), (TINY,)], "questions": [(SHORT,)]}.items())
    assert (ngrams.evaluation_sets, ngrams.skipped) == ({"reviews": 1, "questions": 1}, {"reviews": 1})
    assert owners(ngrams, TINY) == []


def test_without_examples_nothing_is_excluded():
    assert owners(evaluation_ngrams([]), LONG) == []


def test_runs_in_another_order_are_others():
    one, other = word_hashes("a b c d"), word_hashes("a b d c")
    assert len(run_hashes(one, 4)) == 1
    assert run_hashes(one, 4) != run_hashes(other, 4)
    assert len(run_hashes(one, 5)) == 0


def test_a_document_is_new_once_and_so_is_one_that_holds_half_of_it():
    seen = Seen()
    pages = " ".join(f"page{number}" for number in range(2000))
    more = pages + " " + " ".join(f"more{number}" for number in range(500))
    other = " ".join(f"other{number}" for number in range(2000))
    assert seen.is_new(word_hashes(pages))
    assert not seen.is_new(word_hashes(pages.upper()))
    assert not seen.is_new(word_hashes(more))
    assert seen.is_new(word_hashes(other))
    assert seen.is_new(word_hashes("short text"))
    assert not seen.is_new(word_hashes("Short, text!"))


def test_numbers_are_known_once_they_are_in_the_set_however_it_keeps_them():
    numbers = Numbers(latest=10)
    rising = np.arange(0, 100, 2, dtype=np.uint64)
    for number in range(0, 50, 5):
        assert not numbers.has(rising[number : number + 5]).any()
        numbers.add(rising[number : number + 5])
        assert numbers.has(rising[: number + 5]).all()
    assert not numbers.has(rising + np.uint64(1)).any()
