"""Adapt a run's recipe to its model, task and machine, or say why it does not fit."""

from __future__ import annotations

from importlib.util import find_spec

from harness.config.model import ModelConfig
from harness.config.run import LocalData
from harness.config.training import FEWEST_STEPS, SPLIT_LIMITS, UNREAD_BY_PROBES, Training
from harness.errors import UserError, collected
from harness.registry import FAMILIES, TASK_TYPES, baseline_settings
from harness.suites.precision import actual_precision
from harness.task_types.label_loss import LabelLoss, check_label_settings

_LENGTH = {"epochs", "minimum_steps", "maximum_steps"}  # The settings of training length.


def settled_recipe(
    recipe: Training, model: ModelConfig, task: str, *, local: LocalData | None, task_type: str
) -> Training:
    """Resolve the recipe of a run.

    A precision of "auto" becomes that of the machine, so that the record is exact. Settings that a simple baseline
    ignores are left out, so that a new learning rate does not require running it again.

    Args:
        recipe: The recipe from files and the command line.
        model: The model, with its family resolved.
        task: The name of the task.
        local: The user's own files, if they are the data.
        task_type: The task type.

    Raises:
        UserError: If model, task or machine lack something that the recipe needs, or there is nothing to train on.
    """
    _check_trainable(local, model, recipe)
    if model.is_simple_baseline:
        read = (*SPLIT_LIMITS, *baseline_settings(model.resolved_family))
        settled, mistakes = Training(**{key: getattr(recipe, key) for key in read}), list[str]()
        with collected(mistakes, f"tasks: {task}: "):
            check_label_settings(TASK_TYPES.load(task_type), settled)
        if mistakes:
            raise UserError(*mistakes)
        return settled
    _check_recipe(recipe, model.resolved_family, task, task_type)
    if recipe.method == "probe":
        recipe = Training(**{key: value for key, value in recipe if key not in UNREAD_BY_PROBES})
    return recipe.model_copy(
        update={
            "precision": actual_precision(recipe.precision),
            "minimum_steps": _minimum_steps(recipe, local, task_type),
        }
    )


def _check_trainable(local: LocalData | None, model: ModelConfig, recipe: Training) -> None:
    """Reject files without a training split, unless the model is only scored.

    Raises:
        UserError: If they lack one.
    """
    if local is None or local.train is not None:
        return
    as_found = TASK_TYPES.load(local.task().task_type).scored_as_found and recipe.maximum_steps == 0
    if not as_found or model.is_simple_baseline:
        raise UserError(
            "train: no file to train on. Give train; test alone is enough for a language model that is scored as it is "
            '(task_type = "language_modelling", maximum_steps = 0).'
        )


def _check_recipe(recipe: Training, family: str, task: str, task_type: str) -> None:
    """Reject settings that the family, the task type or this machine does not support.

    Raises:
        UserError: For every mistake, a line each.
    """
    if recipe.segmented and not FAMILIES.constant(family, "RECURRENT", default=False):
        raise UserError(
            f"strategy: {recipe.strategy!r} needs a model with a memory, but {family!r} has none. "
            "Choose another strategy, or a model of the family transformer_xl or xlnet."
        )
    mistakes: list[str] = []
    with collected(mistakes, f"tasks: {task}: "):
        check_label_settings(TASK_TYPES.load(task_type), recipe)
    if recipe.method == "lora" and find_spec("peft") is None:
        mistakes.append("method: \"lora\" needs the package peft. Install it: pip install 'finetune-harness[lora]'.")
    if recipe.method == "probe":
        with collected(mistakes, f"tasks: {task}: "):
            TASK_TYPES.load(task_type).linear()
        mistakes += [
            f'{name}: method "probe" fits the plain cross-entropy, with class_weights at most. Leave it out, or set '
            'frozen = "encoder".'
            for name in ("focal_gamma", "label_smoothing")
            if getattr(recipe, name) != LabelLoss.model_fields[name].get_default()
        ]
    if mistakes:
        raise UserError(*mistakes)


def _minimum_steps(recipe: Training, local: LocalData | None, task_type: str) -> int:
    """The minimum number of steps: above zero for a user's own files if the length of training is not given.

    Strategies for long texts and whole documents are excluded, because a step may take a hundred times as long.
    """
    is_said = bool(_LENGTH & recipe.model_fields_set)
    is_long = recipe.strategy not in ("head", "head_tail") or TASK_TYPES.load(task_type).scored_as_found
    return recipe.minimum_steps if local is None or is_said or is_long else FEWEST_STEPS
