"""`harness choose`: from one file to a recommendation, in one command."""

import json
import tomllib
from pathlib import Path

import pytest
from command_line import questions, reviews, write_csv, write_jsonl

from harness.cli import within
from harness.cli.budgeted import OutOfTime
from harness.data.sources import Hub
from harness.suites.choosing import asked_of, suite_toml
from harness.suites.expansion import planned_runs
from harness.suites.shortened import Short
from harness.suites.suite import read_suite
from harness.training import loop

FEW_STEPS = ("--set", "maximum_steps=4", "--set", "batch_size=4", "--workers=1")


@pytest.fixture
def file(tmp_path):
    rows = [{"id": n, "review": row["text"], "mood": row["label"]} for n, row in enumerate(reviews(80))]
    return write_csv(tmp_path / "my reviews.csv", rows)


def test_a_file_becomes_a_recommendation_and_the_same_command_goes_on(command, file, tmp_path, checkpoints):
    words = ("choose", file, f"--models=majority,tfidf,{checkpoints['bert']}", "--seeds=2", *FEW_STEPS)
    first = command(*words)
    assert first.code == 0, first.errors
    assert "classification (2 classes): text review, label mood" in first.output
    assert "Use tfidf" in first.output
    records = sorted(tmp_path.rglob("run.json"))
    assert len(records) == 4  # one of each simple baseline, two of the model
    report = tmp_path / "runs/my-reviews/report.html"
    assert f"Report: {report}" in first.output
    asked = report.read_text().partition("<main>")[2].partition("</header>")[0]
    assert ("tfidf" in asked, asked.count("Which model for")) == (True, 1)
    assert "my reviews.csv, read as classification (2 classes): text review, label mood." in asked
    before = [record.stat().st_mtime_ns for record in records]
    again = command(*words)
    assert again.code == 0
    assert "Use tfidf" in again.output
    assert [record.stat().st_mtime_ns for record in records] == before


@pytest.mark.slow
def test_without_time_the_simple_baselines_are_all(command, file, tmp_path, checkpoints):
    result = command("choose", file, f"--models={checkpoints['bert']},tfidf", "--minutes=1e-6", *FEW_STEPS)
    assert result.code == 0, result.errors
    assert "Can't tell yet: no trained model has a score." in result.output
    assert f"Not tried, for lack of time: {checkpoints['bert']} (about " in result.output
    assert "Run the same command again to continue." in result.output
    assert len(list(tmp_path.rglob("run.json"))) == 1


@pytest.fixture
def stopped_when_saved(monkeypatch):
    """The time is over as soon as a run has saved its state; gives the steps at which runs began and were saved."""
    begun, saved = [], []
    load, save = loop.load_state, loop.save_state

    def loaded(*given):
        progress = load(*given)
        begun.append(progress.step)
        return progress

    def stopped(progress, *given):
        save(progress, *given)
        saved.append(progress.step)
        raise OutOfTime

    monkeypatch.setattr(loop, "load_state", loaded)
    monkeypatch.setattr(loop, "save_state", stopped)
    monkeypatch.setattr(within, "SAVED_AFTER", 0.01)
    return begun, saved


@pytest.mark.slow
def test_where_no_full_run_fits_short_ones_answer_and_the_same_command_continues_a_full_one(
    command, file, tmp_path, checkpoints, monkeypatch, stopped_when_saved
):
    begun, saved = stopped_when_saved
    monkeypatch.setattr(within, "LADDER", (Short(2, 8),))
    words = ("choose", file, f"--models=majority,{checkpoints['bert']}", "--seeds=2", "--set=batch_size=4")
    again = (*words, "--set=epochs=1000000", "--minutes=30", "--workers=1")
    result = command(*again)
    assert result.code == 0, result.errors
    assert "so short runs come first: at most 2 steps, scored on at most 8 test examples." in result.output
    assert "Use majority for now, after short runs: " in result.output
    assert "These are short runs (at most 2 steps, scored on at most 8 test examples); full runs may" in result.output
    stopped = f"Time ran out before these finished: full runs of {checkpoints['bert']} (2 seeds). Run the same command "
    assert stopped in result.output
    records = [json.loads(path.read_text()) for path in (tmp_path / "runs/my-reviews-2-steps").rglob("run.json")]
    assert len(records) == 3
    assert {record["counts"]["examples"]["test"] for record in records} == {8}
    assert stopped in command(*again).output
    assert begun == [0, 0, 0, saved[0]]  # Two short runs, a full one, and the same full one.
    assert 0 < saved[0] < saved[1]
    before = sorted(
        (path, path.stat().st_mtime_ns) for path in (tmp_path / "runs/my-reviews-2-steps").rglob("run.json")
    )
    ended = command(*words, "--set=maximum_steps=2", "--minutes=60", "--workers=1", "--redo")
    assert ended.code == 0, ended.errors
    assert "short runs" not in ended.output
    assert [pair for pair in before if pair[0].stat().st_mtime_ns == pair[1]] == before


