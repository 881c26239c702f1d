"""The pretraining loop: how many steps, when it evaluates, what it keeps, and what is left when a loss is no number."""

import math
from itertools import count
from types import SimpleNamespace

import pytest
import torch
from small_corpora import plan

from harness.pretraining import reproduce
from harness.pretraining.loop import PretrainingRun, evaluation_steps, kept_steps, pretrain
from harness.training.progress import Progress
from harness.training.trainer import DivergedError


class Steps:
    """An objective whose steps hold an item each, of ten tokens."""

    def steps(self, start):
        return ([SimpleNamespace(size=10, number=number)] for number in count(start))


class Losses:
    """A trainer whose loss is the number of its step, and of held-out texts ten times the step."""

    def __init__(self, broken_at=None, held_out=None):
        self.micro_batch_size, self.notes, self.forward, self.last = 4, [], self, -1
        self._broken_at, self._held_out = broken_at, held_out

    def step(self, batch):
        self.last = batch[0].number
        if self.last == self._broken_at:
            raise DivergedError("the training loss is nan")
        return torch.tensor(float(self.last))

    def anywhere(self, happened):
        assert not happened, "no state is due"
        return happened

    def evaluate(self, texts):
        return (self._held_out or float(10 * self.last * texts), texts)


class Watching:
    def __init__(self):
        self.steps, self.points = [], []

    def on_step(self, step, steps, *, loss, items):
        self.steps.append((step, steps, loss, items))

    def on_evaluate(self, point):
        self.points.append(point)


def run(settings, trainer, progress=None):
    """What a run leaves: progress, callbacks, kept shares with the step after which each was written."""
    callbacks, kept, done = Watching(), [], progress or Progress()

    def keep(share, tokens):
        assert tokens == done.tokens
        kept.append((done.step, share))

    run = PretrainingRun(Steps(), {"one": 3, "two": 1}, settings, 50, None, keep, math.inf)
    pretrain(trainer, run, done, callbacks)
    return done, callbacks, kept


def test_the_last_step_is_the_last_one_that_the_tokens_pay_for():
    done, callbacks, _ = run(plan(tokens=1199, batch_tokens=100, evaluations=1), Losses())
    assert [step for step, *_ in callbacks.steps] == list(range(1, 12))
    assert (done.step, done.items, done.tokens) == (11, 11, 110)
    assert done.first_losses == [float(step) for step in range(11)]
    assert (done.micro_batch_size, done.notes) == (4, [])


def test_only_the_first_losses_are_kept(monkeypatch):
    monkeypatch.setattr("harness.pretraining.loop.FIRST_LOSSES", 3)
    assert run(plan(tokens=1000, batch_tokens=100), Losses())[0].first_losses == [0.0, 1.0, 2.0]


def test_held_out_texts_are_scored_at_even_distances_and_at_the_end():
    assert sorted(evaluation_steps(plan(tokens=1000, batch_tokens=100, evaluations=4))) == [
        2,
        5,
        8,
        10,
    ]  # round half to even
    assert sorted(evaluation_steps(plan(tokens=300, batch_tokens=100, evaluations=20))) == [1, 2, 3]
    assert sorted(evaluation_steps(plan(tokens=1000, batch_tokens=100, evaluations=1))) == [10]


def test_a_point_of_the_curve_has_the_mean_losses_since_the_one_before_and_each_corpus_s_own():
    done, callbacks, _ = run(plan(tokens=600, batch_tokens=100, evaluations=2), Losses())
    first, second = done.curve
    assert callbacks.points == [first, second]
    assert (first.step, second.step) == (3, 6)
    assert (first.train_loss, second.train_loss) == (1.0, 4.0)  # (0 + 1 + 2) / 3, (3 + 4 + 5) / 3
    assert second.validation_scores == {"one": 50.0, "two": 50.0}
    assert second.validation_loss == 50.0
    assert second.epoch == pytest.approx(60 / 50)  # tokens read / tokens of the corpus


