"""Packed execution gives the numbers of padded execution, for every family and task type that can be packed."""

from dataclasses import replace

import pytest
import torch
from command_line import read_predictions
from packed_windows import FAMILIES_PACKED, LENGTHS, assert_same_logits, padded_inputs
from small_models import (
    ARCHITECTURES,
    DISTINCT,
    LABELS,
    TAGS,
    Silent,
    choice_examples,
    loaded_model,
    own_data,
    own_run,
    question_examples,
    tagged_examples,
    text_examples,
    trainer_for,
    write_checkpoint,
)

from harness.config.training import Training
from harness.long_texts.packed import sizes
from harness.long_texts.packed.attention import NAME
from harness.long_texts.packed.scoring import Packed
from harness.long_texts.scoring import execution_notes
from harness.long_texts.windows import Windows
from harness.ops.device import fresh_accelerator
from harness.registry import TASK_TYPES
from harness.runs.execution import Options, execute
from harness.task_types.texts import TextExample

HEADS = (
    "classification",
    "multiple_choice",
    "question_answering",
    "token_classification",
)  # the others' are a classifier's
# A language model reads with its own head, in ways of its own: tests/task_types/test_language_modelling.py; so
# does one that writes: tests/task_types/test_sequence_to_sequence.py.
EVERY_HEAD = {name: TASK_TYPES.load(name).objective((), Training()).head() for name in TASK_TYPES.names()}
KIND_NAMES = sorted(
    name for name, head in EVERY_HEAD.items() if head.auto_class is not None and head.generation is None
)
TARGETS = {"classification": lambda n: n % 2, "multi_label": lambda n: (n % 2,), "regression": lambda n: n / 4}


def test_every_family_is_packed_but_those_with_a_memory_or_sparse_attention():
    assert set(ARCHITECTURES) - set(FAMILIES_PACKED) == {"bigbird", "transformer_xl", "xlnet"}
    assert len(KIND_NAMES) == 6


def set_up(family, checkpoints, task_type, *, dropout=0.0, **settings):
    named = {"classification": LABELS, "multi_label": LABELS, "token_classification": TAGS}
    labels = named.get(task_type, ())
    loaded, objective = loaded_model(family, checkpoints[family], task_type, labels=labels, dropout=dropout)
    training = Training(**{"learning_rate": 1e-3, "warmup_ratio": 0.0, **settings})
    trainer, reader = trainer_for(loaded, objective, training)
    return trainer, objective, reader


@pytest.mark.parametrize("family", ["bert", "xlnet", "transformer_xl"])
def test_the_record_says_where_windows_are_padded_instead(family, checkpoints):
    loaded, objective = loaded_model(family, checkpoints[family])
    said = {}
    for execution in ("packed", "padded"):
        training = Training(execution=execution)
        scoring = trainer_for(loaded, objective, training)[0].forward.scoring
        assert isinstance(scoring, Packed) == (family == "bert" and execution == "packed")
        said[execution] = execution_notes(loaded, scoring, training)
    reason = "padded: this family does not read texts laid end to end"
    assert said == {"packed": [] if family == "bert" else [reason], "padded": []}


def test_a_bert_that_is_a_decoder_is_padded(checkpoints):
    loaded, objective = loaded_model("bert", checkpoints["bert"])
    loaded.model.config.is_decoder = True
    scoring = trainer_for(loaded, objective, Training())[0].forward.scoring
    assert not isinstance(scoring, Packed)
    assert execution_notes(loaded, scoring, Training()) == ["padded: a decoder does not see all of a text at once"]


@pytest.mark.slow_but_first
@pytest.mark.parametrize("task_type", KIND_NAMES)
@pytest.mark.parametrize("family", FAMILIES_PACKED)
def test_logits_are_those_of_padded_windows(family, task_type, checkpoints):
    trainer, _, _ = set_up(family, checkpoints, task_type)
    packed, collator = trainer.forward.scoring, trainer.forward.collator
    assert isinstance(packed, Packed)
    packed.model.eval()
    for lengths in LENGTHS.values():
        inputs = padded_inputs(lengths, uses_token_type_ids=collator.uses_token_type_ids, pad=collator.pad_id)
        assert_same_logits(packed, inputs)
        assert_same_logits(replace(packed, short=False), inputs)


def examples_of(task_type, count):
    if task_type == "question_answering":
        return question_examples(count)
    if task_type == "token_classification":
        return tagged_examples(count, longest=40)
    if task_type == "multiple_choice":
        return choice_examples(count, longest=30)
    return [TextExample(e.id, e.text, TARGETS[task_type](n)) for n, e in enumerate(text_examples(count, longest=40))]


