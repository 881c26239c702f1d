"""Read texts of any length in windows, with one mechanism for every strategy.

A text is encoded once, without special tokens. A strategy selects spans of it, and the tokenizer's own special tokens,
found with probes, are put around each span. Truncation is therefore never silent: the tokens read are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.config.training import Training
from harness.errors import UserError
from harness.tokenization.as_text import Encoded
from harness.tokenization.encoding import encode
from harness.tokenization.pair_layout import APART, PairLayout

TokenSpan = Sequence[int]  # token positions of the text, in order

ANY_LENGTH = 10**30  # The value for no limit in transformers.
MAX_WINDOWS = 64
USUAL_WINDOW = 512
NO_BOUND = 2**62


@dataclass(frozen=True, slots=True)
class Window:
    """One input of the model.

    Attributes:
        input_ids: Token ids with special tokens.
        token_type_ids: The text that each token belongs to.
        first: Start of the span of the (second) text in `input_ids`.
        positions: The span, as token positions of the (second) text.
        scored_tokens: Indices in `input_ids` of the tokens to predict (language modelling).
        target_ids: Token ids of the target, with the end token (sequence to sequence).
    """

    input_ids: list[int]
    token_type_ids: list[int]
    first: int
    positions: TokenSpan
    scored_tokens: Sequence[int] = ()
    target_ids: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The windows of one example.

    Attributes:
        windows: The windows, in order.
        total: Number of tokens of the example, without special tokens.
        seen: Number of these tokens that are in some window.
        offsets: The characters of the (second) text that each of its tokens covers, if requested.
    """

    windows: tuple[Window, ...]
    total: int
    seen: int
    offsets: list[tuple[int, int]]


