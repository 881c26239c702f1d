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

from harness.config.training import Training
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


def losses_on_meta(family, checkpoint, task_type, **settings):
    """The losses of a few items, with their graph, of a model without numbers."""
    examples, labels = EXAMPLES[task_type]
    training = Training(**settings)
    loaded, objective = loaded_model(family, checkpoint, task_type, labels=labels, dropout=0.1, training=training)
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


def test_the_device_of_these_tests_would_tell():
    with pytest.raises(RuntimeError):
        float(torch.ones(3, device=META).sum())
