"""Why a finished run's model says what it says of a text: what each token adds to a label's score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.checksums import check_files
from harness.config.run import limited_splits, task_of
from harness.data.loading import load_splits
from harness.data.task import Row
from harness.errors import UserError, nearest
from harness.models.finished import finished_model
from harness.models.head import Head
from harness.ops.device import fresh_accelerator
from harness.registry import FAMILIES
from harness.runs.exported import is_export
from harness.runs.predict import examples_of, recorded
from harness.runs.run import CHECKPOINT
from harness.tokenization.items import Features
from harness.training.attribution import Attribution, Explainer, Floats, curves, mean_and_interval
from harness.training.task_model import forward_of, reader_of

MOST_PASSES = 1_000_000
RANDOM_ORDERS, POINTS = 10, 11


@dataclass(frozen=True)
class Explanation:
    """What each token of a text adds to the score of a label.

    Attributes:
        label: The label; "" of a number.
        tokens: As they are read, without special tokens.
        values: What each adds.
        score: The text's score, before any softmax.
        empty_score: That of the text with every token empty.
        error: By how much the values miss the difference of the two.
    """

    label: str
    tokens: tuple[str, ...]
    values: tuple[float, ...]
    score: float
    empty_score: float
    error: float


@dataclass(frozen=True)
class Worth:
    """What attributions are worth on test examples: areas between curves by them and in random order, with intervals.

    Attributes:
        examples: How many.
        deletion: Mean, low and high end; above 0: the score falls faster than by chance.
        insertion: Likewise; above 0: it rises faster.
    """

    examples: int
    deletion: tuple[float, float | None, float | None]
    insertion: tuple[float, float | None, float | None]


@dataclass(frozen=True)
class RunExplainer:
    """A finished run's model, ready to be explained."""

    run: Path
    explainer: Explainer
    labels: tuple[str, ...]
    tokenizer: Any
    features: Callable[[Sequence[Any]], Features]
    measure: Callable[[Floats, int], float]

    def explained(self, example: Any, *, label: str | None, steps: int) -> Explanation:
        """What each token of an example adds.

        Args:
            example: In the form of the run's task type.
            label: One of the run's; None: that of the highest score.
            steps: Points of the integral.
        """
        (item,) = self.features([example]).items
        target = self._target(self.explainer.scores(item), label)
        found = self.explainer.attributed(item, target, steps=steps)
        shown = [place for place, special in enumerate(found.is_special) if not special]
        return Explanation(
            self.labels[target] if self.labels else "",
            tuple(self._word(found.token_ids[place]) for place in shown),
            tuple(found.values[place] for place in shown),
            found.score,
            found.empty_score,
            found.error,
        )

    def worth(self, count: int, *, steps: int) -> Worth:
        """What the attributions of the highest label are worth on test examples, drawn evenly from the split.

        Raises:
            UserError: The data is not available.
        """
        examples = self._test_examples(count)
        by_group: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        for place, example in enumerate(examples):
            by_group[example.group or f"alone {place}"].append(self._gains(example, place, steps=steps))
        # Examples of one group depend on each other: each group counts once.
        deletion, insertion = zip(*(np.mean(gains, axis=0).tolist() for gains in by_group.values()), strict=True)
        return Worth(len(examples), mean_and_interval(deletion), mean_and_interval(insertion))

    def _gains(self, example: Any, seed: int, *, steps: int) -> tuple[float, float]:
        (item,) = self.features([example]).items
        target = self._target(self.explainer.scores(item), None)
        found: Attribution = self.explainer.attributed(item, target, steps=steps)
        return curves(
            self.explainer, item, found, lambda scores: self.measure(scores, target),
            random_orders=RANDOM_ORDERS, points=POINTS, seed=seed,
        ).gains  # fmt: skip

    def _test_examples(self, count: int) -> list[Any]:
        _, config = recorded(self.run)
        test = limited_splits(load_splits(task_of(config)), config).test
        places = np.unique(np.linspace(0, len(test) - 1, min(count, len(test))).astype(int))
        return [test[place] for place in places]

    def _target(self, scores: Floats, label: str | None) -> int:
        return int(scores.argmax()) if label is None else self.labels.index(label)

    def _word(self, token_id: int) -> str:
        """The token's letters, after a blank where a word begins and its tokenizer says so."""
        token = str(self.tokenizer.convert_ids_to_tokens(token_id))
        if token.startswith("##"):
            return token[2:]
        marked = token.startswith(("Ġ", "▁"))
        return f" {self.tokenizer.decode([token_id]).strip() if marked else token}"


def run_explainer(run: Path, *, label: str | None = None) -> RunExplainer:
    """The run's model, ready to be explained.

    Args:
        run: The folder of one run.
        label: One that will be asked for.

    Raises:
        UserError: It lacks the label, has no checkpoint, is a simple baseline, or its model gives no scores of a text
            as a whole.
    """
    record, config = recorded(run)
    if is_export(run):
        raise UserError(f"{run}: is an export. Name the folder of the run that it was made from.")
    folder = run / CHECKPOINT
    if record.simple_baseline:
        raise UserError(f"{run}: a simple baseline has no embedding to go through. Name the run of a model.")
    if not folder.is_dir():
        raise UserError(f"{run}: has no checkpoint ({record.status}). Run it again.")
    labels, task = record.task_card.labels, task_of(config)
    if label is not None and label not in labels:
        raise UserError(f"--label {label}: no label of this run.{nearest(label, labels)}")
    check_files(run, record.files, CHECKPOINT)
    objective = task.type.objective(labels, config.training).recalled(record.calibration)
    head = objective.head()
    if head.auto_class is None or head.per_token or head.pointer or len(head.outputs) != 1:
        raise UserError(f"{run}: explain tells of scores of a whole text, and this model has none ({task.task_type}).")
    loaded = finished_model(FAMILIES.load(record.family), folder, head, labels)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=folder)
    loaded.model.to(accelerator.device)
    # All with its graph, and each window alone: packed or replayed passes would call the embedding otherwise.
    training = config.training.model_copy(update={"execution": "padded", "gradient_segments": MOST_PASSES})
    forward = forward_of(loaded, objective, accelerator, training, micro_batch_size=MOST_PASSES)
    reader = reader_of(loaded, objective, training)
    explainer = Explainer.of(forward, loaded.tokenizer)
    return RunExplainer(
        run, explainer, labels, loaded.tokenizer, lambda found: objective.features(found, reader), _measure(head)
    )


def example_of(run: Path, row: Row) -> Any:
    """A row as an example of the run's task.

    Raises:
        UserError: A column is missing, or can't be read.
    """
    task = task_of(recorded(run)[1])
    (example,) = examples_of(task, [task.type.completed(task, row)])
    return example


def _measure(head: Head) -> Callable[[Floats, int], float]:
    """What a curve shows of scores: a label's probability, or the number."""
    kind = head.settings.get("problem_type")

    def probability(scores: Floats, target: int) -> float:
        if len(scores) == 1:
            return float(scores[target])
        if kind == "multi_label_classification":
            return float(1 / (1 + np.exp(-scores[target])))
        shifted = np.exp(scores - scores.max())
        return float(shifted[target] / shifted.sum())

    return probability
