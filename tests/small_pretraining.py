"""A model to be pretrained under an objective, as the command makes it, but small and in this process."""

from pathlib import Path

from small_models import ARCHITECTURES

from harness.config.model import ModelConfig
from harness.ops.device import fresh_accelerator, seed_dropout, seed_layers
from harness.ops.fast_dropout import with_fast_dropout
from harness.ops.fused_norm import with_fused_norms
from harness.pretraining.token_losses import InitialModel
from harness.registry import FAMILIES, OBJECTIVES
from harness.training.optimisation import make_optimizer, make_scheduler
from harness.training.trainer import Trainer


def untrained(family, tokenizer, plan, **architecture):
    """The family's language model at its beginning."""
    made, known = FAMILIES.load(family), {**ARCHITECTURES[family], **architecture}
    accelerator = fresh_accelerator(plan.precision, tracker=None, folder=Path())
    seed_layers(plan.seed)
    spec = ModelConfig(family=family, architecture=known)
    model = made.language_model(spec, tokenizer, dropout=plan.dropout)[0].to(accelerator.device)
    with_fast_dropout(model)
    with_fused_norms(model)
    seed_dropout(plan.seed, 0)
    return InitialModel(model, made.language, made.packing, tokenizer, accelerator)


def objective_and_model(family, objective, corpus, tokenizer, plan, **architecture):
    """The objective on the corpus, and the family's model under it."""
    made = OBJECTIVES.load(objective)(corpus, tokenizer, plan=plan)
    return made, made.trainable(untrained(family, tokenizer, plan, **architecture))


def trainer_of(trainable, plan):
    """What takes optimiser steps on the model."""
    optimizer = make_optimizer(trainable.model, plan)
    return Trainer(trainable, optimizer, make_scheduler(optimizer, plan, plan.steps), plan.max_grad_norm, notes=[])


def stock(model):
    """The same weights in a model that transformers made and nobody changed, not in training."""
    fresh = type(model)(model.config)
    fresh.load_state_dict(model.state_dict())
    fresh.tie_weights()
    return fresh.eval()
