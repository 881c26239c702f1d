"""A checkpoint's own classifier and the data's labels are matched by name (transformers PR 10401)."""

from pathlib import Path

import pytest
import torch
from command_line import read_record, reviews, write_csv
from small_models import write_checkpoint
from transformers import AutoConfig, AutoModelForSequenceClassification

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.models.head import Head
from harness.models.labels import classifier_labels, matched_labels
from harness.registry import FAMILIES


def head(count):
    return Head("AutoModelForSequenceClassification", {"num_labels": count}, ("logits",))


def classifier(folder, names):
    """A BERT checkpoint with a trained classifier of these names; biases tell its outputs apart."""
    write_checkpoint("bert", folder)
    config = AutoConfig.from_pretrained(folder, num_labels=len(names))
    config.id2label = dict(enumerate(names))
    config.label2id = {name: index for index, name in enumerate(names)}
    torch.manual_seed(5)
    model = AutoModelForSequenceClassification.from_pretrained(folder, config=config)
    with torch.no_grad():
        model.classifier.bias.copy_(torch.arange(1.0, len(names) + 1))
    model.save_pretrained(folder)
    return folder


def load(folder, labels, **spec):
    model = ModelConfig(family="bert", checkpoint=str(folder), **spec)
    return FAMILIES.load("bert").load(model, head(len(labels)), labels=labels, dropout=None, texts=list)


def biases(loaded):
    return dict(zip(loaded.labels, loaded.model.classifier.bias.tolist(), strict=True))


def test_the_trained_classifier_is_kept_and_its_order_is_the_checkpoints(tmp_path):
    loaded = load(classifier(tmp_path, ["neutral", "good", "bad"]), ("bad", "good", "neutral"))
    assert biases(loaded) == {"neutral": 1.0, "good": 2.0, "bad": 3.0}
    assert loaded.model.config.id2label == {0: "neutral", 1: "good", 2: "bad"}
    assert loaded.notes == ("the checkpoint's own head is kept",)


def test_names_that_differ_in_case_only_are_the_same(tmp_path):
    loaded = load(classifier(tmp_path, ["POSITIVE", "NEGATIVE"]), ("negative", "positive"))
    assert biases(loaded) == {"positive": 1.0, "negative": 2.0}


def test_names_that_differ_in_case_only_within_the_data_match_exactly(tmp_path):
    loaded = load(classifier(tmp_path, ["no", "No"]), ("No", "no"))
    assert biases(loaded) == {"no": 1.0, "No": 2.0}


@pytest.mark.parametrize("names", [["toxic", "fine"], ["good", "bad", "neutral"]])
def test_other_names_are_refused_and_both_are_shown(tmp_path, names):
    with pytest.raises(UserError) as caught:
        load(classifier(tmp_path, names), ("bad", "good"))
    (line,) = caught.value.lines
    assert str(names) in line
    assert str(["bad", "good"]) in line
    assert 'head = "new"' in line


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (["LABEL_0", "LABEL_1"], ("LABEL_0", "LABEL_1")),  # names that transformers doesn't save
        (["LABEL_1", "LABEL_0"], ("LABEL_0", "LABEL_1")),
        (["LABEL_1", "LABEL_0"], ("label_0", "label_1")),
        (["2.0", "1.0"], ("1", "2")),
        (["spam"], ("spam",)),
    ],
)
def test_names_are_compared_before_they_count_as_generic_or_too_few(theirs, ours, tmp_path):
    loaded = load(classifier(tmp_path, theirs), ours)
    assert loaded.notes == ("the checkpoint's own head is kept",)
    assert [round(bias) for bias in loaded.model.classifier.bias.tolist()] == list(range(1, len(ours) + 1))
    assert [label.casefold() for label in loaded.labels] == [name.removesuffix(".0").casefold() for name in theirs]


@pytest.mark.slow_but_first
@pytest.mark.parametrize("count", [2, 3, 5])
def test_generic_names_say_nothing_so_the_classifier_is_new_and_noted(tmp_path, count):
    loaded = load(classifier(tmp_path, [f"LABEL_{index}" for index in range(count)]), ("bad", "good"))
    assert loaded.labels == ("bad", "good")
    assert loaded.model.classifier.bias.tolist() == [0.0, 0.0]
    assert loaded.model.classifier.out_features == 2
    assert loaded.notes == ("new layers: classifier.bias, classifier.weight",)


def test_a_model_file_can_ask_for_a_new_classifier(tmp_path):
    loaded = load(classifier(tmp_path, ["toxic", "fine"]), ("bad", "good"), head="new")
    assert loaded.model.classifier.bias.tolist() == [0.0, 0.0]
    assert "classifier.weight" in loaded.notes[0]


@pytest.mark.slow
def test_the_command_line_can_ask_for_a_new_classifier(command):
    folder = classifier(Path("other-labels"), ["toxic", "fine"])
    write_csv(Path("data.csv"), reviews())
    words = ("run", "--model", f"./{folder}", "--train", "data.csv", "--set", "maximum_steps=0")
    refused = command(*words)
    assert refused.code == 2
    assert "train a new classifier: --new-head on the command line" in refused.output
    assert command(*words, "--new-head").code == 0
    (record,) = [read_record(found.parent) for found in Path("runs").rglob("run.json")]
    assert record["config"]["model"]["head"] == "new"
    assert record["task_card"]["labels"] == ["bad", "good"]


def test_a_regression_on_a_classifier_gets_a_new_head_and_says_so(tmp_path):
    folder = classifier(tmp_path, ["neutral", "good", "bad"])
    model = ModelConfig(family="bert", checkpoint=str(folder))
    loaded = FAMILIES.load("bert").load(model, head(1), labels=(), dropout=None, texts=list)
    assert loaded.model.classifier.out_features == 1
    assert loaded.notes == ("new layers: classifier.bias, classifier.weight",)


def test_an_encoder_without_a_classifier_has_no_labels_of_its_own():
    named = {"id2label": {"0": "good", "1": "bad"}}
    texts, tokens = "ForSequenceClassification", "ForTokenClassification"
    assert classifier_labels({**named, "architectures": ["BertModel"]}, texts) is None
    assert classifier_labels({**named, "architectures": ["BertForSequenceClassification"]}, texts) == ("good", "bad")
    assert classifier_labels({**named, "architectures": ["BertForSequenceClassification"]}, tokens) is None
    assert classifier_labels({**named, "architectures": ["BertForTokenClassification"]}, tokens) == ("good", "bad")
    assert matched_labels("m", {**named, "architectures": None}, ("x", "y"), head=texts) is None


def test_ten_labels_and_more_are_ordered_by_number_not_by_text():
    names = {str(index): f"class {index}" for index in range(12)}
    config = {"id2label": names, "architectures": ["BertForSequenceClassification"]}
    found = classifier_labels(config, "ForSequenceClassification")
    assert found == tuple(names.values())
