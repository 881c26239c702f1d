"""Transformer-XL of any configuration: the paper's formulas, memory with padding, ties, generation."""

import random
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformer_xl_by_position import ByPosition
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSequenceClassification

from harness.errors import UserError
from harness.models.families.transformer_xl import blocks
from harness.models.families.transformer_xl.attention import RelativeAttention, relative_shift
from harness.models.families.transformer_xl.configuration import TransformerXLConfig
from harness.models.families.transformer_xl.heads import TransformerXLForCausalLM

WORDS = 23
SMALL = {
    "vocab_size": WORDS, "cutoffs": [7, 12], "d_model": 8, "d_embed": 8, "div_val": 2, "n_layer": 2, "n_head": 2,
    "d_head": 5, "d_inner": 11, "mem_len": 6, "same_length": False, "clamp_len": -1, "dropout": 0.0, "dropatt": 0.0,
    "init_std": 0.4, "proj_init_std": 0.4,
}  # fmt: skip


def random_settings(seed):
    """A configuration out of everything that the model allows."""
    choose = random.Random(seed).choice
    cutoffs = choose([[], [7], [5, 11], [3, 9, 17]])
    tied = [choose([True, False]) for _ in range(len(cutoffs) + 1)]
    mem_len = choose([0, 2, 5, 9])
    return {
        "cutoffs": cutoffs,
        "div_val": choose([1, 1, 2, 3]),
        "d_model": choose([6, 10]),
        "d_embed": choose([6, 10, 31]) if len(cutoffs) < 2 else 31,
        "tie_projs": tied,
        "tie_word_embeddings": choose([True, False]),
        "n_head": choose([1, 3]),
        "d_head": choose([1, 4, 5]),
        "untie_r": choose([True, False]),
        "pre_lnorm": choose([True, False]),
        "mem_len": mem_len,
        "same_length": mem_len > 0 and choose([True, False]),
        "clamp_len": choose([-1, 0, 1, 4]),
        "memory_start": choose(["zeros", "empty"]),
    }


def language_model(dtype=torch.float64, seed=0, **settings):
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(TransformerXLConfig(**{**SMALL, **settings})).to(dtype).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                nn.init.normal_(parameter, std=0.3)  # They start at zero, which would hide a forgotten one.
        # Checkpoints carry the frequencies in single precision; here they are as exact as the numbers compared.
        steps = torch.arange(0, model.config.d_model, 2, dtype=torch.float64)
        exact = 10000 ** (-steps / model.config.d_model)
        frequencies = model.transformer.pos_emb.inv_freq
        close(frequencies, exact.to(dtype), 1e-7)
        if dtype == torch.float64:
            frequencies.copy_(exact)
    return model


def words(*shape, seed=0):
    return torch.randint(0, WORDS, shape, generator=torch.Generator().manual_seed(seed))


def close(got, wanted, tolerance=1e-9):
    torch.testing.assert_close(got, wanted, atol=tolerance, rtol=tolerance)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("seed", range(32))
def test_states_probabilities_and_gradients_are_those_of_the_formulas(seed):
    model = language_model(seed=seed, **random_settings(seed))
    slow, text = ByPosition(model), words(1, 13, seed=seed)
    mems, memory = None, slow.first_memory(model.config.memory_start)
    losses = []
    for segment in text.split([4, 1, 8], dim=1):
        output, states = model(segment, mems=mems, output_hidden_states=True), None
        states, memory = slow.segment(segment[0].tolist(), memory)
        close(output.hidden_states[-1][0], torch.stack(states))
        close(output.logits[0].exp().sum(dim=-1), torch.ones(segment.shape[1], dtype=torch.float64))
        word = int(segment[0, -1]) * 7 % WORDS
        close(output.logits[0, -1, word], slow.log_probability(word, states[-1]))
        if output.mems is not None:
            close(output.mems[-1][:, 0], torch.stack(memory[-1]))
        losses.append((segment, mems, states))
        mems = output.mems
    segment, mems, states = losses[-1]
    fast = model(segment, mems=mems, labels=segment)
    following = [-slow.log_probability(int(word), state) for word, state in zip(segment[0, 1:], states, strict=False)]
    close(fast.losses[0], torch.stack(following))
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(fast.loss, parameters, allow_unused=True)
    wanted = torch.autograd.grad(torch.stack(following).mean(), parameters, allow_unused=True)
    for name, gradient, other in zip(names, gradients, wanted, strict=True):
        # The loops leave out what they don't need; the model's gradient of it is zero.
        other = torch.zeros_like(model.get_parameter(name)) if other is None else other
        close(torch.zeros_like(other) if gradient is None else gradient, other)


