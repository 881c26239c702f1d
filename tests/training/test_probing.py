"""Linear probes: each text is read once, the head's last layer is fitted, and what is saved is a stock model."""

import json

import numpy as np
import pytest
import torch
from command_line import read_predictions
from small_models import LABELS, Silent, loaded_model, own_data, own_run, text_examples
from torch import nn
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from harness.config.training import recipe_of
from harness.errors import UserError
from harness.models.number_output import output_layer
from harness.runs.execution import Options, execute
from harness.task_types.classification.baselines import LINEAR
from harness.task_types.label_loss import LabelLoss
from harness.task_types.label_weights import weights_for
from harness.task_types.multi_label import baselines as sets_baselines
from harness.task_types.regression import baselines as numbers_baselines
from harness.task_types.texts import TextExample
from harness.training import kept_states, probing


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """States of other tests are not found here."""
    monkeypatch.setattr(kept_states, "cache_folder", tmp_path.joinpath)
    monkeypatch.delenv("HARNESS_FEATURES", raising=False)


def probed(folder, checkpoint, *, family="bert", seed=0, **training):
    own = own_data(folder / "data", text_examples(100))
    run = own_run(folder / f"runs-{seed}", own, checkpoint, family=family, seed=seed, method="probe", **training)
    return run, execute(run, Options(), Silent())


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "roberta", "xlnet", "transformer_xl"])
def test_the_stock_checkpoint_gives_the_probe_s_logits(family, checkpoints, tmp_path):
    run, _ = probed(tmp_path, checkpoints[family], family=family)
    model = AutoModelForSequenceClassification.from_pretrained(run.folder / "checkpoint").eval()
    tokenizer = AutoTokenizer.from_pretrained(run.folder / "checkpoint")
    rows = read_predictions(run.folder)
    lines = [json.loads(line) for line in (tmp_path / "data/test.jsonl").read_text().splitlines()]
    with torch.no_grad():
        found = [model(**tokenizer(line["text"], return_tensors="pt")).logits[0] for line in lines]
    expected = torch.tensor([row["logits"] for row in rows])
    torch.testing.assert_close(torch.stack(found), expected, atol=2e-4, rtol=1e-3)
    assert expected.std() > 0.01


@pytest.mark.slow
def test_the_layer_is_fitted_to_what_the_stock_head_makes_of_each_training_text(checkpoints, tmp_path):
    run, record = probed(tmp_path, checkpoints["bert"])
    model = AutoModelForSequenceClassification.from_pretrained(run.folder / "checkpoint").eval()
    tokenizer = AutoTokenizer.from_pretrained(run.folder / "checkpoint")
    train = [json.loads(line) for line in (tmp_path / "data/train.jsonl").read_text().splitlines()]
    states = []
    model.classifier.register_forward_pre_hook(lambda _, inputs: states.append(inputs[0][0].numpy()))
    with torch.no_grad():
        for line in train:
            model(**tokenizer(line["text"], return_tensors="pt"))
    examples = [TextExample("", line["text"], LABELS.index(line["label"])) for line in train]
    expected = list(probing.fitted(LINEAR, np.stack(states), examples, model.classifier))
    weights = model.classifier.weight.detach().numpy()
    distances = [np.abs(weights - found.weights).max() / np.abs(weights).max() for found in expected]
    nearest = expected[int(np.argmin(distances))]
    assert min(distances) < 1e-2
    assert sum(distance < 0.1 for distance in distances) == 1
    assert any(f"{nearest.penalty:.3g} times" in note for note in record.notes)


@pytest.mark.slow
def test_nothing_but_the_last_layer_differs_from_the_first_checkpoint(checkpoints, tmp_path):
    run, record = probed(tmp_path, checkpoints["bert"])
    # Read by transformers, whose 5.4 writes some tensors by the names that they had in the first BERT.
    start = AutoModel.from_pretrained(checkpoints["bert"]).state_dict()
    end = AutoModelForSequenceClassification.from_pretrained(run.folder / "checkpoint").state_dict()
    assert all(torch.equal(end[f"bert.{name}"], tensor) for name, tensor in start.items())
    assert end.keys() - {f"bert.{name}" for name in start} == {"classifier.weight", "classifier.bias"}
    assert record.counts.trained_parameters == 2 * 32 + 2
    assert record.cost.training_flops > 0


@pytest.mark.slow
def test_states_are_read_once_for_all_seeds_and_the_record_says_so(checkpoints, tmp_path, monkeypatch):
    _, first = probed(tmp_path, checkpoints["bert"])
    monkeypatch.setattr(probing._Reading, "_read", lambda *_: pytest.fail("a text was read again"))
    _, second = probed(tmp_path, checkpoints["bert"], seed=1)
    assert second.scores == first.scores
    assert [note for note in second.notes if "cache" in note] == [
        probing.KEPT.format(split) for split in ("train", "validation", "test")
    ]
    assert not any("cache" in note for note in first.notes)


