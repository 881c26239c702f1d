"""Languages of multilingual models' tokenizers: known by what each calls them, and refused with those that are like."""

import pytest
import transformers

from harness.errors import UserError
from harness.task_types.sequence_to_sequence import Writing
from harness.task_types.sequence_to_sequence.targets import Targets
from harness.tokenization.languages import known_languages, language_token
from harness.tokenization.pair_layout import APART
from harness.tokenization.trained_tokenizer import train_byte_pairs


@pytest.mark.parametrize(
    ("tokenizer", "language", "like"),
    [(transformers.MBartTokenizer, "de", "de_DE"), (transformers.NllbTokenizer, "deu", "deu_Latn")],
)
def test_an_unknown_language_is_refused_with_those_that_are_called_most_like_it(tokenizer, language, like):
    made = tokenizer()
    assert language_token(made, "target_language", like) == made.convert_tokens_to_ids(like)
    for setting in ("source_language", "target_language"):
        with pytest.raises(UserError) as caught:
            Targets(made, Writing(**{setting: language}), APART)
        (line,) = caught.value.lines
        count = len(known_languages(made))
        assert line.startswith(f"{setting}: this model's tokenizer does not know the language {language!r}. Name one")
        assert f"it knows: {like}, " in line
        assert line.endswith(f" and {count - 8} more.")
        assert count > 20


def test_a_tokenizer_of_one_language_knows_none():
    with pytest.raises(UserError, match=r"source_language: this model's tokenizer knows no languages \(got 'en_XX'\)"):
        language_token(train_byte_pairs(["a text"], vocabulary_size=300), "source_language", "en_XX")
