"""Training a part of a model, or its parts at different speeds: nothing else moves, and no other rule is bent."""

import copy
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_models import (
    DISTINCT,
    LABELS,
    TAGS,
    Silent,
    loaded_model,
    own_data,
    own_run,
    question_examples,
    tagged_examples,
    text_examples,
    trainer_for,
    weights,
)
from transformers import AutoConfig, AutoModelForSequenceClassification, BartConfig, BartForSequenceClassification

from harness.config.training import Training, recipe_of
from harness.errors import UserError
from harness.models.adapters import add_adapters
from harness.models.depth import depths_of, freeze, layers_of
from harness.runs.execution import Options, execute
from harness.training.optimisation import learning_rates, make_optimizer, make_scheduler, peak_of, unused_rows_decay
from harness.training.vocabulary import with_used_vocabulary

EXAMPLES = {
    "classification": (LABELS, lambda: text_examples(9, longest=30)),
    "token_classification": (TAGS, lambda: tagged_examples(9)),
    "question_answering": ((), lambda: question_examples(9)),
}
FROZEN = ["encoder", 1]


def set_up(checkpoints, task_type="classification", *, family="bert", dropout=0.0, **settings):
    """A trainer as a run makes it, with its items."""
    labels, examples = EXAMPLES[task_type]
    training = Training(**{"learning_rate": 1e-3, "warmup_ratio": 0.0, **settings})
    loaded, objective = loaded_model(family, checkpoints[family], task_type, labels=labels, dropout=dropout)
    trainer, reader = trainer_for(loaded, objective, training)
    return trainer, objective.features(examples(), reader).items


def moved(trainer, before):
    return {name for name, tensor in weights(trainer.forward.model).items() if not torch.equal(tensor, before[name])}


def is_trained(name, frozen):
    """Whether a tensor is to be trained, by its name alone."""
    encoder, *parts = name.split(".")
    if encoder not in ("bert", "roberta", "transformer") or "pooler" in parts:
        return True
    layer = re.search(r"\.layers?\.(\d+)\.", name)
    return frozen != "encoder" and (int(layer[1]) + 1 if layer else 0) > frozen


@pytest.mark.slow_but_first
@pytest.mark.parametrize("frozen", FROZEN)
@pytest.mark.parametrize("family", DISTINCT)
def test_what_is_frozen_stays_and_has_no_state_in_the_optimizer(family, frozen, checkpoints):
    trainer, items = set_up(checkpoints, family=family, frozen=frozen, execution="padded")
    model, before = trainer.forward.model, weights(trainer.forward.model)
    trainer.step(items)
    parameters = dict(model.named_parameters())
    assert {name: p.requires_grad for name, p in parameters.items()} == {n: is_trained(n, frozen) for n in parameters}
    changed = moved(trainer, before)
    assert changed >= {name for name in parameters if not name.startswith(model.base_model_prefix)}
    assert all(is_trained(name, frozen) for name in changed)
    assert all(parameter.requires_grad for parameter in trainer.optimizer.state)


def gradients(trainer, items):
    trainer.forward.model.train()
    for part in trainer.frozen:
        part.eval()
    loss = float(trainer._gradients(items))
    return loss, {name: p.grad.clone() for name, p in trainer.forward.model.named_parameters() if p.grad is not None}


@pytest.mark.slow_but_first
@pytest.mark.parametrize("frozen", FROZEN)
@pytest.mark.parametrize("task_type", sorted(EXAMPLES))
def test_passes_and_executions_give_one_gradient(task_type, frozen, checkpoints):
    trainer, items = set_up(checkpoints, task_type, frozen=frozen)
    loss, expected = gradients(trainer, items)
    assert expected
    for settings in ({"micro_batch_size": 2}, {"execution": "padded"}):
        other, _ = set_up(checkpoints, task_type, frozen=frozen, **settings)
        found_loss, found = gradients(other, items)
        assert found_loss == pytest.approx(loss, abs=1e-5)
        assert found.keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=1e-4)


