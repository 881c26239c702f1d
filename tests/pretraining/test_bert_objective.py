"""BERT's pairs: half of the second texts are what follows the first, and none is longer than it may be."""

from itertools import chain, islice

import numpy as np
import pytest
from small_corpora import numbered_corpus, plan, token_file
from small_models import small_tokenizer

from harness.errors import UserError
from harness.pretraining.objectives.bert import Pairs, objective

SPECIAL = 3
LENGTH = 24


def pairs(tokens, *, length=LENGTH, seed=0):
    return Pairs(tokens, length, SPECIAL)(np.arange(tokens.document_count), np.random.default_rng(seed))


def document_of(tokens, stretch):
    """The document in which a stretch lies, whole."""
    bounds = tokens.sentences[tokens.documents]
    first, last = np.searchsorted(bounds, [stretch[0], stretch[1] - 1], side="right")
    assert first == last, "no text goes from one document into the next"
    return int(first) - 1


@pytest.fixture(scope="module")
def corpus():
    return numbered_corpus(200, sentences=30)


@pytest.mark.slow
def test_a_pair_is_never_longer_than_asked_and_its_length_is_its_tokens_with_the_special_ones(corpus):
    for length in (8, 13, LENGTH, 200):
        made = pairs(corpus, length=length)
        for pair in made:
            (((a, b),), ((c, d),)) = pair.texts
            assert a < b, "no text is empty"
            assert c < d
            assert pair.length == b - a + d - c + SPECIAL <= length


def test_about_half_of_the_second_texts_follow(corpus):
    """Every fragment of one sentence has a random second text beside, as in the published code: a little below half."""
    made = pairs(corpus, length=60)
    share = np.mean([pair.follows for pair in made])
    assert len(made) > 500
    assert 0.35 < share < 0.5


def test_a_text_that_follows_is_what_comes_next_but_for_what_was_cut_to_fit(corpus):
    for pair in pairs(corpus):
        if pair.follows:
            ((first,), (second,)) = pair.texts
            assert document_of(corpus, first) == document_of(corpus, second)
            assert second[0] >= first[1]
            if second[0] > first[1]:
                assert pair.length == LENGTH, "only what does not fit is cut"


def test_a_random_second_text_is_of_another_document(corpus):
    made = [pair for pair in pairs(corpus) if not pair.follows]
    assert made
    for pair in made:
        ((first,), (second,)) = pair.texts
        assert document_of(corpus, first) != document_of(corpus, second)


@pytest.mark.slow
def test_each_document_is_as_likely_to_give_a_random_text_as_any_other(corpus):
    counts = np.zeros(corpus.document_count)
    for seed in range(20):
        for pair in pairs(corpus, seed=seed):
            if not pair.follows:
                counts[document_of(corpus, pair.texts[1][0])] += 1
    expected = counts.sum() / len(counts)
    assert (abs(counts - expected) < 6 * expected**0.5).all()


def test_an_epoch_reads_every_sentence_once_beside_those_of_random_texts():
    """With room for all, nothing is cut: first texts, and those that follow, are the documents in order."""
    tokens = numbered_corpus(60, longest=5, sentences=6)
    read = []
    for pair in pairs(tokens, length=1000):
        read += [pair.texts[0][0], *([pair.texts[1][0]] if pair.follows else [])]
    assert [stretch[0] for stretch in read] == [0, *(stretch[1] for stretch in read[:-1])]
    assert read[-1][1] == tokens.token_count


def test_one_sequence_in_ten_is_short_on_purpose():
    """Its target is any length below the room, each as likely: Devlin et al. 2019, A.2, and the published code."""
    tokens = token_file([[[1]] * 20_000, [[2]] * 20_000])
    made = [pair for pair in pairs(tokens, length=103) if pair.follows]
    short = [pair.length - SPECIAL for pair in made if pair.length < 103]
    assert len(short) / len(made) == pytest.approx(0.1, abs=4 * (0.09 / len(made)) ** 0.5)
    assert min(short) < 20
    assert max(short) > 80


