"""Optimiser steps: the same whatever the number of passes, however long the texts, and when memory runs out."""

import math

import numpy as np
import pytest
import torch
from small_models import LABELS, loaded_model, question_examples, text_examples, trainer_for, weights

from harness.config.training import Training
from harness.registry import TASK_TYPES
from harness.tokenization.items import Features
from harness.training.trainer import DivergedError

OUT_OF_MEMORY = (
    RuntimeError("[enforce fail at alloc_cpu.cpp:118] . DefaultCPUAllocator: can't allocate memory: you tried …"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
)


def set_up(checkpoint, *, dropout=0.0, family="bert", task_type="classification", seed=0, **settings):
    """A trainer, and the items of 19 texts: 1 to 6 windows each where the strategy asks for windows."""
    training = Training(**{"learning_rate": 1e-2, "warmup_ratio": 0.0, "micro_batch_size": 32, **settings})
    labels = () if task_type == "question_answering" else LABELS
    loaded, _ = loaded_model(family, checkpoint, task_type, labels=labels, dropout=dropout, seed=seed)
    objective = TASK_TYPES.load(task_type).objective(labels, training)
    trainer, reader = trainer_for(loaded, objective, training)
    examples = text_examples(19, longest=50) if labels else question_examples(19)
    return trainer, objective.features(examples, reader).items


def after(trainer, *batches):
    """Losses and weights after a step on each batch."""
    losses = [float(trainer.step(batch)) for batch in batches]
    return losses, weights(trainer.forward.model)


def assert_same(ours, theirs, *, tolerance=1e-5):
    assert ours[0] == pytest.approx(theirs[0], abs=tolerance)
    for name, tensor in theirs[1].items():
        if tolerance and name.endswith("key.bias"):
            continue  # The softmax takes no notice of it: its gradient is rounding, of which Adam makes whole steps.
        torch.testing.assert_close(ours[1][name], tensor, atol=tolerance, rtol=0, msg=lambda m, n=name: f"{n}: {m}")


def gradients(trainer, items):
    """The gradient of a step's loss, before the optimiser sees it."""
    trainer.forward.model.train()
    loss = float(trainer._gradients(items))
    found = {name: p.grad.clone() for name, p in trainer.forward.model.named_parameters() if p.grad is not None}
    trainer.optimizer.zero_grad()
    return loss, found


@pytest.mark.slow_but_first
@pytest.mark.parametrize(("encoder", "frozen"), [(False, None), (True, "encoder")])
def test_a_first_step_drops_out_in_all_that_is_not_frozen_whatever_mode_it_came_in(encoder, frozen, checkpoints):
    """The halves of a warm-started encoder-decoder come in evaluation mode, and all of a new model in training mode."""
    loaded, objective = loaded_model("bert", checkpoints["bert"], dropout=0.1)
    loaded.model.train()
    loaded.model.bert.train(encoder)
    trainer, reader = trainer_for(loaded, objective, Training(frozen=frozen))
    trainer.step(objective.features(text_examples(2), reader).items)
    assert {module.training for module in loaded.model.bert.encoder.modules()} == {frozen is None}
    assert loaded.model.dropout.training


class FirstOfTwo:
    """The accelerator of a process whose counterpart has found nothing."""

    num_processes = 2

    def __init__(self, accelerator):
        self._accelerator = accelerator

    def __getattr__(self, name):
        return getattr(self._accelerator, name)

    def reduce(self, values, reduction):
        assert reduction == "sum"
        return values.clone()


def test_what_no_process_has_used_is_left_alone_as_by_a_single_one(checkpoints):
    """With a gradient of zero, weight decay would shrink XLNet's vector for masked words, which no text has."""
    trainer, items = set_up(checkpoints["xlnet"], family="xlnet", weight_decay=0.1)
    trainer.forward.accelerator = FirstOfTwo(trainer.forward.accelerator)
    before = weights(trainer.forward.model)
    _, now = after(trainer, items)
    assert {name for name, tensor in now.items() if torch.equal(tensor, before[name])} == {"transformer.mask_emb"}


def test_a_rehearsed_step_changes_nothing(checkpoints):
    found = []
    for rehearsals in (0, 2):
        trainer, items = set_up(checkpoints["bert"], dropout=0.3, micro_batch_size=4, frozen=1)
        for _ in range(rehearsals):
            trainer.rehearse(items)
        found.append(after(trainer, items))
    assert_same(found[1], found[0], tolerance=0)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("task_type", ["classification", "question_answering"])
@pytest.mark.parametrize("micro_batch_size", [1, 3, 32])
def test_any_number_of_passes_gives_the_gradient_of_the_mean_loss(task_type, micro_batch_size, checkpoints):
    trainer, items = set_up(checkpoints["bert"], task_type=task_type, micro_batch_size=micro_batch_size)
    loss, found = gradients(trainer, items)  # 19 items: the tail of a pass counts as much as the others
    trainer.forward.model.zero_grad()
    expected = torch.stack([trainer.forward.losses([item])[0] for item in items]).mean()
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-5)
    assert found
    for name, parameter in trainer.forward.model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(found[name], parameter.grad, atol=1e-5, rtol=1e-4)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("family", ["bert", "roberta", "xlnet", "scratch"])
