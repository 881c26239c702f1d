"""TransformerXLTokenizer: words, as the published models read them; not to be taken apart any further."""

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

    "moses" normalises and splits as Moses does (sacremoses, for English, with aggressive dash splits), then marks the
    commas and points in numbers. It is for plain text, and not idempotent: "@-@" comes apart. "whitespace" is for text
    that is split already, as WikiText is, and ends each line with the end-of-sentence token.

    It doesn't say where its words stand in the text; `harness/tokenization/alignment.py` finds most of them back.

    Args:
        vocab_file: A word a line, the most frequent first.
        split: "moses" or "whitespace".
        lower_case: Whether to lower-case.
        eos_token: Ends a line, and stands between the two texts of a pair.
        unk_token: Stands for every word that is not in the vocabulary.
        ends_texts: Whether the end-of-sentence token stands behind a single text too, for another to be written there.
        **settings: Those of every tokenizer of transformers.

    Raises:
        UserError: The split is another, or sacremoses is wanted and not installed.
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
        # "<formula>" stands for formulas in WikiText and is never taken apart.
        settings.setdefault("extra_special_tokens", ["<formula>"] if "<formula>" in self.ids else [])
        settings = {"token_type_ids_pattern": "all_zeros", "clean_up_tokenization_spaces": True, **settings}
        own = {"split": split, "lower_case": lower_case, "ends_texts": ends_texts}
        super().__init__(**own, eos_token=eos_token, unk_token=unk_token, **settings)

    @property
    def vocab_size(self) -> int:
        """Words in the vocabulary."""
        return len(self.words)

    def get_vocab(self) -> dict[str, int]:
        """The id of each word."""
        return {**self.ids, **self.added_tokens_encoder}

    def tokenize(self, text: str, **settings: Any) -> list[str]:
        """The words of `text`."""
        if self.split == "moses":
            return list(super().tokenize(text, **settings))
        lines = text.removesuffix("\n").split("\n") if text else []
        return [word for line in lines for word in (*self._cased(line).split(), self.eos_token)]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Plain text, its numbers whole again."""
        return WRITTEN_MARK.sub(r"\1", self._moses.detokenizer.detokenize(tokens)).strip()

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """The text, as `ends_texts` has it, or both texts of a pair with the end-of-sentence token between them."""
        end = [self.eos_token_id] * self.ends_texts
        return [*token_ids_0, *end] if token_ids_1 is None else [*token_ids_0, self.eos_token_id, *token_ids_1]

    def get_special_tokens_mask(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None, already_has_special_tokens: bool = False
    ) -> list[int]:
        """1 for the token behind a text or between the texts of a pair, else 0."""
        if already_has_special_tokens:
            return [0] * len(token_ids_0)
        if token_ids_1 is None:
            return [*[0] * len(token_ids_0), *[1] * self.ends_texts]
        return [*[0] * len(token_ids_0), 1, *[0] * len(token_ids_1)]

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str, ...]:
        """Write the words into the folder; the file's path."""
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
    """What sacremoses does, with the settings of the published models."""

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
        """The words of `text`; those in `kept` are not taken apart."""
        words: list[str] = self._tokenizer.tokenize(
            self._normalizer.normalize(text),
            aggressive_dash_splits=True,
            escape=False,
            protected_patterns=[re.escape(word) for word in kept],
        )
        return words