def test_a_frozen_part_meets_no_dropout_and_the_rest_does(checkpoints):
    trainer, items = set_up(checkpoints, frozen="encoder", dropout=0.5)
    trainer.forward.model.bert.pooler.register_forward_hook(lambda _, inputs, __: read.append(inputs[0].clone()))
    read, losses = [], []
    for _ in range(2):
        trainer.forward.model.eval()  # as validation leaves it
        trainer.optimizer.param_groups[0]["lr"] = trainer.optimizer.param_groups[1]["lr"] = 0.0
        losses.append(float(trainer.step(items)))
    assert torch.equal(*read)
    assert losses[0] != losses[1]
    assert not trainer.forward.model.bert.encoder.training
    assert trainer.forward.model.training


def test_the_used_rows_of_a_frozen_embedding_are_no_less_than_the_whole(checkpoints):
    trainer, items = set_up(checkpoints, frozen=0)
    assert with_used_vocabulary(trainer.forward.model, items).used is None


@pytest.mark.parametrize("model_type", ["distilbert", "electra", "modernbert", "deberta-v2", "gpt2", "mpnet"])
def test_other_architectures_have_layers_too(model_type):
    config = AutoConfig.for_model(model_type, vocab_size=50, pad_token_id=0, num_labels=2)
    sizes = {"num_hidden_layers": 3, "hidden_size": 12, "num_attention_heads": 2, "intermediate_size": 8}
    config.update({**sizes, "hidden_dim": 8, "embedding_size": 12})
    model = AutoModelForSequenceClassification.from_config(config)
    depths = depths_of(model, "frozen")
    assert depths.layers == len(layers_of(model, "frozen")) == 3
    assert set(depths.of.values()) == {0, 1, 2, 3, 4}
    table = next(name for name, p in model.named_parameters() if p is model.get_input_embeddings().weight)
    assert depths.of[table] == 0
    assert depths.head
    assert all(depths.of[name] == 4 for name in depths.head)


@pytest.mark.parametrize(
    ("model_type", "name", "settings"),
    [
        ("mpnet", "encoder.relative_attention_bias.weight", {}),
        ("deberta-v2", "encoder.rel_embeddings.weight", {"relative_attention": True}),
    ],
)
def test_embeddings_of_distances_are_frozen_with_the_lowest_layer_which_reads_them(model_type, name, settings):
    sizes = {"num_hidden_layers": 2, "hidden_size": 12, "num_attention_heads": 2, "intermediate_size": 8}
    config = AutoConfig.for_model(model_type, vocab_size=50, pad_token_id=0, num_labels=2, **sizes, **settings)
    model = AutoModelForSequenceClassification.from_config(config)
    freeze(model, 1)
    assert depths_of(model, "frozen").of[f"{model.base_model_prefix}.{name}"] == 0
    assert not model.base_model.get_parameter(name).requires_grad
    assert all(parameter.requires_grad for parameter in model.base_model.encoder.layer[1].parameters())


def test_a_model_that_uses_one_layer_again_and_again_says_so():
    config = AutoConfig.for_model("albert", vocab_size=50, hidden_size=12, num_attention_heads=2, embedding_size=8)
    model = AutoModelForSequenceClassification.from_config(config)
    with pytest.raises(UserError, match="layer_decay: a albert has no list of layers"):
        learning_rates(model, Training(layer_decay=0.9))


def test_more_layers_than_there_are_can_t_be_frozen(checkpoints):
    loaded, _ = loaded_model("bert", checkpoints["bert"])
    with pytest.raises(UserError, match=r"frozen: 3 layers, but this model has 2\. Lower it\."):
        freeze(loaded.model, 3)


@pytest.mark.parametrize("wrong", ["encoders", -1, True, 1.5])
def test_what_can_t_be_frozen_is_refused_in_one_line(wrong):
    mistakes = []
    assert recipe_of({"--set ": {"frozen": wrong}}, mistakes) is None
    assert mistakes == [
        f'--set frozen: must be "encoder", or how many of the lowest layers (0: the embeddings alone) (got {wrong!r}).'
    ]


