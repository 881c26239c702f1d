"""Search spaces and what is drawn from them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from harness.config.model import ModelConfig
from harness.config.run import RunConfig
from harness.config.training import Training
from harness.errors import UserError
from harness.runs.run import Run
from harness.tuning.settings import Tuning, tuning_of
from harness.tuning.space import DEFAULT, digest_of, space_of
from harness.tuning.trials import is_tuned, space_read, trials_of

MODELS = ("bert", "scratch")


def space(**content):
    mistakes = []
    found = space_of(content, "", mistakes)
    assert mistakes == []
    return found


def told(content, models=MODELS):
    """What is wrong with a table of tuning."""
    mistakes = []
    assert tuning_of(content, models, "", mistakes) is None
    return mistakes


@pytest.fixture
def run(tmp_path):
    config = RunConfig(
        task="mine",
        data="",
        metrics=("accuracy",),
        model=ModelConfig(family="bert", checkpoint="b"),
        seed=0,
        training=Training(),
    )
    return Run("study", "bert", config, tmp_path / "study/mine/bert/seed-0")


def tuning(trials=8, **content):
    return Tuning(trials, {"bert": space(**content) if content else space_of(DEFAULT, "", [])})


def first_trials(run, count):
    return trials_of(run, space_of(DEFAULT, "", []), count)


def drawn(run, how, name):
    return [getattr(trial.config.training, name) for trial in trials_of(run, how.spaces["bert"], how.trials)]


@pytest.mark.slow
def test_a_logarithmic_range_gives_each_factor_of_ten_its_share(run):
    rates = np.array(drawn(run, tuning(1000, learning_rate={"log_uniform": [1e-5, 1e-3]}), "learning_rate"))
    assert rates.min() >= 1e-5
    assert rates.max() <= 1e-3
    # 1,000 draws: the share below the middle has a standard error of 1.6 points.
    assert abs((rates < 1e-4).mean() - 0.5) < 0.06
    assert all(float(f"{rate:.3g}") == rate for rate in rates)


@pytest.mark.slow
def test_choices_are_all_drawn_alike(run):
    counts = Counter(drawn(run, tuning(900, batch_size=[8, 16, 32]), "batch_size"))
    assert counts.keys() == {8, 16, 32}
    assert all(abs(count - 300) < 60 for count in counts.values())


def test_multiples_are_of_the_recipes_own_value(run):
    longer = replace(run, config=run.config.model_copy(update={"training": Training(epochs=6.0)}))
    assert set(drawn(longer, tuning(20, epochs={"times": [0.5, 2]}), "epochs")) == {3.0, 12.0}


def test_a_whole_number_stays_one(run):
    sizes = drawn(run, tuning(50, batch_size={"log_uniform": [4, 64]}), "batch_size")
    assert all(isinstance(size, int) and 4 <= size <= 64 for size in sizes)
    assert len(set(sizes)) > 10


def test_a_trial_depends_on_its_names_and_its_number_alone(run):
    first = first_trials(run, 8)
    assert first_trials(run, 12)[:8] == first
    other_seed = replace(run, config=run.config.model_copy(update={"seed": 5}), folder=run.folder.with_name("seed-5"))
    assert first_trials(other_seed, 8) == first
    elsewhere = replace(run, suite="other")
    assert [trial.config for trial in first_trials(elsewhere, 8)] != [trial.config for trial in first]
    # What was drawn once must be drawn by every later version: recorded trials are told by it.
    assert first[0].config.seed == SEED
    assert first[0].config.training.learning_rate == RATE


def test_a_setting_is_drawn_alike_whatever_else_is(run):
    alone = tuning(5, learning_rate=DEFAULT["learning_rate"])
    assert drawn(run, alone, "learning_rate") == drawn(run, tuning(5), "learning_rate")


def test_trials_read_no_test_split_and_have_folders_of_their_own(run):
    trials = first_trials(run, 3)
    assert {trial.config.evaluate for trial in trials} == {"validation"}
    assert [trial.folder.relative_to(run.folder.parent).as_posix() for trial in trials] == [
        "trials/trial-000",
        "trials/trial-001",
        "trials/trial-002",
    ]
    assert [str(trial) for trial in trials][:1] == ["mine · bert · trial 0"]


def test_what_reads_nothing_that_is_varied_is_not_tuned(run):
    def of(family):
        return replace(run, config=run.config.model_copy(update={"model": ModelConfig(family=family)}))

    untrained = replace(run, config=run.config.model_copy(update={"training": Training(maximum_steps=0)}))
    runs = (run, of("tfidf"), of("majority"), untrained, replace(run, model="other"))
    assert [is_tuned(one, tuning()) for one in runs] == [True, True, False, False, False]
    assert not is_tuned(of("tfidf"), tuning(epochs=[1, 2]))


def test_a_space_is_cut_to_what_the_model_reads(run):
    whole = space_of(DEFAULT, "", [])
    assert space_read(run, whole).keys() == whole.keys() - {"baseline_penalty"}
    tfidf = replace(run, config=run.config.model_copy(update={"model": ModelConfig(family="tfidf")}))
    assert space_read(tfidf, whole).keys() == {"baseline_penalty"}


def test_a_recipe_that_can_not_be_is_told_of_with_its_trial(run):
    fixed = tuning(1, max_length=[8], stride=[8])
    with pytest.raises(UserError, match="mine, bert, trial 0: stride 8 is not smaller than the window"):
        trials_of(run, fixed.spaces["bert"], 1)
    with pytest.raises(UserError, match="mine, bert: max_length has no value that `times` could multiply"):
        trials_of(run, space(max_length={"times": [2]}), 1)


def test_a_models_own_table_is_laid_on_top():
    content = {"trials": 4, "space": {"epochs": [1, 2]}, "space_for": {"scratch": {"epochs": [9], "dropout": 0.1}}}
    found = tuning_of(content, MODELS, "", [])
    assert found.spaces["bert"] == space(epochs=[1, 2])
    assert found.spaces["scratch"] == space(epochs=[9], dropout=0.1)
    assert digest_of(found.spaces["bert"]) != digest_of(found.spaces["scratch"])


def test_the_command_line_has_the_last_word_on_the_number_of_trials():
    assert tuning_of(None, MODELS, "", []) is None
    assert tuning_of(None, MODELS, "", [], trials=3).trials == 3
    assert tuning_of({"trials": 8, "models": ["bert"]}, MODELS, "", [], trials=3).spaces.keys() == {"bert"}


def test_every_mistake_is_told_at_once():
    content = {
        "models": ["brt"],
        "space": {
            "learning_rat": [1e-5],
            "batch_size": [8, 0],
            "dropout": {"uniform": [0.5, 0.1]},
            "warmup_ratio": {"uniform": [0.0, 1.5]},
            "weight_decay": {"log_uniform": [0.0, 0.1]},
            "epochs": {"normal": [1, 2]},
            "schedule": {"times": [2]},
            "max_length": [],
            "train_examples": [100, 1000],
            "patience": {"uniform": ["a", "b"]},
        },
        "space_for": {"scratch": {"epochs": [-1]}},
    }
    lines = told(content)
    beginnings = [
        "tuning.models: 'brt' is not among this suite's models. Did you mean bert?",
        "tuning.space_for.scratch: the model is not tuned.",
        "tuning.space.learning_rat: no such setting of a recipe. Did you mean learning_rate?",
        "tuning.space.batch_size: must be greater than or equal to 1 (got 0).",
        "tuning.space.dropout: must be two numbers, the smaller one first (got [0.5, 0.1]).",
        "tuning.space.warmup_ratio: must be less than or equal to 1 (got 1.5).",
        "tuning.space.weight_decay: a logarithm needs numbers above 0 (got 0.0).",
        "tuning.space.epochs: not a form of values (got {'normal': [1, 2]}).",
        "tuning.space.schedule: is not a number that can be multiplied.",
        "tuning.space.max_length: is empty.",
        "tuning.space.train_examples: chooses the data",
        "tuning.space.patience: must be numbers (got ['a', 'b']).",
        "tuning.space_for.scratch.epochs: must be greater than 0 (got -1).",
    ]
    assert len(lines) == len(beginnings)
    for line, beginning in zip(lines, beginnings, strict=True):
        assert line.startswith(beginning)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"trials": 0}, "tuning.trials: must be greater than or equal to 1 (got 0)."),
        ({"trails": 3}, "tuning.trails: no such setting (got 3). Did you mean trials?"),
        ({"space": [1]}, "tuning.space: must be a table (got [1])."),
    ],
)
def test_a_table_of_another_shape_is_refused(content, line):
    assert told(content) == [line]


SEED, RATE = 3051694437, 7.64e-05  # By hand: the first 53 bits of the SHA-256 of ["study", "mine", "bert", 0, …].
