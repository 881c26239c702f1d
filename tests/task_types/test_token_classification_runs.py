"""Whole runs on words: they learn, are judged, used on new text, and read by plain transformers."""

import json
from pathlib import Path

import pytest
from command_line import read_predictions
from small_models import ARCHITECTURES, DISTINCT, Silent, own_data, own_run, tagged_examples, write_checkpoint

from harness.registry import FAMILIES
from harness.runs.execution import Options, execute
from harness.runs.predict import predict_rows

FILES = ("--train", "train.jsonl", "--validation", "validation.jsonl", "--test", "test.jsonl")
SETTINGS = ("--set", "maximum_steps=3", "--set", "evaluations_per_epoch=1", "--set", "learning_rate=1e-3")


LEARNING = {"learning_rate": 3e-3, "epochs": 20}
OTHERS = set(DISTINCT) - {"scratch", "xlnet"}


def trained(tmp_path, family, checkpoint, *, count=60, **settings):
    own = own_data(tmp_path / "data", tagged_examples(count), task_type="token_classification", sizes=(None, 10, 20))
    run = own_run(tmp_path / "runs", own, checkpoint, family=family, **settings)
    return run.folder, execute(run, Options(), Silent())


@pytest.mark.slow
def test_a_model_learns_to_find_names(checkpoints, tmp_path):
    checkpoint = checkpoints["scratch"]
    folder, record = trained(tmp_path, "scratch", checkpoint, count=160, maximum_steps=240, **LEARNING)
    assert record.status == "complete"
    assert record.scores["test"]["entity_f1"] > 0.85
    assert record.task_card.labels == ("B-PER", "I-PER", "O")
    row = read_predictions(folder)[0]
    assert len(row["words"]) == len(row["prediction"]) == len(row["reference"]) == len(row["scores"])
    assert row["entities"][0].keys() == {"type", "text", "start", "end", "score"}
    assert "pipeline_tag: token-classification" in (folder / "checkpoint" / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "family",
    # One that reads all at once and one with a memory in `make check`; the others take as long and differ less.
    ["scratch", "xlnet", *(pytest.param(family, marks=pytest.mark.slow) for family in sorted(OTHERS))],
)
def test_a_pipeline_finds_the_harness_s_own_entities(family, checkpoints, tmp_path):
    import transformers

    folder, _ = trained(tmp_path, family, checkpoints[family], maximum_steps=80, **LEARNING)
    texts = [" ".join(example.words) for example in tagged_examples(12, seed=5)]
    ours = predict_rows(folder, [{"text": text} for text in texts])
    find = transformers.pipeline("token-classification", str(folder / "checkpoint"), aggregation_strategy="first")
    expected = [
        [(found["entity_group"], found["start"], found["end"], float(found["score"])) for found in find(text)]
        for text in texts
    ]
    assert sum(map(len, expected)) > 3
    for row, theirs in zip(ours, expected, strict=True):
        found = [tuple(entity[name] for name in ("type", "start", "end", "score")) for entity in row["entities"]]
        assert [one[:3] for one in found] == [one[:3] for one in theirs]
        assert [one[3] for one in found] == pytest.approx([one[3] for one in theirs], abs=1e-3)


@pytest.fixture
def files(command):
    """The command line, in a folder with three files of tagged sentences."""
    own_data(Path(), tagged_examples(60), sizes=(None, 10, 10))
    return command


def run_folder():
    (record,) = Path("runs").rglob("run.json")
    return record.parent


@pytest.mark.slow_but_first
@pytest.mark.parametrize("model", ["bert", "most_frequent_tag", "majority"])
def test_predictions_are_those_that_were_judged(files, checkpoints, model):
    result = files("run", "--model", checkpoints.get(model, model), *FILES, "--tokens", "tokens", *SETTINGS)
    assert result.code == 0, result.output + result.errors
    judged = read_predictions(run_folder())
    found = [json.loads(line) for line in files("predict", run_folder(), "--input", "test.jsonl").output.splitlines()]
    assert len(found) == len(judged) == 10
    for old, new in zip(judged, found, strict=True):
        assert new["prediction"] == old["prediction"]
        assert new["tokens"] == old["words"]
        assert new["tags"] == old["reference"]
        assert [entity["text"] for entity in new["entities"]] == [entity["text"] for entity in old["entities"]]


@pytest.mark.slow
def test_a_text_is_split_and_its_entities_have_characters(files):
    files("run", "--model", "most_frequent_tag", *FILES, "--tokens", "tokens")
    found = json.loads(files("predict", run_folder(), "--text", "the film, by anna!").output)
    assert found["tokens"] == ["the", "film", ",", "by", "anna", "!"]
    assert found["prediction"] == ["O", "O", "O", "O", "B-PER", "O"]
    (entity,) = found["entities"]
    assert (entity["type"], entity["text"], entity["start"], entity["end"]) == ("PER", "anna", 13, 17)


