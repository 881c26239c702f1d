"""A text of any length, segment by segment: what memory and gradient carry, and what a batch must not change."""

import random

import pytest
import torch
from small_models import learner_for, loaded_model, sentence

from harness.config import Training
from tasks.task import TextExample

WITH_MEMORY = ["transformer_xl", "xlnet"]
POOLS = ["mean", "last", "segment_ends"]
# Of 8 tokens a segment: shorter than one, exactly two, and many with a short last one.
WORDS = [3, 14, 61, 30, 14, 99]


def examples_of(words=WORDS):
    chooser = random.Random(5)
    return [TextExample(str(n), sentence(chooser, n % 2, count), n % 2) for n, count in enumerate(words)]


def recipe(**settings):
    return Training(
        **{"strategy": "recurrence", "segment": 8, "memory": 8, "learning_rate": 1e-3, "dropout": 0.0, **settings}
    )


def learner_of(family, checkpoints, **settings):
    loaded, kind = loaded_model(family, checkpoints[family], dropout=settings.pop("dropout", 0.0))
    learner, reader = learner_for(loaded, kind, recipe(**settings))
    return learner, kind, reader


def gradients(learner, items):
    learner.forward.model.train()
    learner.optimizer.zero_grad()
    loss = learner._gradients(items)
    return loss, {name: p.grad.clone() for name, p in learner.forward.model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("strategy", ["recurrence", "segments"])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("family", WITH_MEMORY)
def test_a_text_s_logits_do_not_depend_on_the_texts_beside_it(family, pool, strategy, checkpoints):
    learner, kind, reader = learner_of(family, checkpoints, pool=pool, strategy=strategy)
    examples = examples_of()
    together = learner.forward.evaluate(kind.features(examples, reader), examples)[1]
    for example, found in zip(examples, together, strict=True):
        alone = learner.forward.evaluate(kind.features([example], reader), [example])[1]
        torch.testing.assert_close(torch.tensor(alone[0]), torch.tensor(found), atol=1e-5, rtol=0)


@pytest.mark.parametrize("gradient_segments", [1, 2, 100])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("family", WITH_MEMORY)
def test_a_gradient_that_is_computed_again_is_the_same(family, pool, gradient_segments, checkpoints):
    learner, kind, reader = learner_of(family, checkpoints, pool=pool, gradient_segments=gradient_segments, dropout=0.2)
    items = kind.features(examples_of(), reader).items
    found = []
    for limit in (100, 1):
        learner.forward.micro_batch_size = limit
        torch.manual_seed(0)
        found.append(gradients(learner, items[-1:]))
    (loss, kept), (again_loss, again) = found
    assert loss == pytest.approx(again_loss, abs=1e-6)
    assert kept.keys() == again.keys()
    for name in kept:
        torch.testing.assert_close(again[name], kept[name], atol=1e-6, rtol=1e-4)
