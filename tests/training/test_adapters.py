"""LoRA: the stock model is trained beside its own matrices, and is a stock model again when it is saved."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_models import (
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
from transformers import AutoConfig, AutoModelForSequenceClassification

from harness.config.training import Training, recipe_of
from harness.errors import UserError
from harness.models.adapters import add_adapters, has_adapters, merge_adapters
from harness.models.depth import depths_of
from harness.runs.execution import Options, execute
from harness.suites import settling

EXAMPLES = {
    "classification": (LABELS, lambda: text_examples(9, longest=30)),
    "token_classification": (TAGS, lambda: tagged_examples(9)),
    "question_answering": ((), lambda: question_examples(9)),
}
LORA = {"method": "lora", "rank": 4, "learning_rate": 1e-2}


def set_up(checkpoints, task_type="classification", *, family="bert", dropout=0.0, **settings):
    labels, examples = EXAMPLES[task_type]
    training = Training(**{"warmup_ratio": 0.0, **LORA, **settings})
    loaded, objective = loaded_model(family, checkpoints[family], task_type, labels=labels, dropout=dropout)
    trainer, reader = trainer_for(loaded, objective, training)
    return trainer, objective.features(examples(), reader).items


@pytest.mark.slow_but_first
@pytest.mark.parametrize("family", ["bert", "roberta", "scratch", "xlnet", "transformer_xl"])
def test_the_small_matrices_and_the_head_are_trained_alone(family, checkpoints):
    trainer, items = set_up(checkpoints, family=family)
    model, before = trainer.forward.model, weights(trainer.forward.model)
    head = depths_of(model, "method").head
    for _ in range(2):  # One of the two matrices begins at zero, so that the other has no gradient in the first step.
        trainer.step(items)
    changed = {name for name, tensor in weights(model).items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in before if "lora_" in name or name in head}
    assert any("lora_A" in name for name in changed)
    assert any("attn" in name or "attention" in name for name in changed) == (family != "xlnet")  # whose are no layers
    assert model.num_parameters(only_trainable=True) < 0.7 * sum(p.numel() for p in model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("task_type", sorted(EXAMPLES))
def test_merged_it_is_the_stock_model_and_says_the_same(task_type, checkpoints):
    trainer, items = set_up(checkpoints, task_type)
    stock, _ = loaded_model("bert", checkpoints["bert"], task_type, labels=EXAMPLES[task_type][0])
    for _ in range(3):
        trainer.step(items)
    model, scoring = trainer.forward.model.eval(), trainer.forward.scoring
    inputs = trainer.forward.collator(items).inputs
    with torch.no_grad():
        expected = scoring.logits(inputs, 99)
        before = [part.clone() for part in expected]
        merge_adapters(model, checkpoint=None)
        found = scoring.logits(inputs, 99)
    assert not has_adapters(model)
    assert model.state_dict().keys() == stock.model.state_dict().keys()
    for ours, theirs in zip(found, before, strict=True):
        assert ours.abs().max() > 1e-3
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("task_type", sorted(EXAMPLES))
def test_passes_and_executions_give_one_gradient(task_type, checkpoints):
    found = []
    for settings in ({}, {"micro_batch_size": 2}, {"execution": "padded"}):
        trainer, items = set_up(checkpoints, task_type, **settings)
        trainer.forward.model.train()
        loss = float(trainer._gradients(items))
        parameters = trainer.forward.model.named_parameters()
        found.append((loss, {name: p.grad.clone() for name, p in parameters if p.grad is not None}))
    for loss, gradients in found[1:]:
        assert loss == pytest.approx(found[0][0], abs=1e-5)
        assert gradients.keys() == found[0][1].keys()
        for name, gradient in gradients.items():
            torch.testing.assert_close(gradient, found[0][1][name], atol=1e-5, rtol=1e-4)


@pytest.mark.slow
def test_the_start_takes_no_numbers_from_training_s_generator_and_follows_the_seed(checkpoints):
    found = []
    for seed in (0, 0, 1):
        loaded, _ = loaded_model("bert", checkpoints["bert"])
        before = torch.get_rng_state()
        add_adapters(loaded.model, rank=2, alpha=4.0, seed=seed)
        assert torch.equal(torch.get_rng_state(), before)
        found.append({name: tensor for name, tensor in weights(loaded.model).items() if "lora_A" in name})
    assert all(torch.equal(tensor, found[1][name]) for name, tensor in found[0].items())
    assert not any(torch.equal(tensor, found[2][name]) for name, tensor in found[0].items())


@pytest.mark.slow
@pytest.mark.parametrize(
    "family", ["bert", *(pytest.param(name, marks=pytest.mark.slow) for name in ("roberta", "xlnet"))]
)
def test_a_run_leaves_a_stock_checkpoint_and_adapters_that_peft_makes_it_from(family, checkpoints, tmp_path):
    from peft import PeftModel

    own = own_data(tmp_path / "data", text_examples(60))
    run = own_run(tmp_path / "runs", own, checkpoints[family], family=family, **LORA)
    record = execute(run, Options(), Silent())
    folder = run.folder / "checkpoint"
    assert record.counts.parameters > record.counts.trained_parameters > 0
    assert {name for name in record.files if name.startswith("checkpoint/adapter/")} == {
        "checkpoint/adapter/adapter_config.json",
        "checkpoint/adapter/adapter_model.safetensors",
    }
    config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    assert config["target_modules"] == sorted(config["target_modules"])
    assert config["base_model_name_or_path"] == str(checkpoints[family])
    merged = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    first = AutoModelForSequenceClassification.from_pretrained(
        checkpoints[family], config=AutoConfig.from_pretrained(folder)
    )
    again = PeftModel.from_pretrained(first, folder / "adapter").eval()
    ids = torch.randint(5, 60, (3, 9), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(again(ids).logits, merged(ids).logits, atol=1e-6, rtol=1e-5)
    start, end = (load_file(Path(path) / "model.safetensors") for path in (checkpoints[family], folder))
    prefix = merged.base_model_prefix
    assert all(torch.equal(end[f"{prefix}.{name}"], start[name]) for name in start if "word_embedding" in name)
    assert any(not torch.equal(end[f"{prefix}.{name}"], start[name]) for name in start if f"{prefix}.{name}" in end)


def test_convolutions_that_are_linear_maps_are_adapted_too():
    model = AutoModelForSequenceClassification.from_config(
        AutoConfig.for_model("gpt2", vocab_size=50, n_embd=8, n_head=2, n_layer=2, pad_token_id=0)
    ).eval()
    add_adapters(model, rank=2, alpha=2.0, seed=0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    ids = torch.tensor([[4, 5, 6]])
    with torch.no_grad():
        before = model(ids).logits
        merge_adapters(model, checkpoint=None)
        torch.testing.assert_close(model(ids).logits, before, atol=1e-5, rtol=1e-4)
    assert sum("attn.c_attn.weight" in name for name in model.state_dict()) == 2


def test_lora_and_a_frozen_part_don_t_go_together():
    mistakes = []
    assert recipe_of({"--set ": {"method": "lora", "frozen": 2}}, mistakes) is None
    assert mistakes == ["--set: frozen 2 and method 'lora' don't go together: LoRA freezes the encoder."]


def test_a_missing_package_is_told_before_anything_runs(checkpoints, tmp_path, monkeypatch):
    own = own_data(tmp_path / "data", text_examples(60))
    monkeypatch.setattr(settling, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="needs the package peft"):
        own_run(tmp_path / "runs", own, checkpoints["bert"], method="lora")
    assert own_run(tmp_path / "runs", own, checkpoints["bert"])
