"""Inputs of CUDA graphs come in a few sizes, which change nothing; the graphs themselves are tried on a GPU."""

import pytest
import torch
from small_models import (
    LABELS,
    TAGS,
    loaded_model,
    question_examples,
    tagged_examples,
    text_examples,
    trainer_for,
)

from harness.config.training import Training
from harness.errors import UserError
from harness.training.compiled import Compiled, compile_training
from harness.training.cuda_graphs import Sizes, rounded_up

CASES = {
    "a label": ("bert", "classification", LABELS, text_examples(40, longest=40)),
    "tags": ("bert", "token_classification", TAGS, tagged_examples(40, longest=40)),
    "answers, padded on the left": ("xlnet", "question_answering", (), question_examples(20, words=30)),
}
PADDED = {"execution": "padded", "micro_batch_size": 6}


@pytest.fixture(autouse=True)
def without_marks(monkeypatch):
    """Without graphs there is nothing to mark, for which torch would import its whole compiler."""
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: None)


@pytest.fixture
def set_up(checkpoints):
    """A trainer, and its training items."""

    def made(case="a label", **settings):
        family, task_type, labels, examples = CASES[case]
        training = Training(**{**PADDED, **settings})
        loaded, objective = loaded_model(family, checkpoints[family], task_type, labels=labels, training=training)
        trainer, reader = trainer_for(loaded, objective, training)
        return trainer, objective.features(examples, reader).items

    return made


def as_graphs_would(trainer, longest):
    """Have the trainer read like CUDA graphs, by the stock model; the sizes of what it reads."""
    forward, seen = trainer.forward, []
    stock = forward.scoring

    def compiled(**inputs):
        seen.append({tensor.shape for tensor in inputs.values()})
        return stock.model(**inputs)

    sizes = Sizes(forward.collator, longest, forward.objective.head().per_token)
    forward.scoring = Compiled(stock.model, stock.outputs, stock.accelerator, compiled, sizes)
    return seen


def gradients(trainer, items):
    """The gradients of a step on the items, without taking it."""
    trainer._begin_training()
    trainer._gradients(items)
    found = {name: p.grad.clone() for name, p in trainer.forward.model.named_parameters() if p.grad is not None}
    trainer._clear_gradients()
    return found


def places_of_gradients(trainer):
    """The address of each parameter's gradient."""
    parameters = trainer.forward.model.named_parameters()
    return {name: parameter.grad.data_ptr() for name, parameter in parameters if parameter.grad is not None}


@pytest.mark.parametrize("case", CASES)
def test_windows_filled_up_to_a_size_have_their_own_losses_and_gradients(case, set_up):
    trainer, items = set_up(case)
    batch, few = items[:9], items[9:10]
    trainer._begin_training()
    losses, alone, expected = trainer.forward.losses(batch[:6]), trainer.forward.losses(few), gradients(trainer, batch)
    seen = as_graphs_would(trainer, longest=64)
    torch.testing.assert_close(trainer.forward.losses(batch[:6]), losses, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(trainer.forward.losses(few), alone, atol=1e-5, rtol=1e-5)
    found = gradients(trainer, batch)
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-5, rtol=1e-4, msg=name)
    lengths = {shape[1] for shapes in seen for shape in shapes}
    assert all(len(shapes) == 1 for shapes in seen)
    assert lengths <= {16, 24, 32, 48, 64}
    assert max(item.length for item in batch) not in lengths  # So they are filled up.


@pytest.mark.slow
def test_texts_of_all_lengths_are_read_in_few_sizes(set_up):
    trainer, items = set_up()
    longest = max(item.length for item in items)
    seen = as_graphs_would(trainer, longest)
    trainer._begin_training()
    with torch.no_grad():
        for count in (1, 4, 5, 6):
            for start in range(0, len(items), count):
                trainer.forward.losses(items[start : start + count])
    (rows, lengths) = (sorted({shape[axis] for shapes in seen for shape in shapes}) for axis in (0, 1))
    assert rows == [2, 4, 6]
    assert lengths == [size for size in (16, 24, 32) if size < longest] + [longest]


def test_evaluation_is_not_filled_up(set_up):
    trainer, items = set_up()
    trainer.forward.model.eval()
    before = trainer.forward.scores(items[:5])
    seen = as_graphs_would(trainer, longest=64)
    assert torch.equal(trainer.forward.scores(items[:5]), before)
    assert not seen


@pytest.mark.slow
def test_gradients_stay_at_their_places_and_what_the_loss_does_not_reach_has_none(set_up):
    (trainer, items), (other, _) = (set_up("answers, padded on the left", weight_decay=0.5) for _ in range(2))
    drawn = torch.get_rng_state()
    trainer.keeps_gradients = True
    trainer.rehearse(items[:6])
    assert torch.equal(torch.get_rng_state(), drawn)
    places = places_of_gradients(trainer)
    names = {name for name, _ in trainer.forward.model.named_parameters()}
    assert names - places.keys() == {"transformer.mask_emb"}  # Of pretraining alone.
    for start in (0, 8):
        assert torch.equal(trainer.step(items[start : start + 8]), other.step(items[start : start + 8]))
    assert places_of_gradients(trainer) == places
    ours, theirs = trainer.forward.model.state_dict(), other.forward.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_without_a_gpu_there_are_no_graphs(set_up):
    trainer, items = set_up(compile="cuda_graphs")
    with pytest.raises(UserError, match=r'^compile: "cuda_graphs" needs an NVIDIA GPU \(got cpu\). Set compile = true'):
        compile_training(trainer, items[:6], graphed=items)


def test_an_item_that_takes_several_passes_is_refused(set_up, monkeypatch):
    trainer, items = set_up(strategy="windows", max_length=10, micro_batch_size=2)
    monkeypatch.setattr(trainer.forward.accelerator.state, "device", torch.device("cuda"))
    with pytest.raises(UserError, match=r"one has \d windows, more than micro_batch_size 2. Raise it"):
        compile_training(trainer, items[:2], graphed=items)


def test_a_size_is_less_than_half_larger_than_what_it_holds():
    for size in range(2, 600):
        assert size <= rounded_up(size, least=2) < 1.5 * size
