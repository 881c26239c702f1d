"""Pointing at answers: the scores by hand, and what every model with a pointer promises."""

import json
import math
import subprocess
import sys

import pytest
import torch
from small_models import FILLERS, loaded_model
from torch.nn.functional import cross_entropy
from transformers import AutoModel, AutoModelForQuestionAnswering, AutoTokenizer

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.models.head import Head
from harness.models.pointer_head import NOTE, Pointer, last_real, pointer_logits
from harness.registry import FAMILIES

POINTING = [name for name in FAMILIES.names() if getattr(FAMILIES.load(name), "pointer_config", None) is not None]
HEAD = Head("AutoModelForQuestionAnswering", {}, ("start_logits", "end_logits"), pointer=True)
TEXTS = torch.randint(5, 90, (3, 7), generator=torch.Generator().manual_seed(0))


def load(family, folder, head=HEAD, **spec):
    torch.manual_seed(0)
    model = ModelConfig(family=family, checkpoint=str(folder), **spec)
    loaded = FAMILIES.load(family).load(model, head, labels=(), dropout=0.0, texts=list)
    loaded.model.eval()
    return loaded


@pytest.fixture(params=POINTING)
def loaded(request, checkpoints):
    return load(request.param, checkpoints[request.param])


def test_the_models_with_a_memory_point():
    assert set(POINTING) == {"transformer_xl", "xlnet"}


def test_a_token_s_score_is_its_state_times_the_mapped_last_state_over_the_root_of_the_width():
    pointer = Pointer(2)
    with torch.no_grad():
        pointer.start.weight.copy_(torch.tensor([[0.0, 1], [1, 0]]))
        pointer.start.bias.zero_()
        pointer.end.weight.zero_()
        pointer.end.bias.copy_(torch.tensor([1.0, -1]))
    states = torch.tensor([[[1.0, 0], [0, 1], [2, 3]]])
    start, end = pointer(states, states[:, -1])
    # The last state (2, 3) is swapped to (3, 2): 3, 2 and 2·3 + 3·2. The ends' query is (1, -1) whatever the state.
    torch.testing.assert_close(start * math.sqrt(2), torch.tensor([[3.0, 2, 12]]))
    torch.testing.assert_close(end * math.sqrt(2), torch.tensor([[1.0, -1, -1]]))


@pytest.mark.parametrize("width", [32, 256, 1024])
def test_before_training_no_token_is_much_preferred(width):
    torch.manual_seed(0)
    pointer, states = Pointer(width), torch.nn.functional.layer_norm(torch.randn(4, 100, width), (width,))
    for query in (pointer.start, pointer.end):
        torch.nn.init.normal_(query.weight, std=0.02)  # the models' usual start
        torch.nn.init.zeros_(query.bias)
    # A sum of `width` products of variance 0.02² · width, over the width: a deviation of 0.02 · √width.
    for scores in pointer(states, states[:, -1]):
        assert scores.std().item() == pytest.approx(0.02 * math.sqrt(width), rel=0.3)


def test_the_last_real_token_is_found_on_either_side_of_padding():
    real = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]]).bool()
    assert last_real(real).tolist() == [1, 3, 2, 3]


def test_padding_scores_lowest_and_without_a_mask_the_last_state_points():
    pointer, states = Pointer(4), torch.randn(2, 5, 4)
    start, _ = pointer_logits(pointer, states, None)
    torch.testing.assert_close(start, pointer(states, states[:, -1])[0])
    start, end = pointer_logits(pointer, states, torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]))
    torch.testing.assert_close(start[0, :3], pointer(states[:1], states[:1, 2])[0][0, :3])
    lowest = torch.finfo(torch.float32).min
    assert start[0, 3:].tolist() == end[0, 3:].tolist() == [lowest] * 2


def test_a_pretrained_encoder_gets_a_pointer_and_the_record_says_how_it_reads(checkpoints, loaded):
    family = next(name for name in POINTING if FAMILIES.load(name).pooled_head is loaded.pooled_head)
    ours = loaded.model.state_dict()
    encoder = AutoModel.from_pretrained(checkpoints[family]).state_dict()
    assert {name for name in ours if not name.startswith("transformer.")} == {
        f"pointer.{end}.{part}" for end in ("start", "end") for part in ("weight", "bias")
    }
    assert all(torch.equal(ours[f"transformer.{name}"], tensor) for name, tensor in encoder.items())
    assert NOTE in loaded.notes
    std = getattr(loaded.model.config, "init_std", None) or loaded.model.config.initializer_range
    assert ours["pointer.start.weight"].std() == pytest.approx(std, rel=0.1)
    assert not ours["pointer.end.bias"].any()


