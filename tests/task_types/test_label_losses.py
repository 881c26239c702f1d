"""How labels are learnt where a recipe weighs them, smoothes them, or lets the hard examples count for more."""

import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from small_models import LABELS, TAGS, loaded_model, tagged_examples, text_examples, trainer_for
from torch.nn import functional

from harness.config.training import Training, recipe_of
from harness.errors import UserError
from harness.registry import TASK_TYPES
from harness.task_types.label_loss import LabelLoss, check_label_settings
from harness.task_types.label_weights import balanced, effective_numbers, label_counts, yes_counts
from harness.task_types.texts import TextExample
from harness.task_types.weighted_losses import LossOfLabels

NAMES = ("a", "b", "c")
TYPES_WITH_LABELS = [name for name in TASK_TYPES.names() if issubclass(TASK_TYPES.load(name).settings, LabelLoss)]


def learnt(counts=None, labels=NAMES, **settings):
    found = LossOfLabels.of(Training(**settings), labels)
    return found if counts is None else found.weighing(np.array(counts))


def test_the_types_with_labels_are_these():
    assert TYPES_WITH_LABELS == ["classification", "multi_label", "token_classification"]


def test_balanced_weights_are_those_of_scikit_learn():
    targets = [0] * 7 + [1] * 2 + [2]
    found = learnt(label_counts(targets, 3), class_weights="balanced").weights
    assert found == pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=targets))


def test_effective_numbers_are_those_of_the_paper():
    # Cui et al. 2019, proposition 1: E_n is the sum of beta^0 to beta^(n-1), n where beta goes to 1, 1 where it is 0.
    assert effective_numbers(np.array([1, 2, 5]), 0.9) == pytest.approx([1, 1.9, sum(0.9**k for k in range(5))])
    assert effective_numbers(np.array([0, 1, 50]), 0.0).tolist() == [0, 1, 1]
    assert effective_numbers(np.array([0, 3, 50]), 1 - 1e-9) == pytest.approx([0, 3, 50], rel=1e-6)
    weights = learnt([5000, 10, 1], class_weights="effective", class_weight_beta=0.999).weights
    sizes = (1 - 0.999 ** np.array([5000, 10, 1])) / 0.001
    assert weights / weights[0] == pytest.approx(sizes[0] / sizes)


def test_a_label_that_never_occurs_has_a_weight_that_is_a_number():
    assert balanced(np.array([3.0, 0.0])).tolist() == [1.0, 1.0]
    assert balanced(np.array([[4.0, 0.0], [1.0, 3.0]])).tolist() == [[1.0, 1.0], [2.0, 2 / 3]]


def test_a_table_weighs_the_labels_that_it_names():
    assert learnt([9, 9, 9], class_weights={"b": 2.5}).weights.tolist() == [1, 2.5, 1]
    assert learnt(yes_counts([(0, 1), (1,)], 3), class_weights={"b": 2.5}).weights.tolist() == [
        [1, 1],
        [1, 2.5],
        [1, 1],
    ]


def test_several_labels_balance_each_label_s_no_and_yes():
    counts = yes_counts([(0,), (0, 1), (0,), ()], 3)
    assert counts.tolist() == [[1, 3], [3, 1], [4, 0]]
    assert learnt(counts, class_weights="balanced").weights == pytest.approx(np.array([[2, 2 / 3], [2 / 3, 2], [1, 1]]))


LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, -3.0], [5.0, 0.0, 0.0]])


def test_weighted_losses_divided_by_their_weights_are_torch_s_weighted_mean():
    targets, weights = torch.tensor([0, 2, 2]), {"a": 0.5, "b": 3.0, "c": 2.0}
    found = learnt([1, 1, 1], class_weights=weights)
    mean = found.cross_entropy(LOGITS, targets).sum() / sum(found.weights[target] for target in targets)
    torch.testing.assert_close(mean, functional.cross_entropy(LOGITS, targets, torch.tensor([0.5, 3.0, 2.0])))


