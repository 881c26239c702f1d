"""Each corpus brings whole English documents, and says whose they are."""

import pytest

from harness.registry import CORPORA

TOLD = {  # documents, and a piece of one
    "news": (3823, "Article 50"),
    "newsgroups": (11293, "car"),
    "passages": (14371, "Wikipedia"),
    "plays": (38, "To be, or not to be"),
    "reuters": (6532, "dlrs"),
    "wikipedia_leads": (10033, "is a"),
}


def test_the_tests_name_every_corpus():
    assert set(CORPORA.names()) == set(TOLD)


@pytest.mark.slow
@pytest.mark.parametrize("name", TOLD)
def test_a_corpus_brings_its_documents_whole(name):
    count, piece = TOLD[name]
    corpus = CORPORA.load(name)
    documents = list(corpus.documents())
    assert len(documents) == count
    assert any(piece in document for document in documents)
    assert all(document.strip() for document in documents)
    assert corpus.licence
    assert corpus.citation


@pytest.mark.slow
def test_a_play_is_one_document_without_marks():
    plays = list(CORPORA.load("plays").documents())
    assert min(map(len, plays)) > 80_000
    assert not any("**" in play or "\n#" in play for play in plays)
