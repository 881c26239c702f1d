"""Train tokenizers on the training texts of a task, for models without a checkpoint."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

PAD, UNKNOWN, FIRST, SEPARATOR, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CONTINUED = "##"
LONGEST_RUN = 1_000
_LONG_RUN = re.compile(rf"\S{{{LONGEST_RUN + 1},}}")


class RunCutter:
    """Cuts long runs without white space, whose length affects the training time of a tokenizer quadratically.

    Attributes:
        count: Number of runs cut so far.
    """

    def __init__(self) -> None:
        self.count = 0

    def cut(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield the texts, cutting those with long runs into pieces without."""
        for text in texts:
            yield from self._pieces(text)

    def _pieces(self, text: str) -> Iterator[str]:
        start = 0
        for match in _LONG_RUN.finditer(text):
            self.count += 1
            for stop in range(match.start() + LONGEST_RUN, match.end(), LONGEST_RUN):
                yield text[start:stop]
                start = stop
        yield text[start:]


def train_tokenizer(
    texts: Iterable[str], *, vocabulary_size: int = 8192, lower: bool = True
) -> PreTrainedTokenizerFast:
    """Train a WordPiece tokenizer. The same texts give the same file, byte for byte.

    It normalises and splits texts, and adds special tokens, as BERT does (Devlin et al. 2019, section 3):
    `[CLS] text [SEP]`, or `[CLS] text [SEP] pair [SEP]` with token type 1 for the pair. The special tokens have the ids
    0 to 4.

    Args:
        texts: The training texts of a task. Those of validation and test would leak their words.
        vocabulary_size: Maximum size of the vocabulary. It is smaller for a small corpus, and always includes the
            special tokens. At most a quarter are letters (twice, at a word's start and inside): words with rarer
            letters become [UNK].
        lower: Whether to lower-case, and strip accents.
    """
    texts = list(RunCutter().cut(texts))
    tokenizer = _empty_tokenizer({token: index for index, token in enumerate(SPECIAL_TOKENS)}, lower=lower)
    letters, continued = _letters(tokenizer, texts, most=vocabulary_size // 4)
    # The trainer numbers the letters inside words in the order of a randomly seeded hash table, and breaks ties between
    # merges by these numbers. Passing the letters in alphabetical order makes the result deterministic.
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[*SPECIAL_TOKENS, *(CONTINUED + letter for letter in continued)],
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        continuing_subword_prefix=CONTINUED,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer, length=len(texts))
    # Rebuilt, so that "##e" is an ordinary piece, not a special token that is searched for in texts.
    return wrapped(_empty_tokenizer(tokenizer.get_vocab(), lower=lower))


def train_byte_pairs(
    texts: Iterable[str], *, vocabulary_size: int = 8192, lower: bool = False
) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer. It has every byte: no text is unknown, and decoding restores it.

    A space belongs to the next word, also if that is masked: in "new [MASK] city" the mask includes the space. Special
    tokens are added as in BERT, with the ids 0 to 4.

    Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2.

    Args:
        texts: As in `train_tokenizer`.
        vocabulary_size: Maximum size of the vocabulary.
        lower: Whether to lower-case.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    if lower:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[
            AddedToken(token, special=True, normalized=False, lstrip=token == MASK) for token in SPECIAL_TOKENS
        ],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(RunCutter().cut(texts), trainer)
    return wrapped(tokenizer)


def _empty_tokenizer(vocabulary: dict[str, int], *, lower: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=UNKNOWN, continuing_subword_prefix=CONTINUED))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix=CONTINUED)
    return tokenizer


def _letters(tokenizer: Tokenizer, texts: Sequence[str], most: int) -> tuple[list[str], list[str]]:
    """Return the `most` frequent letters of the words in `texts`, and those that occur inside words; both sorted."""
    words: Counter[str] = Counter()
    for text in texts:
        clean = tokenizer.normalizer.normalize_str(text)
        words.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(clean))
    counts: Counter[str] = Counter()
    for word, times in words.items():
        for letter in word:
            counts[letter] += times
    frequent = sorted(counts, key=lambda letter: (-counts[letter], letter))[:most]
    return sorted(frequent), sorted(set(frequent) & {letter for word in words for letter in word[1:]})


def wrapped(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """Wrap a tokenizer for transformers, with special tokens around texts and pairs as in BERT."""
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{FIRST} $A {SEPARATOR}",
        pair=f"{FIRST} $A {SEPARATOR} $B:1 {SEPARATOR}:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (FIRST, SEPARATOR)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        cls_token=FIRST,
        sep_token=SEPARATOR,
        mask_token=MASK,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