def test_the_random_configurations_show_every_choice():
    drawn = [random_settings(seed) for seed in range(32)]
    for name, count in {
        "div_val": 3,
        "cutoffs": 4,
        "untie_r": 2,
        "pre_lnorm": 2,
        "same_length": 2,
        "mem_len": 4,
    }.items():
        assert len({str(settings[name]) for settings in drawn}) == count


def test_the_shift_puts_distances_under_their_keys():
    # By hand: 2 queries, 3 keys, columns at distances 3, 2, 1, 0. Key 0 is 1 before query 0 and 2 before query 1.
    scores = torch.tensor([[30.0, 20.0, 10.0, 0.0], [31.0, 21.0, 11.0, 1.0]])
    shifted = relative_shift(scores)
    assert shifted[0, :2].tolist() == [10.0, 0.0]
    assert shifted[1].tolist() == [21.0, 11.0, 1.0]


@pytest.mark.parametrize("settings", [{}, {"same_length": True}, {"pre_lnorm": True, "untie_r": False}], ids=str)
def test_every_attention_gives_the_same(settings):
    sdpa = language_model(**settings)
    assert sdpa.config._attn_implementation == "sdpa"
    eager = language_model(**settings)
    eager.set_attn_implementation("eager")
    eager.load_state_dict(sdpa.state_dict())
    text, mask = words(3, 9), torch.ones(3, 9).long()
    mask[1, 6:], mask[2, :4] = 0, 0
    real = mask.bool()
    close(eager(text, attention_mask=mask).logits[real], sdpa(text, attention_mask=mask).logits[real])
    weights = sdpa(text, attention_mask=mask, output_attentions=True).attentions
    assert len(weights) == 2
    close(weights[0].sum(dim=-1)[real[:, None].expand(3, 2, 9)], torch.ones(2 * int(real.sum()), dtype=torch.float64))


@pytest.mark.slow_but_first
@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("settings", [{}, {"same_length": True}, {"memory_start": "empty"}], ids=str)
def test_blocks_of_texts_and_queries_change_neither_states_nor_gradients(settings, implementation, monkeypatch):
    model = language_model(**settings)
    model.set_attn_implementation(implementation)
    text, mask = words(3, 9), torch.ones(3, 9).long()
    mask[1, 6:], mask[2, :4] = 0, 0
    blocks_read = []
    once = RelativeAttention._summed

    def summed(self, name, projected, distances):
        blocks_read.append(projected.mask.shape)
        return once(self, name, projected, distances)

    monkeypatch.setattr(RelativeAttention, "_summed", summed)
    found = []
    # 3 texts of 9 queries in one block each layer; each text in blocks of 4, 4 and 1.
    for least, most, count in ((10**9, 9, 1), (1, 4, 9)):
        monkeypatch.setattr(blocks, "SCORES_AT_LEAST", least)
        monkeypatch.setattr(blocks, "QUERIES_AT_MOST", most)
        blocks_read.clear()
        first = model.transformer(text, attention_mask=mask)
        second = model.transformer(text, first.mems, attention_mask=mask, memory_mask=first.memory_mask)
        assert len(blocks_read) == 2 * model.config.n_layer * count
        states = torch.cat([output.last_hidden_state[mask.bool()] for output in (first, second)])
        gradients = torch.autograd.grad(states.square().sum(), model.transformer.layers.parameters())
        found.append([states, *gradients])
    # What a later query alone sees is not computed for the earlier ones.
    memory = second.mems[0].shape[0]
    assert [shape[-1] for shape in blocks_read[-3:]] == [memory + 4, memory + 8, memory + 9]
    for whole, parts in zip(*found, strict=True):
        close(parts, whole)


@pytest.mark.slow  # It is compiled.
@pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="FlexAttention needs a compiler")
@pytest.mark.skipif(" " in torch.__file__, reason="torch's own compiler can't be used from a folder with a space")
@torch.no_grad()
def test_flex_attention_gives_the_same_over_two_segments_with_padding():
    model = language_model(torch.float32, memory_start="empty", d_head=16, mem_len=12)
    text, mask = words(2, 20), torch.ones(2, 20).long()
    mask[1, 15:] = 0
    first = model.transformer(text, attention_mask=mask)
    second = model.transformer(text, first.mems, memory_mask=first.memory_mask)
    model.set_attn_implementation("flex_attention")
    close(
        model.transformer(text, attention_mask=mask).last_hidden_state[mask.bool()],
        first.last_hidden_state[mask.bool()],
        1e-5,
    )
    again = model.transformer(text, first.mems, memory_mask=first.memory_mask)
    close(again.last_hidden_state, second.last_hidden_state, 1e-5)


