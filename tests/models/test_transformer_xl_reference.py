"""Transformer-XL held against transformers 4.37.2, the last release that ran it; see data/transformer_xl/README.md."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

import harness.models.families  # noqa: F401 -- the Auto classes learn our own architectures

DATA = Path(__file__).parents[1] / "data" / "transformer_xl"
CASES = sorted(folder.parent.name for folder in DATA.glob("*/expected.safetensors"))
# The bounds that the reference was made with: single precision differs by the order of additions alone.
TOLERANCES = {torch.float32: 2e-4, torch.float64: 1e-9}
# The closer bound is the stricter test, so that of single precision is left to `make test`.
PRECISIONS = pytest.mark.parametrize(
    "dtype", [torch.float64, pytest.param(torch.float32, marks=pytest.mark.slow)], ids=str
)


def test_there_are_reference_cases():
    assert len(CASES) == 3


class Expected:
    """The reference numbers of one case, and the comparison with them."""

    def __init__(self, case, dtype):
        self.folder, self.dtype = DATA / case, dtype
        self.numbers = load_file(self.folder / "expected.safetensors")
        self.compared = 0

    def given(self, name):
        tensor = self.numbers[f"in.{name}"]
        return tensor.to(self.dtype) if tensor.is_floating_point() else tensor

    def same(self, name, got):
        """Whether `got` is what the reference says, where it says something."""
        if name not in self.numbers:
            return
        wanted = self.numbers[name]
        assert got.shape == wanted.shape, name
        scale = max(1.0, float(wanted.abs().max()))
        assert float((got.double() - wanted).abs().max()) / scale <= TOLERANCES[self.dtype], name
        self.compared += 1


@pytest.fixture(params=CASES)
def case(request):
    return request.param


def language_model(expected):
    model, report = AutoModelForCausalLM.from_pretrained(expected.folder, output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    return model.to(expected.dtype).eval()


@pytest.mark.slow_but_first
@PRECISIONS
@torch.no_grad()
def test_states_memory_and_attention_are_the_reference_s_through_four_segments(case, dtype):
    expected = Expected(case, dtype)
    model = language_model(expected).transformer
    mems = None
    for segment in ("s1", "s2", "s3", "s4"):
        ids = expected.given(f"{segment}.input_ids")
        output = model(ids, mems=mems, output_hidden_states=True)
        expected.same(f"base.{segment}.last_hidden_state", output.last_hidden_state)
        for index, states in enumerate(output.hidden_states):
            expected.same(f"base.{segment}.hidden_states.{index}", states)
        for index, states in enumerate(output.mems):
            expected.same(f"base.{segment}.mems.{index}", states)
        weighed = model(ids, mems=mems, output_attentions=True)
        expected.same(f"base.{segment}.attentions.1", weighed.attentions[1])
        mems = output.mems
    assert expected.compared >= 12


@PRECISIONS
@torch.no_grad()
def test_an_empty_memory_gives_the_reference_s_states(case, dtype):
    expected = Expected(case, dtype)
    model = language_model(expected).transformer
    nothing = [torch.zeros(0, 3, model.config.d_model, dtype=dtype)] * model.config.n_layer
    first = model(expected.given("s1.input_ids"), mems=nothing)
    expected.same("base.empty.s1.last_hidden_state", first.last_hidden_state)
    second = model(expected.given("s2.input_ids"), mems=first.mems)
    expected.same("base.empty.s2.last_hidden_state", second.last_hidden_state)
    model.config.memory_start = "empty"
    expected.same("base.empty.s1.last_hidden_state", model(expected.given("s1.input_ids")).last_hidden_state)
    assert expected.compared == 3


@PRECISIONS
@torch.no_grad()
def test_vectors_in_place_of_words_are_not_scaled(case, dtype):
    expected = Expected(case, dtype)
    output = language_model(expected).transformer(inputs_embeds=expected.given("inputs_embeds"))
    expected.same("base.inputs_embeds.last_hidden_state", output.last_hidden_state)
    assert expected.compared == 1


@PRECISIONS
@torch.no_grad()
def test_log_probabilities_and_losses_are_the_reference_s_at_their_positions(case, dtype):
    expected = Expected(case, dtype)
    model = language_model(expected)
    mems = None
    for segment in ("s1", "s2"):
        ids = expected.given(f"{segment}.input_ids")
        output = model(ids, mems=mems)
        expected.same(f"lm.{segment}.log_probs", output.logits)
        learnt = model(ids, mems=mems, labels=ids)
        expected.same(f"lm.{segment}.loss", learnt.loss)
        expected.same(f"lm.{segment}.nll_positional", learnt.losses)
        mems = output.mems
    ids, labels = expected.given("s1.input_ids"), expected.given("labels_ignore")
    expected.same("lm.s1.loss_ignore", model(ids, labels=labels).loss)
    assert expected.compared == 7


@PRECISIONS
def test_gradients_are_the_reference_s(dtype):
    expected = Expected("adaptive_same_length", dtype)
    model = language_model(expected)
    first = expected.given("s1.input_ids")
    mems = model(first, labels=first).mems
    second = expected.given("s2.input_ids")
    model(second, mems=mems, labels=second).loss.backward()
    for name, parameter in model.named_parameters():
        expected.same(f"grad.s2.{name}", parameter.grad)
    assert expected.compared == 21


@pytest.mark.slow_but_first
def test_generation_says_the_reference_s_words(case):
    expected = Expected(case, torch.float64)
    model, prompt = language_model(expected), expected.given("greedy_prompt")
    model.generation_config.eos_token_id = None
    said = model.generate(prompt, max_new_tokens=10, do_sample=False)
    assert torch.equal(said[:, prompt.shape[1] :], expected.numbers["lm.greedy_ids"])


@PRECISIONS
@torch.no_grad()
def test_classification_is_the_reference_s_with_padding_on_either_side(case, dtype):
    expected = Expected(case, dtype)
    config = AutoConfig.from_pretrained(expected.folder)
    model = AutoModelForSequenceClassification.from_pretrained(expected.folder, config=config).to(dtype).eval()
    model.score.weight.copy_(expected.numbers["cls.score.weight"])
    for padding in ("nopad", "right", "left"):
        ids = expected.given(f"cls.{padding}.input_ids")
        output = model(ids, labels=expected.given("cls.labels"))
        expected.same(f"cls.{padding}.logits", output.logits)
        expected.same(f"cls.{padding}.loss", output.loss)
    mems = model(expected.given("cls.nopad.input_ids")).mems
    expected.same("cls.s2_with_mems.logits", model(expected.given("s2.input_ids"), mems=mems).logits)
    assert expected.compared == 7


def test_the_published_model_s_257_tensors_have_their_names_and_shapes():
    config = AutoConfig.from_pretrained(DATA / "wt103_config.json")
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    wanted = json.loads((DATA / "wt103_tensors.json").read_text())
    assert len(wanted) == 257
    assert {name: list(tensor.shape) for name, tensor in model.state_dict().items()} == wanted
