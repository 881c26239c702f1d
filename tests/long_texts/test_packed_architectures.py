"""Every architecture that a family reads is packed, with the settings that packing must know of."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from packed_windows import FAMILIES_PACKED, LENGTHS, assert_same_logits, padded_inputs
from small_models import ARCHITECTURES, LABELS, trainer_for
from transformers import AutoConfig, AutoModelForMultipleChoice, AutoModelForSequenceClassification

from harness.config.training import Training
from harness.long_texts.packed.scoring import Packed
from harness.models.choice_head import read_rows
from harness.models.packing import why_not_packable
from harness.ops.device import fresh_accelerator
from harness.registry import FAMILIES, TASK_TYPES


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("family", "model_type"),
    [
        (name, model_type)
        for name in FAMILIES_PACKED
        for model_type in FAMILIES.load(name).model_types
        # The others only write.
        if type(AutoConfig.for_model(model_type)) in AutoModelForSequenceClassification._model_mapping
    ],
)
def test_every_architecture_that_a_family_reads_is_packed(family, model_type):
    torch.manual_seed(0)
    assert_packed_classifier(family, model_type)


def test_a_model_for_multiple_choice_that_reads_a_mean_is_packed(tmp_path):
    settings = {**ARCHITECTURES["modernbert"], "vocab_size": 90, "pad_token_id": 1, "classifier_pooling": "mean"}
    model = AutoModelForMultipleChoice.from_config(AutoConfig.for_model("modernbert", **settings)).eval()
    head = TASK_TYPES.load("multiple_choice").objective((), Training()).head()
    read_rows(model, head)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=tmp_path)
    packed = Packed(model, ("logits",), accelerator, FAMILIES.load("modernbert").packing, per_token=False)
    before = {name: vars(module).get("forward") for name, module in model.named_modules()}
    assert_same_logits(packed, padded_inputs(LENGTHS["any"], uses_token_type_ids=False, pad=1))
    assert {name: vars(module).get("forward") for name, module in model.named_modules()} == before


def assert_packed_classifier(family, model_type=None, **architecture):
    """A classifier of the family with these settings says the same packed, with a shorter last layer and without."""
    settings = {**ARCHITECTURES[family], "vocab_size": 90, "pad_token_id": 1, "num_labels": 3, **architecture}
    config = AutoConfig.for_model(model_type or FAMILIES.load(family).model_types[0], **settings)
    model = AutoModelForSequenceClassification.from_config(config).eval()
    accelerator = fresh_accelerator("fp32", tracker=None, folder=Path())
    packed = Packed(model, ("logits",), accelerator, FAMILIES.load(family).packing, per_token=False)
    inputs = padded_inputs(LENGTHS["any"], uses_token_type_ids=False, pad=1)
    assert_same_logits(packed, inputs)
    assert_same_logits(replace(packed, short=False), inputs)


@pytest.mark.parametrize(
    ("family", "architecture"),
    [
        ("deberta", {"share_att_key": False, "pos_att_type": ["c2p"]}),
        ("deberta", {"share_att_key": False, "pos_att_type": ["p2c"], "position_buckets": -1}),
        ("deberta", {"relative_attention": False, "position_biased_input": True}),
        ("deberta", {"max_relative_positions": 16, "position_buckets": -1}),
        ("modernbert", {"classifier_pooling": "mean"}),
        ("modernbert", {"local_attention": 2, "num_hidden_layers": 3}),
        ("albert", {"num_hidden_layers": 5, "num_hidden_groups": 2, "inner_group_num": 2}),
        ("mpnet", {"num_hidden_layers": 1}),
    ],
)
def test_settings_of_an_architecture_that_packing_must_know_of(family, architecture):
    torch.manual_seed(0)
    assert_packed_classifier(family, **architecture)


def test_a_deberta_with_a_convolution_over_tokens_is_padded():
    config = AutoConfig.for_model("deberta-v2", conv_kernel_size=3)
    reason = why_not_packable(FAMILIES.load("deberta").packing, config)
    assert reason == "a convolution over tokens does not see where a text ends"


def test_a_scratch_model_that_normalises_first_is_packed_too(checkpoints):
    from harness.config.model import ModelConfig
    from harness.models.families.scratch import family

    objective = TASK_TYPES.load("classification").objective(LABELS, Training())
    spec = ModelConfig(
        family="scratch",
        tokenizer=str(checkpoints["scratch"]),
        architecture={"norm_position": "pre", "hidden_size": 32},
    )
    torch.manual_seed(1)
    loaded = family.load(spec, objective.head(), labels=LABELS, dropout=0.0, texts=list)
    packed = trainer_for(loaded, objective, Training())[0].forward.scoring
    packed.model.eval()
    assert_same_logits(packed, padded_inputs(LENGTHS["any"], uses_token_type_ids=True))
