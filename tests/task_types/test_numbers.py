"""Numbers in whatever units: learnt as they lie among the others, and answered in their own."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import read_predictions
from safetensors.torch import load_file
from small_models import DISTINCT, Silent, loaded_model, own_run, text_examples, trainer_for
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from harness.config.run import LocalData
from harness.config.training import Training
from harness.data.custom import custom_task
from harness.data.fields import FieldError, number_field
from harness.data.loading import load_splits
from harness.errors import UserError
from harness.metrics.lookup import scores
from harness.record import read_record
from harness.runs.execution import Options, execute
from harness.task_types.regression.objective import NumberObjective
from harness.task_types.texts import TextExample
from harness.training.evaluation import constant_notes


def prices(folder, *, unit=1.0):
    """Texts with a price, in a unit: high ones are lovely, low ones dull."""
    folder.mkdir()
    files = {}
    for seed, (name, count) in enumerate({"train": 80, "validation": 20, "test": 20}.items()):
        examples = text_examples(count, seed=seed)
        asked = [200_000.0 + 100_000 * example.target + n for n, example in enumerate(examples)]
        rows = [{"text": e.text, "label": price / unit} for e, price in zip(examples, asked, strict=True)]
        files[name] = folder / f"{name}.jsonl"
        files[name].write_text("".join(json.dumps(row) + "\n" for row in rows))
    return LocalData(**{name: str(file) for name, file in files.items()}, task_type="regression")


LEARNT = {"maximum_steps": 60, "epochs": 20.0, "learning_rate": 2e-3, "dropout": 0.0}


@pytest.mark.slow
@pytest.mark.parametrize("family", DISTINCT)
def test_what_is_saved_answers_in_the_data_s_own_units(family, checkpoints, tmp_path):
    own = prices(tmp_path / "data")
    run = own_run(tmp_path / "runs", own, checkpoints[family], family=family, **LEARNT | {"maximum_steps": 120})
    record = execute(run, Options(), Silent())
    rows, folder = read_predictions(run.folder), run.folder / "checkpoint"
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = [json.loads(line)["text"] for line in Path(own.test).read_text().splitlines()]
    with torch.no_grad():
        alone = [float(model(**tokenizer(text, return_tensors="pt")).logits) for text in texts]
    np.testing.assert_allclose([row["prediction"] for row in rows], alone, rtol=1e-4)
    assert 150_000 < np.mean(alone) < 350_000
    assert record.scores["test"]["pearson"] > 0.8  # one word of two tells all


@pytest.mark.slow
def test_units_change_nothing_but_the_numbers(checkpoints, tmp_path):
    found = []
    for name, unit in (("ones", 1.0), ("thousands", 2.0**10)):
        own = prices(tmp_path / name, unit=unit)
        run = own_run(tmp_path / f"{name}-runs", own, checkpoints["bert"], **LEARNT)
        record = execute(run, Options(), Silent())
        found.append([point.train_loss for point in record.curve])
    assert found[0] == pytest.approx(found[1], rel=1e-6)


class StopAt(Silent):
    """Callbacks that pull the plug at a step."""

    def on_step(self, step, steps, *, loss, items):
        if step == 7:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_run_that_was_stopped_ends_bit_for_bit_like_one_that_was_not(checkpoints, tmp_path):
    own = prices(tmp_path / "data")
    settings = {**LEARNT, "maximum_steps": 12, "dropout": 0.1}
    runs = [own_run(tmp_path / name, own, checkpoints["bert"], **settings) for name in ("whole", "stopped")]
    execute(runs[0], Options(), Silent())
    with pytest.raises(KeyboardInterrupt):
        execute(runs[1], Options(checkpoint_seconds=0), StopAt())
    assert list(runs[1].partial.glob("state/step-*"))
    execute(runs[1], Options(checkpoint_seconds=0), Silent())
    whole, stopped = (load_file(run.folder / "checkpoint" / "model.safetensors") for run in runs)
    assert whole.keys() == stopped.keys()
    assert all(torch.equal(tensor, stopped[name]) for name, tensor in whole.items())
    assert read_predictions(runs[0].folder) == read_predictions(runs[1].folder)


@pytest.mark.slow
def test_a_checkpoint_s_own_numbers_are_judged_as_they_are_and_learnt_on_from_there(checkpoints, tmp_path):
    own = prices(tmp_path / "data")
    first = own_run(tmp_path / "first", own, checkpoints["bert"], **LEARNT)
    execute(first, Options(), Silent())
    saved = first.folder / "checkpoint"
    judged = own_run(tmp_path / "judged", own, saved, maximum_steps=0)
    assert "the checkpoint's own head is kept" in execute(judged, Options(), Silent()).notes
    ours, theirs = ([row["prediction"] for row in read_predictions(run.folder)] for run in (first, judged))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    gently = own_run(tmp_path / "gently", own, saved, maximum_steps=1, learning_rate=1e-9, dropout=0.0)
    execute(gently, Options(), Silent())
    np.testing.assert_allclose([row["prediction"] for row in read_predictions(gently.folder)], ours, rtol=1e-4)


def objective_for(family, checkpoints, targets):
    loaded, objective = loaded_model(family, checkpoints[family], "regression", labels=())
    examples = [TextExample(e.id, e.text, t) for e, t in zip(text_examples(len(targets)), targets, strict=True)]
    return loaded, objective.for_training(loaded.model, examples, has_own_head=False), examples


@pytest.mark.parametrize(
    ("family", "targets", "mean", "scale"),
    [
        ("bert", [1.0, 3.0, 5.0, 7.0], 4.0, 5**0.5),
        ("transformer_xl", [1.0, 3.0, 5.0, 7.0], 0.0, 21**0.5),  # no bias, so no mean: sqrt((1 + 9 + 25 + 49) / 4)
        ("bert", [3.0, 3.0], 3.0, 1.0),
        ("bert", [1e30, -1e30], 0.0, 1e30),
    ],
)
def test_numbers_are_standardised_by_the_training_split(family, targets, mean, scale, checkpoints):
    _, learnt, _ = objective_for(family, checkpoints, targets)
    assert (learnt.mean, learnt.scale) == (pytest.approx(mean), pytest.approx(scale))


def test_the_loss_is_the_squared_error_of_standardised_numbers(checkpoints):
    loaded, learnt, examples = objective_for("bert", checkpoints, [1.0, 3.0, 5.0, 7.0])
    trainer, reader = trainer_for(loaded, learnt, Training())
    features = learnt.features(examples, reader)
    loss, outputs = trainer.forward.evaluate(features, examples)
    errors = (outputs[:, 0] - np.array([1.0, 3.0, 5.0, 7.0])) ** 2 / 5  # their variance
    assert loss == pytest.approx(errors.mean(), rel=1e-5)


@pytest.mark.parametrize(
    "written", ["$1,200", "1,234.50", "€ 12", "1 234", "1.234,5", "12 %", "USD 12", "-£5", "1'000"]
)
def test_a_number_with_a_currency_or_thousands_separators_is_named(written):
    with pytest.raises(FieldError, match="a currency, a unit or separators between thousands") as raised:
        number_field(written, "price")
    assert repr(written) in str(raised.value)


@pytest.mark.parametrize("number", [1e31, "1e300", -(10**40)])
def test_a_number_that_weights_of_32_bits_can_t_reach_is_refused(number):
    with pytest.raises(FieldError, match=r"price: a number beyond 1e\+30 \(got .*larger units"):
        number_field(number, "price")


def test_a_whole_number_longer_than_any_float_is_no_number():
    with pytest.raises(FieldError, match="not a finite number"):
        number_field(10**400, "price")


def test_numbers_that_are_all_but_the_same_are_refused(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("text,label\n" + "".join(f"w{n} v{n},{n}e-40\n" for n in range(40)))
    with pytest.raises(UserError, match=r"train: its numbers lie within .*e-39\. Give them in smaller units"):
        load_splits(custom_task(train=file, task_type="regression"))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (lambda n: 3.5, r"train: every row has the number 3\.5\. Give at least two numbers"),
        (
            lambda n: 1.6e9 + n,
            r"train: its numbers lie within \d+ around 16000000\d\d, too close .* Subtract 16000000\d\d",
        ),
    ],
)
def test_numbers_of_which_no_model_learns_any_difference_are_refused(number, said, tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("text,label\n" + "".join(f"w{n} v{n},{number(n)!r}\n" for n in range(40)))
    with pytest.raises(UserError, match=said):
        load_splits(custom_task(train=file, task_type="regression"))


def test_errors_of_huge_numbers_are_infinite_and_no_exception():
    assert scores(["mean_squared_error"], [1e300, 0.0], [-1e300, 0.0])["mean_squared_error"] == float("inf")


@pytest.mark.parametrize(
    ("references", "predictions", "said"),
    [
        ([1.0, 2.0, 9.0], [4.85, 4.85, 4.85003], "4.85001"),
        (["a", "b"], ["a", "a"], "'a'"),
        ([["a"], []], [[], []], "[]"),
        ([1.0, 2.0, 9.0], [1.0, 2.0, 2.0], None),
        (["a", "a"], ["a", "a"], None),
        (["a", "b"], ["a", "b"], None),
        ([1.0, 2.0], [float("nan"), 1.0], None),
    ],
)
def test_a_model_that_says_the_same_of_every_text_is_told(references, predictions, said):
    rows = [{"reference": one, "prediction": other} for one, other in zip(references, predictions, strict=True)]
    expected = (
        [] if said is None else [f"every test row gets the same prediction ({said}): the model can't tell texts apart"]
    )
    assert list(constant_notes(rows, "test")) == expected


@pytest.mark.slow
def test_predictions_that_are_all_the_same_stand_in_the_record(checkpoints, tmp_path, monkeypatch):
    run = own_run(tmp_path / "runs", prices(tmp_path / "data"), checkpoints["bert"], maximum_steps=0)
    monkeypatch.setattr(NumberObjective, "results", lambda _, scores, *others: [np.zeros(1)] * len(scores))
    note = "every test row gets the same prediction (0): the model can't tell texts apart"
    assert execute(run, Options(), Silent()).notes[0] == note
    assert read_record(run.folder / "run.json").notes[0] == note
