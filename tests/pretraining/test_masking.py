"""Masks: how many words are hidden, which, behind what, and how much each counts."""

from itertools import chain, islice

import numpy as np
import pytest
from small_corpora import FIRST_WORD, plan, word_corpus
from small_models import small_tokenizer

from harness.pretraining.masking import Masker, weighted
from harness.pretraining.sequence_sampling import epoch_sequences, sampled_sequences
from harness.registry import OBJECTIVES


@pytest.fixture(scope="module")
def tokenizer():
    return small_tokenizer("bert")


@pytest.fixture(scope="module")
def corpus(tokenizer):
    return word_corpus(400, vocabulary=len(tokenizer))


def sequences(corpus, tokenizer, name="roberta", *, steps=200, **settings):
    """The sequences of the first steps."""
    made = OBJECTIVES.load(name)(corpus, tokenizer, plan=plan(**{"batch_tokens": 512, "length": 64, **settings}))
    return list(chain.from_iterable(islice(made.steps(0), steps)))


def unmasked(sequence):
    """The sequence's ids as they were before."""
    ids = sequence.input_ids.copy()
    ids[sequence.places] = sequence.words
    return ids


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", ["roberta", "bert"])
def test_the_asked_share_of_each_sequence_is_hidden_and_special_tokens_never(name, corpus, tokenizer):
    for share in (0.15, 0.4):
        for sequence in sequences(corpus, tokenizer, name, steps=20, masked=share):
            expected = min(max(1, round(sequence.size * share)), sequence.size - 2)
            assert len(sequence.words) == len(sequence.places) == expected
            assert len(set(sequence.places.tolist())) == expected
            assert (sequence.words >= FIRST_WORD).all()


@pytest.mark.slow
def test_of_the_hidden_words_eight_in_ten_are_masked_and_one_in_ten_is_another_word(corpus, tokenizer):
    """Devlin et al. 2019, appendix A.1. Bounds: four standard deviations of a binomial share."""
    found = sequences(corpus, tokenizer, steps=300)
    shown = np.concatenate([sequence.input_ids[sequence.places] for sequence in found])
    words = np.concatenate([sequence.words for sequence in found])
    count, kinds = len(words), len(tokenizer) - FIRST_WORD
    assert count > 20_000
    masked, kept = shown == tokenizer.mask_token_id, shown == words
    # A word that is drawn in another's place is now and then the same one.
    for share, expected in ((masked.mean(), 0.8), (kept.mean(), 0.1 + 0.1 / kinds)):
        assert share == pytest.approx(expected, abs=4 * (expected * (1 - expected) / count) ** 0.5)
    replaced = shown[~masked & ~kept]
    assert replaced.min() >= FIRST_WORD
    assert replaced.max() == len(tokenizer) - 1
    expected = len(replaced) / kinds
    counts = np.bincount(replaced, minlength=len(tokenizer))[FIRST_WORD:]
    assert (abs(counts - expected) < 6 * expected**0.5).all(), "each word is as likely as any other"


@pytest.mark.slow
def test_every_place_is_as_likely_to_be_hidden_as_any_other(corpus, tokenizer):
    found = [sequence for sequence in sequences(corpus, tokenizer, steps=300) if sequence.size >= 60]
    hidden = np.zeros(60)
    for sequence in found:
        hidden[sequence.places[sequence.places < 60]] += 1
    share = hidden[1:59] / len(found)
    assert hidden[0] == 0, "the first token is special"
    assert share == pytest.approx(0.15, abs=5 * (0.15 * 0.85 / len(found)) ** 0.5)


@pytest.mark.parametrize("name", ["roberta", "bert"])
def test_the_words_are_what_stands_in_the_corpus_and_all_else_is_shown(name, corpus, tokenizer):
    made = OBJECTIVES.load(name)(corpus, tokenizer, plan=plan(length=64))
    masker = Masker(corpus, tokenizer, share=0.15, seed=0)
    for sampled in islice(sampled_sequences(corpus, made._sampler_of(corpus), seed=0, versions=None), 100):
        texts = [
            [token for start, end in text for token in [*corpus.ids[start:end].tolist(), tokenizer.sep_token_id]]
            for text in sampled.texts
        ]
        expected = [tokenizer.cls_token_id, *(token for text in texts for token in text)]
        sequence = masker(sampled)
        assert unmasked(sequence).tolist() == expected
        assert sequence.size == sampled.length
        types = [0] * (1 + len(texts[0])) + [1] * sum(map(len, texts[1:]))
        assert sequence.token_type_ids.tolist() == types


def shown(made):
    """What the model is shown, and what it is to predict, without an order."""
    return sorted((sequence.input_ids.tobytes(), sequence.words.tobytes()) for sequence in made)


@pytest.mark.slow
def test_static_masks_come_again_in_another_order_after_so_many_versions(corpus, tokenizer):
    made = OBJECTIVES.load("bert")(corpus, tokenizer, plan=plan(length=64, duplicates=2))
    sizes = [
        len(list(epoch_sequences(corpus, made._sampler_of(corpus), seed=0, version=epoch % 2, epoch=epoch)))
        for epoch in range(3)
    ]
    flat = chain.from_iterable(made.steps(0))
    first, second, third = (list(islice(flat, size)) for size in sizes)
    assert shown(third) == shown(first)
    assert [s.input_ids.tolist() for s in third] != [s.input_ids.tolist() for s in first]
    assert set(shown(second)).isdisjoint(shown(first))


@pytest.mark.slow
def test_dynamic_masks_never_come_again(corpus, tokenizer):
    made = OBJECTIVES.load("roberta")(corpus, tokenizer, plan=plan(length=64))
    size = len(list(epoch_sequences(corpus, made._sampler_of(corpus), seed=0, version=0, epoch=0)))
    found = shown(islice(chain.from_iterable(made.steps(0)), 4 * size))
    assert len(set(found)) == len(found)


def test_the_mean_of_the_weighted_sequences_is_the_mean_of_their_words(corpus, tokenizer):
    batch = sequences(corpus, tokenizer, "bert", steps=1)
    assert len({len(sequence.words) for sequence in batch}) > 1
    losses = [np.random.default_rng(number).random(len(s.words)) for number, s in enumerate(weighted(batch))]
    mean = np.mean([loss.sum() * sequence.weight for loss, sequence in zip(losses, weighted(batch), strict=True)])
    assert mean == pytest.approx(np.concatenate(losses).mean())
    assert [sequence.weight for sequence in batch] == [sequence.weight for sequence in weighted(batch)]


def test_a_masked_sequence_is_the_same_whenever_it_is_asked_for_and_another_with_another_seed(corpus, tokenizer):
    one, again = (sequences(corpus, tokenizer, steps=3) for _ in range(2))
    other = sequences(corpus, tokenizer, steps=3, seed=1)
    assert [s.input_ids.tolist() for s in one] == [s.input_ids.tolist() for s in again]
    assert [s.input_ids.tolist() for s in one] != [s.input_ids.tolist() for s in other]
