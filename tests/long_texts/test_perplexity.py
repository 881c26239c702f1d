"""How well a language model predicts a text: by hand, by one pass over it, and whatever the segments are."""

import math
from pathlib import Path

import pytest
import torch
from small_models import ARCHITECTURES
from transformers import AutoConfig, AutoModelForCausalLM

import harness.models.families  # noqa: F401 -- the Auto classes learn our own architectures
from harness.long_texts.perplexity import EncodedText, Surprise, segment_losses, segments
from harness.ops.device import fresh_accelerator

WORDS = 120
TEXT = EncodedText(torch.randint(0, WORDS, (90,), generator=torch.Generator().manual_seed(3)).tolist(), 0, 400, 410)


def language_model(**settings):
    torch.manual_seed(7)
    architecture = {**ARCHITECTURES["transformer_xl"], "memory_start": "empty", "vocab_size": WORDS, **settings}
    return AutoModelForCausalLM.from_config(AutoConfig.for_model("transfo-xl", **architecture)).eval()


def losses(model, *, segment, memory, text=TEXT):
    accelerator = fresh_accelerator("fp32", tracker=None, folder=Path())
    return list(segment_losses(model, accelerator, text, segment=segment, memory=memory))


def perplexity(model, *, segment, memory):
    return Surprise(float(torch.cat(losses(model, segment=segment, memory=memory)).double().sum()), TEXT).perplexity


@pytest.mark.slow
@pytest.mark.parametrize("segment", [1, 7, 32, 89, 10_000])
def test_with_a_memory_of_the_whole_text_the_segments_do_not_matter(segment):
    model = language_model()
    whole = model(torch.tensor([TEXT.ids]), labels=torch.tensor([TEXT.ids])).loss.exp().item()
    assert perplexity(model, segment=segment, memory=len(TEXT.ids)) == pytest.approx(whole, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("segment", [1, 7, 32, 10_000])
def test_where_each_token_sees_its_last_mem_len_the_segments_do_not_matter(segment):
    """With `same_length`, mem_len - 1 states before the segment are all that its first token sees besides itself."""
    model = language_model(same_length=True, mem_len=12)
    assert perplexity(model, segment=segment, memory=11) == pytest.approx(
        perplexity(model, segment=89, memory=12), rel=1e-6
    )


def test_a_memory_longer_than_the_configuration_s_is_used():
    model = language_model(mem_len=8)
    found = [perplexity(model, segment=16, memory=memory) for memory in (0, 8, 40)]
    assert min(abs(one - other) for one, other in ((found[0], found[1]), (found[1], found[2]))) > 1e-3


def test_without_a_memory_a_segment_is_read_alone():
    model = language_model()
    second = losses(model, segment=16, memory=0)[1]
    alone = losses(model, segment=16, memory=0, text=EncodedText(TEXT.ids[16:33], 0, 1, 1))[0]
    torch.testing.assert_close(second, alone, atol=0, rtol=0)


def test_each_token_but_the_first_is_predicted_once_also_at_a_segment_s_start():
    """A model whose words' scores are in its biases alone says the same wherever a word stands."""
    model = language_model(cutoffs=[], div_val=1)
    for name, tensor in model.crit.named_parameters():
        torch.nn.init.zeros_(tensor) if name.endswith("weight") else torch.nn.init.normal_(tensor)
    wanted = -model.crit.out_layers[0].bias.log_softmax(dim=0)[torch.tensor(TEXT.ids[1:])]
    found = losses(model, segment=13, memory=4)
    assert [len(part) for part in found] == [13] * 6 + [11]
    torch.testing.assert_close(torch.cat(found), wanted)
    assert segments(TEXT, 13) == len(found)


def test_a_model_that_knows_nothing_is_left_with_the_whole_vocabulary():
    model = language_model(cutoffs=[], div_val=1)
    for tensor in model.crit.parameters():
        torch.nn.init.zeros_(tensor)
    assert perplexity(model, segment=10, memory=10) == pytest.approx(WORDS, rel=1e-6)


def test_bits_are_those_of_arithmetic_by_hand():
    """ "né da" has 5 characters and 6 bytes; of its 3 tokens 2 are predicted, at a probability of 1/8 each: 6 bits."""
    text = "né da"
    found = Surprise(2 * math.log(8), EncodedText([4, 9, 2], 0, len(text), len(text.encode())))
    assert found.perplexity == pytest.approx(8)
    assert found.bits_per_byte == pytest.approx(1.0)
    assert found.bits_per_character == pytest.approx(1.2)


def test_a_surprise_beyond_all_numbers_is_infinite():
    assert Surprise(2000.0, EncodedText([1, 2], 0, 1, 1)).perplexity == math.inf
