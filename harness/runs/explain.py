"""Explain a finished run's predictions for a text: token attributions and attention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from harness.config.checking import Strict
from harness.config.run import task_of
from harness.data.task import Row
from harness.errors import UserError
from harness.long_texts.written import Writer
from harness.models.finished import finished_model
from harness.ops.device import fresh_accelerator
from harness.record import RunRecord
from harness.registry import FAMILIES
from harness.runs.answering import model_folder
from harness.runs.evaluation import examples_of_split
from harness.runs.exported import is_export, recorded
from harness.runs.predict import examples_of, settings_of
from harness.task_types.explained import Asked, ExplainedScore, place_of
from harness.task_types.objective import Objective
from harness.tokenization.items import Features, Item
from harness.tokenization.token_texts import TokenTexts
from harness.training.attention import attention_of, by_attention
from harness.training.attribution import Attribution, Explainer, curves, mean_and_interval
from harness.training.task_model import forward_of, reader_of

MOST_PASSES = 1_000_000
RANDOM_ORDERS, POINTS = 10, 11
MOST_MAPPED = 200
"""Maximum number of tokens of a text in attention maps."""
CURVES = ("deletion", "insertion")
Area = tuple[float, float | None, float | None]


@dataclass(frozen=True)
class AttentionMaps:
    """Attention of a model as it reads a text, or as it generates one from it, a map per layer.

    Attributes:
        tokens: All tokens read, including special ones.
        layers: The attention to each token [layers, rows, tokens], averaged over heads.
        written: The generated tokens, one per row; None if the rows are the tokens.
    """

    tokens: tuple[str, ...]
    layers: Sequence[Sequence[Sequence[float]]]
    written: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Explanation:
    """The contribution of each token of a text to a score.

    Attributes:
        label: The target of the score: a label, an answer or a word's tag; "" for a number.
        tokens: The tokens, without special ones. Tokens that are bytes of one character are one entry.
        values: The contribution of each, or of its bytes together.
        score: The score of the text, before any softmax.
        empty_score: The score of the text with every token replaced by an empty one.
        error: The difference between the sum of the values and the difference of the two scores.
        attention: All tokens, including special ones, and the attention between them, averaged over heads, for each
            layer [layers, tokens, tokens]; None unless requested.
    """

    label: str
    tokens: tuple[str, ...]
    values: tuple[float, ...]
    score: float
    empty_score: float
    error: float
    attention: AttentionMaps | None = None


@dataclass(frozen=True)
class Worth:
    """Faithfulness of attributions on test examples: areas between the curves of attributions and of a random order.

    Attributes:
        examples: Number of examples.
        deletion: The mean and the ends of its interval; above 0, the score falls faster than by chance.
        insertion: The same; above 0, the score rises faster.
        attention: The same for the attention that tokens receive; None unless requested.
    """

    examples: int
    deletion: Area
    insertion: Area
    attention: Mapping[str, Area] | None = None


@dataclass(frozen=True)
class Gains:
    """Areas between the curves of attributions and of a random order.

    Attributes:
        examples: Number of explained examples.
        by_group: Mean areas per group of examples: deletion and insertion curve for the gradients, then for the
            attention if requested [groups, 2 or 4].
    """

    examples: int
    by_group: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class RunExplainer:
    """A finished run's model, ready to be explained."""

    run: Path
    record: RunRecord
    explainer: Explainer
    answers: Callable[[Item], Any]
    texts: TokenTexts
    objective: Objective
    features: Callable[[Sequence[Any]], Features]
    settings: Strict

    def explained(self, example: Any, *, label: str | None, steps: int, attention: bool = False) -> Explanation:
        """Explain an example.

        Args:
            example: An example of the run's task type.
            label: One of the run's labels; None: the predicted one.
            steps: Number of points of the integral.
            attention: Whether to include the attention.

        Raises:
            UserError: If there is no such label, or no attention to show.
        """
        told = self._told(example, label)
        if attention:
            _check_mapped(told.item)
        found = self.explainer.attributed(told.item, told.of, steps=steps)
        shown = [place for place, special in enumerate(found.is_special) if not special]
        parts = self.texts.whole_characters([found.token_ids[place] for place in shown])
        values = iter([found.values[place] for place in shown])
        return Explanation(
            told.name,
            tuple(text for _, text in parts),
            tuple(sum(islice(values, count)) for count, _ in parts),
            found.score,
            found.empty_score,
            found.error,
            self._maps(told.item, found.token_ids) if attention else None,
        )

    def worth(self, count: int, *, steps: int, attention: bool = False) -> Worth:
        """Measure how faithful the attributions of predictions are, on test examples drawn evenly from the split.

        Args:
            count: Number of examples.
            steps: Number of points of the integral.
            attention: Whether to measure attention too.

        Raises:
            UserError: If the data is not available, or there is no attention.
        """
        found = self.gains(count, steps=steps, attention=attention)
        deletion, insertion, *others = (mean_and_interval(values) for values in zip(*found.by_group, strict=True))
        areas = dict(zip(CURVES, others, strict=True)) if attention else None
        return Worth(found.examples, deletion, insertion, areas)

    def gains(self, count: int, *, steps: int, attention: bool = False) -> Gains:
        """The areas that `worth` averages, for each group of test examples; arguments and errors are the same."""
        examples = self._test_examples(count)
        by_group: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)
        for place, example in enumerate(examples):
            gains = self._gains(example, place, steps=steps, attention=attention)
            by_group[example.group or f"alone {place}"].append(gains)
        # Examples of a group depend on each other, so each group counts once.
        return Gains(len(examples), tuple(tuple(np.mean(gains, axis=0).tolist()) for gains in by_group.values()))

    def _gains(self, example: Any, seed: int, *, steps: int, attention: bool) -> tuple[float, ...]:
        told = self._told(example, None)
        found: Attribution = self.explainer.attributed(told.item, told.of, steps=steps)
        drawn: Any = {"random_orders": RANDOM_ORDERS, "points": POINTS, "seed": seed}
        by_gradients = curves(self.explainer, told.item, found, told.shown, **drawn)
        if not attention:
            return by_gradients.gains
        attended = by_attention(found, attention_of(self.explainer.forward, told.item))
        by_weights = curves(self.explainer, told.item, attended, told.shown, like=by_gradients, **drawn)
        return (*by_gradients.gains, *by_weights.gains)

    def _told(self, example: Any, label: str | None) -> ExplainedScore:
        collator = self.explainer.forward.collator
        asked = Asked(self.answers, collator, self.record.calibration, label, self.settings)
        return self.objective.explained(example, self.features([example]), asked)

    def _maps(self, item: Item, token_ids: Sequence[int]) -> AttentionMaps:
        found = attention_of(self.explainer.forward, item)
        columns, rows = (tuple(map(self.texts.bare, ids)) for ids in (token_ids, item.windows[0].target_ids))
        return AttentionMaps(columns, found.layers[:, 0].tolist(), rows or None)

    def _test_examples(self, count: int) -> list[Any]:
        test = examples_of_split(self.run, self.record, recorded(self.run)[1], "test")
        places = np.unique(np.linspace(0, len(test) - 1, min(count, len(test))).astype(int))
        return [test[place] for place in places]


