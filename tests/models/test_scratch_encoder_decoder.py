"""The whole scratch Transformer: against torch's own, as a citizen of transformers, and as a writer."""

import pytest
import torch
from torch import nn
from transformers import AutoModelForSeq2SeqLM

from harness.models.families.scratch.configuration import ScratchEncoderDecoderConfig
from harness.models.families.scratch.encoder_decoder import ScratchForSeq2SeqLM

SOURCE = torch.tensor([[2, 7, 8, 9, 11, 3], [2, 12, 13, 3, 0, 0]])
MASK = (SOURCE != 0).long()
WRITTEN = torch.tensor([[2, 20, 21, 22, 23], [2, 24, 25, 26, 27]])


def small_model(**settings):
    small = {"hidden_size": 16, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 32}
    torch.manual_seed(3)
    return ScratchForSeq2SeqLM(ScratchEncoderDecoderConfig(**{"vocab_size": 40, **small, **settings})).eval()


def attention_into(theirs, ours):
    theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
    theirs.in_proj_bias.zero_()  # the paper's projections have none
    theirs.out_proj.weight.copy_(ours.output.weight)
    theirs.out_proj.bias.zero_()


def layer_into(theirs, ours):
    attention_into(theirs.self_attn, ours.attention)
    norms = [ours.attention_norm]
    if hasattr(ours, "memory_attention"):
        attention_into(theirs.multihead_attn, ours.memory_attention)
        norms.append(ours.memory_attention_norm)
    norms.append(ours.feed_forward_norm)
    pairs = [(theirs.linear1, ours.feed_forward[0]), (theirs.linear2, ours.feed_forward[2])]
    pairs += [(getattr(theirs, f"norm{number}"), norm) for number, norm in enumerate(norms, 1)]
    for target, source in pairs:
        target.load_state_dict(source.state_dict())


@torch.no_grad()
def torch_transformer(model, norm_first):
    config = model.config
    theirs = nn.Transformer(
        config.hidden_size, config.num_attention_heads, 2, 2, config.intermediate_size, norm_first=norm_first,
        batch_first=True,
    ).eval()  # fmt: skip
    for side, ours in (("encoder", model.transformer), ("decoder", model.decoder)):
        stack = getattr(theirs, side)
        for target, source in zip(stack.layers, ours.layers, strict=True):
            layer_into(target, source)
        if norm_first:
            stack.norm.load_state_dict(ours.final_norm.state_dict())
        else:
            stack.norm = None  # the paper's stack ends with its last layer
    return theirs


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("norm_position", ["post", "pre"])
def test_every_layer_equals_torch_s_own_transformer_with_the_same_weights(norm_position, implementation):
    model = small_model(norm_position=norm_position, attn_implementation=implementation)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "norm" in name:
                tensor.copy_(torch.rand_like(tensor) + 0.5)  # else a forgotten norm would go unseen
    theirs = torch_transformer(model, norm_position == "pre")
    hidden, ahead = MASK == 0, nn.Transformer.generate_square_subsequent_mask(WRITTEN.shape[1])
    with torch.no_grad():
        found = model(SOURCE, MASK, WRITTEN, output_hidden_states=True)
        embed = model.transformer.embeddings.tokens
        memory = model.transformer.embeddings(embed(SOURCE), None, None)
        written = model.decoder._embedded(embed(WRITTEN))
        for layer, ours in zip(theirs.encoder.layers, found.encoder_hidden_states[1:], strict=True):
            memory = layer(memory, src_key_padding_mask=hidden)
            close(
                ours[~hidden], (_normed(theirs.encoder, memory) if _is_last(theirs.encoder, layer) else memory)[~hidden]
            )
        memory = _normed(theirs.encoder, memory)
        for layer, ours in zip(theirs.decoder.layers, found.decoder_hidden_states[1:], strict=True):
            written = layer(written, memory, ahead, memory_key_padding_mask=hidden)
            close(ours, _normed(theirs.decoder, written) if _is_last(theirs.decoder, layer) else written)
    close(found.logits, _normed(theirs.decoder, written) @ embed.weight.T)


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def _is_last(stack, layer):
    return layer is stack.layers[-1]


def _normed(stack, states):
    return stack.norm(states) if stack.norm else states


def test_one_matrix_embeds_both_texts_and_scores_the_words():
    model = small_model()
    assert model.word_scores.weight is model.get_input_embeddings().weight
    assert [name for name, _ in model.named_parameters() if "tokens" in name or "word_scores" in name] == [
        "transformer.embeddings.tokens.weight"
    ]


