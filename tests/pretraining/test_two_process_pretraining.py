"""Two processes pretrain as one does: the same steps, shared out, and each stream's memory where its segments are."""

import json

import pytest
import torch
from small_corpora import Pretraining, own_cache, write_recipe, write_texts
from subprocesses import Forked, TwoForked, finish, held, kill

pytestmark = pytest.mark.slow

# Steps of an odd number of sequences, and of streams, so that the processes' shares differ.
PLAN = {"tokens": 12 * 352, "batch_tokens": 352, "length": 32, "dropout": 0.0, "learning_rate": 1e-3}
RECIPES = {
    "pairs": ("bert", "bert", {}),
    "full sentences": ("roberta", "roberta", {}),
    "with a memory": ("transformer_xl", "causal", {"memory": 48}),
    "a single stream": ("transformer_xl", "causal", {"batch_tokens": 32, "tokens": 12 * 32}),
}


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path_factory):
    own_cache(tmp_path_factory.getbasetemp() / "pretraining-cache", monkeypatch)


def made(tmp_path, name, **settings):
    family, objective, more = RECIPES[name]
    write_texts(tmp_path)
    return write_recipe(tmp_path / "mine.toml", family, objective, **{**PLAN, **more, **settings})


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_give_the_losses_and_weights_of_one(name, tmp_path):
    recipe = made(tmp_path, name)
    one, two = (Pretraining(recipe, tmp_path / which) for which in ("one", "two"))
    for process in (Forked(one.words), TwoForked(two.words)):
        code, output = finish(process)
        assert code == 0, output
    assert output.count("held-out loss") == 1, "said by one process only"
    ours, theirs = two.record(), one.record()
    assert ours["provenance"]["hardware"]["processes"] == 2
    assert (ours["steps"], ours["tokens"]) == (theirs["steps"], theirs["tokens"]) == (12, theirs["tokens"])
    assert ours["first_losses"] == pytest.approx(theirs["first_losses"], abs=1e-4)
    for point, other in zip(ours["curve"], theirs["curve"], strict=True):
        assert point["step"] == other["step"]
        assert point["train_loss"] == pytest.approx(other["train_loss"], abs=1e-4)
        assert point["validation_loss"] == pytest.approx(other["validation_loss"], abs=1e-4)
    weights = one.weights()
    for key, tensor in two.weights().items():
        if not key.endswith("key.bias"):  # Of no effect: its gradient is rounding, of which Adam makes whole steps.
            torch.testing.assert_close(tensor, weights[key], atol=1e-3, rtol=0, msg=lambda m, k=key: f"{k}: {m}")


def test_two_processes_that_were_killed_go_on_and_one_alone_is_refused(tmp_path):
    recipe = made(tmp_path, "with a memory", tokens=80 * 352, dropout=0.1)
    whole, killed = (Pretraining(recipe, tmp_path / which) for which in ("whole", "killed"))
    code, output = finish(TwoForked(whole.words))
    assert code == 0, output
    words = [*killed.words, "--checkpoint-seconds=0"]
    kill(held(TwoForked, words, "*/state/step-*[1-9]"))
    code, output = finish(Forked(words))
    assert code == 2
    assert "started with 2 processes, and now there are 1" in " ".join(output.split())
    code, output = finish(TwoForked(words))
    assert code == 0, output
    ours, theirs = killed.record(), whole.record()
    assert (ours["curve"], ours["first_losses"]) == (theirs["curve"], theirs["first_losses"])
    assert all(torch.equal(tensor, whole.weights()[key]) for key, tensor in killed.weights().items())


def test_two_processes_look_for_a_result_before_either_begins(tmp_path):
    recipe = made(tmp_path, "pairs", tokens=352)
    run = Pretraining(recipe, tmp_path / "runs")
    assert finish(TwoForked(run.words))[0] == 0
    finished = run.record()["provenance"]["finished"]
    code, output = finish(TwoForked(run.words))
    assert (code, output.count("held-out loss")) == (0, 1), output
    assert run.record()["provenance"]["finished"] == finished
    # One of them completes a move into place that was cut short.
    run.partial.mkdir()
    for name in ("checkpoint", "pretraining.json"):
        (run.folder / name).rename(run.partial / name)
    recorded = json.loads((run.partial / "pretraining.json").read_text())
    (run.partial / "config.json").write_text(json.dumps(recorded["config"]))
    code, output = finish(TwoForked(run.words))
    assert (code, output.count("held-out loss")) == (0, 1), output
    assert run.record()["provenance"]["finished"] == finished
    assert not run.partial.exists()
