"""Documents are cleaned a little, and cut into sentences that give them back."""

import pytest

from harness.pretraining.cleaning import WORDS_WITHOUT_AN_END, cleaned, sentences
from harness.registry import CORPORA

HARD = [
    "He said: “Stop.” Then he left.\n\nMr. Smith went to 3.5 places… and (so?) on! NEXT",
    "line\nline\n\nline",
    "word " * 200 + "end.",
    "?!",
    "",
]


@pytest.mark.parametrize("text", HARD)
def test_sentences_put_together_are_the_text(text):
    assert "".join(sentences(text)) == text


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["plays", "newsgroups"])
def test_sentences_of_real_documents_are_short_and_give_them_back(corpus):
    for document in list(CORPORA.load(corpus).documents())[:10]:
        text = cleaned(document)
        parts = sentences(text)
        assert "".join(parts) == text
        assert all(part.strip() for part in parts)
        assert max(len(part.split()) for part in parts) <= WORDS_WITHOUT_AN_END


@pytest.mark.slow
def test_a_cleaned_text_is_not_changed_by_cleaning():
    for document in list(CORPORA.load("news").documents())[:50]:
        assert cleaned(cleaned(document)) == cleaned(document)


def test_what_is_no_text_is_cleaned_away():
    assert cleaned("a\x00b\ufeff \t c\r\n \r\n\r\n\r\nd") == "ab c\n\nd"
