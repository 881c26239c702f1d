"""Which stretches make a sequence: every one once an epoch, in an order that seed and epoch alone decide."""

from itertools import islice, pairwise

import numpy as np
import pytest
from small_corpora import numbered_corpus, token_file

from harness.errors import UserError
from harness.pretraining.sequence_sampling import (
    SampledSequence,
    epoch_sequences,
    sampled_sequences,
    sentence_spans,
    steps_of,
)


def whole_documents(tokens):
    """A sampled a document, with a random number that shows what was drawn for it."""

    def sampler(documents, generator):
        made = []
        for document in documents:
            first, last = tokens.sentences[tokens.documents[document : document + 2]].tolist()
            made.append(SampledSequence((((first, last),),), last - first, bool(generator.random() < 0.5)))
        return made

    return sampler


def epochs(tokens, count, *, seed=3, versions=None):
    """The sampled_sequences of some epochs, an epoch a list."""
    found = sampled_sequences(tokens, whole_documents(tokens), seed=seed, versions=versions)
    return [list(islice(found, tokens.document_count)) for _ in range(count)]


def stretches(made):
    return [sampled.texts for sampled in made]


@pytest.mark.parametrize("shard_tokens", [50, 200, 2**22])
def test_an_epoch_has_every_document_once_however_many_shards_there_are(shard_tokens, monkeypatch):
    monkeypatch.setattr("harness.pretraining.sequence_sampling.SHARD_TOKENS", shard_tokens)
    tokens = numbered_corpus()
    bounds = tokens.sentences[tokens.documents].tolist()
    expected = {(((start, end),),) for start, end in pairwise(bounds)}
    for made in epochs(tokens, 3):
        assert len(made) == tokens.document_count
        assert set(stretches(made)) == expected
        shards = {sampled.key[1] for sampled in made}
        assert len(shards) > 1 or shard_tokens >= tokens.token_count


def test_a_shard_is_read_before_the_next_one_and_holds_about_so_many_tokens(monkeypatch):
    monkeypatch.setattr("harness.pretraining.sequence_sampling.SHARD_TOKENS", 200)
    tokens = numbered_corpus()
    (made,) = epochs(tokens, 1)
    numbers = [sampled.key[1] for sampled in made]
    assert numbers == sorted(numbers)
    longest = max(sampled.length for sampled in made)
    sizes = [sum(sampled.length for sampled in made if sampled.key[1] == shard) for shard in set(numbers)]
    assert sum(sizes) == tokens.token_count
    assert all(size <= 200 + longest for size in sizes)


def test_the_order_depends_on_seed_and_epoch_alone():
    tokens = numbered_corpus()
    first, second = epochs(tokens, 2)
    assert epochs(tokens, 2) == [first, second]
    assert stretches(first) != stretches(second)
    assert stretches(epochs(tokens, 1, seed=4)[0]) != stretches(first)
    again = list(epoch_sequences(tokens, whole_documents(tokens), seed=3, version=1, epoch=1))
    assert again == second, "an epoch is found without those before it"


def test_with_two_versions_the_third_epoch_is_the_first_one_in_another_order():
    tokens = numbered_corpus()
    first, second, third, fourth = epochs(tokens, 4, versions=2)
    assert third != first
    assert sorted(third, key=lambda sampled: sampled.key) == sorted(first, key=lambda sampled: sampled.key)
    assert sorted(fourth, key=lambda sampled: sampled.key) == sorted(second, key=lambda sampled: sampled.key)
    assert {sampled.key for sampled in first}.isdisjoint(sampled.key for sampled in second)


def test_without_versions_no_two_epochs_have_a_key_in_common():
    keys = [sampled.key for made in epochs(numbered_corpus(), 4) for sampled in made]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("start", [0, 1, 7, 40])
def test_steps_that_are_skipped_give_the_steps_that_reading_them_gives(start):
    tokens = numbered_corpus()

    def steps(skipped):
        found = sampled_sequences(tokens, whole_documents(tokens), seed=0, versions=None)
        return steps_of(found, batch_tokens=100, start=skipped)

    assert list(islice(steps(start), 10)) == list(islice(steps(0), start, start + 10))


def test_so_many_steps_have_read_so_many_times_batch_tokens_and_less_than_a_sequence_more():
    tokens = numbered_corpus()
    found = sampled_sequences(tokens, whole_documents(tokens), seed=0, versions=None)
    sizes = [[sampled.length for sampled in batch] for batch in islice(steps_of(found, batch_tokens=100, start=0), 200)]
    read = np.cumsum([sum(batch) for batch in sizes])
    over = read - 100 * np.arange(1, 201)
    assert all(0 <= surplus < batch[-1] for surplus, batch in zip(over, sizes, strict=True) if batch)


@pytest.mark.parametrize("documents", [[], [[[1, 2, 3]]]])
def test_a_corpus_that_makes_no_sequence_is_told_and_not_searched_for_ever(documents):
    tokens = token_file(documents)
    with pytest.raises(UserError, match=f"{tokens.token_count} tokens are too few for a sequence"):
        next(sampled_sequences(tokens, lambda *_: [], seed=0, versions=None))


def test_a_sentence_without_a_token_is_no_stretch():
    tokens = token_file([[[1, 2], [], [3]], [[4]]])
    assert sentence_spans(tokens, 0) == [(0, 2), (2, 3)]
