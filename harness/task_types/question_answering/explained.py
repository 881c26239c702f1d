"""The score of an answer, for `harness explain`: the start logit of its first token plus the end logit of its last."""

from __future__ import annotations

from torch import Tensor

from harness.task_types.explained import ExplainedScore
from harness.task_types.question_answering.candidates import best_places
from harness.task_types.question_answering.targets import span_scores
from harness.tokenization.items import Item

NO_ANSWER = "no answer"


def answer_places(scores: Tensor, item: Item, longest: int) -> tuple[int, int]:
    """Return the start and end of the best answer in a window, as positions in its input_ids.

    Args:
        scores: The start and end logits [2, length].
        item: The window.
        longest: Maximum number of tokens in an answer.
    """
    target, window = item.target, item.windows[0]
    logits = scores[:, window.first : window.first + len(window.positions)]
    first = target.max_context_positions.start - window.positions[0]
    spans = span_scores(logits, longest)[first : first + len(target.max_context_positions)]
    ((start, end),) = best_places(spans, 1, first=first)
    return window.first + start, window.first + end


def explained_answer(item: Item, name: str, start: int, end: int) -> ExplainedScore:
    """Return the sum of a start and an end logit, at positions in the window's input_ids, as the score to explain."""

    def score(scores: Tensor) -> Tensor:
        return scores[0, 0, start] + scores[0, 1, end]

    def probability(scores: Tensor) -> float:
        chances = scores[0].double().softmax(-1)
        return float(chances[0, start] * chances[1, end])

    return ExplainedScore(item, name, score, probability)
