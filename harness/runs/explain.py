"""Why a finished run's model says what it says of a text: what each token adds to a score, and where it attends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from harness.checksums import check_files
from harness.config.checking import Strict
from harness.config.run import limited_splits, task_of
from harness.data.loading import load_splits
from harness.data.task import Row
from harness.errors import UserError
from harness.long_texts.written import Writer
from harness.models.finished import finished_model
from harness.ops.device import fresh_accelerator
from harness.record import RunRecord
from harness.registry import FAMILIES
from harness.runs.exported import is_export
from harness.runs.predict import examples_of, recorded, settings_of
from harness.runs.run import CHECKPOINT
from harness.task_types.explained import Asked, ExplainedScore, place_of
from harness.task_types.objective import LearntAsItIs, Objective
from harness.tokenization.items import Features, Item
from harness.training.attention import attention_of, by_attention
from harness.training.attribution import Attribution, Explainer, curves, mean_and_interval
from harness.training.task_model import forward_of, reader_of

MOST_PASSES = 1_000_000
RANDOM_ORDERS, POINTS = 10, 11
MOST_MAPPED = 200
"""Tokens of a text whose attention is drawn."""
BEGINS_WORD = ("Ġ", "▁")
CURVES = ("deletion", "insertion")
Area = tuple[float, float | None, float | None]


@dataclass(frozen=True)
class AttentionMaps:
    """Where a model attends as it reads a text, or as it writes one from it, a map for each layer.

    Attributes:
        tokens: All that it reads, special ones included.
        layers: To each token [layers, rows, tokens], the mean over heads.
        written: What it writes, a row each; None: the rows are the tokens.
    """

    tokens: tuple[str, ...]
    layers: Sequence[Sequence[Sequence[float]]]
    written: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Explanation:
    """What each token of a text adds to a score.

    Attributes:
        label: What the score is of: a label, an answer, a word's tag; "" of a number.
        tokens: As they are read, without special tokens.
        values: What each adds.
        score: The text's score, before any softmax.
        empty_score: That of the text with every token empty.
        error: By how much the values miss the difference of the two.
        attention: The tokens, special ones included, and from each to each the attention, the mean over heads, of each
            layer [layers, tokens, tokens]; None where it was not asked for.
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
    """What attributions are worth on test examples: areas between curves by them and in random order, with intervals.

    Attributes:
        examples: How many.
        deletion: Mean, low and high end; above 0: the score falls faster than by chance.
        insertion: Likewise; above 0: it rises faster.
        attention: The same by the attention that tokens receive; None where it was not asked for.
    """

    examples: int
    deletion: Area
    insertion: Area
    attention: Mapping[str, Area] | None = None


@dataclass(frozen=True)
class Gains:
    """Areas between curves by attributions and in random order.

    Attributes:
        examples: How many were explained.
        by_group: Of each group of examples, on average: of the gradients the deletion and the insertion curve, and then
            of the attention, where it was asked for [groups, 2 or 4].
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
    tokenizer: Any
    objective: Objective
    features: Callable[[Sequence[Any]], Features]
    settings: Strict

    def explained(self, example: Any, *, label: str | None, steps: int, attention: bool = False) -> Explanation:
        """What each token of an example adds.

        Args:
            example: In the form of the run's task type.
            label: One of the run's; None: the predicted one.
            steps: Points of the integral.
            attention: Whether its attention is wanted, too.

        Raises:
            UserError: There is no such label, or no attention to show.
        """
        told = self._told(example, label)
        if attention:
            _check_mapped(told.item)
        found = self.explainer.attributed(told.item, told.of, steps=steps)
        shown = [place for place, special in enumerate(found.is_special) if not special]
        words = [self._word(token) for token in found.token_ids]
        return Explanation(
            told.name,
            tuple(words[place] for place in shown),
            tuple(found.values[place] for place in shown),
            found.score,
            found.empty_score,
            found.error,
            self._maps(told.item, words) if attention else None,
        )

    def worth(self, count: int, *, steps: int, attention: bool = False) -> Worth:
        """What the attributions of what is predicted are worth on test examples, drawn evenly from the split.

        Args:
            count: So many examples.
            steps: Points of the integral.
            attention: Whether that of the attention is wanted, too.

        Raises:
            UserError: The data is not available, or there is no attention.
        """
        found = self.gains(count, steps=steps, attention=attention)
        deletion, insertion, *others = (mean_and_interval(values) for values in zip(*found.by_group, strict=True))
        areas = dict(zip(CURVES, others, strict=True)) if attention else None
        return Worth(found.examples, deletion, insertion, areas)

    def gains(self, count: int, *, steps: int, attention: bool = False) -> Gains:
        """The areas that `worth` averages, of each group of test examples; arguments and errors are its own."""
        examples = self._test_examples(count)
        by_group: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)
        for place, example in enumerate(examples):
            gains = self._gains(example, place, steps=steps, attention=attention)
            by_group[example.group or f"alone {place}"].append(gains)
        # Examples of one group depend on each other: each group counts once.
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

    def _maps(self, item: Item, words: Sequence[str]) -> AttentionMaps:
        found = attention_of(self.explainer.forward, item)
        written = [self._word(token) for token in item.windows[0].target_ids]
        rows, columns = (tuple(word.strip() or word for word in side) for side in (written, words))
        return AttentionMaps(columns, found.layers[:, 0].tolist(), rows or None)

    def _test_examples(self, count: int) -> list[Any]:
        _, config = recorded(self.run)
        test = limited_splits(load_splits(task_of(config)), config).test
        places = np.unique(np.linspace(0, len(test) - 1, min(count, len(test))).astype(int))
        return [test[place] for place in places]

    def _word(self, token_id: int) -> str:
        """The token's letters, after a blank where a word begins and its tokenizer says so."""
        token = str(self.tokenizer.convert_ids_to_tokens(token_id))
        if token.startswith("##"):
            return token[2:]
        if not self._marks_words:
            return f" {token}"
        letters = self.tokenizer.decode([token_id]).strip()
        return f" {letters}" if token.startswith(BEGINS_WORD) else letters

    @cached_property
    def _marks_words(self) -> bool:
        """Whether the tokenizer marks where a word begins: else it marks where one goes on, or nothing."""
        return any(token.startswith(BEGINS_WORD) for token in self.tokenizer.tokenize("a a"))