def test_passes_of_one_or_three_give_the_weights_of_the_whole_batch(family, checkpoints):
    results = []
    for size in (32, 3, 1):
        trainer, items = set_up(checkpoints[family], family=family, micro_batch_size=size, learning_rate=1e-4)
        results.append(after(trainer, items[:10], items[10:]))
    assert_same(results[1], results[0])
    assert_same(results[2], results[0])


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["mean", "max"])
def test_a_long_text_s_windows_are_recomputed_part_by_part_with_the_same_gradient(pool, checkpoints):
    settings = {"strategy": "windows", "max_length": 12, "pool": pool}
    whole, items = set_up(checkpoints["bert"], micro_batch_size=64, **settings)
    parts, _ = set_up(checkpoints["bert"], micro_batch_size=2, **settings)
    assert max(len(item.windows) for item in items) > 4
    expected, found = gradients(whole, items), gradients(parts, items)
    assert found[0] == pytest.approx(expected[0], abs=1e-5)
    for name, gradient in expected[1].items():
        torch.testing.assert_close(found[1][name], gradient, atol=1e-5, rtol=1e-4)


@pytest.mark.slow
def test_recomputed_windows_meet_the_same_dropout(checkpoints):
    """The gradient along a direction is the loss's own slope, which it is not if the second pass drops others."""
    settings = {"strategy": "windows", "max_length": 12, "micro_batch_size": 2, "dropout": 0.3}
    trainer, items = set_up(checkpoints["bert"], **settings)
    long = [max(items, key=lambda item: len(item.windows))]
    bias = trainer.forward.model.bert.embeddings.LayerNorm.bias
    direction = torch.linspace(-1, 1, len(bias))

    def loss_at(distance):
        with torch.no_grad():
            bias.add_(distance * direction)
        torch.manual_seed(5)
        loss, found = gradients(trainer, long)
        with torch.no_grad():
            bias.sub_(distance * direction)
        return loss, float(found["bert.embeddings.LayerNorm.bias"] @ direction)

    slope = (loss_at(5e-3)[0] - loss_at(-5e-3)[0]) / 1e-2
    assert loss_at(0.0)[1] == pytest.approx(slope, rel=0.02, abs=1e-4)
    assert loss_at(0.0) == loss_at(0.0)
    torch.manual_seed(6)
    assert gradients(trainer, long)[0] != loss_at(0.0)[0]  # dropout there is


@pytest.mark.slow_but_first
@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["processor", "gpu"])
def test_out_of_memory_halves_the_passes_and_changes_nothing_else(error, checkpoints):
    trainer, items = set_up(checkpoints["bert"], micro_batch_size=16, learning_rate=1e-4)
    forward, tried = trainer.forward.model.forward, []

    def narrow(boundaries, **inputs):
        tried.append(len(boundaries.lengths))
        if tried[-1] > 4:
            raise error
        return forward(boundaries=boundaries, **inputs)

    trainer.forward.model.forward = narrow
    result = after(trainer, items[:10], items[10:])
    assert tried == [10, 8, 4, 4, 2, 4, 4, 1]
    assert trainer.forward.micro_batch_size == 4
    assert [note.split(",")[0] for note in trainer.notes] == [
        "out of memory: micro_batch_size lowered to 8",
        "out of memory: micro_batch_size lowered to 4",
    ]
    fresh, _ = set_up(checkpoints["bert"], micro_batch_size=4, learning_rate=1e-4)
    assert_same(result, after(fresh, items[:10], items[10:]), tolerance=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "settings"),
    [("xlnet", {"strategy": "segment_recurrence", "segment": 8}), ("bert", {"execution": "padded"})],
)
def test_out_of_memory_in_an_evaluation_halves_the_texts_of_a_pass(family, settings, checkpoints):
    trainer, items = set_up(checkpoints[family], family=family, **settings)
    features, examples = Features(items, [0] * len(items), 0), text_examples(19, longest=50)
    expected = trainer.forward.evaluate(features, examples)
    inside = trainer.forward.model.base_model
    forward, read = inside.forward, []

    def narrow(*given, **inputs):
        read.append(len(inputs["input_ids"] if "input_ids" in inputs else given[0]))
        if read[-1] > 4:
            raise OUT_OF_MEMORY[0]
        return forward(*given, **inputs)

    inside.forward = narrow
    loss, outputs = trainer.forward.evaluate(features, examples)
    assert max(read) > 4 >= read[-1]
    assert loss == pytest.approx(expected[0], abs=1e-5)
    np.testing.assert_allclose(outputs, expected[1], atol=1e-5)