@pytest.mark.parametrize("head", [AutoModel, AutoModelForCausalLM, AutoModelForSequenceClassification], ids=str)
def test_a_memory_that_nobody_wants_is_not_made(head, monkeypatch):
    model, text = head.from_config(TransformerXLConfig(**SMALL)).eval(), words(2, 5)
    wanted = model(text)
    assert len(wanted.mems) == 2
    following = model(text, mems=wanted.mems)
    monkeypatch.setattr("harness.models.families.transformer_xl.model.next_memory", None)  # A call of it would fail.
    without = model(text, mems=wanted.mems, use_mems=False)
    assert without.mems is None
    assert without.memory_mask is None
    # The memory that is given counts all the same.
    close(without[0], following[0])
    assert not torch.allclose(without[0], wanted[0])


@pytest.mark.slow_but_first
@pytest.mark.parametrize("start", ["zeros", "empty"])
@pytest.mark.parametrize("same_length", [False, True])
@pytest.mark.parametrize("side", ["right", "left"])
@torch.no_grad()
def test_a_padded_text_goes_on_as_it_would_alone(start, same_length, side):
    model = language_model(memory_start=start, same_length=same_length)
    # Three segments; how many real words each of three texts has of each, none included.
    lengths = [[5, 3, 5], [2, 5, 4], [4, 0, 3]]
    texts = [words(1, sum(row), seed=index)[0] for index, row in enumerate(lengths)]
    mems = memory_mask = None
    alone = [None] * 3
    for number in range(3):
        batch, mask = torch.full((3, 5), 1), torch.zeros(3, 5).long()
        pieces = []
        for row, (text, counts) in enumerate(zip(texts, lengths, strict=True)):
            piece = text[sum(counts[:number]) : sum(counts[: number + 1])]
            place = slice(0, len(piece)) if side == "right" else slice(5 - len(piece), 5)
            batch[row, place], mask[row, place] = piece, 1
            pieces.append((piece, place))
        output = model.transformer(batch, mems, attention_mask=mask, memory_mask=memory_mask)
        mems, memory_mask = output.mems, output.memory_mask
        for row, (piece, place) in enumerate(pieces):
            if len(piece):
                wanted = model.transformer(piece[None], mems=alone[row])
                close(output.last_hidden_state[row, place], wanted.last_hidden_state[0])
                alone[row] = wanted.mems
        for row in range(3):
            own = mems[-1][:, row][memory_mask[row]]
            close(own, alone[row][-1][len(alone[row][-1]) - len(own) :, 0])


@torch.no_grad()
def test_without_masks_padding_enters_the_memory_as_published():
    model = language_model()
    first = words(2, 5)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1] * 5])
    published, masked = model.transformer(first), model.transformer(first, attention_mask=mask)
    assert published.memory_mask is None
    following = words(2, 3, seed=1)
    changed = model.transformer(following, mems=published.mems).last_hidden_state
    kept = model.transformer(following, masked.mems, memory_mask=masked.memory_mask).last_hidden_state
    close(kept[1], changed[1])
    assert (kept[0] - changed[0]).abs().max() > 1e-3


@pytest.mark.slow
@torch.no_grad()
def test_no_state_knows_what_comes_after_it():
    for seed in range(8):
        model = language_model(seed=seed, **random_settings(seed))
        text = words(1, 9)
        other = text.clone()
        other[0, 5:] = (other[0, 5:] + 1) % WORDS
        close(model.transformer(text).last_hidden_state[:, :5], model.transformer(other).last_hidden_state[:, :5])


def test_a_loss_over_nothing_is_zero_and_has_gradients():
    model = language_model()
    text = words(2, 5)
    output = model(text, labels=torch.full_like(text, -100))
    output.loss.backward()
    assert output.loss == 0
    assert not output.losses.any()


def test_labels_of_a_row_without_any_are_left_alone():
    model, text = language_model(), words(2, 5)
    labels = text.clone()
    labels[0] = -100
    before = labels.clone()
    close(model(text, labels=labels).loss, model(text[1:], labels=text[1:]).loss)
    assert torch.equal(labels, before)


