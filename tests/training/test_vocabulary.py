"""Training on the rows of an embedding that the data uses gives what training on all of them gives."""

import copy

import pytest
import torch
from safetensors.torch import load_file
from small_models import LABELS, Silent, loaded_model, own_data, own_run, question_examples, text_examples, trainer_for
from torch import nn

from harness.config.training import Training
from harness.runs.execution import Options, execute
from harness.training.optimisation import unused_rows_decay
from harness.training.vocabulary import UsedEmbedding, UsedVocabulary, with_used_vocabulary

EXAMPLES = {"classification": text_examples(24), "question_answering": question_examples(24)}


STEPS = 10  # of the schedule that `trainer_for` makes


def trained(loaded, objective, examples, *, used, steps=6, **settings):
    """The weights after some steps, on the whole vocabulary or on what the examples use of it."""
    training = Training(learning_rate=1e-3, weight_decay=0.5, warmup_ratio=0.2, **settings)
    loaded = copy.deepcopy(loaded)
    reader = trainer_for(loaded, objective, training)[1]
    items = objective.features(examples, reader).items
    vocabulary = with_used_vocabulary(loaded.model, items) if used else None
    trainer, _ = trainer_for(loaded, objective, training)
    losses = [float(trainer.step(items[start : start + 3])) for start in [0, 3, 6] * (steps // 3)]
    if vocabulary is not None:
        assert isinstance(loaded.model.get_input_embeddings(), UsedEmbedding)
        vocabulary.restore(unused_rows_decay(training, steps=STEPS, taken=steps))
    return losses, loaded.model.state_dict()


@pytest.mark.slow_but_first
@pytest.mark.parametrize("task_type", sorted(EXAMPLES))
@pytest.mark.parametrize("family", ["bert", "roberta", "scratch", "xlnet"])
def test_losses_and_the_whole_table_are_those_of_training_on_all_rows(family, task_type, checkpoints):
    labels = LABELS if task_type == "classification" else ()
    loaded, objective = loaded_model(family, checkpoints[family], task_type, labels=labels, dropout=0.0)
    few = EXAMPLES[task_type][:9]  # not all words that the tokenizer knows
    losses, tensors = trained(loaded, objective, few, used=True)
    expected_losses, expected = trained(loaded, objective, few, used=False)
    assert losses == pytest.approx(expected_losses, abs=1e-6)
    assert tensors.keys() == expected.keys()
    for name, tensor in tensors.items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=0)
    before = loaded.model.get_input_embeddings().weight
    after = next(tensor for tensor in tensors.values() if tensor.shape == before.shape)
    assert not torch.equal(before, after)  # the decay alone moves every row


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_same_holds_with_another_optimizer_and_schedule(schedule, checkpoints):
    loaded, objective = loaded_model("bert", checkpoints["bert"], dropout=0.0)
    few = EXAMPLES["classification"][:9]
    settings = {"optimizer": "sgd", "schedule": schedule}
    _, tensors = trained(loaded, objective, few, used=True, **settings)
    _, expected = trained(loaded, objective, few, used=False, **settings)
    for name, tensor in tensors.items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=0)


def test_a_row_that_is_not_there_is_refused(checkpoints):
    loaded, objective = loaded_model("bert", checkpoints["bert"])
    items = objective.features(text_examples(2), trainer_for(loaded, objective, Training())[1]).items
    vocabulary = with_used_vocabulary(loaded.model, items)
    missing = (set(range(vocabulary.whole.num_embeddings)) - set(vocabulary.used.tolist())).pop()
    with pytest.raises(IndexError):
        loaded.model.get_input_embeddings()(torch.tensor([missing]))


@pytest.mark.parametrize("change", ["most rows are used", "tied to an output", "of a kind of its own"])
def test_some_embeddings_are_let_alone(change, checkpoints):
    loaded, objective = loaded_model("bert", checkpoints["bert"])
    items = objective.features(text_examples(2), trainer_for(loaded, objective, Training())[1]).items
    model = loaded.model
    whole = model.get_input_embeddings()
    if change == "most rows are used":
        items = [item for item in items for _ in range(1)]
        window = items[0].windows[0]
        window.input_ids.extend(range(whole.num_embeddings))
    elif change == "tied to an output":
        model.output = nn.Linear(whole.embedding_dim, whole.num_embeddings)
        model.output.weight = whole.weight
    else:
        model.set_input_embeddings(UsedEmbedding(whole, torch.arange(whole.num_embeddings)))
        whole = model.get_input_embeddings()
    assert with_used_vocabulary(model, items) == UsedVocabulary(model, whole, None)
    assert model.get_input_embeddings() is whole


@pytest.mark.slow
def test_what_a_run_saves_is_what_training_on_the_whole_vocabulary_saves(tmp_path, checkpoints):
    own, found = own_data(tmp_path / "data", text_examples(60)), {}
    for vocabulary in ("used", "whole"):
        settings = {"weight_decay": 0.5, "dropout": 0.0, "vocabulary": vocabulary}
        run = own_run(tmp_path / vocabulary, own, checkpoints["bert"], **settings)
        record = execute(run, Options(), Silent())
        found[vocabulary] = record, load_file(run.folder / "checkpoint" / "model.safetensors")
    (ours, tensors), (theirs, expected) = found["used"], found["whole"]
    assert ours.counts.parameters == theirs.counts.parameters
    assert ours.scores == theirs.scores
    assert tensors.keys() == expected.keys()
    for name, tensor in tensors.items():
        torch.testing.assert_close(tensor, expected[name], atol=2e-6, rtol=0)


@pytest.mark.slow
def test_every_row_is_trained_where_the_optimizer_takes_them_together_and_the_record_says_so(tmp_path, checkpoints):
    own, found = own_data(tmp_path / "data", text_examples(60)), {}
    for vocabulary in ("used", "whole"):
        settings = {"dropout": 0.0, "vocabulary": vocabulary, "optimizer": "adafactor"}
        run = own_run(tmp_path / vocabulary, own, checkpoints["bert"], **settings)
        record = execute(run, Options(), Silent())
        found[vocabulary] = record, load_file(run.folder / "checkpoint" / "model.safetensors")
    (ours, tensors), (theirs, expected) = found["used"], found["whole"]
    (note,) = set(ours.notes) - set(theirs.notes)
    assert note.startswith("whole vocabulary: with adafactor,")
    assert all(torch.equal(tensor, expected[name]) for name, tensor in tensors.items())