def test_a_token_sees_none_that_comes_after_it_and_no_padding_of_the_source():
    model = small_model()
    later = WRITTEN.clone()
    later[:, 3:] = 30
    torch.testing.assert_close(model(SOURCE, MASK, later).logits[:, :3], model(SOURCE, MASK, WRITTEN).logits[:, :3])
    alone = model(SOURCE[1:, :4], None, WRITTEN[1:]).logits
    torch.testing.assert_close(model(SOURCE, MASK, WRITTEN).logits[1:], alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize("beams", [1, 4])
def test_texts_are_written_alike_with_and_without_a_cache(beams):
    model = small_model()
    written = [
        model.generate(SOURCE, attention_mask=MASK, num_beams=beams, max_new_tokens=12, use_cache=cached)
        for cached in (True, False)
    ]
    assert torch.equal(*written)
    assert written[0].shape[1] > 4
    assert (written[0][:, 0] == model.config.decoder_start_token_id).all()


@pytest.mark.slow
def test_the_cache_gives_the_scores_of_the_whole():
    model = small_model(norm_position="pre")
    whole = model(SOURCE, MASK, WRITTEN)
    first = model(SOURCE, MASK, WRITTEN[:, :2], use_cache=True)
    memory = (first.encoder_last_hidden_state,)
    second = model(None, MASK, WRITTEN[:, 2:], encoder_outputs=memory, past_key_values=first.past_key_values)
    torch.testing.assert_close(torch.cat([first.logits, second.logits], 1), whole.logits, atol=1e-5, rtol=0)


def test_a_cache_comes_out_where_the_configuration_has_one_and_nothing_is_learnt():
    model = small_model()
    assert model(SOURCE, MASK, WRITTEN).past_key_values.get_seq_length() == WRITTEN.shape[1]
    assert model(SOURCE, MASK, WRITTEN, use_cache=False).past_key_values is None
    assert model(SOURCE, MASK, labels=WRITTEN).past_key_values is None
    assert small_model(use_cache=False)(SOURCE, MASK, WRITTEN).past_key_values is None


def test_greedy_decoding_takes_the_best_next_token_each_time():
    model, written = small_model(), torch.full((2, 1), 2)
    for _ in range(6):
        written = torch.cat([written, model(SOURCE, MASK, written).logits[:, -1:].argmax(-1)], 1)
    found = model.generate(SOURCE, attention_mask=MASK, num_beams=1, max_new_tokens=6)
    for row, expected in zip(found.tolist(), written.tolist(), strict=True):
        ended = row.index(3) + 1 if 3 in row else len(row)
        assert row[:ended] == expected[:ended]


def test_labels_are_read_one_place_to_the_right_and_padding_of_them_costs_nothing():
    model = small_model()
    labels = torch.tensor([[20, 21, 3], [24, 3, -100]])
    assert model.prepare_decoder_input_ids_from_labels(labels).tolist() == [[2, 20, 21], [2, 24, 3]]
    given = model(SOURCE, MASK, labels=labels)
    nats = -given.logits.log_softmax(-1)
    by_hand = [nats[0, 0, 20], nats[0, 1, 21], nats[0, 2, 3], nats[1, 0, 24], nats[1, 1, 3]]
    assert given.loss.item() == pytest.approx(sum(by_hand).item() / 5, abs=1e-6)


def test_a_saved_model_comes_back_through_the_auto_class_and_writes_the_same(tmp_path):
    model = small_model()
    model.save_pretrained(tmp_path)
    assert [file.suffix for file in tmp_path.glob("model*")] == [".safetensors"]
    loaded, report = AutoModelForSeq2SeqLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert type(loaded) is ScratchForSeq2SeqLM
    settings = {"attention_mask": MASK, "num_beams": 3, "max_new_tokens": 8}
    assert torch.equal(loaded.eval().generate(SOURCE, **settings), model.generate(SOURCE, **settings))


def test_gradient_checkpointing_changes_no_gradient():
    gradients = []
    for kept in (True, False):
        model = small_model(hidden_dropout_prob=0.0).train()
        if not kept:
            model.gradient_checkpointing_enable()
        model(SOURCE, MASK, labels=WRITTEN).loss.backward()
        gradients.append([parameter.grad for parameter in model.parameters() if parameter.grad is not None])
    assert len(gradients[0]) > 20
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)