@pytest.mark.parametrize("settings", [{}, {"div_val": 1}, {"d_embed": 12}], ids=str)
def test_half_precision_by_autocast_stays_near(settings):
    model, text = language_model(torch.float32, **settings), words(2, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = model(text, labels=text)
        half.loss.backward()
    assert half.loss.item() == pytest.approx(model(text, labels=text).loss.item(), rel=0.05)
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None)


def test_gradient_checkpointing_changes_nothing():
    model, text = language_model(), words(2, 6)
    losses, gradients = [], []
    for recompute in (False, True):
        if recompute:
            model.gradient_checkpointing_enable()
        model.train().zero_grad()
        loss = model(text, labels=text).loss
        loss.backward()
        losses.append(loss.detach())
        gradients.append(model.transformer.word_emb.emb_layers[0].weight.grad.clone())
    close(losses[0], losses[1])
    close(gradients[0], gradients[1])


@torch.no_grad()
def test_padded_prompts_are_gone_on_with_as_each_alone():
    model = language_model(mem_len=30)
    model.generation_config.pad_token_id = 0
    prompts = [words(1, 6, seed=1), words(1, 3, seed=2)]
    batch, mask = torch.zeros(2, 6).long(), torch.zeros(2, 6).long()
    for row, prompt in enumerate(prompts):
        batch[row, 6 - prompt.shape[1] :], mask[row, 6 - prompt.shape[1] :] = prompt, 1
    options = {"max_new_tokens": 8, "do_sample": False, "eos_token_id": None}
    together = model.generate(batch, attention_mask=mask, **options)[:, 6:]
    for row, prompt in enumerate(prompts):
        assert torch.equal(together[row], model.generate(prompt, **options)[0, prompt.shape[1] :])


@torch.no_grad()
def test_words_and_memory_are_given_by_position_as_published():
    model, (first, second) = language_model(), words(2, 10).split(5, dim=1)
    mems = model(first).mems
    assert not torch.allclose(model(second, mems).logits, model(second).logits)
    close(model(second, mems).logits, model(second, mems=mems).logits)
    close(model.transformer(second, mems).last_hidden_state, model.transformer(second, mems=mems).last_hidden_state)


@pytest.mark.parametrize("head", [AutoModel, AutoModelForCausalLM, AutoModelForSequenceClassification], ids=str)
def test_an_input_that_it_does_not_read_is_an_error(head):
    model, text = head.from_config(TransformerXLConfig(**SMALL)).eval(), words(2, 5)
    with pytest.raises(TypeError, match="token_type_ids"):
        model(text, token_type_ids=torch.zeros_like(text))
    with pytest.raises(ValueError, match=r"mems: must be 2 tensors .* An attention mask is given by name"):
        model(text, torch.ones_like(text))
    with pytest.raises(TypeError, match="positional"):
        model(text, None, torch.ones_like(text))


@pytest.mark.parametrize("beams", [1, 3])
@torch.no_grad()
def test_a_prompt_goes_on_from_a_memory_as_if_all_had_been_read_at_once(beams):
    model = language_model(mem_len=40, memory_start="empty")
    texts, mask = words(2, 12), torch.ones(2, 12).long()
    mask[1, :4] = 0  # the second text is shorter; its memory has states that are not its own
    before = model(texts[:, :8], attention_mask=mask[:, :8])
    options = {"max_new_tokens": 8, "do_sample": False, "eos_token_id": None, "pad_token_id": 0, "num_beams": beams}
    known = {"mems": before.mems, "memory_mask": before.memory_mask}
    options |= {"return_dict_in_generate": True, "output_scores": True}
    # Without a mask, transformers would take every 0 in the prompt for padding.
    gone_on = model.generate(texts[:, 8:], attention_mask=mask[:, 8:], **known, **options)
    at_once = model.generate(texts, attention_mask=mask, **options)
    assert torch.equal(gone_on.sequences[:, 4:], at_once.sequences[:, 12:])
    close(torch.stack(gone_on.scores), torch.stack(at_once.scores))
    alone = model.generate(texts[:, 8:], attention_mask=mask[:, 8:], **options)
    assert not torch.allclose(torch.stack(gone_on.scores), torch.stack(alone.scores))