def _check_mapped(item: Item) -> None:
    """Refuse a text whose attention can't be drawn, before anything is computed."""
    tokens = sum(len(window.input_ids) for window in item.windows)
    if len(item.windows) > 1 or tokens > MOST_MAPPED:
        raise UserError(
            f"--attention: this text has {tokens:,} tokens in {len(item.windows)} window(s), and maps are "
            f"drawn of {MOST_MAPPED} tokens at most. Give a shorter text."
        )


def run_explainer(run: Path, *, label: str | None = None, settings: Mapping[str, Any] | None = None) -> RunExplainer:
    """The run's model, ready to be explained.

    Args:
        run: The folder of one run.
        label: One that will be asked for.
        settings: What else is asked for, by the names of the task type's `explain_settings`.

    Raises:
        UserError: It lacks the label, has no checkpoint or is a simple baseline; or its task type has nothing to
            explain, or knows no such setting.
    """
    record, config = recorded(run)
    if is_export(run):
        raise UserError(f"{run}: is an export. Name the folder of the run that it was made from.")
    folder = run / CHECKPOINT
    if record.simple_baseline:
        raise UserError(f"{run}: a simple baseline has no token embeddings to explain. Name the run of another model.")
    if not folder.is_dir():
        raise UserError(f"{run}: has no checkpoint ({record.status}). Run it again.")
    labels, task = record.task_card.labels, task_of(config)
    if label is not None and labels:
        place_of(label, labels, 0)
    chosen = settings_of(task.type.explain_settings, settings or {}, run, task)
    check_files(run, record.files, CHECKPOINT)
    objective = task.type.objective(labels, config.training).recalled(record.calibration)
    head = objective.head()
    if type(objective).explained is LearntAsItIs.explained:
        raise UserError(f"{run}: explain is for scores of a text, and this model has none ({task.task_type}).")
    loaded = finished_model(FAMILIES.load(record.family), folder, head, labels)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=folder)
    loaded.model.to(accelerator.device)
    # All with its graph, and each window alone: packed or replayed passes would call the embedding otherwise.
    training = config.training.model_copy(update={"execution": "padded", "gradient_segments": MOST_PASSES})
    forward = forward_of(loaded, objective, accelerator, training, micro_batch_size=MOST_PASSES)
    reader = reader_of(loaded, objective, training)
    answers = Explainer.of(forward, loaded.tokenizer).scores
    if isinstance(forward.scoring, Writer):  # What it writes is asked for once, and then how probable that is.
        forward = replace(forward, scoring=forward.scoring.silent())
    explainer = Explainer.of(forward, loaded.tokenizer)
    features = partial(objective.features, reader=reader)
    return RunExplainer(run, record, explainer, answers, loaded.tokenizer, objective, features, chosen)


def example_of(run: Path, row: Row) -> Any:
    """A row as an example of the run's task.

    Raises:
        UserError: A column is missing, or can't be read.
    """
    task = task_of(recorded(run)[1])
    (example,) = examples_of(task, [task.type.completed(task, row)])
    return example
