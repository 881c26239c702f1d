"""Token losses: what each token of a text costs a language model, as it reads the text.

Three ways to read, each a `Scoring` whose one tensor is the nats of the tokens that are scored, at their places
[rows, length], and 0 elsewhere. A token is predicted from those before it, in windows or in segments with a memory (Dai
et al. 2019, section 4), or from both sides, alone masked (Salazar et al. 2020, section 2.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from harness.config.training import Training
from harness.errors import UserError
from harness.long_texts.segments import Reduce, SegmentReader
from harness.long_texts.windows import in_parts, one_length_at_a_time
from harness.models.language_head import Language
from harness.models.loaded import Loaded
from harness.ops.device import all_to_device
from harness.tokenization.items import Item

MOST_WORDS = 2048  # whose scores over the whole vocabulary are in memory at once
MOST_SCORES = 2**26  # of a pass, by a model that scores every place: 256 MiB in fp32
WordLosses = Callable[[Any, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class NextInWindows:
    """Predicts each token from those before it in its window.

    Attributes:
        model: A language model that reads from left to right.
        language: How it predicts words.
        accelerator: Devices and precision.
        unpadded: Whether windows of one length are read at a time.
    """

    model: Any
    language: Language
    accelerator: Accelerator
    unpadded: bool = False

    attended = None

    def size(self, item: Item) -> int:
        """How many windows the item has."""
        return len(item.windows)

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """Nats [windows, length]; see `Scoring`."""
        most = rows_in_a_pass(self.language, self.model, inputs, limit)
        return in_parts(self._read if self.unpadded else self._nats, inputs, most, self.accelerator.device)

    def _read(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return one_length_at_a_time(self._nats, inputs, per_token=True)

    def _nats(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        read, scored = _without_places(inputs, self.accelerator.device)
        words = read["input_ids"][scored]
        with self.accelerator.autocast():
            if self.language.word_losses is None:
                losses = losses_of_scores(self.language, self.model, read, scored, words)
            else:
                states = self.model.base_model(**read).last_hidden_state[:, :-1]
                losses = _losses(self.language.word_losses, self.model, states[scored[:, 1:]], words)
        return (_at(scored, losses),)


@dataclass(frozen=True)
class NextInSegments(SegmentReader):
    """Predicts each token from those before it in its segment, and from the memory of segments before.

    Attributes:
        word_losses: The family's; see `Language`.
    """

    word_losses: WordLosses

    def size(self, item: Item) -> int:
        """How many segments the item has; without a graph nothing stays of one that was read: a text counts once."""
        return super().size(item) if torch.is_grad_enabled() else 1

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """Nats [texts, length]; see `Scoring`."""
        read, scored = _without_places(inputs, self.accelerator.device)
        # The last token is predicted, not read.
        before = {name: rows[:, :-1] for name, rows in read.items()} | {"attention_mask": read["attention_mask"][:, 1:]}
        texts, back = self.side_by_side(before)
        order = back.argsort()
        words, wanted = read["input_ids"][order, 1:], scored[order, 1:]
        parts = self.parts(texts, self.reduce_to_losses(words, wanted), limit)
        nats = torch.zeros(scored.shape, device=words.device)
        nats[order, 1:] = torch.cat([_in_rows(part, len(words)) for part in parts], dim=1)
        return (nats,)

    def reduce_to_losses(self, words: Tensor, wanted: Tensor) -> Reduce:
        """What keeps of each segment the nats of the words that follow its tokens [texts, length].

        Args:
            words: The word that follows each token of the texts [texts, length].
            wanted: Which of them are to be predicted [texts, length].
        """

        def nats(step: int, states: Tensor) -> Tensor:
            start = step * self.segment
            place = (slice(len(states)), slice(start, start + states.shape[1]))
            chosen = wanted[place]
            with self.accelerator.autocast():
                losses = _losses(self.word_losses, self.model, states[chosen], words[place][chosen])
            return _at(chosen, losses)

        return nats


@dataclass(frozen=True)
class Hidden:
    """Predicts each token from both sides, a mask in its place and all others there.

    A window is read once for each of its tokens that is to be predicted.

    Attributes:
        model: A masked language model.
        language: How it predicts words.
        accelerator: Devices and precision.
        mask: The token that hides another.
        unpadded: Whether windows of one length are read at a time.
    """

    model: Any
    language: Language
    accelerator: Accelerator
    mask: int
    unpadded: bool = False

    attended = None

    def size(self, item: Item) -> int:
        """How often the item's windows are read."""
        return sum(len(window.scored_tokens) for window in item.windows)

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """Nats [windows, length]; see `Scoring`."""
        read, scored = _without_places(inputs, self.accelerator.device)
        windows, places = scored.nonzero(as_tuple=True)

        def nats(copies: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
            return (self._of_copies(read, copies["window"], copies["place"]),)

        most = rows_in_a_pass(self.language, self.model, inputs, limit)
        found = in_parts(nats, {"window": windows, "place": places}, most, self.accelerator.device)
        return (_at(scored, found[0]),)

    def _of_copies(self, read: Mapping[str, Tensor], windows: Tensor, places: Tensor) -> Tensor:
        """The nats of the tokens at the places of the windows [copies]."""
        copies = {name: rows[windows] for name, rows in read.items()}
        each = torch.arange(len(windows), device=windows.device)
        copies["hidden"] = torch.zeros_like(copies["input_ids"])
        copies["hidden"][each, places] = 1
        found = one_length_at_a_time(self._nats, copies, per_token=True) if self.unpadded else self._nats(copies)
        return found[0][each, places]

    def _nats(self, copies: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """The nats of the one hidden token of each copy, at its place [copies, length]."""
        read = dict(copies)
        hidden = read.pop("hidden").bool()
        words = read["input_ids"][hidden]
        read["input_ids"] = read["input_ids"].masked_fill(hidden, self.mask)
        with self.accelerator.autocast():
            if self.language.word_losses is None:
                losses = losses_of_scores(self.language, self.model, read, hidden, words)
            else:
                states = self.model.base_model(**read).last_hidden_state[hidden]
                losses = _losses(self.language.word_losses, self.model, states, words)
        return (_at(hidden, losses),)


def token_losses_for(
    loaded: Loaded, accelerator: Accelerator, training: Training
) -> NextInWindows | NextInSegments | Hidden:
    """How the recipe has a language model read.

    Raises:
        UserError: The model is to be trained and predicts hidden words, or has no token that hides them; its memory is
            asked to be longer than it looks back.
    """
    assert loaded.language is not None, "checked when the model was loaded"
    model, language = loaded.model, loaded.language
    if not language.causal:
        return Hidden(model, language, accelerator, _mask(loaded, training), loaded.unpadded)
    if not training.segmented:
        return NextInWindows(model, language, accelerator, loaded.unpadded)
    if language.word_losses is None:
        raise UserError(
            f"strategy: {training.strategy!r}, but as a language model a {model.config.model_type} is scored in "
            'windows alone. Set strategy = "windows".'
        )
    memory = training.memory_length
    if (reason := unseen_memory(model.config, memory)) is not None:
        raise UserError(f"memory: {memory}, but {reason}")
    steps = training.gradient_segments
    return NextInSegments(
        model,
        accelerator,
        segment=training.segment,
        memory=memory,
        gradient_segments=steps,
        word_losses=language.word_losses,
    )


def unseen_memory(config: Any, memory: int) -> str | None:
    """Why a model would not look at so long a memory; None: it would, as only `same_length` bounds what it sees."""
    if not getattr(config, "same_length", False) or memory <= config.mem_len:
        return None
    return (
        f"this model has same_length, so a token sees the last {config.mem_len} (mem_len) however many are kept. "
        "Lower it, or raise mem_len in the [architecture] of a model file."
    )


def _mask(loaded: Loaded, training: Training) -> int:
    kind, mask = loaded.model.config.model_type, loaded.tokenizer.mask_token_id
    if training.maximum_steps != 0:
        raise UserError(
            f"maximum_steps: a {kind} predicts masked tokens, and is only scored as it is. "
            "Set maximum_steps = 0, and train it by harness pretrain."
        )
    if mask is None:
        raise UserError(f"tokenizer {type(loaded.tokenizer).__name__}: has no mask token. Choose another.")
    return int(mask)


def rows_in_a_pass(language: Language, model: Any, inputs: Mapping[str, Tensor], limit: int) -> int:
    """How many windows are read at once: `limit`, or fewer where the model scores its vocabulary at every place."""
    if language.word_losses is not None:
        return limit
    vocabulary = getattr(model.config.get_text_config(), "vocab_size", 1)
    return min(limit, max(1, MOST_SCORES // (inputs["input_ids"].shape[1] * vocabulary)))


def losses_of_scores(
    language: Language, model: Any, read: Mapping[str, Tensor], chosen: Tensor, words: Tensor
) -> Tensor:
    """Minus the log-probability of the words at the chosen places [words], of a model that scores every place."""
    assert language.scores is not None, "a language model has one or the other"
    scores = language.scores(model, read)[chosen].float()
    return torch.nn.functional.cross_entropy(scores, words, reduction="none")


def _without_places(inputs: Mapping[str, Tensor], device: torch.device) -> tuple[dict[str, Tensor], Tensor]:
    """What the model reads, and which tokens are to be predicted [rows, length], on its device."""
    read = all_to_device(inputs, device)
    return read, read.pop("scored_tokens").bool()


def _at(places: Tensor, losses: Tensor) -> Tensor:
    """The losses at their places, in their order, and 0 elsewhere."""
    return torch.zeros(places.shape, device=losses.device).masked_scatter(places, losses.float())


def _in_rows(part: Tensor, rows: int) -> Tensor:
    """The part [some rows, length] with rows of zeros below."""
    return torch.nn.functional.pad(part, (0, 0, 0, rows - len(part)))


def _losses(word_losses: WordLosses, model: Any, states: Tensor, words: Tensor) -> Tensor:
    """Minus the log-probability of each word [words] after a state [words, width]."""

    def losses(part: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return (word_losses(model, part["states"], part["words"]).float(),)

    return in_parts(losses, {"states": states, "words": words}, MOST_WORDS, states.device)[0]