@pytest.mark.slow_but_first
@pytest.mark.parametrize("task_type", HEADS)
@pytest.mark.parametrize("family", FAMILIES_PACKED)
def test_a_training_curve_is_that_of_padded_windows(family, task_type, checkpoints):
    curves = {}
    for execution in ("packed", "padded"):
        trainer, objective, reader = set_up(family, checkpoints, task_type, execution=execution)
        items = objective.features(examples_of(task_type, 24), reader).items
        curves[execution] = [float(trainer.step(items[start : start + 8])) for start in (0, 8, 16, 0, 8, 16)]
    assert curves["packed"] == pytest.approx(curves["padded"], abs=1e-5)
    assert curves["packed"][0] != pytest.approx(curves["packed"][-1], abs=1e-3)  # it learns


@pytest.mark.slow
@pytest.mark.parametrize("task_type", HEADS)
@pytest.mark.parametrize("model_type", ["xlm-roberta", "camembert"])
def test_kin_that_a_family_reads_have_logits_and_a_training_curve_of_padded_windows(model_type, task_type, tmp_path):
    """They have classes of their own in transformers, whose heads need not be RoBERTa's."""
    checkpoints = {"roberta": write_checkpoint("roberta", tmp_path, model_type=model_type)}
    test_logits_are_those_of_padded_windows("roberta", task_type, checkpoints)
    test_a_training_curve_is_that_of_padded_windows("roberta", task_type, checkpoints)


@pytest.mark.slow
@pytest.mark.parametrize("task_type", ["classification", "token_classification"])
@pytest.mark.parametrize("family", FAMILIES_PACKED)
def test_windows_that_don_t_fit_into_a_pass_are_recomputed_with_the_same_gradient(family, task_type, checkpoints):
    trainer, _, _ = set_up(family, checkpoints, task_type, dropout=0.2)
    scoring, collator = trainer.forward.scoring, trainer.forward.collator
    inputs = padded_inputs(LENGTHS["any"], uses_token_type_ids=collator.uses_token_type_ids, pad=collator.pad_id)
    found = []
    scoring.model.train()
    for _ in range(2):
        torch.manual_seed(3)
        scoring.model.zero_grad()
        scoring.logits(inputs, 2)[0].square().sum().backward()
        found.append([p.grad.clone() for p in scoring.model.parameters() if p.grad is not None])
    torch.manual_seed(3)
    scoring.model.zero_grad()
    parts = [scoring.logits({name: rows[n : n + 2] for name, rows in inputs.items()}, 2)[0] for n in range(0, 9, 2)]
    torch.cat(parts).square().sum().backward()
    found.append([p.grad.clone() for p in scoring.model.parameters() if p.grad is not None])
    for first, again, whole in zip(*found, strict=True):
        assert torch.equal(first, again)
        torch.testing.assert_close(first, whole, atol=1e-5, rtol=1e-4)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("task_type", ["classification", "token_classification"])
@pytest.mark.parametrize("family", FAMILIES_PACKED)
def test_gradients_are_those_of_padded_windows_with_a_shorter_last_layer_or_without(family, task_type, checkpoints):
    trainer, _, _ = set_up(family, checkpoints, task_type)
    packed = trainer.forward.scoring
    padded = Windows(packed.model, packed.outputs, packed.accelerator)
    inputs = padded_inputs(
        LENGTHS["any"],
        uses_token_type_ids=trainer.forward.collator.uses_token_type_ids,
        pad=trainer.forward.collator.pad_id,
    )
    read = inputs["attention_mask"].bool() if packed.per_token else slice(None)
    gradients = []
    for scoring in (padded, packed, replace(packed, short=False)):
        scoring.model.zero_grad()
        scoring.logits(inputs, 100)[0][read].square().sum().backward()
        gradients.append({name: p.grad for name, p in scoring.model.named_parameters() if p.grad is not None})
    for found in gradients[1:]:
        assert found.keys() == gradients[0].keys()
        for name, gradient in gradients[0].items():
            torch.testing.assert_close(found[name], gradient, atol=5e-5, rtol=1e-4)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("task_type", HEADS)
@pytest.mark.parametrize("family", FAMILIES_PACKED)
def test_filler_changes_no_logit_and_no_gradient(family, task_type, checkpoints, monkeypatch):
    trainer, _, _ = set_up(family, checkpoints, task_type)
    packed, collator = trainer.forward.scoring, trainer.forward.collator
    inputs = padded_inputs(LENGTHS["any"], uses_token_type_ids=collator.uses_token_type_ids, pad=collator.pad_id)
    found = []
    for length in (0, 1, 70):
        monkeypatch.setattr(sizes, "filler_length", lambda *_, length=length: length)
        packed.model.zero_grad()
        logits = packed.logits(inputs, 100)
        torch.stack([tensor.square().sum() for tensor in logits]).sum().backward()
        found.append([*logits, *(p.grad for p in packed.model.parameters() if p.grad is not None)])
    for other in found[1:]:
        assert len(other) == len(found[0])
        for ours, without in zip(other, found[0], strict=True):
            torch.testing.assert_close(ours, without, atol=5e-5, rtol=1e-4)


