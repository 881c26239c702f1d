"""Token losses of language models.

There are three ways to read, each a `Scoring` with one output tensor: the losses in nats of the scored tokens, at their
positions [rows, length], and 0 elsewhere. A token is predicted from previous ones, in windows or in segments with a
memory (Dai et al. 2019, section 4), or from both sides by masking only this token (Salazar et al. 2020, section 2.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
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

MOST_WORDS = 2048  # Words whose scores over the whole vocabulary are in memory at once.
MOST_SCORES = 2**26  # Scores per pass of a model that scores every position: 256 MiB in fp32.
WordLosses = Callable[[Any, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class InWindows:
    """Predicts tokens of windows, each read alone.

    Attributes:
        model: A language model.
        language: How the model predicts words.
        accelerator: Devices and precision.
    """

    model: Any
    language: Language
    accelerator: Accelerator

    attended = None

    def most_rows(self, inputs: Mapping[str, Tensor], limit: int) -> int:
        """Return the number of windows per pass: `limit`, or fewer if every position's vocabulary is scored."""
        if self.language.word_losses is not None:
            return limit
        vocabulary = getattr(self.model.config.get_text_config(), "vocab_size", 1)
        return min(limit, max(1, MOST_SCORES // (inputs["input_ids"].shape[1] * vocabulary)))

    def nats_at(self, read: Mapping[str, Tensor], chosen: Tensor, words: Tensor) -> tuple[Tensor, ...]:
        """Return the nats of the words at chosen positions, and 0 elsewhere [windows, length]."""
        with self.accelerator.autocast():
            if self.language.word_losses is None:
                assert self.language.scores is not None, "a language model has one or the other"
                scores = self.language.scores(self.model, read)[chosen].float()
                losses = torch.nn.functional.cross_entropy(scores, words, reduction="none")
            else:
                states = self.model.base_model(**read).last_hidden_state
                at = states[:, :-1][chosen[:, 1:]] if self.language.causal else states[chosen]
                losses = _losses(self.language.word_losses, self.model, at, words)
        return (_at(chosen, losses),)


@dataclass(frozen=True)
class NextInWindows(InWindows):
    """Predicts each token from the previous ones in its window.

    Attributes:
        unpadded: Whether to read only windows of equal length together.
    """

    unpadded: bool = False

    def size(self, item: Item) -> int:
        """Return the number of windows of the item."""
        return len(item.windows)

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """Return nats [windows, length]; see `Scoring`."""
        read = partial(one_length_at_a_time, self._nats, per_token=True) if self.unpadded else self._nats
        return in_parts(read, inputs, self.most_rows(inputs, limit), self.accelerator.device)

    def _nats(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        read, scored = _without_places(inputs, self.accelerator.device)
        return self.nats_at(read, scored, read["input_ids"][scored])


@dataclass(frozen=True)
class NextInSegments(SegmentReader):
    """Predicts each token from the previous ones in its segment and the memory of previous segments.

    Attributes:
        word_losses: As in `Language`.
    """

    word_losses: WordLosses

    def size(self, item: Item) -> int:
        """Return the number of segments of the item, or 1 without gradients, as nothing is kept of a segment then."""
        return super().size(item) if torch.is_grad_enabled() else 1

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """Return nats [texts, length]; see `Scoring`."""
        read, scored = _without_places(inputs, self.accelerator.device)
        # The last token is predicted but not read.
        before = {name: rows[:, :-1] for name, rows in read.items()} | {"attention_mask": read["attention_mask"][:, 1:]}
        texts, back = self.side_by_side(before)
        order = back.argsort()
        words, wanted = read["input_ids"][order, 1:], scored[order, 1:]
        parts = self.parts(texts, self.reduce_to_losses(words, wanted), limit)
        nats = torch.zeros(scored.shape, device=words.device)
        nats[order, 1:] = torch.cat([_in_rows(part, len(words)) for part in parts], dim=1)
        return (nats,)

    def reduce_to_losses(self, words: Tensor, wanted: Tensor) -> Reduce:
        """Return a function that reduces segments to the nats of the next words [texts, length].

        Args:
            words: The word after each token of the texts [texts, length].
            wanted: Whether each is to be predicted [texts, length].
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
class Hidden(InWindows):
    """Predicts each token from both sides, masking only this token.

    A window is read once for each of its tokens to predict.

    Attributes:
        mask: The id of the mask token.
        unpadded: Whether to read only windows of equal length together.
    """

    mask: int
    unpadded: bool = False

    def size(self, item: Item) -> int:
        """Return how often the item's windows are read."""
        return sum(len(window.scored_tokens) for window in item.windows)

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """Return nats [windows, length]; see `Scoring`."""
        read, scored = _without_places(inputs, self.accelerator.device)
        windows, places = scored.nonzero(as_tuple=True)
        hidden, most = {"window": windows, "place": places}, self.most_rows(inputs, limit)
        found = in_parts(partial(self._of_copies, read), hidden, most, self.accelerator.device)
        return (_at(scored, found[0]),)

    def _of_copies(self, read: Mapping[str, Tensor], hidden: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Return the nats of the tokens at positions ("place") of windows ("window") [copies]."""
        windows, places = hidden["window"], hidden["place"]
        copies = {name: rows[windows] for name, rows in read.items()}
        each = torch.arange(len(windows), device=windows.device)
        copies["hidden"] = torch.zeros_like(copies["input_ids"])
        copies["hidden"][each, places] = 1
        found = one_length_at_a_time(self._nats, copies, per_token=True) if self.unpadded else self._nats(copies)
        return (found[0][each, places],)

    def _nats(self, copies: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Return the nats of the masked token of each copy, at its position [copies, length]."""
        read = dict(copies)
        hidden = read.pop("hidden").bool()
        words = read["input_ids"][hidden]
        read["input_ids"] = read["input_ids"].masked_fill(hidden, self.mask)
        return self.nats_at(read, hidden, words)


def token_losses_for(
    loaded: Loaded, accelerator: Accelerator, training: Training
) -> NextInWindows | NextInSegments | Hidden:
    """Create the scoring of a language model for a recipe.

    Raises:
        UserError: If a masked language model is to be trained or has no mask token, or if the recipe's memory is longer
            than the model sees.
    """
    assert loaded.language is not None, "checked when the model was loaded"
    model, language = loaded.model, loaded.language
    if not language.causal:
        return Hidden(model, language, accelerator, _mask(loaded, training), loaded.unpadded)
    if not training.segmented:
        return NextInWindows(model, language, accelerator, loaded.unpadded)
    if language.word_losses is None:
        raise UserError(
            f"strategy: {training.strategy!r}, but as a language model, a {model.config.model_type} is only "
            'scored in windows. Set strategy = "windows".'
        )
    memory = training.memory_length
    if (reason := unseen_memory(model.config, memory)) is not None:
        raise UserError(f"memory: {memory}, but {reason}")
    return NextInSegments(
        model,
        accelerator,
        segment=training.segment,
        memory=memory,
        gradient_segments=training.gradient_segments,
        word_losses=language.word_losses,
    )


def unseen_memory(config: Any, memory: int) -> str | None:
    """Return why a model would not see so long a memory, or None if it would. Only `same_length` limits it."""
    if not getattr(config, "same_length", False) or memory <= config.mem_len:
        return None
    return (
        f"this model sets same_length, so a token sees only the last {config.mem_len} states (mem_len). "
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


def _without_places(inputs: Mapping[str, Tensor], device: torch.device) -> tuple[dict[str, Tensor], Tensor]:
    """Move inputs to the device, and separate which tokens are to be predicted [rows, length]."""
    read = all_to_device(inputs, device)
    return read, read.pop("scored_tokens").bool()


def _at(places: Tensor, losses: Tensor) -> Tensor:
    """Scatter losses to their positions, in order, with 0 elsewhere."""
    return torch.zeros(places.shape, device=losses.device).masked_scatter(places, losses.float())


def _in_rows(part: Tensor, rows: int) -> Tensor:
    """Append rows of zeros to a part [some rows, length]."""
    return torch.nn.functional.pad(part, (0, 0, 0, rows - len(part)))


def _losses(word_losses: WordLosses, model: Any, states: Tensor, words: Tensor) -> Tensor:
    """Return the negative log-probability of each word [words] after a state [words, width]."""

    def losses(part: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return (word_losses(model, part["states"], part["words"]).float(),)

    return in_parts(losses, {"states": states, "words": words}, MOST_WORDS, states.device)[0]