@pytest.mark.slow
def test_redo_replaces_what_another_recipe_left(command, file, tmp_path, checkpoints):
    words = ("choose", file, f"--models=tfidf,{checkpoints['bert']}", "--seeds=1", *FEW_STEPS)
    assert command(*words).code == 0
    for more in ((), ("--minutes=60",)):
        rate = f"learning_rate={'2e-3' if more else '1e-3'}"
        refused = command(*words, "--set", rate, *more)
        assert refused.code == 2
        assert "use --redo to replace it" in refused.errors
        assert command(*words, "--set", rate, *more, "--redo").code == 0
        record = json.loads(next(tmp_path.rglob("*bert/seed-0/run.json")).read_text())
        assert record["config"]["training"]["learning_rate"] == float(rate.partition("=")[2])
    before = [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("run.json"))]
    assert command(*words, "--set", rate, "--redo").code == 0
    assert all(
        path.stat().st_mtime_ns > old for path, old in zip(sorted(tmp_path.rglob("run.json")), before, strict=True)
    )


def test_few_test_examples_are_told_with_the_remedy(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, count, more in (("few.csv", 100, ()), ("many.csv", 300, ())):
        write_csv(Path(name), reviews(count))
        result = command("choose", name, "--models=majority", "--write", f"{name[:-4]}.toml", *more)
        assert result.code == 0, result.errors
        assert (" test examples can show large differences only. " in result.output) == (name == "few.csv")
    suite = Path("few.toml")
    suite.write_text(f"{suite.read_text()}folds = 5\n")  # As the line says.
    assert "0 × 5 folds" in command("plan", "few.toml").output


@pytest.mark.slow
def test_the_suite_can_be_written_and_run(command, file, tmp_path):
    suite = tmp_path / "suite.toml"
    more = ("--metric=macro_f1", "--margin=2", "--write", suite)
    words = ("choose", file, "--models=majority,tfidf", "--seeds=1", *more)
    assert "Next: harness run" in command(*words).output
    content = tomllib.loads(suite.read_text())
    assert content["data"] == {
        "my-reviews": {"train": "my reviews.csv", "task_type": "classification", "text": ["review"], "label": ["mood"]}
    }
    assert content["margin"] == 2
    assert content["metrics"] == {"my-reviews": ["macro_f1", "accuracy"]}
    assert not list(tmp_path.rglob("run.json"))
    assert "already exists" in command(*words).errors
    assert command("run", suite).code == 0
    (record, _) = tmp_path.rglob("run.json")
    assert json.loads(record.read_text())["task_card"]["main_metric"] == "macro_f1"


def test_class_weights_are_tried_where_a_label_is_rare_and_the_metric_shows_it(command, tmp_path, checkpoints):
    rows = [row for n, row in enumerate(reviews(400)) if row["label"] == "good" or n % 40 == 0]
    file, suite = write_csv(tmp_path / "mails.csv", rows), tmp_path / "suite.toml"
    words = ("choose", file, f"--models=majority,tfidf,{checkpoints['bert']},scratch", "--write", suite)
    said = command(*words).output
    assert "The rarest label, bad, is 4.8% of the training examples. With --metric macro_f1 it counts" in said
    assert "variants" not in tomllib.loads(suite.read_text())
    suite.unlink()
    said = command(*words, "--metric=macro_f1").output
    name = f"{checkpoints['bert']}-balanced"
    assert f"tfidf-balanced and {name} are tried too, with labels weighted" in said
    content = tomllib.loads(suite.read_text())
    assert content["variants"] == {
        "tfidf-balanced": {"model": "tfidf", "class_weights": "balanced"},
        name: {"model": str(checkpoints["bert"]), "class_weights": "balanced"},
    }
    assert [recipe.class_weights for recipe in read_suite(suite).recipes.values()] == [*[None] * 4, *["balanced"] * 2]
    suite.unlink()
    assert "are tried too" not in command(*words, "--metric=macro_f1", "--set=class_weights=effective").output


@pytest.mark.slow
def test_a_weighed_variant_stands_in_the_recommendation(command, tmp_path):
    rows = [row for n, row in enumerate(reviews(400)) if row["label"] == "good" or n % 40 == 0]
    file = write_csv(tmp_path / "mails.csv", rows)
    result = command("choose", file, "--models=majority,tfidf", "--metric=macro_f1", "--workers=1")
    assert result.code == 0, result.errors
    records = [json.loads(path.read_text()) for path in tmp_path.rglob("run.json")]
    weights = {record["model"]: record["config"]["training"]["class_weights"] for record in records}
    assert weights == {"majority": None, "tfidf": None, "tfidf-balanced": "balanced"}


@pytest.mark.slow
def test_labels_that_may_be_the_same_are_told_before_any_run_and_not_again(command, tmp_path):
    rows = [{**row, "label": row["label"].upper() if n % 7 == 0 else row["label"]} for n, row in enumerate(reviews(80))]
    told = command("choose", write_csv(tmp_path / "moods.csv", rows), "--models=majority", "--seeds=1", "--workers=1")
    assert told.code == 0, told.errors
    before, found, after = told.output.partition("moods.csv: labels that differ only in spelling are two classes (")
    assert (found != "", "✓" in before, "✓" in after, "only in spelling" in after) == (True, False, True, False)


@pytest.mark.parametrize(("models", "is_told"), [("scratch", True), ("scratch,majority", False)])
def test_models_without_a_simple_baseline_are_told_which_to_add(command, file, tmp_path, models, is_told):
    told = command("choose", file, f"--models={models}", "--write", tmp_path / "asked.toml")
    assert told.code == 0, told.errors
    assert (
        "No simple baseline is compared. Add majority or tfidf to see what training gains." in told.output
    ) is is_told


def test_seeds_that_are_left_open_are_written_as_a_rule(command, file, tmp_path):
    command("choose", file, "--models=tfidf", "--write", tmp_path / "suite.toml")
    assert tomllib.loads((tmp_path / "suite.toml").read_text())["seeds"] == {"start": 3, "most": 10}


def test_questions_and_numbers_are_recognised(command, tmp_path):
    file = write_jsonl(tmp_path / "q.jsonl", questions(30))
    said = command("choose", file, "--models=tfidf", "--write", tmp_path / "q.toml").output
    assert "question answering (questions with contexts)" in said
    rows = [{"text": row["text"], "price": 1.5 * n} for n, row in enumerate(reviews(60))]
    said = command(
        "choose", write_csv(tmp_path / "p.csv", rows), "--models=tfidf", "--write", tmp_path / "p.toml"
    ).output
    assert "regression (60 different numbers)" in said


def test_the_usual_models_are_those_of_the_task_type_that_are_here(command, file, tmp_path):
    command("choose", file, "--write", tmp_path / "suite.toml")
    models = tomllib.loads((tmp_path / "suite.toml").read_text())["models"]
    assert {"majority", "tfidf", "scratch", "bert-mini"} <= {*models}
    assert "most_frequent_tag" not in models


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--models= ,"], "--models: no names (got ' ,')."),
        (["--models=nosuch"], "--models: 'nosuch': no such model"),
        (["--models=tfidf", "--metric=qa_f1"], "--metric qa_f1: does not score classification."),
        (["--models=tfidf", "--label=stars"], "no column 'stars' with content"),
        (["--models=tfidf", "--task-type=nosuch"], "'nosuch': no such"),
        (["--models=tfidf", "--write=suite.txt"], "a suite's file must end in .toml"),
        (["--models=tfidf", "--write=/tmp/nosuch-folder/suite.toml"], "reads files below its own folder only"),
    ],
)
def test_mistakes_are_told(command, file, words, said):
    result = command("choose", file, *words)
    assert result.code == 2
    assert said in result.errors
    assert "no such file" in command("choose", "nosuch.csv").errors