@pytest.mark.slow
def test_out_of_memory_in_the_middle_of_a_step_leaves_nothing_of_the_first_try(checkpoints):
    settings = {"dropout": 0.2, "learning_rate": 1e-4}
    trainer, items = set_up(checkpoints["bert"], micro_batch_size=8, **settings)
    forward, calls = trainer.forward.model.forward, []

    def third_time_unlucky(boundaries, **inputs):
        calls.append(len(boundaries.lengths))
        if len(calls) == 3:
            raise OUT_OF_MEMORY[0]
        return forward(boundaries=boundaries, **inputs)

    trainer.forward.model.forward = third_time_unlucky
    result = after(trainer, items)
    assert calls == [8, 8, 3, 4, 4, 4, 4, 3]
    fresh, _ = set_up(checkpoints["bert"], micro_batch_size=4, **settings)
    assert_same(result, after(fresh, items), tolerance=0)


def test_one_window_that_is_too_much_is_told(checkpoints):
    trainer, items = set_up(checkpoints["bert"], micro_batch_size=1)

    def broken(**inputs):
        raise OUT_OF_MEMORY[0]

    trainer.forward.model.forward = broken
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        trainer.step(items)


def test_other_errors_are_not_taken_for_want_of_memory(checkpoints):
    trainer, items = set_up(checkpoints["bert"])

    def broken(**inputs):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    trainer.forward.model.forward = broken
    with pytest.raises(RuntimeError, match="shapes"):
        trainer.step(items)
    assert trainer.notes == []


def test_a_loss_that_is_no_number_ends_the_run_before_it_spoils_the_weights(checkpoints):
    trainer, items = set_up(checkpoints["bert"])
    before = weights(trainer.forward.model)
    trainer.forward.objective = Poisoned(trainer.forward.objective)
    with pytest.raises(DivergedError, match="the training loss is nan"):
        trainer.step(items)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(trainer.forward.model).items())


class Poisoned:
    """An objective whose losses are no numbers."""

    def __init__(self, objective):
        self._objective = objective

    def __getattr__(self, name):
        return getattr(self._objective, name)

    def losses(self, scores, batch, collator):
        return self._objective.losses(scores, batch, collator) * math.nan


def test_the_gradient_is_clipped_to_its_length(checkpoints):
    lengths = {}
    for limit in (1e6, 0.01):
        trainer, items = set_up(checkpoints["bert"], max_grad_norm=limit)
        seen = []
        trainer.optimizer.register_step_pre_hook(
            lambda optimizer, *_, seen=seen: seen.append(
                torch.cat([p.grad.flatten() for g in optimizer.param_groups for p in g["params"] if p.grad is not None])
            )
        )
        trainer.step(items)
        lengths[limit] = seen[0].norm().item()
    assert lengths[1e6] > 0.02
    assert lengths[0.01] == pytest.approx(0.01, rel=1e-4)


@pytest.mark.slow
def test_bf16_computes_in_half_precision_and_keeps_weights_in_full(checkpoints):
    full, items = set_up(checkpoints["bert"], learning_rate=1e-3)
    expected = after(full, items)
    half, _ = set_up(checkpoints["bert"], learning_rate=1e-3, precision="bf16")
    found = after(half, items)
    assert {tensor.dtype for tensor in found[1].values()} == {torch.float32}
    assert found[0] != expected[0]
    assert found[0] == pytest.approx(expected[0], rel=0.02)
    # What one run asked for does not leak into the next.
    again, _ = set_up(checkpoints["bert"], learning_rate=1e-3)
    assert_same(after(again, items), expected, tolerance=0)
