"""The text of single tokens, for people."""

from small_models import small_tokenizer

from harness.tokenization.token_texts import TokenTexts
from harness.tokenization.trained_tokenizer import train_byte_pairs


def test_a_word_begins_where_its_tokenizer_says_so_whatever_signs_its_vocabulary_has():
    pieces = small_tokenizer("bert")
    pieces.add_tokens(["▁"])
    pairs = train_byte_pairs(["the film was seen"] * 9, vocabulary_size=300)
    for tokenizer in (pieces, pairs):
        texts = TokenTexts(tokenizer)
        ids = tokenizer("the film was", add_special_tokens=False)["input_ids"]
        assert "".join(map(texts.spaced, ids)).split() == ["the", "film", "was"]
        assert [texts.bare(one) for one in ids] == [texts.spaced(one).strip() for one in ids]


def test_the_bytes_of_a_character_are_shown_as_the_character():
    pairs = train_byte_pairs(["the film was seen"] * 9, vocabulary_size=300)
    ids = pairs("the größe \U0001f642", add_special_tokens=False)["input_ids"]
    shown = TokenTexts(pairs).whole_characters(ids)
    assert "".join(text for _, text in shown).split() == ["the", "größe", "\U0001f642"]
    assert sum(count for count, _ in shown) == len(ids)
    assert (2, "ö") in shown
