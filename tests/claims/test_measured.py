"""What is measured of a claim: two models of one size, read in turns, and documents read as the harness reads texts."""

from pathlib import Path

import pytest
import torch

from harness.claims.encoders import Size, TransformerClassifier, lstm_of_size, parameters
from harness.claims.kinds import cost_by_length, parallelisation
from harness.claims.timing import interleaved
from harness.errors import UserError

SMALL = Size(vocabulary=50, width=16, layers=2)


def test_the_lstm_has_as_many_parameters_as_the_transformer():
    transformer = TransformerClassifier(Size(200, 64, 2), 8)
    lstm = lstm_of_size(Size(200, 64, 2), parameters(transformer))
    # By hand, an LSTM's layer has 4 h (inputs + h + 2), the head 2 (h + 1), and the embedding 200 x 64.
    hidden = lstm.lstm.hidden_size
    assert (
        parameters(lstm) == 200 * 64 + 4 * hidden * (64 + hidden + 2) + 4 * hidden * (2 * hidden + 2) + 2 * hidden + 2
    )
    assert abs(parameters(lstm) / parameters(transformer) - 1) < 0.02


def test_both_read_every_token_of_a_text():
    torch.manual_seed(0)
    for model in (TransformerClassifier(SMALL, 6), lstm_of_size(SMALL, 9000)):
        model.eval()
        text = torch.arange(6)[None]
        whole = model(text)
        assert whole.shape == (1, 2)
        for place in range(6):
            other = text.clone()
            other[0, place] = 49
            assert not torch.allclose(model(other), whole)


def test_work_is_done_in_turns_and_the_first_round_does_not_count():
    done = []
    seconds = interleaved({name: lambda name=name: done.append(name) for name in "abc"}, 4)
    assert [len(found) for found in seconds.values()] == [4, 4, 4]
    rounds = [done[start : start + 3] for start in range(0, 15, 3)]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1


def test_as_many_texts_make_up_a_pass_as_have_its_tokens():
    settings = parallelisation.ParallelisationSettings(
        lengths=(8, 16), tokens=16, repeats=1, vocabulary=20, width=8, layers=1
    )
    found = parallelisation.measure(settings, Path())
    assert [(one.mode, one.length, one.texts) for one in found.measured] == [
        ("reading", 8, 2), ("reading", 16, 1), ("training", 8, 2), ("training", 16, 1),
    ]  # fmt: skip
    assert all(len(one.transformer) == len(one.lstm) == 1 for one in found.measured)
    assert found.threads == torch.get_num_threads()


@pytest.mark.slow
def test_a_document_is_read_by_every_way_at_every_length():
    found = cost_by_length.measure(cost_by_length.CostSettings(lengths=(8, 16), repeats=1, window=8), Path())
    assert {(one.way, one.mode, one.length) for one in found.measured} == {
        (way, mode, length)
        for way in (cost_by_length.FULL, cost_by_length.WINDOWS, cost_by_length.RECURRENCE)
        for mode in ("training", "reading")
        for length in (8, 16)
    }
    assert all(one.seconds[0] > 0 for one in found.measured)
    assert all((one.memory_bytes is not None) == (one.mode == "training") for one in found.measured)


@pytest.mark.parametrize("model", ["majority", "minilm"])
def test_a_model_that_is_no_untrained_transformer_reads_no_documents(model):
    with pytest.raises(UserError, match=f"^{model}: not an untrained Transformer"):
        cost_by_length.measure(cost_by_length.CostSettings(encoder=model), Path())


@pytest.mark.slow
def test_recurrence_needs_a_model_with_a_memory():
    settings = cost_by_length.CostSettings(lengths=(8, 16), window=8, recurrent="scratch-small")
    with pytest.raises(UserError, match=r"^scratch-small: keeps no memory between segments"):
        cost_by_length.measure(settings, Path())