@pytest.mark.parametrize("name", ["single", "evaluated", "pretraining"])
def test_a_file_whose_runs_would_share_a_folder_with_others_is_refused(command, tmp_path, name):
    file = write_csv(tmp_path / f"{name}.csv", _moods(40, "good", "bad"))
    words = ("choose", file, "--label=mood", "--models=majority")
    result = command(*words)
    assert (result.code, len(result.lines)) == (2, 1)
    assert result.lines[0].startswith(f"{file}: the folder {name} of runs is for ")
    assert "Rename the file" in command(*words, f"--write={tmp_path / 'data.toml'}").errors
    assert command(*words, f"--write={tmp_path / 'mine.toml'}").code == 0  # Named mine, it shares nothing.


def _moods(count, *moods):
    return [{"review": f"film number {n} was fine", "mood": moods[n % len(moods)]} for n in range(count)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (_moods(40, "good"), "train: every row has the label 'good'. Give at least two labels."),
        (_moods(7, "good", "bad"), "train: 7 different examples are too few to take test from (at least 10)."),
        (
            [{"review": "one and the same", "mood": mood} for mood in ("good", "bad") * 20],
            "train: 1 different example is too few to take test from (at least 10).",
        ),
    ],
    ids=["one class", "too few rows", "all alike"],
)
def test_data_that_no_model_could_learn_is_refused_before_any_run(command, tmp_path, rows, said):
    file = write_csv(tmp_path / "mine.csv", rows)
    for more in ((), ("--write", tmp_path / "suite.toml")):
        result = command("choose", file, "--label=mood", "--models=majority,tfidf", "--workers=1", *more)
        assert result.code == 2
        assert f"{file}: {said}" in result.errors
        assert "failed" not in result.output
    assert {path.name for path in tmp_path.iterdir()} == {"mine.csv"}