def test_label_smoothing_is_torch_s():
    targets = torch.tensor([0, 2, 2])
    expected = functional.cross_entropy(LOGITS, targets, reduction="none", label_smoothing=0.2)
    torch.testing.assert_close(learnt(label_smoothing=0.2).cross_entropy(LOGITS, targets), expected)


def test_focal_losses_are_those_of_the_paper():
    # Lin et al. 2017, equation 4: -(1 - p)^gamma log p.
    targets = torch.tensor([0, 2, 2])
    p = LOGITS.softmax(1)[torch.arange(3), targets]
    torch.testing.assert_close(learnt(focal_gamma=2.0).cross_entropy(LOGITS, targets), -((1 - p) ** 2) * p.log())
    wanted = torch.tensor([[1.0, 0, 0], [0, 0, 1], [1, 1, 0]])
    p = torch.where(wanted > 0, LOGITS.sigmoid(), 1 - LOGITS.sigmoid())
    found = learnt(focal_gamma=2.0).binary_cross_entropy(LOGITS, wanted)
    torch.testing.assert_close(found, -((1 - p) ** 2) * p.log())


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_a_focal_loss_of_what_is_certain_has_a_gradient_that_is_a_number(gamma):
    logits = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    learnt(focal_gamma=gamma).cross_entropy(logits, torch.tensor([0])).sum().backward()
    assert logits.grad.tolist() == [[0, 0, 0]]


def test_the_weights_of_yes_are_torch_s_positive_weights():
    wanted = torch.tensor([[1.0, 0, 0], [0, 0, 1], [1, 1, 0]])
    found = learnt(yes_counts([(0,)], 3), class_weights={"a": 4.0, "c": 0.5}).binary_cross_entropy(LOGITS, wanted)
    positive = torch.tensor([4.0, 1.0, 0.5])
    expected = functional.binary_cross_entropy_with_logits(LOGITS, wanted, pos_weight=positive, reduction="none")
    torch.testing.assert_close(found, expected)


def examples_of(task_type):
    """One of a rare label, or tag, among many."""
    if task_type == "token_classification":
        return tagged_examples(17)
    targets = [int(index % 6 == 0) for index in range(17)]
    several = task_type == "multi_label"
    found = text_examples(17, longest=40)
    return [TextExample(e.id, e.text, (t,) if several else t) for e, t in zip(found, targets, strict=True)]


def set_up(checkpoints, task_type, **settings):
    training = Training(**{"learning_rate": 1e-3, "warmup_ratio": 0.0, **settings})
    labels = TAGS if task_type == "token_classification" else LABELS
    loaded, objective = loaded_model("bert", checkpoints["bert"], task_type, labels=labels, training=training)
    examples = examples_of(task_type)
    objective = objective.for_training(loaded.model, examples, has_own_head=False)
    trainer, reader = trainer_for(loaded, objective, training)
    return trainer, objective.features(examples, reader), examples


def gradients(trainer, items):
    trainer.forward.model.train()
    loss = float(trainer._gradients(items))
    return loss, {name: p.grad.clone() for name, p in trainer.forward.model.named_parameters() if p.grad is not None}