@pytest.mark.slow  # It is traced.
@pytest.mark.parametrize("side", ["right", "left"])
@torch.no_grad()
def test_an_exported_model_reads_memory_and_mask(side):
    model = language_model(torch.float32)
    first, text, mask = words(3, 6), words(3, 5, seed=1), torch.ones(3, 5).long()
    mask[1, slice(3, 5) if side == "right" else slice(0, 2)] = 0
    before = model(first)
    inputs = {"mems": before.mems, "attention_mask": mask, "memory_mask": torch.ones(3, len(before.mems[0])).bool()}
    exported = torch.export.export(model, (text,), inputs).module()
    # Other values than those it was traced with.
    again = {**inputs, "attention_mask": torch.ones_like(mask)}
    for given in (inputs, again):
        wanted, found = model(text, **given), exported(text, **given)
        real = given["attention_mask"].bool()
        close(found.logits[real], wanted.logits[real], 1e-5)
        close(found.mems[-1], wanted.mems[-1], 1e-5)
        assert torch.equal(found.memory_mask, wanted.memory_mask)


@torch.no_grad()
def test_beams_keep_their_own_memories():
    model = language_model(mem_len=30, memory_start="empty", seed=1)
    prompt = words(2, 4)
    found = model.generate(
        prompt, num_beams=4, max_new_tokens=6, do_sample=False, eos_token_id=None, pad_token_id=0, length_penalty=0.0,
        return_dict_in_generate=True, output_scores=True,
    )  # fmt: skip
    # The sum of the words' log-probabilities, read in one pass.
    logits = model(found.sequences[:, :-1]).logits.log_softmax(-1)[:, 3:]
    wanted = logits.gather(-1, found.sequences[:, 4:, None]).sum(dim=(1, 2))
    close(found.sequences_scores, wanted.to(found.sequences_scores.dtype), 1e-5)
    greedy = model.generate(prompt, max_new_tokens=6, do_sample=False, eos_token_id=None, pad_token_id=0)
    assert not torch.equal(greedy, found.sequences), "the beams found nothing else, so this test proves little"


@pytest.mark.slow_but_first
@pytest.mark.parametrize("seed", range(12))
def test_what_is_saved_comes_back_the_same_and_tied(seed, tmp_path):
    model = language_model(torch.float32, seed=seed, **random_settings(seed))
    model.save_pretrained(tmp_path)
    again, report = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    wanted, got = model.state_dict(), again.state_dict()
    assert all(torch.equal(got[name], wanted[name]) for name in wanted)
    assert _tied_groups(again) == _tied_groups(model)
    stored = load_file(tmp_path / "model.safetensors")
    assert len({tensor.data_ptr() for tensor in wanted.values()}) == len(stored)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_positions_are_exact_in_a_model_of_half_precision_and_in_one_loaded_from_its_file(half, tmp_path):
    model = AutoModelForCausalLM.from_config(TransformerXLConfig(**{**SMALL, "clamp_len": -1}))
    wanted = model.transformer.pos_emb(3000)
    model.to(half).save_pretrained(tmp_path)
    for dtype in (half, torch.float32):
        again = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=dtype)
        assert torch.equal(again.transformer.pos_emb(3000), wanted)
    assert torch.equal(model.transformer.pos_emb(3000), wanted)


def _tied_groups(model):
    groups = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        groups.setdefault(id(parameter), set()).add(name)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def test_projections_and_shared_biases_are_tied_whatever_the_word_embeddings_are():
    tied = _tied_groups(language_model(tie_word_embeddings=False, untie_r=False))
    assert ["crit.out_projs.1", "transformer.word_emb.emb_projs.1"] in tied
    assert [
        "transformer.layers.0.dec_attn.r_w_bias",
        "transformer.layers.1.dec_attn.r_w_bias",
        "transformer.r_w_bias",
    ] in tied
    assert not any("emb_layers" in name for group in tied for name in group)
    tables = [group for group in _tied_groups(language_model()) if "emb_layers" in str(group)]
    assert len(tables) == 3


