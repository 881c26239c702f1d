"""RoBERTa's full sentences: sequences are filled across documents, with nothing lost and nothing read twice."""

from itertools import chain, islice, pairwise

import numpy as np
import pytest
from small_corpora import FIRST_WORD, numbered_corpus, plan, token_file, word_corpus
from small_models import small_tokenizer

from harness.pretraining.masking import Masker
from harness.pretraining.objectives.roberta import FullSentences, objective
from harness.pretraining.sequence_sampling import epoch_sequences

SPECIAL = 2
LENGTH = 16


def sequences(tokens, *, length=LENGTH, order=None):
    order = np.arange(tokens.document_count) if order is None else order
    return FullSentences(tokens, length, SPECIAL)(order, np.random.default_rng(0))


@pytest.mark.parametrize("length", [8, LENGTH, 100])
@pytest.mark.parametrize("longest", [3, 40])
def test_every_token_is_read_once_and_in_its_document_s_order(length, longest):
    tokens = numbered_corpus(longest=longest)
    order = np.random.default_rng(1).permutation(tokens.document_count)
    read = [
        int(tokens.ids[place])
        for sampled in sequences(tokens, length=length, order=order)
        for start, end in sampled.texts[0]
        for place in range(start, end)
    ]
    assert read == [token for document in order for token in tokens.document(document).tolist()]


@pytest.mark.parametrize("shard_tokens", [100, 2**22])
def test_an_epoch_of_several_shards_has_every_token_once(shard_tokens, monkeypatch):
    monkeypatch.setattr("harness.pretraining.sequence_sampling.SHARD_TOKENS", shard_tokens)
    tokens = numbered_corpus(longest=40)
    made = epoch_sequences(tokens, FullSentences(tokens, LENGTH, SPECIAL), seed=5, version=2, epoch=2)
    read = [place for sampled in made for start, end in sampled.texts[0] for place in range(start, end)]
    assert sorted(read) == list(range(tokens.token_count))


def test_a_sequence_is_full_the_next_sentence_would_not_have_fitted():
    tokens = numbered_corpus(100)
    made = sequences(tokens)
    ends = tokens.sentences.tolist()
    documents = set(tokens.sentences[tokens.documents].tolist())
    for sampled, following in pairwise(made):
        start = following.texts[0][0][0]
        sentence = ends[ends.index(start) + 1] - start
        separator = start in documents
        assert sampled.length <= LENGTH < sampled.length + separator + sentence
    assert len(made) > 50


def test_a_sentence_that_is_longer_than_a_sequence_is_cut_and_not_lost():
    tokens = token_file([[list(range(100)), [100, 101]]])
    made = sequences(tokens)
    assert [sampled.texts[0] for sampled in made][:2] == [((0, 13),), ((13, 26),)]
    assert made[-1].texts[0] == ((91, 102),), "what is left of it is filled up with the next sentence"


def test_a_separator_stands_between_documents_and_nowhere_else():
    tokenizer = small_tokenizer("bert")
    tokens = word_corpus(40, vocabulary=len(tokenizer), longest=6)
    masker = Masker(tokens, tokenizer, share=0.15, seed=0)
    starts = set(tokens.sentences[tokens.documents].tolist())
    for sampled in sequences(tokens, length=64):
        sequence = masker(sampled)
        ids = sequence.input_ids.copy()
        ids[sequence.places] = sequence.words
        assert sequence.size == sampled.length
        assert ids[0] == tokenizer.cls_token_id
        assert ids[-1] == tokenizer.sep_token_id
        inside = ids[1:-1].tolist()
        expected = []
        for number, (start, end) in enumerate(sampled.texts[0]):
            assert (start in starts) or number == 0, "a sequence is parted where a document begins"
            assert not starts.intersection(range(start + 1, end)), "and everywhere there"
            expected += [tokenizer.sep_token_id] * (number > 0) + tokens.ids[start:end].tolist()
        assert inside == expected
        assert not sequence.token_type_ids.any()


def test_steps_read_so_many_tokens_each_and_pairs_are_not_judged():
    tokenizer = small_tokenizer("roberta")
    tokens = word_corpus(60, vocabulary=len(tokenizer))
    batches = list(islice(objective(tokens, tokenizer, plan=plan(batch_tokens=160, length=32)).steps(0), 50))
    read = np.cumsum([sum(sequence.size for sequence in batch) for batch in batches])
    over = read - 160 * np.arange(1, 51)
    assert ((over >= 0) & (over < 32)).all()
    found = list(chain.from_iterable(batches))
    assert {sequence.follows for sequence in found} == {None}
    assert all(sequence.words.min() >= FIRST_WORD for sequence in found)


def test_held_out_texts_of_unknown_words_alone_are_left_out():
    tokenizer = small_tokenizer("roberta")
    made = objective(word_corpus(vocabulary=len(tokenizer)), tokenizer, plan=plan())
    assert made.held_out(token_file([[[tokenizer.unk_token_id] * 9]])) == []
    assert len(made.held_out(token_file([[[FIRST_WORD] * 9]]))) == 1
