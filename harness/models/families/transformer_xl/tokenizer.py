"""TransformerXLTokenizer: the word tokenizer of the published models."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizer

from harness.errors import UserError
from harness.models.families.transformer_xl.vocabulary import VOCABULARY, read_words, write_words

# As in WikiText (Merity et al. 2016): "23,000" is "23 @,@ 000".
NUMBER_MARK = re.compile(r"(?<=\d)[,.](?=\d)")
WRITTEN_MARK = re.compile(r" @([,.])@ ")


class TransformerXLTokenizer(PreTrainedTokenizer):
    """Splits texts into the words of a vocabulary.

    "moses" normalises and splits like Moses (sacremoses, for English, with aggressive dash splits), then marks the
    commas and points in numbers. It is for plain text, and not idempotent: "@-@" is split. "whitespace" is for
    pretokenised text, such as WikiText, and ends each line with the end-of-sentence token.

    It returns no offsets; `harness/tokenization/alignment.py` recovers most of them.

    Args:
        vocab_file: A file with one word per line, most frequent first.
        split: "moses" or "whitespace".
        lower_case: Whether to lower-case.
        eos_token: The token at the end of a line, and between the two texts of a pair.
        unk_token: The token for words outside the vocabulary.
        ends_texts: Whether to add the end-of-sentence token after a single text too, so that another can follow.
        **settings: Settings of all tokenizers of transformers.

    Raises:
        UserError: If the split is invalid, or sacremoses is needed but not installed.
    """

    vocab_files_names = {"vocab_file": VOCABULARY}  # noqa: RUF012 -- the base class's form
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012

    def __init__(
        self,
        vocab_file: str,
        split: str = "moses",
        lower_case: bool = False,
        eos_token: str = "<eos>",
        unk_token: str = "<unk>",
        ends_texts: bool = False,
        **settings: Any,
    ) -> None:
        if split not in ("moses", "whitespace"):
            raise UserError(f'tokenizer_config.json: split: must be "moses" or "whitespace" (got {split!r}).')
        self.words = read_words(Path(vocab_file))
        self.ids = {word: index for index, word in enumerate(self.words)}
        self.split, self.lower_case, self.ends_texts = split, lower_case, ends_texts
        # "<formula>" represents formulas in WikiText and is never split.
        settings.setdefault("extra_special_tokens", ["<formula>"] if "<formula>" in self.ids else [])
        settings = {"token_type_ids_pattern": "all_zeros", "clean_up_tokenization_spaces": True, **settings}
        own = {"split": split, "lower_case": lower_case, "ends_texts": ends_texts}
        super().__init__(**own, eos_token=eos_token, unk_token=unk_token, **settings)

    @property
    def vocab_size(self) -> int:
        """Number of words in the vocabulary."""
        return len(self.words)

    def get_vocab(self) -> dict[str, int]:
        """Return the id of each word."""
        return {**self.ids, **self.added_tokens_encoder}

    def tokenize(self, text: str, **settings: Any) -> list[str]:
        """Split a text into words."""
        if self.split == "moses":
            return list(super().tokenize(text, **settings))
        lines = text.removesuffix("\n").split("\n") if text else []
        return [word for line in lines for word in (*self._cased(line).split(), self.eos_token)]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Join words to plain text, with marks in numbers removed."""
        return WRITTEN_MARK.sub(r"\1", self._moses.detokenizer.detokenize(tokens)).strip()

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """Add the end-of-sentence token between the texts of a pair, or after a single text with `ends_texts`."""
        end = [self.eos_token_id] * self.ends_texts
        return [*token_ids_0, *end] if token_ids_1 is None else [*token_ids_0, self.eos_token_id, *token_ids_1]

    def get_special_tokens_mask(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None, already_has_special_tokens: bool = False
    ) -> list[int]:
        """Return 1 for the token after a text or between the texts of a pair, else 0."""
        if already_has_special_tokens:
            return [0] * len(token_ids_0)
        if token_ids_1 is None:
            return [*[0] * len(token_ids_0), *[1] * self.ends_texts]
        return [*[0] * len(token_ids_0), 1, *[0] * len(token_ids_1)]

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str, ...]:
        """Write the vocabulary to the folder, and return the file's path."""
        file = Path(save_directory) / (f"{filename_prefix}-{VOCABULARY}" if filename_prefix else VOCABULARY)
        write_words(self.words, file)
        return (str(file),)

    @cached_property
    def _moses(self) -> _Moses:
        return _Moses()

    def _tokenize(self, text: str, **_: Any) -> list[str]:
        words = self._moses.words(self._cased(text.strip()), kept=self.all_special_tokens)
        return [part for word in words for part in NUMBER_MARK.sub(r" @\g<0>@ ", word).split()]

    def _cased(self, text: str) -> str:
        return text.lower() if self.lower_case else text

    def _convert_token_to_id(self, token: str) -> int | None:
        return self.ids.get(token, self.ids.get(self.unk_token))

    def _convert_id_to_token(self, index: int) -> str:
        return self.words[index]


class _Moses:
    """sacremoses with the settings of the published models."""

    def __init__(self) -> None:
        try:
            import sacremoses  # noqa: PLC0415 -- wanted by this tokenizer alone, and optional
        except ImportError as error:
            raise UserError(
                "TransformerXLTokenizer: needs sacremoses. Run: pip install 'finetune-harness[transformer-xl]'."
            ) from error
        self._normalizer = sacremoses.MosesPunctNormalizer("en")
        self._tokenizer = sacremoses.MosesTokenizer("en")
        self.detokenizer = sacremoses.MosesDetokenizer("en")

    def words(self, text: str, *, kept: list[str]) -> list[str]:
        """Split a text into words, but not those in `kept`."""
        words: list[str] = self._tokenizer.tokenize(
            self._normalizer.normalize(text),
            aggressive_dash_splits=True,
            escape=False,
            protected_patterns=[re.escape(word) for word in kept],
        )
        return words
