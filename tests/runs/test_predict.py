"""Using a trained run on new text: the same predictions as when it was judged, or a clear word."""

import csv
import gzip
import json
import shutil
from pathlib import Path

import pytest
from command_line import questions, read_predictions, reviews, write_csv, write_jsonl
from safetensors.torch import load_file, save_file
from small_models import write_checkpoint

from harness.errors import notice

SETTINGS = ("--set", "maximum_steps=3", "--set", "evaluations_per_epoch=1", "--set", "learning_rate=1e-3")


def many_labels(row, number):
    return {
        "text": row["text"],
        "label": "|".join(name for name, step in (("two", 2), ("three", 3)) if number % step == 0),
    }


def number(row, place):
    return {"text": row["text"], "label": place / 10}


def long(row, place):
    return {"text": f"{row['text']} " * 4 + str(place), "label": row["label"]}


def pair(row, place):
    return {"first": row["text"], "second": f"on day {place}", "label": row["label"]}


def rows_of(task_type, count):
    """Rows of a kind of task, no two alike."""
    shapes = {"long": long, "multi_label": many_labels, "regression": number, "pairs": pair}
    if task_type == "question_answering":
        return questions(count)
    return [shapes.get(task_type, lambda row, _: row)(row, place) for place, row in enumerate(reviews(count))]


FLAGS = {
    "classification": (),
    "long": (),
    "multi_label": ("--kind", "multi_label"),
    "regression": ("--kind", "regression"),
    "pairs": ("--text", "first", "--text", "second"),
    "question_answering": ("--question", "question"),
}


def trained(command, model, task_type, *settings):
    """The folder of a run of this kind, and the rows of its test split."""
    rows = rows_of(task_type, 60)
    for name, split in (("train", rows[:40]), ("valid", rows[40:50]), ("test", rows[50:])):
        write_jsonl(Path(f"{name}.jsonl"), split)
    files = ("--train", "train.jsonl", "--validation", "valid.jsonl", "--test", "test.jsonl")
    result = command("run", "--model", model, *files, *FLAGS[task_type], *SETTINGS, *settings)
    assert result.code == 0, result.output + result.errors
    (record,) = Path("runs").rglob("run.json")
    return record.parent, rows[50:]


@pytest.fixture
def run(command):
    """The folder of a simple baseline's run on reviews."""
    return trained(command, "majority", "classification")[0]


@pytest.fixture
def bert_run(command, checkpoints):
    """The folder of a checkpoint's run on reviews."""
    return trained(command, checkpoints["bert"], "classification")[0]


@pytest.mark.slow_but_first
@pytest.mark.parametrize("model", ["bert", "tfidf", "majority"])
@pytest.mark.parametrize("task_type", FLAGS)
def test_predictions_are_those_that_were_judged(command, checkpoints, model, task_type):
    folder, rows = trained(command, checkpoints.get(model, model), task_type)
    judged = read_predictions(folder)
    result = command("predict", folder, "--input", "test.jsonl")
    assert result.code == 0, result.errors
    found = [json.loads(line) for line in result.output.splitlines()]
    assert len(found) == len(judged) == len(rows) > 0
    for old, new, row in zip(judged, found, rows, strict=True):
        assert {key: new[key] for key in row} == row
        assert new["prediction"] == (
            pytest.approx(old["prediction"], abs=1e-5) if task_type == "regression" else old["prediction"]
        )
        if task_type in {"classification", "pairs"}:
            assert new["probabilities"][old["prediction"]] == max(new["probabilities"].values())
            assert sum(new["probabilities"].values()) == pytest.approx(1, abs=1e-3)
        if task_type == "question_answering":
            assert (new["start"], new["end"]) == (old["start"], old["end"])


@pytest.mark.slow
@pytest.mark.parametrize("family", ["roberta", "xlnet", "scratch"])
@pytest.mark.parametrize("strategy", ["windows", "head_tail"])
def test_long_texts_are_read_as_in_training_whatever_the_family(command, checkpoints, family, strategy):
    settings = [f"strategy={strategy}", "max_length=12", "stride=2"]
    flags = [part for setting in settings for part in ("--set", setting)]
    folder, _ = trained(command, checkpoints[family], "long", *flags)
    judged = read_predictions(folder)
    lengths = {row["length"] for row in judged}
    assert max(lengths) > 12, "no text is longer than the window, so this test would prove nothing"
    result = command("predict", folder, "--input", "test.jsonl")
    found = [json.loads(line)["probabilities"] for line in result.output.splitlines()]
    for old, probabilities in zip(judged, found, strict=True):
        margin = old["logits"][1] - old["logits"][0]
        assert probabilities["bad"] == pytest.approx(1 / (1 + 2.718281828**margin), abs=1e-4)


