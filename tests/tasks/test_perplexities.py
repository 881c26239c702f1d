"""Perplexities and bits over documents of different lengths."""

import math

import pytest

from harness.metrics.lookup import find_metric, scores
from harness.task_types.language_modelling.metrics import size

SIZES = [{"bytes": 10, "characters": 8}, {"bytes": 30, "characters": 30}]


def costs(*pairs, masked=False):
    nats, tokens = ("masked_nats", "masked_tokens") if masked else ("nats", "tokens")
    nothing = dict.fromkeys(("nats", "tokens", "masked_nats", "masked_tokens"))
    return [{**nothing, nats: spent, tokens: count} for spent, count in pairs]


def test_documents_count_by_their_tokens_and_bytes_not_each_alike():
    # 8 equally likely words in a document of 2, 2 in one of 6: (2 * log 8 + 6 * log 2) / 8 = 1.5 * log 2.
    spent = costs((2 * math.log(8), 2), (6 * math.log(2), 6))
    found = scores(["perplexity", "bits_per_byte", "bits_per_character"], SIZES, spent)
    assert found == {
        "perplexity": pytest.approx(2**1.5),
        "bits_per_byte": pytest.approx(12 / 40),
        "bits_per_character": pytest.approx(12 / 38),
    }


def test_a_score_of_what_the_model_does_not_do_is_no_number():
    either = ("perplexity", "bits_per_byte", "bits_per_character"), ("pseudo_perplexity", "pseudo_bits_per_byte")
    for masked, there, missing in ((False, *either), (True, *reversed(either))):
        spent = costs((1.0, 2), (3.0, 4), masked=masked)
        assert all(math.isfinite(score) for score in scores(there, SIZES, spent).values())
        assert all(math.isnan(score) for score in scores(missing, SIZES, spent).values())


def test_less_is_better_and_a_hopeless_model_has_no_bound():
    assert not find_metric("perplexity").higher_is_better
    assert scores(["perplexity"], SIZES[:1], costs((10_000.0, 2)))["perplexity"] == math.inf


def test_a_text_has_bytes_and_characters():
    assert size("né\n") == {"bytes": 4, "characters": 3}
