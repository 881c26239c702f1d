"""`harness explain` of answers and of words' tags, and attention on its page."""

import json
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from finished_runs import finished_run
from small_models import (
    question_examples,
    tagged_examples,
    write_checkpoint,
    write_language_checkpoint,
)

from harness.errors import UserError
from harness.reporting.attention_maps import attention_maps, png
from harness.runs.explain import AttentionMaps, run_explainer
from harness.task_types.explained import Asked
from harness.task_types.language_modelling.explained import explained_token
from harness.task_types.token_classification.explained import word_place
from harness.tokenization.items import Features, Item
from harness.tokenization.reading import Window


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("bert", tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def questions(checkpoint, tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("questions"), "question_answering", checkpoint, max_length=24)


@pytest.fixture(scope="module")
def tags(checkpoint, tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("tags"), "token_classification", checkpoint)


def adds_up(found):
    return abs(found["error"]) < 0.02 * sum(map(abs, found["values"]))


@pytest.mark.slow
def test_an_answer_is_explained_in_the_window_where_it_is_the_best(command, questions):
    (example,) = question_examples(1, seed=5, words=30)
    words = ("--question", example.question, "--context", example.context)
    answer = json.loads(command("predict", questions, *words).output)
    (found,) = json.loads(command("explain", questions, *words, "--json").output)["explanations"]
    assert found["label"] == f"answer “{answer['prediction']}”"
    assert adds_up(found)
    told = "".join(found["tokens"])
    assert "who was seen" in told  # the question
    assert len(found["tokens"]) < len(example.context.split())  # and one of several windows
    assert "answers to questions are not labels" in command("explain", questions, *words, "--label", "x").errors
    measured = json.loads(command("explain", questions, "--curve", "2", "--steps", "3", "--json").output)["worth"]
    assert np.isfinite(measured["deletion"]).all()


def test_the_tag_of_one_word_is_explained(command, tags):
    (example,) = tagged_examples(1, seed=5)
    words = ("--text", " ".join(example.words))
    predicted = json.loads(command("predict", tags, *words).output)["prediction"]
    for asked in ("2", example.words[1]):
        (found,) = json.loads(command("explain", tags, *words, "--word", asked, "--json").output)["explanations"]
        assert found["label"].startswith(f"{predicted[1]} of word ")
        assert found["label"].endswith(f"“{example.words[1]}”")
        assert adds_up(found)
    (other,) = json.loads(command("explain", tags, *words, "--label", "B-PER", "--json").output)["explanations"]
    assert other["label"].startswith("B-PER of word ")
    refused = command("explain", tags, *words, "--word", "nobody")
    assert (refused.code, "--word nobody: no word of this sentence" in refused.errors) == (2, True)


@pytest.mark.slow
def test_a_curve_needs_the_test_examples_that_were_recorded(command, tags):
    data = Path(json.loads((tags / "run.json").read_text())["config"]["local"]["test"])
    before = data.read_bytes()
    try:
        data.write_bytes(before + before.splitlines(keepends=True)[0])
        found = command("explain", tags, "--curve", "2")
    finally:
        data.write_bytes(before)
    assert (found.code, "its task's data has changed since it was recorded" in found.errors) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("transformer_xl", {}),
        ("transformer_xl", {"strategy": "segment_recurrence", "segment": 8, "memory": 8}),
        ("bert", {}),
    ],
    ids=["windows", "segments", "masked"],
)
def test_a_language_model_tells_which_tokens_made_one_likely(family, settings, command, tmp_path):
    base = write_language_checkpoint(family, tmp_path / "base")
    run = finished_run(tmp_path, "language_modelling", base, family=family, maximum_steps=0, **settings)
    words = ("explain", run, "--text", "the film was seen by anna on a rainy day", "--json")
    (found,) = json.loads(command(*words, "--token", "5", "--steps", "100").output)["explanations"]
    assert found["label"] == "log-probability of token 5"
    assert found["score"] < 0
    assert abs(found["error"]) < 0.05 * sum(map(abs, found["values"]))
    weightiest = np.flatnonzero(np.abs(found["values"]) > 1e-7)
    assert len(weightiest) >= 3
    if family == "bert":
        assert weightiest[-1] > 5  # It reads from both sides.
    else:
        assert set(weightiest) <= set(range(4))  # Tokens before the fifth.
    (least,) = json.loads(command(*words, "--steps", "2").output)["explanations"]
    assert least["score"] <= found["score"]
    assert "--token 99: this text has no predicted token of that number" in command(*words, "--token", "99").errors
    assert "--label x: a language model has no labels" in command(*words, "--label", "x").errors