@pytest.mark.slow
def test_a_text_by_flag_and_the_same_text_by_file_agree(command, bert_run):
    write_csv(Path("new.csv"), [{"text": "a superb film"}])
    by_flag = command("predict", bert_run, "--text", "a superb film")
    by_file = command("predict", bert_run, "--input", "new.csv")
    assert by_flag.output == by_file.output != ""


@pytest.mark.slow
def test_a_question_by_flags(command, checkpoints):
    folder, _ = trained(command, checkpoints["bert"], "question_answering")
    context = "on day 3 the film x3 ran in town"
    result = command("predict", folder, "--question", "which film ran on day 3 ?", "--context", context)
    found = json.loads(result.output)
    assert found["prediction"] == context[found["start"] : found["end"]] != ""


@pytest.mark.slow
@pytest.mark.parametrize("model", ["bert", "tfidf", "majority"])
def test_an_empty_context_has_no_answer_and_the_line_is_still_json(command, checkpoints, model):
    folder, _ = trained(command, checkpoints.get(model, model), "question_answering")
    result = command("predict", folder, "--question", "who ?", "--context", "")
    found = json.loads(result.output, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["prediction"] == ""


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", " ", "\n", "☃" * 50, "word " * 25_000])
def test_any_text_gets_a_prediction(command, bert_run, text):
    result = command("predict", bert_run, "--text", text)
    assert json.loads(result.output)["prediction"] in {"bad", "good"}


@pytest.mark.slow
def test_predictions_go_into_a_file_by_its_ending(command, bert_run):
    rows = reviews(3)
    write_csv(Path("new.csv"), rows)
    said = command("predict", bert_run, "--input", "new.csv", "--output", "out/found.jsonl")
    assert said.code == 0
    assert "Predictions of 3 rows: out/found.jsonl" in said.output
    assert command("predict", bert_run, "--input", "new.csv", "--output", "out/found.csv").code == 0
    lines = [json.loads(line) for line in Path("out/found.jsonl").read_text().splitlines()]
    with Path("out/found.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["text"] for row in table] == [row["text"] for row in lines] == [row["text"] for row in rows]
    assert [json.loads(row["probabilities"]) for row in table] == [row["probabilities"] for row in lines]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--question", "q", "--context", "c"], "its task reads --text (got --question --context)"),
        (["--text", "a", "--text", "b"], "its task reads --text (got --text --text). Give them, or --input."),
        ([], "its task reads --text (got nothing). Give them, or --input."),
        (["--text", "a", "--input", "new.csv"], "--input can't be used with --text."),
        (["--input", "new.csv"], "new.csv, line 2: no column 'text' (its columns: review)."),
        (["--input", "nowhere.csv"], "nowhere.csv: no such file."),
        (["--input", "null.jsonl"], "null.jsonl, line 2: text: not text (got None)."),
        (["--input", "cut.csv.gz"], "cut.csv.gz: damaged, or not what its ending says (EOFError("),
        (["--input", "deep.json"], "deep.json, row 1: broken JSON (nested more than 100 deep)."),
        (["--input", "half.json"], "half.json, row 2: broken JSON (half of a character, \\ud800, in '\\ud800')."),
        (["--text", "a", "--output", "x.parquet"], "x.parquet: can't write .parquet. Use .jsonl or .csv."),
    ],
)
def test_what_does_not_fit_the_task_is_told(command, run, flags, said):
    write_csv(Path("new.csv"), [{"review": "a"}, {"review": "b"}])
    write_jsonl(Path("null.jsonl"), [{"text": "a"}, {"text": None}])
    Path("cut.csv.gz").write_bytes(gzip.compress(b"text\na\n" * 9)[:-9])
    Path("deep.json").write_text("[" * 10_000)
    Path("half.json").write_text('[{"text": "a"}, {"text": "\\ud800"}]')
    result = command("predict", run, *flags)
    assert (result.code, result.output) == (2, "")
    (line,) = result.lines
    assert said in line


