"""The small checkpoints that come with the project are what their records say, and know some English."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from harness.models.families.transformer_xl import register
from harness.pretraining.recipe import find_recipe, settings_that_differ
from harness.pretraining.record import read_pretraining
from harness.registry import BUILT_IN

MASKED, CAUSAL = ("bert-mini", "roberta-mini"), ("xl-mini",)
NAMES = (*MASKED, *CAUSAL)
MEGABYTE = 10**6


def folder(name):
    return BUILT_IN / "configs/models" / name


def records():
    return [read_pretraining(folder(name) / "pretraining.json") for name in NAMES]


def test_they_differ_in_nothing_but_the_way_to_pretrain():
    found = records()

    assert found[0].corpus == found[1].corpus == found[2].corpus
    assert max(record.tokens for record in found) <= 1.001 * min(record.tokens for record in found)
    assert max(record.parameters for record in found) <= 1.05 * min(record.parameters for record in found)
    tokenizers = {(folder(name) / "tokenizer.json").read_bytes() for name in NAMES}
    assert len(tokenizers) == 1


@pytest.mark.parametrize("name", NAMES)
def test_each_comes_from_the_recipe_of_its_name(name):
    recipe, _ = find_recipe(name, {"precision": "bf16"})  # "auto" is this where the processor multiplies in it

    assert settings_that_differ(read_pretraining(folder(name) / "pretraining.json").config, recipe) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_is_small_and_holds_no_pickle(name):
    files = [file for file in folder(name).iterdir() if file.is_file()]

    assert sum(file.stat().st_size for file in files) <= 12 * MEGABYTE
    assert {file.suffix for file in files} == {".json", ".md", ".safetensors"}


@pytest.mark.parametrize("name", MASKED)
def test_plain_transformers_fills_in_a_hidden_word(name):
    tokenizer = AutoTokenizer.from_pretrained(folder(name))
    model = AutoModelForMaskedLM.from_pretrained(folder(name)).float().eval()
    ids = tokenizer("the president of the united [MASK] said that", return_tensors="pt")

    with torch.no_grad():
        scores = model(**ids).logits[ids["input_ids"] == tokenizer.mask_token_id]

    assert tokenizer.decode(scores.argmax(-1)) == " states"


@pytest.mark.parametrize("name", CAUSAL)
def test_the_one_that_reads_from_left_to_right_goes_on(name):
    register()
    tokenizer = AutoTokenizer.from_pretrained(folder(name))
    model = AutoModelForCausalLM.from_pretrained(folder(name)).float().eval()
    ids = tokenizer("the president of the united", add_special_tokens=False, return_tensors="pt")["input_ids"]

    with torch.no_grad():
        likely = model(input_ids=ids).logits[0, -1].topk(3).indices

    assert " states" in [tokenizer.decode([token]) for token in likely]