@pytest.mark.slow
def test_a_mistake_in_what_was_given_has_its_exit_code(command, file, checkpoints):
    words = (f"--models=tfidf,{checkpoints['bert']}", "--set=max_length=100", "--workers=1", "--seeds=1")
    result = command("choose", file, *words)  # The model reads 64.
    assert "max_length: 100, but this model reads at most 64 tokens" in " ".join(result.output.split())
    assert result.code == 2


@pytest.mark.slow
def test_a_data_set_of_the_hub_is_fetched_once_and_its_hidden_labels_are_left_unread(command, tmp_path, monkeypatch):
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    def split(labels):
        features = Features({"sentence": Value("string"), "label": ClassLabel(names=["bad", "good"])})
        texts = [f"film {n} was {'lovely' if label else 'dull'}" for n, label in enumerate(labels)]
        return Dataset.from_dict({"sentence": texts, "label": labels}, features=features)

    fetched = []
    found = DatasetDict(train=split([0, 1] * 60), test=split([-1] * 20), unsupervised=split([0]))
    monkeypatch.setattr(Hub, "data", lambda self: fetched.append((self.path, self.config)) or found)
    words = ("choose", "someone/films:plain", "--models=majority,tfidf", "--seeds=1", "--workers=1")
    for _ in range(2):
        result = command(*words)
        assert result.code == 0, result.errors
    assert fetched == [("someone/films", "plain")]
    assert "classification (2 classes): text sentence, label. " in result.output
    record = next(tmp_path.glob("runs/someone--films+plain/*/tfidf/seed-0/run.json")).read_text()
    assert json.loads(record)["config"]["local"]["train"] == "runs/data/someone--films+plain"
    assert '"good"' in record


@pytest.mark.slow
def test_a_name_that_is_neither_file_nor_data_set_is_told_as_both(command):
    result = command("choose", "someone/nothing", "--models=majority")
    assert result.code == 2
    assert "someone/nothing: no such file. As a data set of the Hub:" in result.errors


@pytest.mark.slow
def test_each_models_recipe_is_the_best_of_some_trials(command, file, tmp_path, checkpoints):
    words = ("choose", file, f"--models=tfidf,{checkpoints['bert']}", "--seeds=1", "--trials=2", *FEW_STEPS)
    result = command(*words)
    assert result.code == 0, result.errors
    assert "at 2 trials each" in " ".join((tmp_path / "runs/my-reviews/report.html").read_text().split())
    assert len(list(tmp_path.rglob("trial-*/run.json"))) >= 2


@pytest.mark.parametrize("name", ["imdb.csv", "-x y (1).csv"])
def test_a_written_suite_can_be_run_whatever_the_file_is_called(name, tmp_path):
    write_csv(tmp_path / name, reviews(60))
    question = asked_of(tmp_path / name, columns={}, task_type=None, models=["majority"], seeds=1, metric="macro_f1")
    (tmp_path / "suite.toml").write_text(suite_toml(question, tmp_path / "suite.toml"))
    assert len(planned_runs(read_suite(tmp_path / "suite.toml"), tmp_path / "runs")) == 1


def test_a_written_suite_says_how_many_trials_and_the_whole_margin(command, file, tmp_path):
    suite, words = tmp_path / "suite.toml", ("--trials=8", "--margin=1234567")
    assert command("choose", file, "--models=tfidf,scratch", *words, "--write", suite).code == 0
    assert read_suite(suite).tuning.trials == 8
    assert read_suite(suite).margins.points == 1234567