@pytest.mark.parametrize(("token", "passes"), [(None, [32, 32, 7]), ("41", [])])
def test_a_masked_model_reads_a_few_copies_of_a_text_at_a_time_and_none_for_a_token_that_is_named(token, passes):
    window = Window((1,) * 73, (), first=1, positions=tuple(range(71)))
    read = []

    def scores(item):
        (scored,) = (window.scored_tokens for window in item.windows)
        read.append(len(scored))
        nats = torch.zeros(1, 73)
        nats[0, list(scored)] = torch.tensor([float(place == 41) + 1 for place in scored])
        return nats

    features = Features([Item(0, (window,), None)], [71], 71)
    asked = Asked(scores, None, settings=SimpleNamespace(token=token))
    told = explained_token(features, asked, causal=False)
    assert told.name == "log-probability of token 41"
    assert list(told.item.windows[0].scored_tokens) == [41]
    assert read == passes


@pytest.mark.slow
def test_a_text_of_several_windows_is_refused_with_the_reason(command, tmp_path):
    base = write_language_checkpoint("transformer_xl", tmp_path / "base")
    settings = {"maximum_steps": 0, "max_length": 8, "stride": 2}
    run = finished_run(tmp_path, "language_modelling", base, family="transformer_xl", **settings)
    refused = command("explain", run, "--text", "the film was seen by anna on a rainy day")
    assert refused.code == 2
    assert "windows, and a token can be explained within one window only. Give a shorter" in refused.errors


def test_a_word_is_the_one_that_is_named_else_the_first_that_is_tagged():
    words, tags = ["so", "anna", "saw", "anna"], ["O", "B-PER", "O", "B-PER"]
    assert [word_place(asked, words, tags) for asked in (None, "saw", "4", "anna")] == [1, 2, 3, 1]
    assert word_place(None, ["a", "b", "c"], ["NOUN", "NOUN", "VERB"]) == 2
    with pytest.raises(UserError, match="--word 5: no word of this sentence of 4"):
        word_place("5", words, tags)


@pytest.mark.slow
def test_a_page_shows_the_attention_of_each_layer_and_a_curve_what_it_is_worth(command, tags, tmp_path):
    page = tmp_path / "why.html"
    text = ("--text", "the film was seen by anna")
    assert command("explain", tags, *text, "--attention", "--html", page).code == 0
    assert page.read_text().count("<image x=") == 2  # layers
    assert "Layer 2" in page.read_text()
    assert "--attention needs --html" in command("explain", tags, *text, "--attention").errors
    measured = command("explain", tags, "--curve", "2", "--steps", "2", "--attention").output
    assert "deletion by attention: area " in measured
    explainer = run_explainer(tags)
    explained = explainer.explained(tagged_examples(1)[0], label=None, steps=2, attention=True)
    weights = np.array(explained.attention.layers)
    assert weights.sum(-1) == pytest.approx(np.ones(weights.shape[:2]), abs=1e-5)
    assert explained.attention.tokens[0] == "[CLS]"


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


def test_tokens_beside_a_map_are_escaped_and_its_pixels_are_the_weights():
    from base64 import b64decode
    from io import BytesIO

    image = pytest.importorskip("PIL.Image")
    drawn = attention_maps(AttentionMaps(("<script>", "a&b"), [[[1.0, 0.0], [0.25, 0.5]]]))
    reader = Elements()
    reader.feed(drawn)
    assert "script" not in reader.names
    assert reader.texts.count("<script>") == reader.texts.count("a&b") == 2
    picture = b64decode(drawn.split("base64,")[1].split('"')[0])
    assert list(image.open(BytesIO(picture)).convert("L").tobytes()) == [0, 255, 191, 128]
    assert png([b"\0"]).startswith(b"\x89PNG")
