"""The optimiser's groups, its learning rate by step, and when the validation split is scored."""

import math

import pytest
import torch
from small_models import loaded_model
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
    get_wsd_schedule,
)

from harness.config.training import Training
from harness.registry import SCHEDULES
from harness.training.optimisation import evaluation_steps, make_optimizer, make_scheduler


@pytest.mark.parametrize("family", ["bert", "roberta", "xlnet", "scratch"])
def test_weight_decay_is_on_matrices_and_not_on_biases_and_norms(family, checkpoints):
    loaded, _ = loaded_model(family, checkpoints[family])
    optimizer = make_optimizer(loaded.model, Training(weight_decay=0.1))
    names = {id(parameter): name for name, parameter in loaded.model.named_parameters()}
    decayed, bare = ([names[id(p)] for p in group["params"]] for group in optimizer.param_groups)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0.0]
    assert sorted(decayed + bare) == sorted(names.values())
    assert not [name for name in decayed if "bias" in name or "norm" in name.lower()]
    assert not [name for name in bare if "embeddings.weight" in name or name.endswith(("dense.weight", "proj.weight"))]
    assert [name for name in bare if "norm" in name.lower()]


def test_the_first_step_is_as_long_as_adam_with_bias_correction_makes_it():
    # With bias correction the first step is the learning rate times the gradient's sign (Kingma and Ba 2015, 2.1).
    model = torch.nn.Linear(3, 2)
    before = model.weight.detach().clone()
    optimizer = make_optimizer(model, Training(learning_rate=0.01, weight_decay=0.0))
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    torch.testing.assert_close(before - model.weight, torch.full((2, 3), 0.01), atol=1e-6, rtol=0)


def test_the_learning_rate_rises_over_the_warm_up_and_falls_to_zero():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=8.0)
    scheduler = make_scheduler(optimizer, Training(warmup_ratio=0.2), 10)
    rates = []
    for _ in range(10):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert rates == [0, 4, 8, 7, 6, 5, 4, 3, 2, 1]
    assert scheduler.get_last_lr() == [0]


REFERENCES = {
    "linear": get_linear_schedule_with_warmup,
    "cosine": get_cosine_schedule_with_warmup,
    "constant": lambda optimizer, warmup, _: get_constant_schedule_with_warmup(optimizer, warmup),
    "wsd": lambda optimizer, warmup, steps: get_wsd_schedule(
        optimizer,
        warmup,
        math.ceil(0.2 * (steps - warmup)),
        num_training_steps=steps,
        warmup_type="linear",
        decay_type="linear",
    ),
}


def rates(scheduler, steps):
    found = []
    for _ in range(steps + 1):
        found += scheduler.get_last_lr()
        scheduler.optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize("steps", [0, 1, 10, 37])
@pytest.mark.parametrize("name", SCHEDULES.names())
def test_every_schedule_is_the_one_that_transformers_has_and_the_default_to_the_bit(name, steps):
    ours, theirs = (torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=3e-5) for _ in range(2))
    made = rates(make_scheduler(ours, Training(schedule=name, warmup_ratio=0.1), steps), steps)
    expected = rates(REFERENCES[name](theirs, math.ceil(0.1 * steps), steps), steps)
    assert made == pytest.approx(expected, rel=0 if name == Training().schedule else 1e-12, abs=0)


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"epochs": 3}, 21),
        ({"epochs": 0.5}, 4),
        ({"epochs": 0.01}, 1),
        ({"epochs": 1, "minimum_steps": 100}, 100),
        ({"epochs": 3, "maximum_steps": 5}, 5),
        ({"epochs": 1, "minimum_steps": 100, "maximum_steps": 5}, 5),
    ],
)
def test_the_number_of_steps_follows_from_epochs_and_bounds(settings, steps):
    assert Training(**settings).steps(7) == steps


@pytest.mark.parametrize(
    ("a_epoch", "per_epoch", "steps", "expected"),
    [
        (1, 4, 12, {4, 8, 12}),
        (2, 4, 8, {2, 4, 6, 8}),
        (2, 5, 10, {2, 5, 8, 10}),
        (4, 2, 3, {1, 2, 3}),  # more evaluations than steps: one per step
        (1, 10, 3, {3}),  # an epoch that never ends is evaluated once, at the end
        (1, 4, 10, {4, 8, 10}),
        (3, 100, 100, {33, 67, 100}),
    ],
)
def test_validation_is_scored_evenly_and_at_the_end(a_epoch, per_epoch, steps, expected):
    assert evaluation_steps(Training(evaluations_per_epoch=a_epoch), per_epoch, steps) == expected