def test_the_fit_is_logistic_regression_whatever_the_states_units():
    """A coefficient is scikit-learn's on standardised states, put back into the states' own units."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    generator = np.random.default_rng(0)
    states = (generator.normal(size=(60, 3)) * [1, 1e-3, 50] + [0, 2, -7]).astype(np.float32)
    targets = (states[:, 0] + 0.02 * states[:, 2] + generator.normal(size=60) > -0.14).astype(int)
    examples = [TextExample(str(index), "", int(target)) for index, target in enumerate(targets)]
    found = list(probing.fitted(LINEAR, states, examples, nn.Linear(3, 2)))
    assert len(found) == len(probing.PENALTIES)
    for probe in found[::5]:
        scaler = StandardScaler().fit(states.astype(float))
        model = LogisticRegression(C=10 / probe.penalty, max_iter=1000).fit(scaler.transform(states), targets)
        outputs = probe.outputs(states)
        expected = model.decision_function(scaler.transform(states))
        np.testing.assert_allclose(outputs[:, 1] - outputs[:, 0], expected, atol=1e-3)


def test_numbers_and_label_sets_are_fitted_too():
    states = np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32)
    numbers = [TextExample("", "", float(5 + 2 * row[0] - row[2])) for row in states]
    *_, weakest = probing.fitted(numbers_baselines.LINEAR, states, numbers, nn.Linear(3, 1))
    np.testing.assert_allclose(weakest.weights, [[2, 0, -1]], atol=0.05)
    np.testing.assert_allclose(weakest.intercepts, [5], atol=0.05)
    sets = [TextExample("", "", tuple(index for index in range(2) if row[index] > 0)) for row in states]
    *_, weakest = probing.fitted(sets_baselines.LINEAR, states, sets, nn.Linear(3, 2))
    assert ((weakest.outputs(states) > 0) == (states[:, :2] > 0)).mean() > 0.95


def test_a_head_without_a_bias_gets_no_intercept():
    examples = [TextExample(str(index), "", index % 2) for index in range(20)]
    states = np.array([[1.0 + index % 2, 1.0] for index in range(20)], dtype=np.float32)
    for probe in probing.fitted(LINEAR, states, examples, nn.Linear(2, 2, bias=False)):
        assert not probe.intercepts.any()
    assert (probe.outputs(states).argmax(1) == [index % 2 for index in range(20)]).all()


HEADS = {"bert": "classifier", "roberta": "classifier.out_proj", "transformer_xl": "score"}


@pytest.mark.parametrize(("family", "name"), HEADS.items())
def test_the_last_layer_is_that_of_the_head(family, name, checkpoints):
    loaded, _ = loaded_model(family, checkpoints[family])
    assert output_layer(loaded.model, 2) == name
    assert output_layer(loaded.model, 5) is None


def test_what_a_probe_has_no_use_for_changes_nothing_of_its_recipe(checkpoints, tmp_path):
    own = own_data(tmp_path / "data", text_examples(60))
    recipes = [
        own_run(tmp_path, own, checkpoints["bert"], method="probe", **settings).config.training
        for settings in ({}, {"learning_rate": 0.5, "epochs": 9.0, "dropout": 0.3})
    ]
    assert recipes[0] == recipes[1]
    assert recipes[0].method == "probe"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frozen": "encoder"}, "frozen 'encoder' and method 'probe' don't go together"),
        ({"pool": "max", "strategy": "windows"}, 'pool: the "max" over windows is not linear'),
        ({"maximum_steps": 0}, "maximum_steps: 0 leaves the model as it is"),
    ],
)
def test_settings_that_contradict_a_probe_are_refused(settings, message):
    mistakes = []
    assert recipe_of({"--set ": {"method": "probe", **settings}}, mistakes) is None
    assert len(mistakes) == 1
    assert message in mistakes[0]


def test_a_probe_fits_no_other_loss(checkpoints, tmp_path):
    own = own_data(tmp_path / "data", text_examples(60))
    with pytest.raises(UserError, match='focal_gamma: method "probe" fits the plain cross-entropy'):
        own_run(tmp_path, own, checkpoints["bert"], method="probe", focal_gamma=2.0)


@pytest.mark.slow
def test_the_weights_of_labels_are_scikit_learn_s_and_told(checkpoints, tmp_path):
    from sklearn.linear_model import LogisticRegression

    states = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    states = (states - states.mean(0)) / states.std(0)
    targets = (states[:, 0] + states[:, 1] > 1.8).astype(int)
    examples = [TextExample(str(index), "", int(target)) for index, target in enumerate(targets)]
    weights = weights_for(LINEAR, LabelLoss(class_weights="balanced"), examples, LABELS)
    *_, probe = probing.fitted(LINEAR, states, examples, nn.Linear(2, 2), label_weights=weights)
    model = LogisticRegression(C=10 / probe.penalty, max_iter=1000, class_weight="balanced").fit(states, targets)
    outputs = probe.outputs(states)
    np.testing.assert_allclose(outputs[:, 1] - outputs[:, 0], model.decision_function(states), atol=1e-3)

    _, record = probed(tmp_path, checkpoints["bert"], class_weights={"good": 3.0})
    assert "class weights: bad 1, good 3" in record.notes
