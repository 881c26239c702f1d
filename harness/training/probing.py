"""Linear probing: fit the last layer of the head to its inputs, and train nothing else.

Its inputs are those of the stock head: for BERT the pooled first token, for Transformer-XL the state of the last token.
The fitted layer is therefore stored in the stock model, whose checkpoint gives the probe's predictions.

Source: Alain and Bengio 2016, "Understanding intermediate layers using linear classifier probes".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.config.run import RunConfig
from harness.data.task import Task
from harness.errors import UserError
from harness.metrics.lookup import find_metric
from harness.models.number_output import output_layer
from harness.ops.together import processes
from harness.task_types.label_loss import LabelLoss
from harness.task_types.label_weights import Weights, weights_for, weights_note
from harness.task_types.linear import Fit, LinearTask
from harness.task_types.texts_objective import TextObjective
from harness.tokenization.items import Features
from harness.training.adaptation import Adapted
from harness.training.evaluation import Predicted, evaluate, scored
from harness.training.kept_states import States, kept_states, weights_name
from harness.training.measuring import measured
from harness.training.progress import Progress
from harness.training.result import TrainingResult
from harness.training.run_context import RunContext
from harness.training.task_model import TaskModel, forward_of

PENALTIES = tuple(10 ** (half / 2) for half in range(10, -1, -1))
"""From strong to weak, in multiples of tfidf's: C from 0.0001 to 10 of logistic regression, alpha from 100,000 to 1 of
ridge regression, for states with a standard deviation of 1."""
ROUNDING = 1e-6
KEPT = "states of the {} split are from the cache, so the time does not include reading it"
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Probe:
    """A linear map of states.

    Attributes:
        weights: The weights [outputs, width].
        intercepts: The intercepts [outputs].
        penalty: The strength of regularisation.
    """

    weights: Numbers
    intercepts: Numbers
    penalty: float

    def outputs(self, states: States) -> Any:
        """Return the outputs from which the objective makes rows of predictions [texts, outputs]."""
        return (states @ self.weights.T + self.intercepts).astype(np.float32)


def probe(model: TaskModel, task: Task, config: RunConfig, context: RunContext) -> TrainingResult:
    """Fit and evaluate the last layer of the model's head, with the penalty that is best on validation.

    Raises:
        UserError: If the last layer of the head is not linear.
    """
    splits, watch = model.splits, context.watch
    reading = _Reading(model, context)
    with watch("train"):
        states = {"train": reading.states("train")}
    with watch("validate"):
        states["validation"] = reading.states("validation")
    with watch("train"):
        linear, settings = task.type.linear(), LabelLoss.of(config.training)
        weights = weights_for(linear, settings, splits.train, splits.labels)
        probes = fitted(linear, states["train"], splits.train, reading.layer, label_weights=weights)
        best = _best(probes, states["validation"], model, config)
        put_into(reading.layer, best)
    progress = reading.progress(watch.seconds["train"], best, weights_note(splits.labels, weights))

    def predict(split: str) -> Predicted:
        found = states[split] if split in states else reading.states(split)
        return Predicted(best.outputs(found), model.features(split).lengths)

    found = evaluate(predict, model.objective, splits, config=config, watch=watch)
    adapted = Adapted((), sum(parameter.numel() for parameter in reading.layer.parameters()), 1.0)
    measurements = measured(
        context.known, model, reading.forward, progress, adapted=adapted, found=found, config=config
    )
    return TrainingResult(measurements, splits.labels, found.rows, model.save)


def fitted(
    task: LinearTask,
    states: States,
    examples: Sequence[Any],
    layer: nn.Linear,
    *,
    label_weights: Weights | None = None,
) -> Iterator[Probe]:
    """Yield a linear map for each penalty, strongest first.

    Args:
        task: How targets are learnt.
        states: States of the training texts [texts, width].
        examples: The training examples, in the same order.
        layer: The layer that the map is for. Without a bias, the map has no intercepts.
        label_weights: The weight of examples of each label; None for 1.
    """
    has_bias = layer.bias is not None
    mean = states.mean(axis=0, dtype=np.float64) if has_bias else np.zeros(states.shape[1])
    scale = np.sqrt(((states - mean) ** 2).mean(axis=0))
    scale[scale <= ROUNDING * np.abs(states).max(axis=0)] = 1.0  # Rounding errors carry no information.
    rows = (states - mean) / scale
    for penalty in PENALTIES:
        weights, intercepts = np.zeros(layer.weight.shape), np.zeros(layer.out_features)
        if has_bias:
            intercepts += task.prior(examples, tuple(map(str, range(layer.out_features))))
        task.learn(Fit(rows, examples, penalty, has_bias, label_weights), weights, intercepts)
        weights /= scale
        yield Probe(weights, intercepts - weights @ mean, penalty)


def _best(probes: Iterable[Probe], states: States, model: TaskModel, config: RunConfig) -> Probe:
    """Return the probe with the best main metric on validation; if equal, that with the strongest penalty."""
    examples, main, objective = model.splits.validation, config.metrics[0], model.objective
    sign = 1 if find_metric(main).higher_is_better else -1

    def score(found: Probe) -> float:
        outputs = found.outputs(states)
        rows = objective.rows(outputs, examples, objective.calibration(outputs, examples))
        score = sign * scored(rows, config.metrics, model.splits.labels)[main]
        return -math.inf if math.isnan(score) else score

    return max(probes, key=score)


@torch.no_grad()
def put_into(layer: nn.Linear, found: Probe) -> None:
    """Copy the linear map into the layer."""
    layer.weight.copy_(torch.as_tensor(found.weights))
    if layer.bias is not None:
        layer.bias.copy_(torch.as_tensor(found.intercepts))


class _Reading:
    """Reads splits with all of a model except the last layer of its head."""

    def __init__(self, model: TaskModel, context: RunContext) -> None:
        assert isinstance(model.objective, TextObjective), "checked when the run was made"
        loaded, training = model.loaded, model.training
        name = output_layer(loaded.model, loaded.model.config.num_labels)
        if name is None:
            raise UserError(
                f'method: "probe" fits the last layer of a head, but that of a {loaded.model.config.model_type} is not '
                'linear. frozen = "encoder" trains the head alone.'
            )
        self.layer = cast("nn.Linear", loaded.model.get_submodule(name))
        objective = replace(model.objective, loss=_no_loss)
        batch = training.micro_batch_size
        self.forward = forward_of(loaded, objective, context.accelerator, training, micro_batch_size=batch)
        self._model, self._name, self._weights = model, name, ""
        self._notes: list[str] = []

    def states(self, split: str) -> States:
        """Return the inputs of the head's last layer [texts, width], averaged over the windows of a text."""
        network, features = self._model.loaded.model, self._model.features(split)
        network.set_submodule(self._name, nn.Identity())
        try:
            if processes().num_processes > 1:  # Each reads a share, and they would have to agree on what is cached.
                return self._read(features)
            self._weights = self._weights or weights_name(network, self._model.training)
            found, is_kept = kept_states(self._weights, features.items, lambda: self._read(features))
        finally:
            network.set_submodule(self._name, self.layer)
        self._notes += [KEPT.format(split)] if is_kept else []
        return found

    def _read(self, features: Features) -> States:
        _, outputs = self.forward.evaluate(features, ())
        return np.asarray(outputs, dtype=np.float32)

    def progress(self, seconds: float, best: Probe, notes: Sequence[str]) -> Progress:
        """Return the progress of the fit, as a run of one epoch."""
        items = self._model.features("train").items
        tokens = sum(len(window.input_ids) for item in items for window in item.windows)
        penalty = f"probe: the penalty that is best on validation is {best.penalty:.3g} times that of tfidf"
        self._notes += [penalty, *notes]
        return Progress(items=len(items), tokens=tokens, seconds=seconds, notes=self._notes)  # The test split's follow.


def _no_loss(scores: Tensor, _targets: Sequence[Any]) -> Tensor:
    """Return zero losses, since states are no predictions."""
    return scores.new_zeros(len(scores))
