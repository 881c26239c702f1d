"""Pairs laid end to end cost, and teach, what padded ones do, for every family that can be packed and writes."""

import random

import pytest
import torch
from small_models import FILLERS, trainer_for

from harness.config.model import ModelConfig
from harness.config.training import Training
from harness.long_texts.packed import sizes
from harness.long_texts.packed.attention import NAME
from harness.long_texts.packed.pairs import PackedWritten
from harness.long_texts.scoring import execution_notes
from harness.ops.device import seed_layers
from harness.registry import FAMILIES, TASK_TYPES
from harness.task_types.sequence_to_sequence.examples import SequencePair

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
PACKINGS = {name: getattr(FAMILIES.load(name), "packing", None) for name in FAMILIES.names()}
PACKED = [name for name, packing in PACKINGS.items() if packing is not None and packing.pairs is not None]


def pairs(count):
    """Sources and targets of many lengths, each other's or not; some of one word."""
    chooser = random.Random(5)
    texts = [" ".join(chooser.choices(FILLERS, k=chooser.choice([1, 2, 3, 8, 20]))) for _ in range(2 * count)]
    return [SequencePair(f"p-{n}", texts[2 * n], texts[2 * n + 1]) for n in range(count)]


def set_up(family, checkpoints, *, dropout=0.0, **settings):
    training = Training(**{"max_target_length": 24, "learning_rate": 1e-3, "warmup_ratio": 0.0, **settings})
    objective = TASK_TYPES.load("sequence_to_sequence").objective((), training)
    checkpoint = None if family == "scratch" else str(checkpoints[family])
    spec = ModelConfig(
        family=family,
        checkpoint=checkpoint,
        architecture=SMALL if family == "scratch" else {},
        vocabulary_size=300,
    )
    seed_layers(0)
    loaded = FAMILIES.load(family).load(spec, objective.head(), labels=(), dropout=dropout, texts=lambda: FILLERS)
    trainer, reader = trainer_for(loaded, objective, training)
    return loaded, objective, trainer, objective.features(pairs(24), reader).items


def test_the_scratch_model_and_copies_of_encoders_are_packed():
    assert PACKED == ["bert", "roberta", "scratch"]


@pytest.mark.slow_but_first
@pytest.mark.parametrize("filler", [0, 70])
@pytest.mark.parametrize("family", ["scratch", "bert", "roberta"])
def test_costs_and_gradients_are_those_of_padded_pairs(family, filler, checkpoints, monkeypatch):
    monkeypatch.setattr(sizes, "filler_length", lambda *_: filler)
    found = []
    for execution in ("packed", "padded"):
        loaded, _, trainer, items = set_up(family, checkpoints, execution=execution)
        scoring, collator = trainer.forward.scoring, trainer.forward.collator
        assert isinstance(scoring, PackedWritten) == (execution == "packed")
        assert execution_notes(loaded, scoring, Training(execution=execution)) == []
        loaded.model.train()
        costs = scoring.logits(collator(items).inputs, 100)[0]
        costs[:, :2].sum().backward()
        gradients = {name: p.grad for name, p in loaded.model.named_parameters() if p.grad is not None}
        found.append((costs, gradients))
        assert NAME not in {
            getattr(m.config, "_attn_implementation", "") for m in loaded.model.modules() if hasattr(m, "config")
        }
    (ours, own), (theirs, expected) = found
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert own.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(own[name], gradient, atol=2e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["scratch", "bert", "roberta"])
def test_a_training_curve_is_that_of_padded_pairs_in_one_pass_or_several(family, checkpoints):
    curves = []
    for settings in ({}, {"execution": "padded"}, {"micro_batch_size": 3}):
        _, _, trainer, items = set_up(family, checkpoints, **settings)
        curves.append([float(trainer.step(items[start : start + 8])) for start in (0, 8, 16, 0, 8, 16)])
    assert curves[0] == pytest.approx(curves[1], abs=1e-5)
    assert curves[0] == pytest.approx(curves[2], abs=1e-5)
    assert curves[0][0] != pytest.approx(curves[0][-1], abs=1e-2)  # it learns


def test_pairs_that_don_t_fit_into_a_pass_are_recomputed_with_the_same_gradient(checkpoints):
    _, _, trainer, items = set_up("scratch", checkpoints, dropout=0.2)
    scoring, model = trainer.forward.scoring, trainer.forward.model.train()
    inputs = trainer.forward.collator(items[:9]).inputs
    found = []
    for parts in ([inputs], [{name: rows[n : n + 2] for name, rows in inputs.items()} for n in range(0, 9, 2)]):
        torch.manual_seed(3)
        model.zero_grad()
        torch.cat([scoring.logits(part, 2)[0] for part in parts])[:, 0].sum().backward()
        found.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
