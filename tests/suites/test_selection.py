"""What the command line asks for: other models and seeds than a suite's own, and several of one task."""

from pathlib import Path

import pytest

from harness.config.run import LocalData
from harness.errors import UserError
from harness.suites.selection import resolve_single, resolve_suite

SUITE = """
tasks = ["own"]
models = ["majority", "calm"]
seeds = { start = 3, most = 10 }
baseline = "calm"
[variants]
calm = { model = "scratch", learning_rate = 1e-5 }
[training_for.calm]
epochs = 3
[data.own]
train = "own.csv"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.csv").write_text("text,label\n" + "".join(f"a film {i},{i % 2}\n" for i in range(40)))
    (tmp_path / "suite.toml").write_text(SUITE)
    return tmp_path


def asked(folder: Path, **chosen):
    return resolve_suite(str(folder / "suite.toml"), only=None, settings=None, runs=folder / "runs", **chosen)


def test_a_suite_takes_other_models_and_forgets_what_it_says_of_its_own(folder):
    suite, runs = asked(folder, models=["majority", "tfidf", "scratch"], seeds=2)
    assert [(run.model, run.config.seed) for run in runs] == [
        ("majority", 0), ("tfidf", 0), ("scratch", 0), ("scratch", 1)
    ]  # fmt: skip
    assert (suite.baseline, suite.rule, suite.seeds) == (None, None, (0, 1))


def test_a_suites_own_variant_keeps_its_recipe_when_it_is_asked_for(folder):
    suite, runs = asked(folder, models=["calm"])
    assert (suite.baseline, suite.rule.looks) == ("calm", (3, 5, 10))
    assert {(run.config.training.learning_rate, run.config.training.epochs) for run in runs} == {(1e-5, 3)}


@pytest.mark.parametrize(
    ("models", "tuned"), [(["majority", "tfidf"], None), (["tfidf", "calm"], {"calm"}), (["scratch"], None)]
)
def test_of_a_suites_tuning_what_is_said_of_models_that_are_left_out_is_forgotten(folder, models, tuned):
    file = folder / "suite.toml"
    file.write_text(f"{file.read_text()}\n[tuning]\nmodels = ['calm']\n[tuning.space_for.calm]\ndropout = [0.0, 0.2]\n")
    suite, _ = asked(folder, models=models, seeds=1)
    assert (None if suite.tuning is None else {*suite.tuning.spaces}) == tuned
    suite, _ = asked(folder, models=["tfidf"], seeds=1, trials=2)
    assert {*suite.tuning.spaces} == {"tfidf"}


def test_single_models_that_would_share_a_folder_are_refused(folder, monkeypatch):
    monkeypatch.chdir(folder)
    Path("tfidf.toml").write_text('family = "tfidf"\n')
    local = {"train": "own.csv", "test": None}
    with pytest.raises(UserError, match=r"tfidf and tfidf.toml would share the folder tfidf"):
        resolve_single(None, ["tfidf", "tfidf.toml"], local, seeds=[0], settings=None, runs=Path("runs"))


def test_several_models_and_seeds_of_a_users_own_file_need_no_suite(folder):
    own = LocalData(train=str(folder / "own.csv"), folds=2).model_dump(exclude_defaults=True)
    local = {"train": None, "test": None, **own}
    runs = resolve_single(None, ["tfidf", "scratch"], local, seeds=range(2), settings=None, runs=folder / "runs")
    assert [(run.model, run.config.seed, run.config.fold.number) for run in runs] == [
        ("tfidf", 0, 1), ("scratch", 0, 1), ("tfidf", 0, 2), ("scratch", 0, 2), ("scratch", 1, 1), ("scratch", 1, 2)
    ]  # fmt: skip
    assert len({run.folder for run in runs}) == len(runs)
