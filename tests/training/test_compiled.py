"""A model that torch compiles learns what it learns without, and a stopped run goes on to the same bits."""

import numpy as np
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import load_file
from small_models import LABELS, Silent, loaded_model, own_data, own_run, text_examples, trainer_for
from torch._dynamo.utils import counters
from torch._inductor import config as inductor

from harness.config.training import Training, recipe_of
from harness.errors import UserError
from harness.runs.execution import execute
from harness.runs.options import Options
from harness.training.compiled import Compiled, _advice, compile_training

compiling = pytest.mark.skipif(" " in torch.__file__, reason="torch can't compile from a folder with a blank in it")
PADDED = {"execution": "padded", "precision": "fp32", "micro_batch_size": 5, "maximum_steps": 12}


@pytest.fixture
def ran(checkpoints, tmp_path):
    """The record and the folder of a run on texts of many lengths."""
    own = own_data(tmp_path / "data", text_examples(80, longest=30), sizes=(None, 11, 13))

    def found(name, *, options=None, callbacks=None, **settings):
        run = own_run(tmp_path / name, own, checkpoints["bert"], **{**PADDED, **settings})
        return execute(run, options or Options(), callbacks or Silent()), run.folder

    return found


def logits(folder):
    return np.array(parquet.read_table(folder / "predictions.parquet")["logits"].to_pylist())


def files(folder):
    return {file.relative_to(folder) for file in folder.rglob("*")}


def tensors(folder):
    return load_file(folder / "checkpoint/model.safetensors")


CASES = {
    "whole": ({}, 1e-5),
    "adapters": ({"method": "lora", "learning_rate": 1e-3}, 1e-5),
    "bf16": ({"precision": "bf16"}, 2e-2),  # What torch fuses is rounded to 16 bits less often.
}


@compiling
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_compiled_model_learns_the_same_from_one_graph_for_all_sizes(case, ran):
    settings, tolerance = CASES[case]
    plain, expected = ran("plain", dropout=0.0, **settings)
    counters.clear()
    compiled, folder = ran("compiled", dropout=0.0, compile=True, **settings)
    assert counters["stats"]["unique_graphs"] == 1
    assert len(compiled.curve) == len(plain.curve) > 1
    for ours, theirs in zip(compiled.curve, plain.curve, strict=True):
        assert ours.train_loss == pytest.approx(theirs.train_loss, abs=tolerance)
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, abs=tolerance)
    np.testing.assert_allclose(logits(folder), logits(expected), atol=tolerance)
    assert tensors(folder).keys() == tensors(expected).keys()
    assert files(folder / "checkpoint") == files(expected / "checkpoint")


class StoppedError(Exception):
    """What a callback raises in the middle of a run."""


class StopAt(Silent):
    """Ends the run at a step."""

    def on_step(self, step, steps, *, loss, items):
        if step == 7:
            raise StoppedError


@compiling
@pytest.mark.slow
def test_a_stopped_run_is_compiled_again_and_goes_on_to_the_same_bits(ran):
    settings = {"dropout": 0.1, "compile": True}
    whole, expected = ran("whole", **settings)
    with pytest.raises(StoppedError):
        ran("cut", options=Options(checkpoint_seconds=0.0), callbacks=StopAt(), **settings)
    cut, folder = ran("cut", **settings)
    assert cut.curve == whole.curve
    ours, theirs = tensors(folder), tensors(expected)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert (folder / "predictions.parquet").read_bytes() == (expected / "predictions.parquet").read_bytes()


@pytest.fixture
def set_up(checkpoints):
    """A trainer, and the items of a batch."""

    def made(**settings):
        training = Training(**settings)
        loaded, objective = loaded_model("bert", checkpoints["bert"], labels=LABELS, training=training)
        trainer, reader = trainer_for(loaded, objective, training)
        return trainer, objective.features(text_examples(4), reader).items

    return made


@pytest.mark.slow
def test_a_machine_without_a_compiler_is_told_what_is_missing(set_up):
    trainer, items = set_up(execution="padded", compile=True)
    with (
        inductor.patch({"cpp.cxx": ("no-such-compiler",), "force_disable_caches": True}),
        pytest.raises(UserError, match=r"^compile: torch can't compile .*no-such-compiler.*, or leave compile out"),
    ):
        compile_training(trainer, items)


def test_a_model_that_does_not_read_padded_windows_is_not_compiled(set_up):
    trainer, items = set_up()
    with pytest.raises(UserError, match=r"^compile: not for a bert on this task, which does not read windows padded"):
        compile_training(trainer, items)


def test_evaluation_is_left_to_the_stock_model(set_up):
    trainer, items = set_up(execution="padded", compile=True)
    forward, read = trainer.forward, []
    stock = forward.scoring

    def compiled(**inputs):
        read.append(len(inputs["input_ids"]))
        return stock.model(**inputs)

    forward.scoring = Compiled(stock.model, stock.outputs, stock.accelerator, compiled)
    forward.model.eval()
    before = forward.scores(items)
    assert not read
    forward.model.train()
    torch.testing.assert_close(forward.scores(items), before)  # It has no dropout.
    assert read == [len(items)]


@pytest.mark.parametrize("settings", [{}, {"execution": "padded", "strategy": "segment_recurrence"}])
def test_packed_texts_and_segments_can_t_be_compiled(settings):
    mistakes = []
    assert recipe_of({"--set ": {"compile": True, **settings}}, mistakes) is None
    assert mistakes[0].startswith("--set compile: not for packed texts")


def test_a_folder_of_torch_with_a_blank_is_named(monkeypatch):
    monkeypatch.setattr(torch, "__file__", "/opt/my programs/torch/__init__.py")
    assert "a blank in its path, /opt/my programs/torch. Move it" in _advice()