def _check_mapped(item: Item) -> None:
    """Reject a text whose attention can't be drawn, before anything is computed."""
    tokens = sum(len(window.input_ids) for window in item.windows)
    if len(item.windows) > 1 or tokens > MOST_MAPPED:
        raise UserError(
            f"--attention: this text has {tokens:,} tokens in {len(item.windows)} window(s), and maps show "
            f"one window of at most {MOST_MAPPED} tokens. Give a shorter text."
        )


def run_explainer(run: Path, *, label: str | None = None, settings: Mapping[str, Any] | None = None) -> RunExplainer:
    """Load the run's model for explanations.

    Args:
        run: The folder of one run.
        label: A label that will be explained.
        settings: Further options, of the task type's `explain_settings`.

    Raises:
        UserError: If it lacks the label, has no checkpoint or is a simple baseline, or if its task type does not
            know such an option.
    """
    record, config = recorded(run)
    if is_export(run):
        raise UserError(f"{run}: is an export. Name the folder of the run that it was made from.")
    if record.simple_baseline:
        raise UserError(f"{run}: a simple baseline has no token embeddings to explain. Name the run of another model.")
    labels, task = record.task_card.labels, task_of(config)
    if label is not None and labels:
        place_of(label, labels, 0)
    chosen = settings_of(task.type.explain_settings, settings or {}, run, task)
    folder = model_folder(run, record)
    objective = task.type.objective(labels, config.training).recalled(record.calibration)
    head = objective.head()
    loaded = finished_model(FAMILIES.load(record.family), folder, head, labels)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=folder)
    loaded.model.to(accelerator.device)
    # With gradients, and each window alone: packed or replayed passes would call the embedding differently.
    training = config.training.model_copy(update={"execution": "padded", "gradient_segments": MOST_PASSES})
    forward = forward_of(loaded, objective, accelerator, training, micro_batch_size=MOST_PASSES)
    reader = reader_of(loaded, objective, training)
    answers = Explainer.of(forward, loaded.tokenizer).scores
    if isinstance(forward.scoring, Writer):  # Generated once; then the probability of that output is explained.
        forward = replace(forward, scoring=forward.scoring.silent())
    explainer = Explainer.of(forward, loaded.tokenizer)
    features = partial(objective.features, reader=reader)
    texts = TokenTexts(loaded.tokenizer)
    return RunExplainer(run, record, explainer, answers, texts, objective, features, chosen)


def example_of(run: Path, row: Row) -> Any:
    """Convert a row to an example of the run's task.

    Raises:
        UserError: If a column is missing or can't be read.
    """
    task = task_of(recorded(run)[1])
    (example,) = examples_of(task, [task.completed(row)])
    return example