@pytest.mark.slow
def test_a_column_that_the_prediction_would_overwrite_is_refused(command, run):
    write_csv(Path("new.csv"), [{"text": "a", "prediction": "mine", "probabilities": "none", "score": 3}])
    result = command("predict", run, "--input", "new.csv")
    said = "column prediction, probabilities: the prediction goes by this name. Rename the column."
    assert (result.code, result.output, result.lines) == (2, "", [said])


@pytest.mark.slow
def test_columns_that_other_task_types_predict_are_kept(command, run):
    write_csv(Path("new.csv"), [{"text": "a", "score": "0.5", "start": "x", "entities": "none"}])
    found = json.loads(command("predict", run, "--input", "new.csv").output)
    assert (found["score"], found["start"], found["entities"]) == ("0.5", "x", "none")


@pytest.mark.slow
def test_a_column_of_entities_is_refused_only_where_tags_spell_entities(command):
    for tags, code in (("NOUN", 0), ("B-PER", 2)):
        rows = [{"tokens": f"w{n} v{n}", "tags": f"{tags if n % 2 else 'O'} O"} for n in range(40)]
        write_csv(Path("train.csv"), rows)
        assert (
            command("run", "--model", "majority", "--train", "train.csv", "--task-type", "token_classification").code
            == 0
        )
        write_csv(Path("new.csv"), [{"tokens": "w1 v1", "entities": "mine"}])
        (record,) = (found for found in Path("runs").rglob("run.json") if tags in found.read_text())
        assert command("predict", record.parent, "--input", "new.csv").code == code


@pytest.mark.slow
def test_a_new_file_may_have_another_separator_and_encoding(command, run):
    Path("new.csv").write_bytes("text~n\nÉtonnant, très bien~1\n".encode("mac_roman"))
    result = command("predict", run, "--input", "new.csv", "--separator", "~", "--encoding", "mac_roman")
    assert json.loads(result.output)["text"] == "Étonnant, très bien"
    result = command("predict", run, "--input", "new.csv", "--separator", "~~")
    assert (result.code, result.lines[0][:40]) == (2, "separator: must be one character, or com")


@pytest.mark.slow
def test_a_run_of_another_version_is_told(command, run):
    record = json.loads((run / "run.json").read_text())
    record["config"]["training"]["colour"] = "red"
    del record["sha256"]
    (run / "run.json").write_text(json.dumps(record))
    result = command("predict", run, "--text", "a")
    assert (result.code, len(result.lines)) == (2, 2)
    assert "training.colour: no such setting (got 'red')." in result.lines[0]
    assert "made by another version" in result.lines[1]


@pytest.mark.slow
def test_a_checkpoint_that_is_not_the_recorded_one_is_not_used(command, run):
    (weights,) = (run / "checkpoint").glob("*.json")
    whole = weights.read_bytes()
    (run / "checkpoint" / "README.md").write_text("a card that was written on")
    assert command("predict", run, "--text", "a").code == 0
    weights.write_bytes(whole + b" ")
    result = command("predict", run, "--text", "a")
    assert (result.code, result.output, len(result.lines)) == (2, "", 1)
    assert f"{weights}: damaged, or of another run: its SHA-256 is " in result.lines[0]
    weights.unlink()
    assert f"{weights}: no such file in the run's folder" in command("predict", run, "--text", "a").lines[0]


@pytest.mark.slow
def test_a_record_that_was_damaged_is_not_believed(command, run):
    file = run / "run.json"
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 1', 1))
    result = command("predict", run, "--text", "a")
    assert (result.code, len(result.lines)) == (2, 1)
    assert f"{file}: damaged, or changed by hand" in result.lines[0]


@pytest.mark.slow
def test_questions_need_their_flags(command):
    folder, _ = trained(command, "majority", "question_answering")
    result = command("predict", folder, "--text", "a")
    assert "its task reads --question and --context (got --text). Give them, or --input." in result.lines[0]


@pytest.mark.slow
def test_a_folder_that_is_no_run_names_the_nearest_one(command, run):
    result = command("predict", run.parent / "seed-1", "--text", "a")
    assert result.lines == [f"{run.parent}/seed-1: no such folder. Did you mean {run}?"]


