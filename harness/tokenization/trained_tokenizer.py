"""A tokenizer trained on a task's own training texts, for models that start from nothing."""

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
    """Cuts long stretches without a blank, on which training a tokenizer takes time by the square of their length.

    Attributes:
        count: How many were cut so far.
    """

    def __init__(self) -> None:
        self.count = 0

    def cut(self, texts: Iterable[str]) -> Iterator[str]:
        """The texts; one with such a stretch in pieces, of which none has one."""
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
    """A WordPiece tokenizer that has seen `texts` only; the same texts give the same file, byte for byte.

    It cleans, splits and frames texts as BERT does (Devlin et al. 2019, section 3): `[CLS] text [SEP]`, or
    `[CLS] text [SEP] pair [SEP]` with token type 1 for the pair. The special tokens have the ids 0 to 4.

    Args:
        texts: A task's training texts; validation and test texts would leak their words.
        vocabulary_size: Most pieces in the vocabulary. A small corpus gives fewer; a vocabulary below 5 still
            holds the special tokens. Letters take a quarter at most (twice, at a word's start and inside):
            words with a rarer letter become [UNK].
        lower: Whether to lower-case, and strip accents.
    """
    texts = list(RunCutter().cut(texts))
    tokenizer = _empty_tokenizer({token: index for index, token in enumerate(SPECIAL_TOKENS)}, lower=lower)
    letters, continued = _letters(tokenizer, texts, most=vocabulary_size // 4)
    # The trainer numbers a word's inner letters in the order of a randomly seeded hash table, and breaks ties between
    # merges by these numbers. Given beforehand, in alphabetical order, they and all that follows are always the same.
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[*SPECIAL_TOKENS, *(CONTINUED + letter for letter in continued)],
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        continuing_subword_prefix=CONTINUED,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer, length=len(texts))
    # Built anew, so that "##e" is a piece like any other, not a special token to be found in texts.
    return wrapped(_empty_tokenizer(tokenizer.get_vocab(), lower=lower))


def train_byte_pairs(
    texts: Iterable[str], *, vocabulary_size: int = 8192, lower: bool = False
) -> PreTrainedTokenizerFast:
    """A byte-level byte-pair encoding, with every byte in its vocabulary: no text is unknown, each comes back whole.

    A space belongs to the word behind it, also where that is hidden: in "new [MASK] city" the mask takes it up. It
    frames texts as BERT does, with the special tokens of ids 0 to 4.

    Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2.

    Args:
        texts: As in `train_tokenizer`.
        vocabulary_size: Most entries in the vocabulary.
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
    tokenizer.train_from_iterator(texts, trainer)
    return wrapped(tokenizer)


def _empty_tokenizer(vocabulary: dict[str, int], *, lower: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=UNKNOWN, continuing_subword_prefix=CONTINUED))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix=CONTINUED)
    return tokenizer


def _letters(tokenizer: Tokenizer, texts: Sequence[str], most: int) -> tuple[list[str], list[str]]:
    """The `most` frequent letters of the words in `texts`, and those of them that stand inside a word; both sorted."""
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
    """The tokenizer as transformers takes it: with BERT's special tokens, framing texts and pairs as BERT does."""
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
