"""Running text: each token predicts the next one, with a memory of the segments before that is never mixed up."""

from itertools import islice

import numpy as np
import pytest
import torch
from small_corpora import numbered_corpus, plan, token_file, word_corpus
from small_models import small_tokenizer, weights
from small_pretraining import objective_and_model, stock, trainer_of

from harness.errors import UserError
from harness.pretraining.objectives.causal import CausalObjective, Streams
from harness.tokenization.reading import learnt_template

FIRST, LAST = 2, 3  # [CLS] text [SEP]
OUT_OF_MEMORY = RuntimeError("[enforce fail at alloc_cpu.cpp:118] . DefaultCPUAllocator: can't allocate memory: …")


@pytest.fixture(scope="module")
def tokenizer():
    return small_tokenizer("transformer_xl")


@pytest.fixture(scope="module")
def corpus(tokenizer):
    return word_corpus(30, vocabulary=len(tokenizer))


def running_text(tokens, order):
    """The documents in order, each in its frame."""
    return [token for document in order for token in (FIRST, *tokens.document(document).tolist(), LAST)]


@pytest.mark.parametrize(("streams", "length"), [(1, 16), (4, 16), (7, 5), (3, 200)])
def test_the_segments_of_the_streams_laid_end_to_end_are_the_documents_in_order(streams, length, tokenizer):
    tokens = numbered_corpus(longest=40)
    order = np.random.default_rng(1).permutation(tokens.document_count)
    laid = Streams(tokens, tokenizer, order, streams=streams, length=length)
    text = running_text(tokens, order)
    share = (len(text) - 1) // streams
    assert laid.steps == share // length > 0
    for stream in range(streams):
        segments = [laid.segments(step, step)[stream] for step in range(laid.steps)]
        read = [token for segment in segments for token in segment.ids[:-1].tolist()]
        scored_tokens = [token for segment in segments for token in segment.ids[1:].tolist()]
        start = stream * share
        assert read == text[start : start + laid.steps * length]
        assert scored_tokens == text[start + 1 : start + laid.steps * length + 1], "each token once, in order"
        assert share - len(scored_tokens) < length, "no more than a segment of a stream is left for the next epoch"
        assert [segment.first for segment in segments] == [True] + [False] * (laid.steps - 1)
        assert {segment.size for segment in segments} == {length}


def test_a_tokenizer_without_special_tokens_lays_the_documents_side_by_side():
    tokenizer = small_tokenizer("transformer_xl")
    tokenizer.backend_tokenizer.post_processor = None
    assert learnt_template(tokenizer, 1).size == 0
    tokens = numbered_corpus()
    laid = Streams(tokens, tokenizer, np.arange(tokens.document_count), streams=1, length=10)
    read = [token for step in range(laid.steps) for token in laid.segments(step, step)[0].ids[:-1].tolist()]
    assert read == tokens.ids[: len(read)].tolist()


def test_a_segment_reads_no_more_of_a_long_document_than_it_needs(tokenizer):
    read = []

    class Watched(np.ndarray):
        def __getitem__(self, place):
            found = super().__getitem__(place)
            read.append(np.asarray(found).size)
            return np.asarray(found)

    tokens = token_file([[list(range(10_000))]])
    object.__setattr__(tokens, "document", lambda _: tokens.ids.view(Watched))
    laid = Streams(tokens, tokenizer, np.arange(1), streams=4, length=16)
    assert laid.segments(5, 5)[2].ids.size == 17
    assert max(read) <= 17


def test_each_epoch_has_its_own_order_and_steps_are_found_without_those_before(corpus, tokenizer):
    made = CausalObjective(corpus, tokenizer, plan(batch_tokens=64, length=16))

    def steps(start, count):
        return [[segment.ids.tolist() for segment in step] for step in islice(made.steps(start), count)]

    laid = Streams(corpus, tokenizer, np.arange(corpus.document_count), streams=4, length=16)
    whole = steps(0, 2 * laid.steps)
    assert sorted(map(str, whole[: laid.steps])) != sorted(map(str, whole[laid.steps :]))
    for start in (1, laid.steps - 1, laid.steps, laid.steps + 3):
        assert steps(start, 2) == whole[start : start + 2]
    firsts = [step[0].first for step in islice(made.steps(0), 2 * laid.steps)]
    assert [place for place, first in enumerate(firsts) if first] == [0, laid.steps]
    numbers = [segment.step for step in islice(made.steps(0), 2 * laid.steps) for segment in step]
    assert numbers == [number for number in range(2 * laid.steps) for _ in range(4)]