@pytest.mark.slow
def test_a_run_without_a_checkpoint_says_so(command, run):
    shutil.rmtree(run / "checkpoint")
    result = command("predict", run, "--text", "a")
    assert (result.code, "has no checkpoint (complete). Run it again." in result.errors) == (2, True)


@pytest.mark.slow
def test_a_trained_classifier_predicts_right_before_it_is_trained(command, tmp_path):
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    write_checkpoint("bert", tmp_path / "classifier")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "classifier")
    names = {0: "GOOD", 1: "Bad"}  # The data's are bad and good, in this order.
    config = AutoConfig.from_pretrained(tmp_path / "classifier", id2label=names, label2id={"GOOD": 0, "Bad": 1})
    torch.manual_seed(3)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "classifier", config=config).eval()
    texts = [row["text"] for row in reviews(60)]
    with torch.no_grad():
        logits = model(**tokenizer(texts, padding=True, truncation=True, return_tensors="pt")).logits
        model.classifier.bias[0] += (logits[:, 1] - logits[:, 0]).quantile(0.5)  # between two texts, not on one
        logits = model(**tokenizer(texts, padding=True, truncation=True, return_tensors="pt")).logits
    model.save_pretrained(tmp_path / "classifier")
    wanted = [names[int(index)].lower() for index in logits.argmax(1)]
    assert {"bad", "good"} == set(wanted[50:])
    folder, _ = trained(command, "classifier/", "classification", "--set", "learning_rate=1e-12")
    judged = read_predictions(folder)
    assert [row["prediction"] for row in judged] == wanted[50:]
    assert json.loads((folder / "run.json").read_text())["task_card"]["labels"] == ["good", "bad"]


def question_run(command, checkpoint, *settings):
    """The folder of a run on questions some of which have no answer, and three questions to predict."""
    rows = questions(60)
    for row in rows[::4]:
        row["answers"] = []
    for name, split in (("train", rows[:40]), ("valid", rows[40:50]), ("test", rows[50:])):
        write_jsonl(Path(f"{name}.jsonl"), split)
    files = ("--train", "train.jsonl", "--validation", "valid.jsonl", "--test", "test.jsonl")
    result = command("run", "--model", checkpoint, *files, "--question", "question", *SETTINGS, *settings)
    assert result.code == 0, result.errors
    (record,) = Path("runs").rglob("run.json")
    asked = [{"id": f"q{n}", **{key: row[key] for key in ("question", "context")}} for n, row in enumerate(rows[50:53])]
    write_jsonl(Path("new.jsonl"), asked)
    return record.parent, asked


@pytest.mark.slow
@pytest.mark.parametrize("model", ["bert", "tfidf", "majority"])
def test_the_best_answers_come_with_probabilities_and_in_squad_s_files(command, checkpoints, model):
    run, asked = question_run(command, checkpoints.get(model, model))
    words = ("predict", run, "--input", "new.jsonl")
    plain = [json.loads(line) for line in command(*words).output.splitlines()]
    result = command(*words, "--n-best", 3, "--squad", "squad")
    assert result.code == 0, result.errors
    rows = [json.loads(line) for line in result.output.splitlines()]
    assert [{key: value for key, value in row.items() if key != "n_best"} for row in rows] == plain
    written = {
        name: json.loads(Path("squad", f"{name}.json").read_text())
        for name in ("predictions", "nbest_predictions", "null_odds")
    }
    assert written["predictions"] == {row["id"]: row["prediction"] for row in plain}
    for row, question in zip(rows, asked, strict=True):
        everything, identity = written["nbest_predictions"][question["id"]], question["id"]
        assert sum(one["probability"] for one in everything) == pytest.approx(1)
        assert [one["probability"] for one in everything] == sorted(
            (one["probability"] for one in everything), reverse=True
        )
        assert "" in {one["text"] for one in everything}
        assert [one["text"] for one in row["n_best"]] == [one["text"] for one in everything[:3]]
        spans = [one for one in everything if one["text"]]
        for one in row["n_best"]:
            assert one["text"] == question["context"][max(one["start"], 0) : max(one["end"], 0)]
        if spans:
            best, none = spans[0], next(one for one in everything if not one["text"])
            lead = sum(none[key] - best[key] for key in ("start_logit", "end_logit"))
            assert written["null_odds"][identity] == pytest.approx(lead, abs=1e-4)
            assert row["score"] == pytest.approx(best["start_logit"] + best["end_logit"], abs=1e-4)
    assert model != "bert" or all(len(written["nbest_predictions"][one["id"]]) == 21 for one in asked)