@pytest.mark.slow
def test_a_file_may_have_texts_or_words(files):
    files("run", "--model", "most_frequent_tag", *FILES, "--tokens", "tokens")
    Path("texts.csv").write_text('text\n"by anna!"\n')
    Path("words.conll").write_text("by\nanna\n\n")
    Path("neither.csv").write_text("review\nby anna\n")
    text = json.loads(files("predict", run_folder(), "--input", "texts.csv").output)
    words = json.loads(files("predict", run_folder(), "--input", "words.conll").output)
    assert [text["entities"][0][end] for end in ("start", "end")] == [3, 7]
    assert [words["entities"][0][end] for end in ("start", "end")] == [1, 2]
    assert "no column 'tokens'" in files("predict", run_folder(), "--input", "neither.csv").lines[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--question", "q"], "its task reads --text (got --question). Give them, or --input."),
        (["--text", "a", "--text", "b"], "its task reads --text (got --text --text)."),
    ],
)
def test_what_does_not_fit_is_told(files, flags, said):
    files("run", "--model", "majority", *FILES, "--tokens", "tokens")
    result = files("predict", run_folder(), *flags)
    assert (result.code, said in result.lines[0]) == (2, True)


@pytest.mark.slow
def test_parts_of_speech_are_scored_word_by_word(command):
    rows = [f"anna{number} sees x{number},NOUN VERB NOUN" for number in range(40)]
    Path("tags.csv").write_text("tokens,tags\n" + "\n".join(rows) + "\n")
    result = command("run", "--model", "most_frequent_tag", "--train", "tags.csv", "--tags", "tags")
    assert result.code == 0, result.errors
    record = json.loads((run_folder() / "run.json").read_text())
    assert record["task_card"]["main_metric"] == "tag_accuracy"
    assert record["scores"]["test"] == {"tag_accuracy": 1.0}
    found = json.loads(command("predict", run_folder(), "--text", "anna sees").output)
    assert (found["prediction"], "entities" in found) == (["NOUN", "VERB"], False)


SUITE = """tasks = ["rows"]
models = ["majority"]
seeds = [0]
baseline = "majority"
[metrics]
rows = ["{metric}"]
[data.rows]
train = "rows.csv"
{columns}
"""


@pytest.mark.parametrize(
    ("metric", "columns", "said"),
    [
        ("entity_f1", 'tokens = "text"\ntags = "label"', "tag 'a': spells no entity"),
        ("f1", "", "f1: needs two labels, the second one positive (got ['a', 'b', 'c'])"),
    ],
)
def test_labels_that_a_metric_can_t_score_are_refused_before_anything_is_trained(
    metric, columns, said, command, monkeypatch
):
    monkeypatch.setattr("harness.runs.execution.fit_baseline", lambda *_, **__: pytest.fail("it was trained"))
    Path("rows.csv").write_text("text,label\n" + "".join(f"w{n},{'abc'[n % 3]}\n" for n in range(60)))
    Path("suite.toml").write_text(SUITE.format(metric=metric, columns=columns))
    result = command("run", "suite.toml", "--workers", "1")
    assert (result.code, said in " ".join(result.output.split())) == (2, True), result.output


@pytest.mark.slow
def test_a_checkpoint_with_a_tagger_of_its_own_keeps_it_label_by_label(checkpoints, tmp_path):
    import torch
    from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

    folder = write_checkpoint("bert", tmp_path / "tagger")
    names = {0: "O", 1: "B-PER", 2: "I-PER"}  # the data's are B-PER, I-PER, O, in this order
    config = AutoConfig.from_pretrained(folder, id2label=names, label2id={name: n for n, name in names.items()})
    torch.manual_seed(3)
    model = AutoModelForTokenClassification.from_pretrained(folder, config=config).eval()
    model.save_pretrained(folder)
    run_at, record = trained(tmp_path, "bert", folder, maximum_steps=1, learning_rate=1e-12)
    assert record.task_card.labels == ("O", "B-PER", "I-PER")
    assert "the checkpoint's own head is kept" in record.notes
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for row in read_predictions(run_at)[:5]:
        inputs = tokenizer(" ".join(row["words"]), return_tensors="pt")
        with torch.no_grad():
            tags = model(**inputs).logits[0, 1:-1].argmax(1).tolist()
        assert row["prediction"] == [names[tag] for tag in tags]  # each of these words is one piece


def test_every_family_with_a_head_is_tested_here_or_differs_in_packing_alone():
    trained_families = {name for name in FAMILIES.names() if not hasattr(FAMILIES.load(name), "fit")}
    assert trained_families - {"auto"} == set(ARCHITECTURES)