def test_each_layer_s_rate_is_the_one_above_times_the_decay(checkpoints):
    loaded, _ = loaded_model("bert", checkpoints["bert"])
    training = Training(learning_rate=0.01, layer_decay=0.5, head_learning_rate=0.3)
    rates = learning_rates(loaded.model, training)
    assert rates.keys() == dict(loaded.model.named_parameters()).keys()
    assert rates["bert.embeddings.word_embeddings.weight"] == rates["bert.embeddings.LayerNorm.bias"] == 0.01 / 8
    assert rates["bert.encoder.layer.0.output.dense.weight"] == 0.01 / 4
    assert rates["bert.encoder.layer.1.output.dense.weight"] == 0.01 / 2
    assert rates["bert.pooler.dense.weight"] == rates["classifier.bias"] == 0.3
    optimizer = make_optimizer(loaded.model, training, rates)
    for name, parameter in loaded.model.named_parameters():
        (group,) = [g for g in optimizer.param_groups if any(p is parameter for p in g["params"])]
        assert (group["lr"], group["weight_decay"]) == (rates[name], 0.0 if parameter.ndim < 2 else 0.01)


def test_one_rate_for_all_is_the_optimizer_as_it_was(checkpoints):
    loaded, _ = loaded_model("bert", checkpoints["bert"])
    assert learning_rates(loaded.model, Training(schedule="wsd")) is None
    assert set(learning_rates(loaded.model, Training(layer_decay=1.0)).values()) == {2e-5}


def test_a_schedule_scales_every_rate(checkpoints):
    loaded, _ = loaded_model("bert", checkpoints["bert"])
    training = Training(layer_decay=0.5, warmup_ratio=0.0, learning_rate=1e-3)
    optimizer = make_optimizer(loaded.model, training, learning_rates(loaded.model, training))
    scheduler = make_scheduler(optimizer, training, 4)
    peaks = scheduler.get_last_lr()
    assert len(set(peaks)) == 4
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == pytest.approx([0.75 * peak for peak in peaks])


@pytest.mark.slow
def test_the_unused_rows_decay_by_the_embedding_s_own_rate(checkpoints):
    training = Training(learning_rate=1e-2, weight_decay=0.5, warmup_ratio=0.0, layer_decay=0.5)
    loaded, objective = loaded_model("bert", checkpoints["bert"])
    found = []
    for used in (True, False):
        own = copy.deepcopy(loaded)
        reader = trainer_for(own, objective, training)[1]
        items = objective.features(text_examples(6), reader).items
        vocabulary = with_used_vocabulary(own.model, items if used else None)
        trainer, _ = trainer_for(own, objective, training, steps=10)
        for _ in range(4):
            trainer.step(items)
        if used:
            peak = peak_of(trainer.optimizer, own.model.get_input_embeddings().weight)
            assert peak == pytest.approx(1e-2 / 8)
            vocabulary.restore(unused_rows_decay(training, steps=10, taken=4, peak=peak))
        found.append(own.model.get_input_embeddings().weight.detach())
    torch.testing.assert_close(*found, atol=2e-6, rtol=0)


def encoder_decoder_classifier():
    """BART, of two encoder layers and three decoder layers."""
    sides = {
        f"{side}_{name}": value
        for side in ("encoder", "decoder")
        for name, value in (("attention_heads", 2), ("ffn_dim", 8))
    }
    config = BartConfig(
        vocab_size=20, d_model=8, encoder_layers=2, decoder_layers=3, max_position_embeddings=16, **sides
    )
    return BartForSequenceClassification(config).eval()


