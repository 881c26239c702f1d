"""A training step asks nothing of the device that computes it, so that a GPU always has work waiting.

Here the device is torch's "meta", which has shapes and no numbers: what reads one, or mixes devices, raises.
"""

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from small_models import (
    ARCHITECTURES,
    LABELS,
    TAGS,
    choice_examples,
    loaded_model,
    question_examples,
    tagged_examples,
    text_examples,
    trainer_for,
)
from task_types.test_sequence_to_sequence import loaded as loaded_pairs
from task_types.test_sequence_to_sequence import pairs
from torch.utils.checkpoint import checkpoint

from harness.config.training import Training
from harness.long_texts import windows
from harness.long_texts.windows import in_parts
from harness.registry import FAMILIES

EXAMPLES = {
    "classification": (text_examples, LABELS),
    "multiple_choice": (choice_examples, ()),
    "question_answering": (question_examples, ()),
    "token_classification": (tagged_examples, TAGS),
}
PACKED = tuple(name for name in ARCHITECTURES if FAMILIES.load(name).packing is not None)
META = torch.device("meta")
NOWHERE = SimpleNamespace(device=META, num_processes=1, process_index=0, autocast=nullcontext)


def losses_on_meta(family, folder, task_type, **settings):
    """The losses of a few items, with their graph, of a model without numbers."""
    examples, labels = EXAMPLES[task_type]
    training = Training(**settings)
    loaded, objective = loaded_model(family, folder, task_type, labels=labels, dropout=0.1, training=training)
    trainer, reader = trainer_for(loaded, objective, training)
    items = objective.features(examples(6), reader).items
    forward = trainer.forward
    forward.model.to(META).train()
    forward.scoring, forward.accelerator = replace(forward.scoring, accelerator=NOWHERE), NOWHERE
    forward.collator = replace(forward.collator, device=META)
    return forward.losses(items), len(items), forward.model


@pytest.mark.slow_but_first
@pytest.mark.parametrize("task_type", EXAMPLES)
@pytest.mark.parametrize("family", PACKED)
def test_packed_texts_are_read_without_waiting(family, task_type, checkpoints):
    if (family, task_type) == ("modernbert", "multiple_choice"):
        pytest.skip("transformers' head reads an index back")
    losses, count, model = losses_on_meta(family, checkpoints[family], task_type)
    assert losses.shape == (count,)
    losses.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.requires_grad)


@pytest.mark.slow
def test_packed_pairs_are_read_without_waiting():
    _, objective, trainer, reader = loaded_pairs("scratch", dropout=0.1)
    items = objective.features(pairs(6), reader).items
    forward = trainer.forward
    forward.model.to(META).train()
    forward.scoring, forward.accelerator = replace(forward.scoring, accelerator=NOWHERE), NOWHERE
    losses = forward.losses(items)
    assert losses.shape == (6,)
    losses.sum().backward()


def test_the_device_of_these_tests_would_tell():
    with pytest.raises(RuntimeError):
        float(torch.ones(3, device=META).sum())


@pytest.mark.slow
def test_a_part_that_is_computed_again_is_computed_with_the_device_s_generator(checkpoints, monkeypatch):
    """`checkpoint` keeps the generators of the devices of the tensors that it is given: texts are on the host."""
    given = []

    def noted(function, *arguments, **options):
        given.append({tensor.device for tensor in arguments if isinstance(tensor, torch.Tensor)})
        return checkpoint(function, *arguments, **options)

    monkeypatch.setattr(windows, "checkpoint", noted)
    losses, count, _ = losses_on_meta("bert", checkpoints["bert"], "classification", micro_batch_size=2)
    losses.sum().backward()
    assert given == [{META}] * (count // 2)


def test_parts_are_what_the_whole_is_with_the_same_gradient():
    rows = torch.randn(5, 3, dtype=torch.double, requires_grad=True)
    (found,) = in_parts(lambda part: (part["rows"].square(),), {"rows": rows}, 2, rows.device)
    torch.testing.assert_close(found, rows.square())
    torch.testing.assert_close(torch.autograd.grad(found.sum(), rows)[0], 2 * rows)