def test_the_mean_over_corpora_weighs_each_by_its_words():
    _, callbacks, _ = run(plan(tokens=100, batch_tokens=100, evaluations=1), Losses(held_out=12.0))
    (point,) = callbacks.points
    assert point.validation_scores == {"one": 4.0, "two": 12.0}  # 12 nats of 3 words, and of 1
    assert point.validation_loss == 6.0


def test_checkpoints_are_kept_after_their_shares_and_always_at_the_end():
    settings = plan(tokens=1000, batch_tokens=100, keep=(0.3, 0.01, 0.7))
    assert kept_steps(settings) == {1: [0.01], 3: [0.3], 7: [0.7], 10: [1.0]}
    assert run(settings, Losses())[2] == [(1, 0.01), (3, 0.3), (7, 0.7), (10, 1.0)]
    assert kept_steps(plan(tokens=200, batch_tokens=100, keep=(0.4, 0.5))) == {1: [0.4, 0.5], 2: [1.0]}


@pytest.mark.parametrize("step", [4, 10])
def test_a_run_that_goes_on_takes_the_steps_that_are_left(step):
    done, callbacks, kept = run(plan(tokens=1000, batch_tokens=100, keep=(0.2,)), Losses(), Progress(step=step))
    assert [(number, loss) for number, _, loss, _ in callbacks.steps] == [(n + 1, float(n)) for n in range(step, 10)]
    assert done.step == 10
    assert kept == ([(10, 1.0)] if step < 10 else [])


def test_a_loss_that_is_no_number_leaves_what_was_learnt_until_then():
    done = Progress()
    with pytest.raises(DivergedError, match="the training loss is nan"):
        run(plan(tokens=1000, batch_tokens=100, evaluations=5), Losses(broken_at=5), done)
    assert (done.step, done.tokens, len(done.first_losses)) == (5, 50, 5)
    assert [point.step for point in done.curve] == [2, 4]
    with pytest.raises(DivergedError, match="the held-out loss is inf at step 2"):
        run(plan(tokens=1000, batch_tokens=100, evaluations=5), Losses(held_out=math.inf))


def test_seconds_end_when_losses_that_are_read_have_been_computed(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(
        "harness.pretraining.loop.time", SimpleNamespace(monotonic=lambda: clock[0], process_time=lambda: clock[0])
    )
    read = Progress.read_loss

    def waits(progress):
        clock[0] += 1
        return read(progress)

    monkeypatch.setattr(Progress, "read_loss", waits)
    done, *_ = run(plan(tokens=1000, batch_tokens=100, evaluations=2, keep=(0.3,)), Losses())
    assert (done.seconds, done.processor_seconds) == (3.0, 3.0)  # After steps 3, 5 and 10.


def test_a_model_whose_loss_is_no_number_is_not_kept():
    """A step on a GPU does not tell."""

    class Silently(Losses):
        def step(self, batch):
            return super().step(batch) * (math.nan if batch[0].number == 2 else 1)

    with pytest.raises(DivergedError, match="the training loss is nan"):
        run(plan(tokens=1000, batch_tokens=100, evaluations=1, keep=(0.3,)), Silently(), done := Progress())
    assert done.step == 3


def test_a_loss_that_is_no_number_is_like_none_of_the_record(monkeypatch):
    """A step on a GPU does not tell."""
    lost = SimpleNamespace(step=lambda batch: torch.tensor(math.nan if batch[0].number == 1 else 2.0))
    monkeypatch.setattr(reproduce, "settings_that_differ", lambda *_: [])
    monkeypatch.setattr(reproduce, "run_of", lambda *_: (lost, SimpleNamespace(objective=Steps()), None))
    record = SimpleNamespace(config=None, name="one", first_losses=(2.0, 2.0, 2.0))
    verdict = reproduce.verified(SimpleNamespace(recipe=None), record, Watching(), None)
    assert (verdict.steps, verdict.equal, verdict.largest, verdict.holds) == (3, 1, math.inf, False)