def test_the_layers_of_a_decoder_lie_above_those_of_its_encoder():
    model = encoder_decoder_classifier()
    depths = depths_of(model, "frozen")
    found = {}
    for name, depth in depths.of.items():
        part = re.match(r"model\.(\w+(?:\.layers\.\d+)?)", name)
        found.setdefault(part[1] if part else "head", set()).add(depth)
    # BART registers the norms of its embeddings after the layers above them.
    encoder = {"shared": {0}, "encoder": {0, 2}, "encoder.layers.0": {1}, "encoder.layers.1": {2}}
    decoder = {"decoder": {0, 6}, "decoder.layers.0": {3}, "decoder.layers.1": {4}, "decoder.layers.2": {5}}
    assert found == {**encoder, **decoder, "head": {6}}
    freeze(model, 0)
    left = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert left == {name for name, depth in depths.of.items() if depth == 0}


def test_adapters_are_added_to_encoder_and_decoder():
    model = encoder_decoder_classifier()
    add_adapters(model, rank=2, alpha=4.0, seed=0)
    added = {name.partition(".layers.")[0] for name, _ in model.named_parameters() if "lora_" in name}
    assert added == {"model.encoder", "model.decoder"}


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"frozen": "encoder"}, {"frozen": 1, "layer_decay": 0.8}])
def test_a_run_says_what_was_trained_and_leaves_the_rest_as_it_was(settings, checkpoints, tmp_path):
    own = own_data(tmp_path / "data", text_examples(60))
    run = own_run(tmp_path / "runs", own, checkpoints["bert"], weight_decay=0.5, **settings)
    record = execute(run, Options(), Silent())
    whole = execute(own_run(tmp_path / "whole", own, checkpoints["bert"]), Options(), Silent())
    after = load_file(run.folder / "checkpoint" / "model.safetensors")
    before = load_file(Path(checkpoints["bert"]) / "model.safetensors")
    loaded, _ = loaded_model("bert", checkpoints["bert"])
    freeze(loaded.model, settings["frozen"])
    trained = {name: p for name, p in loaded.model.named_parameters() if p.requires_grad}
    assert record.counts.trained_parameters == sum(p.numel() for p in trained.values())
    assert record.counts.parameters == whole.counts.parameters == whole.counts.trained_parameters
    assert record.cost.training_flops < whole.cost.training_flops
    same = {
        name
        for name, tensor in after.items()
        if torch.equal(tensor, before.get(name.removeprefix("bert."), tensor + 1))
    }
    assert same >= after.keys() - trained.keys()
    assert "bert.embeddings.word_embeddings.weight" in same


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("family", "settings"), [("scratch", {}), ("bert", {"frozen": 1}), ("bert", {"method": "lora", "rank": 2})]
)
def test_layers_computed_again_give_the_same_gradient(family, settings, checkpoints):
    found = []
    for again in (False, True):
        recipe = {"execution": "padded", "dropout": 0.2, "gradient_checkpointing": again, **settings}
        trainer, items = set_up(checkpoints, family=family, **recipe)
        calls = []
        parts = layers_of(trainer.forward.model, "")[-1].modules()
        part = next(part for part in parts if isinstance(part, torch.nn.Linear))
        part.register_forward_pre_hook(lambda *_, calls=calls: calls.append(1))
        torch.manual_seed(3)
        found.append((*gradients(trainer, items), len(calls)))
    (loss, expected, once), (same_loss, same, twice) = found
    assert (once, twice) == (1, 2)
    assert loss == same_loss
    assert all(torch.equal(gradient, same[name]) for name, gradient in expected.items())


def test_a_model_that_keeps_all_its_states_says_so(checkpoints):
    with pytest.raises(UserError, match="gradient_checkpointing: a xlnet can't recompute its layers"):
        set_up(checkpoints, family="xlnet", gradient_checkpointing=True)


def test_packed_texts_and_segments_can_t_be_computed_again():
    for settings in ({}, {"execution": "padded", "strategy": "segment_recurrence"}):
        mistakes = []
        assert recipe_of({"--set ": {"gradient_checkpointing": True, **settings}}, mistakes) is None
        assert mistakes[0].startswith("--set gradient_checkpointing: not for packed texts or segments.")