@pytest.mark.slow
def test_what_can_not_be_asked_for_is_refused_in_a_line(command, run, checkpoints):
    text = ("predict", run, "--text", "a joy")
    result = command(*text, "--n-best", 3)
    assert (result.code, result.output) == (2, "")
    assert "(classification): n_best: no such setting" in result.errors
    shutil.rmtree("runs")
    answering, _ = question_run(command, "majority")
    asked = ("predict", answering, "--question", "who", "--context", "anna")
    for words, said in [
        (("--n-best", 0), "n_best: must be greater than or equal to 1"),
        (("--n-best", "many"), "n_best:"),
        (("--n-best", 1, "--n-best", 2), "--n-best: given 2 times. Give it once."),
        (("--squad", "train.jsonl"), "train.jsonl: is a file. Name a folder for SQuAD's files."),
    ]:
        result = command(*asked, *words)
        assert (result.code, result.output) == (2, ""), words
        assert said in result.errors
    write_jsonl(Path("twice.jsonl"), [{"id": 1, "question": "who", "context": "anna"}] * 2)
    result = command("predict", answering, "--input", "twice.jsonl", "--squad", "squad")
    assert (result.code, "1 ids are in several rows (such as '1')" in result.errors) == (2, True)


@pytest.mark.slow
def test_a_text_without_tokens_is_predicted(command, bert_run):
    for text in ("", "  ", "\u0301"):
        result = command("predict", bert_run, "--text", text)
        assert result.code == 0, result.errors
        assert json.loads(result.output)["prediction"] in {"good", "bad"}


@pytest.mark.slow
def test_the_share_of_tokens_that_is_read_is_said_where_it_is_not_all(command, checkpoints):
    run, asked = question_run(command, checkpoints["bert"], "--set", "max_length=20", "--set", "max_windows=1")
    notice.cache_clear()
    write_jsonl(Path("long.jsonl"), [{**asked[0], "context": asked[0]["context"] * 20}])
    result = command("predict", run, "--input", "long.jsonl")
    assert result.code == 0
    assert "of the tokens are read; see strategy, max_length and max_windows of the run." in result.errors


@pytest.mark.slow
def test_a_checkpoint_that_lost_a_tensor_of_its_head_is_refused(command, bert_run):
    file = bert_run / "checkpoint" / "model.safetensors"
    tensors = load_file(file)
    save_file({name: tensor for name, tensor in tensors.items() if name != "classifier.bias"}, file, {"format": "pt"})
    result = command("predict", bert_run, "--text", "a joy")
    assert (result.code, result.output) == (2, "")
    assert "damaged, or of another run" in result.errors


def test_a_page_of_explanations_needs_a_text(command):
    result = command("explain", "run", "--curve", "2", "--html", "why.html")
    assert (result.code, result.lines) == (
        2, ["harness explain: --html needs a text to show. Give one, or leave it out."]
    )  # fmt: skip
    assert not Path("why.html").exists()


@pytest.mark.slow
def test_an_explanation_of_a_text_adds_up_and_names_its_label(command, tmp_path):
    run, _ = trained(command, str(write_checkpoint("bert", tmp_path / "checkpoint")), "classification")
    page = tmp_path / "why.html"
    words = ("explain", str(run), "--text", "a lovely day", "--label", "good")
    found = json.loads(command(*words, "--html", page, "--json").output)
    (one,) = found["explanations"]
    assert page.read_text().count("<span title=") == len(one["tokens"])
    assert (one["label"], "".join(one["tokens"]).split()) == ("good", ["a", "lovely", "day"])
    assert sum(one["values"]) == pytest.approx(one["score"] - one["empty_score"], abs=1e-2)
    refused = command("explain", str(run), "--text", "a lovely day", "--label", "god")
    assert (refused.code, refused.lines) == (2, ["--label god: no label of this run. Did you mean good?"])
    measured = json.loads(command("explain", str(run), "--curve", "2", "--steps", "5", "--json").output)["worth"]
    assert measured["examples"] == 2
    assert measured["deletion"][1] <= measured["deletion"][0] <= measured["deletion"][2]
