"""What every registered optimizer promises, and how a recipe names one."""

import pytest
import torch
from torch import nn

from harness.config.training import Training, recipe_of
from harness.registry import OPTIMIZERS
from harness.runs.identity import identity
from harness.training.optimisation import (
    make_optimizer,
    make_scheduler,
    trains_used_rows_exactly,
    unused_rows_decay,
)

STEPS, TAKEN = 12, 8
USED = torch.tensor([0, 2, 3])


def trained(settings, rows):
    """A table's rows after some steps whose gradients come from the used rows alone."""
    table = nn.Embedding(len(rows), rows.shape[1], _weight=rows.clone())
    optimizer = make_optimizer(table, settings)
    scheduler = make_scheduler(optimizer, settings, STEPS)
    used = USED if len(rows) > len(USED) else torch.arange(len(USED))
    for _ in range(TAKEN):
        (table(used) - 1).square().sum().backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    return table.weight.detach()


def whole_and_used(name):
    settings = Training(optimizer=name, learning_rate=0.05, weight_decay=0.3)
    rows = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    return settings, rows, trained(settings, rows), trained(settings, rows[USED])


def test_there_are_several_optimizers():
    assert {"adafactor", "adamw", "sgd"} <= set(OPTIMIZERS.names())


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_an_optimizer_brings_the_weights_nearer_to_the_aim(name):
    _, rows, whole, _ = whole_and_used(name)
    assert (whole[USED] - 1).square().sum() < (rows[USED] - 1).square().sum()


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_used_rows_trained_alone_come_out_the_same_just_where_the_optimizer_says_so(name):
    settings, _, whole, used = whole_and_used(name)
    assert torch.allclose(whole[USED], used, atol=1e-6) is trains_used_rows_exactly(settings)


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS.names() if OPTIMIZERS.load(name).unused_rows_decay])
def test_an_unused_row_has_decayed_by_what_the_optimizer_says(name):
    settings, rows, whole, _ = whole_and_used(name)
    expected = rows[[1, 4, 5]] * unused_rows_decay(settings, steps=STEPS, taken=TAKEN)
    torch.testing.assert_close(whole[[1, 4, 5]], expected, atol=1e-6, rtol=0)
    assert not torch.equal(whole[1], rows[1])


def test_a_recipe_names_an_optimizer_and_a_schedule_that_there_are():
    mistakes = []
    assert recipe_of({"training.": {"optimizer": "adam", "schedule": "linaer"}}, mistakes) is None
    assert mistakes == [
        "training.optimizer: must be one of adafactor, adamw, sgd (got 'adam').",
        "training.schedule: must be one of constant, cosine, linear, wsd (got 'linaer').",
    ]


def test_a_run_recorded_before_there_was_a_choice_is_the_same_run():
    now = {"task": "t", "data": "d", "metrics": ("accuracy",), "model": {"family": "bert"}, "seed": 0}
    before = identity({**now, "training": {"epochs": 1.0}})
    assert before == identity({**now, "training": {"epochs": 1.0, "optimizer": "adamw", "schedule": "linear"}})
    assert before != identity({**now, "training": {"epochs": 1.0, "optimizer": "sgd"}})