def test_a_corpus_that_fills_no_step_is_told_and_not_searched_for_ever(tokenizer):
    for documents in ([], [[[5] * 20]]):
        made = CausalObjective(token_file(documents), tokenizer, plan(batch_tokens=64, length=16))
        with pytest.raises(UserError, match="too few for a step"):
            next(made.steps(0))
        assert made.held_out(token_file(documents)) == []


def test_the_loss_of_a_first_segment_is_the_model_s_own(corpus, tokenizer):
    objective, made = objective_and_model("transformer_xl", "causal", corpus, tokenizer, plan())
    (first,) = islice(objective.steps(0), 1)
    ids = torch.from_numpy(np.stack([segment.ids for segment in first]))
    with torch.no_grad():
        expected = stock(made.model)(input_ids=ids, labels=ids)
        found = made.losses(first)
    assert found.mean().item() == pytest.approx(expected.loss.item(), abs=1e-5)
    torch.testing.assert_close(found, expected.losses.mean(1), atol=1e-5, rtol=0)


def long_losses(model, text, length):
    """The mean loss of each segment where all of the text is read at once."""
    with torch.no_grad():
        losses = stock(model)(input_ids=torch.tensor([text]), labels=torch.tensor([text])).losses[0]
    return losses.view(-1, length).mean(1)


@pytest.mark.slow
def test_a_memory_of_all_that_came_before_gives_the_losses_of_one_long_text(corpus, tokenizer):
    """Dai et al. 2019, section 3.2: with relative positions, states that are kept are those that would be made anew."""
    settings = plan(batch_tokens=64, length=16, memory=1000)
    objective, made = objective_and_model("transformer_xl", "causal", corpus, tokenizer, settings)
    steps = list(islice(objective.steps(0), 8))
    with torch.no_grad():
        found = torch.stack([made.losses(step) for step in steps])
    for stream in range(4):
        segments = [step[stream] for step in steps]
        text = [*(token for segment in segments for token in segment.ids[:-1].tolist()), int(segments[-1].ids[-1])]
        torch.testing.assert_close(found[:, stream], long_losses(made.model, text, 16), atol=1e-5, rtol=0)
    assert made.recurrent_state["0"].shape == (2, 8 * 16, 32)


@pytest.mark.slow
def test_without_a_memory_each_segment_stands_alone(corpus, tokenizer):
    settings = plan(batch_tokens=64, length=16, memory=0)
    objective, made = objective_and_model("transformer_xl", "causal", corpus, tokenizer, settings)
    for step in islice(objective.steps(0), 3):
        with torch.no_grad():
            found = made.losses(step)
        for stream, segment in enumerate(step):
            (alone,) = long_losses(made.model, segment.ids.tolist(), 16)
            assert found[stream].item() == pytest.approx(alone.item(), abs=1e-5)


@pytest.mark.slow
def test_the_first_step_of_an_epoch_sees_nothing_before_it(corpus, tokenizer):
    objective, made = objective_and_model("transformer_xl", "causal", corpus, tokenizer, plan(length=16, memory=64))
    seen = []
    for step in objective.steps(0):
        with torch.no_grad():
            seen.append((step[0].first, step, made.losses(step)))
        if step[0].first and len(seen) > 1:
            break
    _, step, found = seen[-1]
    assert len(seen) > 3
    for stream, segment in enumerate(step):
        (alone,) = long_losses(made.model, segment.ids.tolist(), 16)
        assert found[stream].item() == pytest.approx(alone.item(), abs=1e-5)


def test_a_memory_goes_into_the_next_step_without_its_gradient_and_is_as_long_as_asked(corpus, tokenizer):
    objective, made = objective_and_model("transformer_xl", "causal", corpus, tokenizer, plan(length=16, memory=24))
    lengths = []
    for step in islice(objective.steps(0), 3):
        made.losses(step).sum().backward()
        assert not any(state.requires_grad for state in made.recurrent_state.values())
        lengths.append({state.shape[1] for state in made.recurrent_state.values()})
        assert sorted(made.recurrent_state, key=int) == [str(stream) for stream in range(8)]
    assert lengths == [{16}, {24}, {24}]