@dataclass(frozen=True)
class Template:
    """The special tokens that a tokenizer puts before, between and after texts, with their type ids.

    Attributes:
        pieces: Lists of (id, type): before the text and after it, and for a pair also between the two.
        types: The type id of each text's own tokens.
    """

    pieces: tuple[tuple[tuple[int, int], ...], ...]
    types: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of special tokens."""
        return sum(len(piece) for piece in self.pieces)

    def around(self, *texts: Sequence[int]) -> tuple[list[int], list[int], int]:
        """Return ids and types of `texts` with special tokens, and the start of the last text."""
        ids = [token for token, _ in self.pieces[0]]
        types = [kind for _, kind in self.pieces[0]]
        first = len(ids)
        for text, kind, piece in zip(texts, self.types, self.pieces[1:], strict=True):
            first = len(ids)
            ids += [*text, *(token for token, _ in piece)]
            types += [kind] * len(text) + [kind for _, kind in piece]
        return ids, types, first


def learnt_template(tokenizer: Any, texts: int) -> Template:
    """Return the template of a tokenizer for one text or a pair, found by encoding a probe."""
    probe = tokenizer(*["a"] * texts, return_special_tokens_mask=True, return_token_type_ids=True)
    pieces: list[list[tuple[int, int]]] = [[]]
    kinds: list[int] = []
    inside = False
    for token, kind, special in zip(
        probe["input_ids"], probe["token_type_ids"], probe["special_tokens_mask"], strict=True
    ):
        if special:
            pieces[-1].append((token, kind))
        elif not inside:
            kinds.append(kind)
            pieces.append([])
        inside = not special
    if len(kinds) != texts:
        raise UserError(f"tokenizer {type(tokenizer).__name__}: it does not separate the two texts of a pair.")
    return Template(tuple(tuple(piece) for piece in pieces), tuple(kinds))


@dataclass(frozen=True)
class Reader:
    """Reads texts with a tokenizer, in windows of at most `window` tokens.

    Attributes:
        tokenizer: A transformers tokenizer.
        window: Maximum number of tokens in a window, including special tokens.
        strategy: "head", "head_tail" or "windows"; with "segment_recurrence" and "independent_segments" a text is read
            in one window of any length, which is split later.
        stride: Number of tokens shared by neighbouring windows.
        max_windows: Maximum number of windows of a text.
        causal: Whether the model predicts each token from previous ones only.
        layout: How source and target are arranged in the input, if the model generates text.
    """

    tokenizer: Any
    window: int
    strategy: str
    stride: int
    max_windows: int
    causal: bool = False
    layout: PairLayout = APART

    def documents(
        self,
        texts: Sequence[str],
        pairs: Sequence[str | None],
        *,
        return_offsets: bool = False,
        repeat_first: bool = False,
    ) -> list[Document]:
        """Return the windows of each text or pair.

        Args:
            texts: The texts, or the first texts of pairs.
            pairs: The second texts.
            return_offsets: Whether to return offsets, for a pair those of the second text.
            repeat_first: Whether to repeat a pair's first text at the end.
        """
        paired = any(pair is not None for pair in pairs)
        first = encode(self.tokenizer, texts, return_offsets=False)
        if not paired:
            return self.documents_of(first)
        template = learnt_template(self.tokenizer, 2)
        second = encode(self.tokenizer, [pair or "" for pair in pairs], return_offsets=return_offsets)
        times = 2 if repeat_first else 1
        return [self._of_pair(a.ids, b, template, times) for a, b in zip(first, second, strict=True)]

    def documents_of(self, encoded: Sequence[Encoded]) -> list[Document]:
        """Return the windows of encoded texts."""
        template = learnt_template(self.tokenizer, 1)
        return [self._of_text(text, template) for text in encoded]

    def _of_text(self, text: Encoded, template: Template) -> Document:
        spans = self.spans(len(text.ids), self._room(template))
        windows = tuple(_window(template, (), text.ids, span) for span in spans)
        if not windows[0].input_ids:  # Models need at least one token.
            windows = (Window([_stand_in(self.tokenizer)], [template.types[0]], 1, range(0)),)
        return Document(windows, len(text.ids), covered(spans), text.offsets)

    def _of_pair(self, first: list[int], second: Encoded, template: Template, times: int) -> Document:
        """Repeat the first text in every window, once or twice, and select spans of the second by the strategy.

        If both are too long, each gets half of the space; with "head" the longer one gets the odd token, as in Hugging
        Face's tokenizers. So "head" truncates the longer text first, as in Devlin et al. 2019.
        """
        room = self._room(template)
        length = len(second.ids)
        odd = self.strategy == "head" and len(first) > length
        head = first[: max((room + odd) // 2, room - length) // times]
        left = room - len(head) * times
        # If the first text leaves no more space than a stride, the stride is reduced, so that windows advance.
        own = replace(self, stride=left // 2) if left <= self.stride < room else self
        spans = own.spans(length, left)
        again = head * (times - 1)
        windows = tuple(_window(template, (head,), second.ids, span, again) for span in spans)
        return Document(windows, len(first) + length, len(head) + covered(spans), second.offsets)

    def _room(self, template: Template) -> int:
        room = self.window - template.size
        if room < 2:
            raise UserError(
                f"max_length: {self.window} tokens leave no room for text next to {template.size} special ones."
            )
        return room

    def spans(self, length: int, room: int) -> Sequence[TokenSpan]:
        """Return the token positions in each window, for a text of `length` tokens and at most `room` per window.

        Raises:
            UserError: If the stride is not smaller than `room`, so that windows would not advance.
        """
        if length <= room or self.strategy not in ("head_tail", "windows"):
            return [range(min(length, room))]
        if self.strategy == "head_tail":
            # Sun et al. 2019 (section 5.3.1) keep a quarter of the head and the rest from the tail.
            head = room // 4
            return [(*range(head), *range(length - (room - head), length))]
        if self.stride >= room:
            raise UserError(
                f"stride: {self.stride} is not smaller than the {room} tokens of text that a window holds. Lower it."
            )
        starts = range(0, length - self.stride, room - self.stride)
        return [range(start, min(start + room, length)) for start in starts][: self.max_windows]


def _stand_in(tokenizer: Any) -> int:
    """Return the token that replaces an empty text: the first defined of BOS, EOS and padding."""
    known = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    return next(int(token) for token in known if token is not None)


def covered(spans: Sequence[TokenSpan]) -> int:
    """Count the positions in at least one of the spans.

    >>> covered([range(0, 6), range(4, 10)])
    10
    """
    return len(spans[0]) if len(spans) == 1 else len(set().union(*spans))


def max_context_positions(index: int, document: Document) -> range:
    """Return the positions with more context in this window than in others: overlaps are split in the middle."""
    positions = document.windows[index].positions
    if not positions:
        return range(0)
    start, stop = positions[0], positions[-1] + 1
    if index > 0:
        start = (start + document.windows[index - 1].positions[-1] + 1) // 2
    if index + 1 < len(document.windows):
        stop = (stop + document.windows[index + 1].positions[0]) // 2
    return range(start, stop)


def _window(
    template: Template, before: tuple[list[int], ...], ids: list[int], span: TokenSpan, again: Sequence[int] = ()
) -> Window:
    """Create a window on a span of `ids`, after the texts of `before`, followed by `again`."""
    input_ids, token_type_ids, first = template.around(*before, [ids[position] for position in span])
    return Window([*input_ids, *again], [*token_type_ids, *[template.types[0]] * len(again)], first, span)


def reader_for(
    training: Training,
    tokenizer: Any,
    *,
    limit: int | None,
    stride: int,
    strategy: str | None,
    shared: int = 0,
    causal: bool = False,
    layout: PairLayout = APART,
) -> Reader:
    """Create the reader for a recipe.

    Args:
        training: The recipe.
        tokenizer: The model's tokenizer.
        limit: Maximum number of tokens that the model can read; None if there is no limit.
        stride: The task type's default number of tokens shared by neighbouring windows.
        strategy: The task type's own strategy, if the recipe has no choice.
        shared: Minimum number of shared tokens, up to half of a window, unless the recipe sets the stride.
        causal: Whether the model predicts each token from previous ones only.
        layout: How source and target are arranged in the input, if the model generates text.

    Raises:
        UserError: If the recipe's window is longer than the model's limit.
    """
    if training.segmented:
        window = training.segment * training.max_windows if training.max_windows else ANY_LENGTH
        return Reader(tokenizer, window, training.strategy, stride=0, max_windows=1, causal=causal, layout=layout)
    if training.max_length is not None and limit is not None and training.max_length > limit:
        raise UserError(f"max_length: {training.max_length}, but this model reads at most {limit} tokens at once.")
    window = window_of(training, limit)
    usual = max(min(stride, window // 4), min(shared, window // 2))
    chosen = training.stride if training.stride is not None else usual
    most = training.max_windows or MAX_WINDOWS
    return Reader(tokenizer, window, strategy or training.strategy, chosen, most, causal, layout)


def window_of(training: Training, limit: int | None) -> int:
    """Return the number of tokens in a window: the recipe's, or the usual one within the model's `limit`."""
    return training.max_length or min(limit or USUAL_WINDOW, USUAL_WINDOW)