def test_a_checkpoint_comes_back_with_the_same_numbers_and_its_tokenizer(loaded, tmp_path):
    loaded.model.save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    again = AutoModelForQuestionAnswering.from_pretrained(tmp_path).eval()
    assert type(again) is type(loaded.model)
    for name in HEAD.outputs:
        assert torch.equal(again(TEXTS)[name], loaded.model(TEXTS)[name])
    text = " ".join(FILLERS)
    assert AutoTokenizer.from_pretrained(tmp_path)(text, text).data == loaded.tokenizer(text, text).data


def test_a_checkpoint_is_trained_further_with_its_own_pointer(loaded, tmp_path):
    loaded.model.save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    family = next(name for name in POINTING if loaded.model.config.model_type in FAMILIES.load(name).model_types)
    for head in (HEAD, Head(HEAD.auto_class, {}, HEAD.outputs)):
        again = load(family, tmp_path, head)
        assert torch.equal(again.model(TEXTS).start_logits, loaded.model(TEXTS).start_logits)
        assert set(again.notes) == {"the checkpoint's own head is kept", NOTE}


@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
def test_padding_changes_no_score(loaded, left):
    padding = torch.full((3, 4), loaded.model.config.pad_token_id)
    mask = torch.cat([torch.ones(3, 7), torch.zeros(3, 4)], dim=1)
    padded = torch.cat([padding, TEXTS] if left else [TEXTS, padding], dim=1)
    found = loaded.model(padded, attention_mask=mask.flip(1) if left else mask)
    alone = loaded.model(TEXTS, attention_mask=torch.ones(3, 7))
    for name in HEAD.outputs:
        inside = found[name][:, 4:] if left else found[name][:, :7]
        torch.testing.assert_close(inside, alone[name], atol=1e-5, rtol=1e-5)
        outside = found[name][:, :4] if left else found[name][:, 7:]
        assert (outside == torch.finfo(torch.float32).min).all()


def test_the_loss_is_the_mean_of_the_start_s_and_the_end_s_cross_entropy(loaded):
    starts, ends = torch.tensor([0, 3, 5]), torch.tensor([2, 3, 6])
    found = loaded.model(TEXTS, start_positions=starts, end_positions=ends)
    expected = (cross_entropy(found.start_logits, starts) + cross_entropy(found.end_logits, ends)) / 2
    torch.testing.assert_close(found.loss, expected)
    assert loaded.model(TEXTS).loss is None


def test_every_token_s_score_depends_on_the_last_one(loaded):
    other = TEXTS.clone()
    other[:, -1] = (other[:, -1] + 1) % 80 + 5
    before, after = loaded.model(TEXTS).start_logits, loaded.model(other).start_logits
    assert not torch.isclose(before, after, atol=1e-6).any()


@pytest.mark.slow
def test_it_learns_to_find_an_answer(loaded):
    tokens, places = torch.randint(5, 40, (8, 6), generator=torch.Generator().manual_seed(0)), torch.arange(8) % 6
    tokens[torch.arange(8), places] = 4
    model = loaded.model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(tokens, start_positions=places, end_positions=places).loss
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


def test_where_no_pointer_is_asked_for_xlnet_keeps_its_stock_head(checkpoints):
    stock, _ = loaded_model("xlnet", checkpoints["xlnet"], "question_answering", labels=())
    assert type(stock.model).__name__ == "XLNetForQuestionAnsweringSimple"
    assert NOTE not in stock.notes


@pytest.mark.parametrize("family", ["bert", "scratch"])
def test_a_family_that_has_no_pointer_says_so(family, checkpoints):
    with pytest.raises(UserError, match=r'has no model that points .* Set strategy = "windows"'):
        load(family, checkpoints[family])


@pytest.mark.slow  # another process imports transformers
def test_transformers_alone_refuses_a_pointing_xlnet_instead_of_giving_it_a_random_head(checkpoints, tmp_path):
    load("xlnet", checkpoints["xlnet"]).model.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "xlnet-pointer"
    code = f"""if True:
        import transformers
        try:
            transformers.AutoModelForQuestionAnswering.from_pretrained({str(tmp_path)!r})
        except ValueError as error:
            print(error)
        import harness.models.families
        print(type(transformers.AutoModelForQuestionAnswering.from_pretrained({str(tmp_path)!r})).__name__)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    refusal, *_, ours = done.stdout.splitlines()
    assert "model type `xlnet-pointer`" in refusal
    assert ours == "XLNetForPointerQuestionAnswering"
