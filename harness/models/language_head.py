"""Language: how the language models of a family predict words."""

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
        auto_class: The transformers Auto class of the model with its heads.
        causal: Whether the model reads from left to right and predicts the next word, rather than masked words.
        word_losses: Computes the negative log-probability of each word [words] from a model, the base model's last
            states where they are predicted [words, width], and the words. If None, `scores` is used, and the model
            cannot be pretrained here.
        scores: Computes the scores of the word at each position [texts, length, vocabulary], from a model and its
            inputs. Used without `word_losses`.
        pair_scores: Scores that a pair's second text follows its first, and that it does not [texts, 2], from a model
            and the states of the texts' first tokens [texts, width]. None if the models have no such head.
        local_attention_heads: Initialises the first layer of a new model to attend to nearby words. None without
            learnt positions.
        writes: Whether transformers' `generate` predicts as the model is scored: each word from the previous ones only.
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
        """Whether the model can read segment by segment with a memory, as our own causal models can."""
        return self.causal and self.word_losses is not None


def losses_by(word_scores: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, Tensor, Tensor], Tensor]:
    """Return `word_losses` for models that score the whole vocabulary.

    Args:
        word_scores: Computes scores [words, vocabulary] from a model and states [words, width].
    """

    def word_losses(model: Any, states: Tensor, words: Tensor) -> Tensor:
        return functional.cross_entropy(word_scores(model, states).float(), words, reduction="none")

    return word_losses
