"""Validation is read once more after training only where the model is not the one that training scored."""

import pytest
from small_models import Silent, own_data, own_run, text_examples, write_checkpoint

from harness.runs.execution import execute
from harness.runs.options import Options
from harness.training import finetuning
from harness.training.forward import Forward

IN_TRAINING = ["validation"] * 2  # 32 texts are 4 batches an epoch; of 6 steps, after the fourth and the last


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("bert", tmp_path_factory.mktemp("bert"))


@pytest.fixture
def ran(checkpoint, tmp_path, monkeypatch):
    """A run's record and folder, and which splits were scored, one after the other."""
    own = own_data(tmp_path / "data", text_examples(67), sizes=(None, 17, 18))

    def found(name, **settings):
        read, evaluate = [], Forward.evaluate
        with monkeypatch.context() as patched:
            patched.setattr(
                Forward, "evaluate", lambda self, *given: read.append(len(given[1])) or evaluate(self, *given)
            )
            run = own_run(tmp_path / name, own, checkpoint, dropout=0.1, precision="bf16", **settings)
            record = execute(run, Options(), Silent())
        return record, run.folder, [{17: "validation", 18: "test"}[count] for count in read]

    return found


@pytest.mark.slow
def test_weights_that_training_scored_give_the_same_bits_without_being_scored_again(ran, monkeypatch):
    once, folder, read = ran("once")
    assert read == [*IN_TRAINING, "test"]
    trained = finetuning._Trained
    monkeypatch.setattr(finetuning, "_Trained", lambda *given: trained(*given[:-1], None))
    again, other, read = ran("again")
    assert read == [*IN_TRAINING, "validation", "test"]
    assert once.scores == again.scores
    assert once.calibration == again.calibration
    for name in ("predictions.parquet", "checkpoint/model.safetensors"):
        assert (folder / name).read_bytes() == (other / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"method": "lora"}, {"class_weights": "balanced"}])
def test_a_model_or_a_loss_that_training_changed_is_scored_again(settings, ran):
    assert ran("changed", **settings)[2] == [*IN_TRAINING, "validation", "test"]