@pytest.mark.slow
def test_in_bf16_a_processor_multiplies_matrices_of_few_sizes(checkpoints):
    seen = {}
    for precision in ("fp32", "bf16"):
        trainer, _, _ = set_up("bert", checkpoints, "classification", precision=precision)
        packed, read = trainer.forward.scoring, set()
        packed.model.bert.embeddings.register_forward_hook(lambda *call, read=read: read.add(call[-1].shape[1]))
        for longest in range(1, 57):
            packed.logits(padded_inputs([longest, 8], uses_token_type_ids=True), 100)
        seen[precision] = read
    assert seen == {"fp32": set(range(9, 65)), "bf16": set(range(16, 73, 8))}


@pytest.mark.parametrize(
    ("total", "with_filler"), [(1, 8), (8, 16), (255, 256), (512, 528), (1000, 1008), (4100, 4224), (65_536, 67_584)]
)
def test_filler_is_at_most_a_thirty_second_of_many_tokens(total, with_filler, tmp_path):
    accelerator = fresh_accelerator("bf16", tracker=None, folder=tmp_path)
    assert total + sizes.filler_length(total, accelerator) == with_filler
    assert sizes.filler_length(total, fresh_accelerator("fp32", tracker=None, folder=tmp_path)) == 0


def test_a_padding_token_within_a_text_moves_no_position_of_roberta_s(checkpoints):
    trainer, _, _ = set_up("roberta", checkpoints, "classification")
    packed, pad = trainer.forward.scoring, trainer.forward.collator.pad_id
    packed.model.eval()
    inputs = padded_inputs([9, 20], uses_token_type_ids=False, pad=pad)
    inputs["input_ids"][1, 4] = pad
    assert_same_logits(packed, inputs)


def test_the_model_is_the_stock_one_again_after_each_pass(checkpoints):
    trainer, objective, reader = set_up("bert", checkpoints, "classification")
    model = trainer.forward.model
    before = model.config._attn_implementation
    trainer.step(objective.features(text_examples(4), reader).items)
    assert model.config._attn_implementation == before != NAME
    assert "forward" not in vars(model.bert.encoder.layer[-1])

    def broken(*_arguments, **_options):
        raise RuntimeError("out of luck")

    model.bert.encoder.layer[0].attention.output.forward = broken
    with pytest.raises(RuntimeError, match="out of luck"):
        trainer.step(objective.features(text_examples(4), reader).items)
    assert model.config._attn_implementation == before
    assert "forward" not in vars(model.bert.encoder.layer[-1])


@pytest.mark.slow_but_first
@pytest.mark.parametrize("family", FAMILIES_PACKED)
def test_bf16_is_as_near_to_fp32_as_padded_bf16_is(family, checkpoints):
    found = {}
    for precision in ("fp32", "bf16"):
        trainer, _, _ = set_up(family, checkpoints, "classification", precision=precision)
        packed, collator = trainer.forward.scoring, trainer.forward.collator
        packed.model.eval()
        inputs = padded_inputs(LENGTHS["any"], uses_token_type_ids=collator.uses_token_type_ids, pad=collator.pad_id)
        with torch.no_grad():
            found[precision] = packed.logits(inputs, 100)[0].float()
            padded = Windows(packed.model, packed.outputs, packed.accelerator).logits(inputs, 100)[0].float()
    error = (found["bf16"] - found["fp32"]).abs().max()
    assert 0 < error < max(2 * (padded - found["fp32"]).abs().max(), 0.02)


@pytest.mark.slow  # 24 whole runs
@pytest.mark.parametrize(
    ("family", "recipe"),
    [(family, {}) for family in FAMILIES_PACKED if family in DISTINCT]
    + [(family, {"strategy": "windows", "max_length": 12, "micro_batch_size": 3}) for family in FAMILIES_PACKED],
)
def test_a_whole_run_has_the_same_record_in_both_executions(family, recipe, checkpoints, tmp_path):
    own = own_data(tmp_path / "data", text_examples(60, longest=30), sizes=(None, 10, 10))
    records, rows = [], []
    for execution in ("packed", "padded"):
        settings = {"dropout": 0.0, "maximum_steps": 20, **recipe}
        run = own_run(tmp_path / execution, own, checkpoints[family], family=family, execution=execution, **settings)
        records.append(execute(run, Options(), Silent()))
        rows.append(read_predictions(run.folder))
    packed, padded = records
    assert [(p.step, p.train_loss, p.validation_loss) for p in packed.curve] == [
        pytest.approx((p.step, p.train_loss, p.validation_loss), abs=1e-5) for p in padded.curve
    ]
    assert packed.scores == padded.scores
    assert packed.notes == padded.notes
    for ours, theirs in zip(*rows, strict=True):
        assert ours["logits"] == pytest.approx(theirs["logits"], abs=1e-4)
