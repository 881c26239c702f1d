"""Classification, multi-label classification and regression, beside the losses of transformers' own models."""

import numpy as np
import pytest
import torch
from small_models import LABELS, loaded_model, text_examples, trainer_for

from harness.config.training import Training
from harness.registry import TASK_TYPES
from harness.task_types.texts import TextExample
from harness.task_types.texts_objective import pooled

TARGETS = {
    "classification": (LABELS, [0, 1, 1, 0], lambda: torch.tensor([0, 1, 1, 0])),
    "multi_label": (LABELS, [(), (1,), (0, 1), (0,)], lambda: torch.tensor([[0.0, 0], [0, 1], [1, 1], [1, 0]])),
    "regression": ((), [0.5, -1.0, 3.25, 2], lambda: torch.tensor([0.5, -1.0, 3.25, 2])),
}


def examples_with(targets):
    return [TextExample(e.id, e.text, target) for e, target in zip(text_examples(len(targets)), targets, strict=True)]


def test_every_task_type_of_text_task_is_tested_here():
    assert set(TARGETS) == set(TASK_TYPES.names()) - {
        "question_answering",
        "language_modelling",
        "multiple_choice",
        "token_classification",
        "sequence_to_sequence",
    }


@pytest.mark.parametrize("task_type", TARGETS)
def test_the_loss_is_that_of_transformers_own_head(task_type, checkpoints):
    labels, targets, theirs = TARGETS[task_type]
    loaded, objective = loaded_model("bert", checkpoints["bert"], task_type, labels=labels)
    trainer, reader = trainer_for(loaded, objective, Training())
    items = objective.features(examples_with(targets), reader).items
    trainer.forward.model.eval()
    inputs = trainer.forward.collator(items).inputs
    expected = loaded.model(**inputs, labels=theirs()).loss
    losses = trainer.forward.losses(items)
    assert losses.shape == (4,)
    torch.testing.assert_close(losses.mean(), expected)


def test_windows_logits_are_averaged_or_their_highest_is_taken_a_label():
    logits = torch.tensor([[1.0, 8.0], [3.0, 2.0], [5.0, 5.0], [4.0, 1.0]])
    counts = torch.tensor([2, 1, 1])
    assert pooled(logits, counts, "mean").tolist() == [[2.0, 5.0], [5.0, 5.0], [4.0, 1.0]]
    assert pooled(logits, counts, "max").tolist() == [[3.0, 8.0], [5.0, 5.0], [4.0, 1.0]]


@pytest.mark.parametrize("how", ["mean", "max"])
def test_the_gradient_reaches_each_window_by_its_share(how):
    logits = torch.tensor([[1.0, 8.0], [3.0, 2.0], [2.0, 0.0], [5.0, 5.0]], requires_grad=True)
    (pooled(logits, torch.tensor([3, 1]), how) * torch.tensor([[6.0], [1.0]])).sum().backward()
    shares = {"mean": [[2.0, 2.0]] * 3, "max": [[0.0, 6.0], [6.0, 0.0], [0.0, 0.0]]}[how]
    assert logits.grad.tolist() == [*shares, [1.0, 1.0]]


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_a_long_text_is_judged_by_all_of_its_windows(pool, checkpoints):
    training = Training(strategy="windows", max_length=12, pool=pool)
    loaded, _ = loaded_model("bert", checkpoints["bert"])
    objective = TASK_TYPES.load("classification").objective(LABELS, training)
    trainer, reader = trainer_for(loaded, objective, training)
    examples = text_examples(5, longest=40, seed=3)
    features = objective.features(examples, reader)
    assert {len(item.windows) for item in features.items} > {1}
    _, outputs = trainer.forward.evaluate(features, examples)
    for item, output in zip(features.items, outputs, strict=True):
        with torch.no_grad():  # a window at a time, so without padding
            rows = torch.cat([loaded.model(torch.tensor([window.input_ids])).logits for window in item.windows])
        expected = rows.mean(0) if pool == "mean" else rows.max(0).values
        np.testing.assert_allclose(output, expected, atol=1e-5)


def test_rows_say_labels_by_name():
    logits = np.array([[2.0, -1.0], [-3.0, -2.0]], dtype=np.float32)
    classify, several, number = (
        TASK_TYPES.load(name).objective(labels, Training()) for name, (labels, *_) in TARGETS.items()
    )
    assert classify.rows(logits, examples_with([1, 1]), {}) == [
        {"reference": "good", "prediction": "bad", "logits": [2.0, -1.0]},
        {"reference": "good", "prediction": "good", "logits": [-3.0, -2.0]},
    ]
    assert several.rows(logits, examples_with([(0, 1), ()]), {}) == [
        {"reference": ["bad", "good"], "prediction": ["bad"], "logits": [2.0, -1.0]},
        {"reference": [], "prediction": [], "logits": [-3.0, -2.0]},
    ]
    assert number.rows(np.array([[1.5]], dtype=np.float32), examples_with([2]), {}) == [
        {"reference": 2.0, "prediction": 1.5}
    ]