SHAPES = [
    {"class_weights": "balanced"},
    {"class_weights": "effective", "class_weight_beta": 0.9, "label_smoothing": 0.1},
    {"focal_gamma": 2.0, "class_weights": "balanced"},
]


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=["balanced", "effective, smoothed", "focal"])
@pytest.mark.parametrize("task_type", TYPES_WITH_LABELS)
def test_passes_and_executions_give_the_gradient_of_the_whole_batch(task_type, shape, checkpoints):
    whole, features, _ = set_up(checkpoints, task_type, **shape)
    loss, expected = gradients(whole, features.items)
    plain, _ = gradients(set_up(checkpoints, task_type)[0], features.items)
    assert loss != pytest.approx(plain, rel=0.01)
    for settings in ({"micro_batch_size": 3}, {"execution": "padded", "micro_batch_size": 2}):
        trainer, _, _ = set_up(checkpoints, task_type, **shape, **settings)
        found_loss, found = gradients(trainer, features.items)
        assert found_loss == pytest.approx(loss, abs=1e-5)
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=1e-4)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("task_type", TYPES_WITH_LABELS)
def test_equal_weights_change_nothing_whatever_they_are(task_type, checkpoints):
    labels = TAGS if task_type == "token_classification" else LABELS
    plain, features, _ = set_up(checkpoints, task_type)
    trainer, _, _ = set_up(checkpoints, task_type, class_weights=dict.fromkeys(labels, 7.0))
    if task_type == "multi_label":  # a table weighs the yes alone
        weights = trainer.forward.objective.learnt.weights
        weights[:] = 7.0
    assert float(trainer.step(features.items)) == pytest.approx(float(plain.step(features.items)), abs=1e-6)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("task_type", TYPES_WITH_LABELS)
def test_the_validation_loss_is_plain_whatever_is_learnt(task_type, checkpoints):
    plain, features, examples = set_up(checkpoints, task_type)
    weighted, _, _ = set_up(checkpoints, task_type, class_weights="balanced", label_smoothing=0.2)
    assert weighted.forward.evaluate(features, examples)[0] == plain.forward.evaluate(features, examples)[0]


def test_the_record_names_the_weights():
    assert learnt([9, 3, 0], class_weights="balanced").note() == ["class weights: a 0.667, b 2, c 1"]
    assert learnt([9, 3, 0], focal_gamma=1.0).note() == []
    many = tuple(map(str, range(20)))
    (note,) = learnt([2] * 20, labels=many, class_weights="balanced").note()
    assert note.endswith("11 1, and 8 more")


def test_a_weight_of_no_label_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"class_weights: 'goood': no such label. Did you mean good\?"):
        learnt(labels=LABELS, class_weights={"goood": 2.0})


@pytest.mark.parametrize("wrong", ["balance", {}, {"good": 0}, {"good": -1.0}, {"good": math.inf}, {"good": "2"}, 3.0])
def test_what_is_no_weight_is_refused_in_one_line(wrong):
    mistakes = []
    assert recipe_of({"training.": {"class_weights": wrong}}, mistakes) is None
    assert mistakes == [
        'training.class_weights: must be "balanced", "effective", or a table with a number above 0 for each label '
        f"(got {wrong!r})."
    ]


def test_a_focal_loss_can_t_be_smoothed():
    mistakes = []
    assert recipe_of({"training.": {"focal_gamma": 2.0, "label_smoothing": 0.1}}, mistakes) is None
    assert mistakes[0].startswith("training: focal_gamma 2.0 and label_smoothing 0.1 pull in opposite directions.")


@pytest.mark.parametrize("name", [name for name in TASK_TYPES.names() if name not in TYPES_WITH_LABELS])
def test_a_task_without_labels_refuses_them(name):
    task_type = TASK_TYPES.load(name)
    check_label_settings(task_type, Training())
    with pytest.raises(UserError) as caught:
        check_label_settings(task_type, Training(class_weights="balanced", focal_gamma=1.0))
    assert [line.split(":")[0] for line in caught.value.lines] == ["class_weights", "focal_gamma"]
    assert f"not for tasks of type {name}, which have no such labels" in caught.value.lines[0]


def test_thresholds_are_for_several_labels_alone():
    recipe = Training(thresholds="one")
    check_label_settings(TASK_TYPES.load("multi_label"), recipe)
    for name in TASK_TYPES.names():
        if name != "multi_label":
            with pytest.raises(UserError, match="thresholds: not for tasks of type"):
                check_label_settings(TASK_TYPES.load(name), recipe)