@pytest.mark.slow_but_first
@pytest.mark.parametrize("model_class", [AutoModelForCausalLM, AutoModelForSequenceClassification, AutoModel])
@pytest.mark.parametrize("frequencies", [True, False])
@pytest.mark.parametrize("settings", [{}, {"div_val": 1, "d_embed": 6, "tie_projs": [True, False, True]}], ids=str)
def test_a_file_may_keep_either_name_of_a_tied_tensor(tmp_path, model_class, frequencies, settings):
    model = language_model(torch.float32, untie_r=False, **settings)
    model.save_pretrained(tmp_path)
    ties = {source: target for target, source in model.all_tied_weights_keys.items()}
    stored = load_file(tmp_path / "model.safetensors")
    turned = {ties.get(name, name): tensor for name, tensor in stored.items()}
    assert "crit.out_layers.0.weight" in turned
    assert "transformer.layers.1.dec_attn.r_w_bias" in turned
    # Of the input, no more is there than an untied projection.
    assert len([name for name in turned if name.startswith("transformer.word_emb")]) == (0 if settings else 1)
    if not frequencies:
        del turned["transformer.pos_emb.inv_freq"]
    save_file(turned, tmp_path / "model.safetensors", metadata={"format": "pt"})
    again, report = model_class.from_pretrained(tmp_path, output_loading_info=True)
    assert set(report["missing_keys"]) <= {"score.weight"}
    decoder = getattr(again, "transformer", again)
    wanted = model.transformer.state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in decoder.state_dict().items())
    again.save_pretrained(tmp_path / "again")
    assert any("word_emb.emb_layers.0" in name for name in load_file(tmp_path / "again" / "model.safetensors"))


def test_weights_start_as_the_configuration_says():
    model = AutoModelForCausalLM.from_config(
        TransformerXLConfig(**{**SMALL, "d_model": 128, "d_embed": 128, "init_std": 0.02, "proj_init_std": 0.01})
    )
    layer = model.transformer.layers[0]
    assert layer.dec_attn.qkv_net.weight.std().item() == pytest.approx(0.02, rel=0.2)
    assert layer.dec_attn.layer_norm.weight.mean().item() == pytest.approx(1.0, abs=0.02)
    for projections in (model.transformer.word_emb.emb_projs, model.crit.out_projs):
        assert [p.std().item() for p in projections] == pytest.approx([0.01] * 3, rel=0.2)
    assert not model.crit.cluster_bias.any()
    assert not model.crit.out_layers[0].bias.any()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"d_model": 7}, "architecture.d_model: must be even (got 7)"),
        ({"same_length": True, "mem_len": 0}, "same_length: needs a memory, but mem_len is 0"),
        ({"cutoffs": [12, 7]}, "cutoffs: must rise from above 0 to below vocab_size, 23 (got [12, 7])"),
        ({"cutoffs": [7, 23]}, "cutoffs: must rise"),
        ({"cutoffs": [0, 7]}, "cutoffs: must rise"),
        ({"d_embed": 3}, "div_val: leaves nothing of d_embed, 3, for the last of 3 clusters (got 2)"),
        ({"div_val": 0}, "div_val: must be at least 1 (got 0)"),
        ({"tie_projs": [True]}, "tie_projs: must have 3 entries, one per cluster (got 1)"),
        ({"mem_len": -1}, "mem_len: must be 0 or more (got -1)"),
        ({"memory_start": "noise"}, "memory_start: must be"),
        ({"init": "none"}, "init: must be"),
        ({"attn_type": 1}, "attn_type: only 0"),
        ({"sample_softmax": 10}, "sample_softmax: sampling is not known"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_impossible_configuration_is_told(settings, said):
    with pytest.raises(UserError) as caught:
        TransformerXLConfig(**{**SMALL, **settings})
    assert any(
        line.removeprefix("architecture.").startswith(said.removeprefix("architecture.")) for line in caught.value.lines
    )


def test_all_mistakes_of_a_configuration_are_told_at_once():
    with pytest.raises(UserError) as caught:
        TransformerXLConfig(**{**SMALL, "d_model": 7, "cutoffs": [9, 3], "mem_len": -1})
    assert len(caught.value.lines) == 3


def test_old_fields_are_read():
    assert TransformerXLConfig(**SMALL, proj_share_all_but_first=False).tie_projs == [False] * 3
    assert TransformerXLConfig(**SMALL).tie_projs == [False, True, True]
    assert not TransformerXLConfig(**SMALL, tie_weight=False).tie_word_embeddings
    config = AutoConfig.for_model("transfo-xl", **SMALL)
    assert (config.hidden_size, config.num_attention_heads, config.num_hidden_layers) == (8, 2, 2)


def test_a_word_that_is_in_no_table_is_an_error():
    with pytest.raises(IndexError):
        language_model()(torch.tensor([[WORDS]]))


def test_the_language_model_is_found_by_its_configuration():
    assert type(language_model()) is TransformerXLForCausalLM
