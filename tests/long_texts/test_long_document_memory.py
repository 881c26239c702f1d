"""A document of 100,000 tokens, in a process of its own, through the benchmark that measures such documents."""

import json

import pytest
from subprocesses import finish, start

MODEL = """
family = "transformer_xl"
init = "random"

[architecture]
n_layer = 2
d_model = 128
d_embed = 128
n_head = 2
d_inner = 512
mem_len = 256
"""
BYTES_LIMIT = 2e9
# For five times the tokens: their ids and masks, and what the C library does not give back. The states of both layers
# would take more, and the graph of all segments several times the limit.
GROWTH = 1.15


def cost(model, tokens):
    """What a training step and an evaluation take, in a process that may have no more than the limit."""
    words = [model, "recurrence", tokens, "--repeats", 1, "--gigabytes", BYTES_LIMIT / 1e9]
    code, output = finish(start(["-m", "experiments.document_cost", *map(str, words)]))
    assert code == 0, output
    return json.loads(output.splitlines()[-1])


@pytest.mark.slow
def test_a_hundred_thousand_tokens_take_hardly_more_memory_than_twenty_thousand(tmp_path):
    model = tmp_path / "small.toml"
    model.write_text(MODEL)
    shorter, longer = (cost(model, tokens) for tokens in (20_000, 100_000))
    assert longer["training_seconds"] > 0
    assert longer["evaluation_seconds"] > 0
    assert longer["peak_bytes"] < BYTES_LIMIT
    assert longer["peak_bytes"] < GROWTH * shorter["peak_bytes"]
