"""How texts of any length become the windows that a model reads, with one mechanism for every strategy.

A text is encoded once, without special tokens. A strategy picks spans of it; the tokenizer's own template of
special tokens, learnt from two probes, goes around each span. So nothing is cut silently: what was read is counted.
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

ANY_LENGTH = 10**30  # what transformers takes for no limit
MAX_WINDOWS = 64
USUAL_WINDOW = 512
NO_BOUND = 2**62


@dataclass(frozen=True, slots=True)
class Window:
    """What the model reads at once.

    Attributes:
        input_ids: Token ids with the special tokens.
        token_type_ids: Which text each token belongs to.
        first: Where in `input_ids` the span of the (second) text starts.
        positions: The span: positions in the (second) text's own tokens.
        scored_tokens: Where in `input_ids` the tokens stand that are to be predicted (language modelling).
        target_ids: What is to be written, the token at its end included (sequence to sequence).
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
        windows: What the model reads, in order.
        total: Tokens of the example, special ones left out.
        seen: How many of them some window reads.
        offsets: The characters of the (second) text that each of its tokens covers, where they are wanted.
    """

    windows: tuple[Window, ...]
    total: int
    seen: int
    offsets: list[tuple[int, int]]


@dataclass(frozen=True)
class Template:
    """The special tokens that a tokenizer puts before, between and after texts, with their type ids.

    Attributes:
        pieces: One list of (id, type) a gap: before the text and after it; for a pair also between the two.
        types: The type id of each text's own tokens.
    """

    pieces: tuple[tuple[tuple[int, int], ...], ...]
    types: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many special tokens the template adds."""
        return sum(len(piece) for piece in self.pieces)

    def around(self, *texts: Sequence[int]) -> tuple[list[int], list[int], int]:
        """Ids and types of `texts` in the template, and where the last text starts."""
        ids = [token for token, _ in self.pieces[0]]
        types = [kind for _, kind in self.pieces[0]]
        first = len(ids)
        for text, kind, piece in zip(texts, self.types, self.pieces[1:], strict=True):
            first = len(ids)
            ids += [*text, *(token for token, _ in piece)]
            types += [kind] * len(text) + [kind for _, kind in piece]
        return ids, types, first


def learnt_template(tokenizer: Any, texts: int) -> Template:
    """The template of `tokenizer` for one text or for a pair, read off a probe."""
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
        raise UserError(f"tokenizer {type(tokenizer).__name__}: it does not keep the two texts of a pair apart.")
    return Template(tuple(tuple(piece) for piece in pieces), tuple(kinds))


@dataclass(frozen=True)
class Reader:
    """Reads texts with a tokenizer, in windows of at most `window` tokens.

    Attributes:
        tokenizer: A transformers tokenizer.
        window: Most tokens in a window, special ones included.
        strategy: "head", "head_tail" or "windows"; "segment_recurrence" and "independent_segments" read a text in one
            window of any length, which is taken apart later.
        stride: Tokens that neighbouring windows share.
        max_windows: Most windows of one text.
        causal: Whether the model predicts each token from those before it, as a language model; else from both sides.
        layout: How a source and its target lie before a model that writes.
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
        """The windows of each text, or of each pair.

        Args:
            texts: The texts, or the first ones of pairs.
            pairs: The second ones.
            return_offsets: Whether offsets are wanted, of the second text of a pair.
            repeat_first: Whether a pair's first text stands again behind all else.
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
        """The windows of texts that are encoded already."""
        template = learnt_template(self.tokenizer, 1)
        return [self._of_text(text, template) for text in encoded]

    def _of_text(self, text: Encoded, template: Template) -> Document:
        spans = self.spans(len(text.ids), self._room(template))
        windows = tuple(_window(template, (), text.ids, span) for span in spans)
        if not windows[0].input_ids:  # No model reads nothing.
            windows = (Window([_stand_in(self.tokenizer)], [template.types[0]], 1, range(0)),)
        return Document(windows, len(text.ids), covered(spans), text.offsets)

    def _of_pair(self, first: list[int], second: Encoded, template: Template, times: int) -> Document:
        """The first text stands in every window, once or twice; the strategy picks from the second.

        Where both are too long each gets half; under "head" the longer gets the odd token, as in Hugging Face's
        tokenizers. So under "head" the longer of the two is cut first, as in Devlin et al. 2019.
        """
        room = self._room(template)
        length = len(second.ids)
        odd = self.strategy == "head" and len(first) > length
        head = first[: max((room + odd) // 2, room - length) // times]
        left = room - len(head) * times
        # A question that leaves less than a stride has windows of its own, so that they advance.
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
        """Which positions of a text of `length` tokens each window reads, at most `room` a window.

        Raises:
            UserError: The stride is not smaller than the room, so that windows would not advance.
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
    """What is read in place of a text without tokens: what begins texts, ends or pads them."""
    known = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    return next(int(token) for token in known if token is not None)


def covered(spans: Sequence[TokenSpan]) -> int:
    """How many positions lie in at least one of the spans.

    >>> covered([range(0, 6), range(4, 10)])
    10
    """
    return len(spans[0]) if len(spans) == 1 else len(set().union(*spans))


def max_context_positions(index: int, document: Document) -> range:
    """The positions whose context is widest in this window: an overlap is shared out at its middle."""
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
    """A window on a span of `ids`, between what comes before it and what of that is repeated behind all else."""
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
    """The reader that a recipe asks for.

    Args:
        training: The recipe.
        tokenizer: The model's tokenizer.
        limit: Most tokens that the model can read at once; None: any number.
        stride: The task type's default for tokens that neighbouring windows share.
        strategy: The task type's own, where the recipe has no choice.
        shared: Tokens that neighbouring windows share at least, up to half of them, where the recipe does not say.
        causal: Whether the model is a language model that predicts each token from those before it.
        layout: How a source and its target lie before a model that writes.

    Raises:
        UserError: The recipe's window is longer than the model's limit.
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
    """Tokens in a window, as the recipe says or as is usual.

    Args:
        training: The recipe.
        limit: Most tokens that the model can read at once; None: any number.
    """
    return training.max_length or min(limit or USUAL_WINDOW, USUAL_WINDOW)
