"""Short trainings by every recipe, which a test can stop at a step and start again."""

import math

import torch
from small_models import (
    LABELS,
    Silent,
    choice_examples,
    loaded_model,
    question_examples,
    text_examples,
    trainer_for,
)

from harness.config.training import Training
from harness.registry import TASK_TYPES
from harness.training.loop import TrainingPlan, Validation, finetune

TEXTS = {"learning_rate": 1e-3, "batch_size": 4, "epochs": 2.0, "evaluations_per_epoch": 2}
RECIPES = {
    "texts": TEXTS,
    "windows": {**TEXTS, "strategy": "windows", "max_length": 12, "micro_batch_size": 3},
    "questions": {**TEXTS, "max_length": 24},
    "choices": {**TEXTS, "micro_batch_size": 5},
    "bf16": {**TEXTS, "precision": "bf16"},
    "adafactor": {**TEXTS, "optimizer": "adafactor"},
    "sgd": {**TEXTS, "optimizer": "sgd", "schedule": "cosine"},
    "frozen, weighted": {
        **TEXTS,
        "frozen": 1,
        "layer_decay": 0.5,
        "schedule": "wsd",
        "class_weights": "balanced",
        "focal_gamma": 1.0,
    },
    "lora": {**TEXTS, "method": "lora", "head_learning_rate": 1e-2},
}
TASK_TYPE_OF = {"questions": ("question_answering", ()), "choices": ("multiple_choice", ())}
EXAMPLES = {
    "classification": lambda: text_examples(18, longest=40),
    "question_answering": lambda: question_examples(10, words=30),
    "multiple_choice": lambda: choice_examples(18, longest=30),
}
STEPS = 10  # 18 texts are 5 batches an epoch


class Stopped(BaseException):
    """Somebody pulled the plug."""


class StopAt(Silent):
    """Callbacks that pull the plug at a step, or note what they are told."""

    def __init__(self, step=None):
        self.step, self.losses, self.points = step, [], []

    def on_step(self, step, steps, *, loss, items):
        if step == self.step:
            raise Stopped
        self.losses.append(loss)

    def on_evaluate(self, point):
        self.points.append(point)


def set_up(checkpoint, name="texts", *, dropout=0.1, family="bert", **settings):
    training = Training(**RECIPES[name], **settings)
    task_type, labels = TASK_TYPE_OF.get(name, ("classification", LABELS))
    loaded, _ = loaded_model(family, checkpoint, task_type, labels=labels, dropout=dropout)
    objective = TASK_TYPES.load(task_type).objective(labels, training)
    examples = EXAMPLES[task_type]()
    objective = objective.for_training(loaded.model, examples, has_own_head=False)
    trainer, reader = trainer_for(loaded, objective, training, steps=STEPS, seed=0)
    features = objective.features(examples, reader)
    validation = Validation(features, examples, lambda _: {"score": weight_of(loaded.model)}, "score", True)
    return trainer, features.items, validation, training


def weight_of(model):
    """A score that depends on the weights alone, and on all of them."""
    return sum(float(tensor.double().abs().sum()) for tensor in model.state_dict().values())


def go(set_up_, folder, *, callbacks=None, checkpoint_seconds=math.inf, steps=STEPS, labels=LABELS):
    trainer, items, validation, training = set_up_
    plan = TrainingPlan(training, 0, steps, checkpoint_seconds, labels)
    return finetune(trainer, items, validation, plan=plan, folder=folder, callbacks=callbacks or Silent())


def same(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
