"""What a family tells of its language models: how the states of a text predict words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Language:
    """How a family's language models predict words.

    Attributes:
        auto_class: transformers' Auto class of the model with its heads.
        causal: Whether it reads from left to right and predicts the next word; else it predicts words that were hidden
            from it.
        word_losses: Minus the log-probability of each word [words], from a model, the base model's last states where
            they are predicted [words, width], and the words. None: `scores` says it, and the model is not pretrained
            here.
        scores: The vocabulary's scores of the word at each place [texts, length, vocabulary], from a model and its
            inputs. Asked where there are no `word_losses`.
        pair_scores: That a pair's second text follows its first, and that it does not [texts, 2], from a model and
            the states of the texts' first tokens [texts, width]. None: the models have no such head.
        local_attention_heads: Has a fresh model's first heads attend to the words around. None: no learnt positions.
        writes: Whether transformers' `generate` writes on as the model is scored: each word from those before it alone.
    """

    auto_class: str
    causal: bool
    word_losses: Callable[[Any, Tensor, Tensor], Tensor] | None = None
    scores: Callable[[Any, Mapping[str, Tensor]], Tensor] | None = None
    pair_scores: Callable[[Any, Tensor], Tensor] | None = None
    local_attention_heads: Callable[[Any], None] | None = None
    writes: bool = True

    @property
    def has_memory(self) -> bool:
        """Whether it may read segment by segment, with a memory: as our own causal models do."""
        return self.causal and self.word_losses is not None


def losses_by(word_scores: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, Tensor, Tensor], Tensor]:
    """`word_losses` of models that score the whole vocabulary.

    Args:
        word_scores: Scores [words, vocabulary] from a model and states [words, width].
    """

    def word_losses(model: Any, states: Tensor, words: Tensor) -> Tensor:
        return functional.cross_entropy(word_scores(model, states).float(), words, reduction="none")

    return word_losses