def test_of_two_texts_that_do_not_fit_the_longer_is_cut_at_either_end():
    tokens = token_file([[list(range(30)), list(range(30, 34))]])
    fronts = set()
    for seed in range(40):
        (pair,) = pairs(tokens, length=20 + SPECIAL, seed=seed)
        (((a, b),), ((c, d),)) = pair.texts
        assert (c, d) == (30, 34), "the shorter one stays whole"
        assert b - a == 16
        fronts.add(a)
    assert len(fronts) > 3, "now more of the front goes, now more of the back"


def test_a_document_of_one_sentence_has_a_random_second_text():
    tokens = token_file([[[1, 2, 3]], [[4, 5, 6]], [[7, 8]]])
    made = pairs(tokens)
    assert [pair.follows for pair in made] == [False] * 3
    assert [pair.texts[0] for pair in made] == [((0, 3),), ((3, 6),), ((6, 8),)]


@pytest.mark.parametrize("longest", [1, 40])
def test_a_single_document_is_read_to_its_end_and_all_of_its_texts_follow(longest):
    """A sentence that fills a sequence by itself has no other document to take a second text from: the next one is."""
    tokens = token_file([[list(range(longest)), *([longest + number] for number in range(400))]])
    made = pairs(tokens)
    assert all(pair.follows for pair in made)
    read = [token for pair in made for text in pair.texts for start, end in text for token in range(start, end)]
    assert [token for token in read if token > longest] in [
        list(range(longest + 1, longest + end)) for end in (399, 400)
    ]


def test_a_single_document_of_one_sentence_makes_no_pair_and_is_left_out_where_it_is_held_out():
    tokens = token_file([[[5, 6, 7]]])
    assert pairs(tokens) == []
    made = objective(numbered_corpus(), small_tokenizer("bert"), plan=plan())
    assert made.held_out(tokens) == []


def test_held_out_pairs_are_the_same_each_time_and_as_many_as_asked_for(corpus):
    made = objective(corpus, small_tokenizer("bert"), plan=plan(evaluation_tokens=300))
    found = made.held_out(corpus)
    assert [s.input_ids.tolist() for s in found] == [s.input_ids.tolist() for s in made.held_out(corpus)]
    sizes = [sequence.size for sequence in found]
    assert sum(sizes) >= 300 > sum(sizes[:-1])
    few = numbered_corpus(2)
    expected = sorted(s.words.tolist() for s in made.held_out(few))
    assert len(expected) <= len(few.sentences)
    assert sum(sequence.size for sequence in made.held_out(few)) < 300, "each once, where there are fewer"


def test_a_tokenizer_with_more_special_tokens_in_a_pair_leaves_less_room_for_words():
    tokenizer = small_tokenizer("roberta")  # [CLS] first [SEP] [SEP] second [SEP]
    tokens = token_file([[[6 + n] * 9 for n in range(30)] for _ in range(4)])
    made = objective(tokens, tokenizer, plan=plan(length=16, batch_tokens=64))
    found = list(chain.from_iterable(islice(made.steps(0), 20)))
    assert max(sequence.size for sequence in found) == 16


def test_the_share_of_pairs_that_follow_is_told(corpus):
    facts = objective(corpus, small_tokenizer("bert"), plan=plan(length=60)).facts()
    assert facts["pairs_counted"] > 500
    assert 0.35 < facts["share_of_next_pairs"] < 0.5


def test_documents_of_one_sentence_make_no_pairs_that_follow_and_are_refused():
    lines = token_file([[[5 + number % 40] * 9] for number in range(50)])
    with pytest.raises(
        UserError, match=r"none of 50 pairs of texts follow each other, .* set another corpora.documents"
    ):
        objective(lines, small_tokenizer("bert"), plan=plan(length=LENGTH)).facts()


def test_a_single_document_makes_pairs_that_all_follow_and_is_refused():
    one = token_file([[[5 + number % 40] * 4 for number in range(50)]])
    with pytest.raises(UserError, match=r"all of \d+ pairs of texts follow each other"):
        objective(one, small_tokenizer("bert"), plan=plan(length=LENGTH)).facts()