@pytest.mark.slow
@pytest.mark.parametrize("unlucky", [1, 2])
def test_a_step_that_ran_out_of_memory_begins_again_with_the_memory_that_it_began_with(unlucky, corpus, tokenizer):
    settings = plan(batch_tokens=64, length=16, memory=32, dropout=0.1, micro_batch_size=2)
    steps = None
    results = []
    for fails in (False, True):
        objective, made = objective_and_model("transformer_xl", "causal", corpus, tokenizer, settings)
        steps = steps or list(islice(objective.steps(0), 6))
        trainer = trainer_of(made, settings)
        losses = [float(trainer.step(step)) for step in steps[:3]]
        if fails:
            break_once(made.model.base_model, after=unlucky)
        else:
            made.micro_batch_size = 1  # which is what the want of memory leads to
        losses += [float(trainer.step(step)) for step in steps[3:]]
        results.append((losses, weights(made.model), made.recurrent_state, trainer.notes))
    (expected, right, kept, none), (found, ours, recurrent_state, notes) = results
    assert found == expected
    assert all(torch.equal(tensor, right[name]) for name, tensor in ours.items())
    assert recurrent_state.keys() == kept.keys()
    assert all(torch.equal(tensor, kept[name]) for name, tensor in recurrent_state.items())
    assert (none, len(notes)) == ([], 1)


def break_once(model, *, after):
    """Have the model run out of memory in one of its next forward passes; of the first step there are two."""
    forward, calls = model.forward, []

    def broken(*args, **inputs):
        calls.append(1)
        if len(calls) == after:
            raise OUT_OF_MEMORY
        return forward(*args, **inputs)

    model.forward = broken


@pytest.mark.slow
@pytest.mark.parametrize("micro_batch_size", [1, 3, 64])
def test_streams_that_are_read_in_passes_of_any_size_give_the_same_steps(micro_batch_size, corpus, tokenizer):
    settings = plan(batch_tokens=64, length=16, memory=32, micro_batch_size=micro_batch_size)
    objective, made = objective_and_model("transformer_xl", "causal", corpus, tokenizer, settings)
    losses, expected = [], []
    trainer = trainer_of(made, settings)
    whole, reference = objective_and_model(
        "transformer_xl", "causal", corpus, tokenizer, plan(batch_tokens=64, memory=32)
    )
    other = trainer_of(reference, settings)
    for step, same in islice(zip(objective.steps(0), whole.steps(0), strict=True), 4):
        losses.append(float(trainer.step(step)))
        expected.append(float(other.step(same)))
    assert losses == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_held_out_texts_are_scored_in_their_own_order_with_a_memory_and_disturb_no_training(corpus, tokenizer):
    settings = plan(batch_tokens=64, length=8, memory=1000, evaluation_tokens=200)
    objective, made = objective_and_model("transformer_xl", "causal", corpus, tokenizer, settings)
    held_out = objective.held_out(corpus)
    assert len(held_out) == 8 * (200 // 64)
    with torch.no_grad():
        made.losses(next(iter(objective.steps(0))))
    before = {name: state.clone() for name, state in made.recurrent_state.items()}
    nats, words = made.evaluate(held_out)
    assert words == len(held_out) * 8
    text, expected = running_text(corpus, range(corpus.document_count)), 0.0
    share = (len(text) - 1) // 8
    for stream in range(8):
        piece = text[stream * share : stream * share + 3 * 8 + 1]
        expected += float(long_losses(made.model, piece, 8).sum() * 8)
    assert nats == pytest.approx(expected, rel=1e-5)
    assert all(torch.equal(state, before[name]) for name, state in made.recurrent_state.items())
    made.micro_batch_size = 3
    assert made.evaluate(held_out)[0] == pytest.approx(nats, rel=1e-6)


def test_a_memory_that_the_model_would_not_look_at_is_refused(corpus, tokenizer):
    with pytest.raises(UserError, match=r"memory: 9, but this model sets same_length, so a token sees only the last 8"):
        objective_and_model("transformer_xl", "causal", corpus, tokenizer, plan(memory=9), same_length=True)
    objective_and_model("transformer_xl", "causal", corpus, tokenizer, plan(memory=8), same_length=True)
