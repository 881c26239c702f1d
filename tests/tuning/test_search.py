"""How many trials a model gets, by number or by cost, and what comes next as far as records say."""

import sys
from dataclasses import replace

import pytest
from synthetic_runs import record

from harness.config.model import ModelConfig
from harness.config.run import RunConfig
from harness.config.training import Training
from harness.errors import UserError
from harness.record import Cost
from harness.runs.run import Run
from harness.suites.selection import resolve_suite
from harness.tuning.search import cost_of, named_trials
from harness.tuning.settings import Tuning, tuning_by_default
from harness.tuning.space import space_of
from harness.tuning.trials import is_tuned, space_read, trials_of

SPACE = space_of({"learning_rate": {"log_uniform": [1e-5, 1e-3]}, "batch_size": [8, 16]}, "", [])


@pytest.fixture
def runs(tmp_path):
    """A run of a model that costs 100 a trial, and one of a model that costs 30."""
    config = RunConfig(
        task="mine", data="", metrics=("accuracy",), model=ModelConfig(family="bert"), seed=0, training=Training()
    )
    place = tmp_path / "study/mine"
    return {("mine", name): Run("study", name, config, place / name / "seed-0") for name in ("large", "small")}


class Records:
    """What is recorded of trials: all that were done so far."""

    def __init__(self, **costs):
        self.costs, self.done = costs, {}

    def __call__(self, trial):
        return self.done.get(trial.folder)

    def do(self, trials, score=lambda trial: 0.5):
        for trial in trials:
            flops = self.costs.get(trial.model, 1.0)
            self.done[trial.folder] = record(
                model=trial.model,
                trial=trial.trial,
                cost=Cost(training_flops=flops, seconds={"train": 2.0, "load": 1.0}, train_tokens_per_second=50.0),
                scores={"validation": {"accuracy": score(trial)}},
            )


def counts(named):
    return {model: (len(one.runs), one.is_all) for (_, model), one in named.items()}


def test_by_number_every_model_has_as_many_whatever_they_cost(runs):
    named = named_trials(runs, Tuning(4, {"large": SPACE, "small": SPACE}), Records())
    assert counts(named) == {"large": (4, True), "small": (4, True)}


def test_by_cost_a_cheap_model_has_as_many_more_as_cost_the_same(runs):
    tuning, records = Tuning(3, {"large": SPACE, "small": SPACE}, "flops"), Records(large=100.0, small=30.0)
    named = named_trials(runs, tuning, records)
    assert counts(named) == {"large": (3, False), "small": (3, False)}
    rounds = 0
    while not all(one.is_all for one in named.values()):
        records.do([trial for one in named.values() for trial in one.runs])
        named, rounds = named_trials(runs, tuning, records), rounds + 1
    # 3 x 100 are allotted; 10 x 30 cost as much. Seven more fit at once, none of them alone.
    assert counts(named) == {"large": (3, True), "small": (10, True)}
    assert rounds == 2
    assert named["mine", "small"].runs == trials_of(runs["mine", "small"], SPACE, 10)


def test_a_model_that_costs_nothing_has_ten_times_as_many_at_most(runs):
    tuning, records = Tuning(2, {"large": SPACE, "small": SPACE}, "flops"), Records(large=100.0, small=0.0)
    for _ in range(3):
        named = named_trials(runs, tuning, records)
        records.do([trial for one in named.values() for trial in one.runs])
    assert counts(named_trials(runs, tuning, records)) == {"large": (2, True), "small": (20, True)}


def test_nothing_is_allotted_before_the_first_trials_of_all_are_there(runs):
    tuning, records = Tuning(2, {"large": SPACE, "small": SPACE}, "flops"), Records(large=100.0, small=30.0)
    records.do(trials_of(runs["mine", "small"], SPACE, 2))
    assert counts(named_trials(runs, tuning, records)) == {"large": (2, False), "small": (2, False)}


def test_costs_are_flops_tokens_or_seconds():
    one = record(cost=Cost(training_flops=7.0, seconds={"train": 2.0, "load": 1.0}, train_tokens_per_second=50.0))
    assert [cost_of(one, budget) for budget in ("flops", "tokens", "seconds")] == [7.0, 100.0, 3.0]


def test_a_part_of_the_models_can_not_be_tuned_at_equal_costs(tmp_path):
    file = tmp_path / "tiny.toml"
    file.write_text('tasks = ["rotten_tomatoes"]\nmodels = ["scratch", "majority"]\n[tuning]\nbudget = "flops"\n')
    with pytest.raises(UserError, match="--only scratch: how many trials a model has depends on what those of all"):
        resolve_suite(str(file), only=["scratch"], settings=None, runs=tmp_path)


def test_halving_trains_the_better_third_of_each_round_anew_and_three_times_as_long(runs):
    run = runs["mine", "large"]
    own = run.config.training.model_copy(update={"epochs": 9.0, "minimum_steps": 100})
    run = replace(run, config=run.config.model_copy(update={"training": own}))
    tuning, records, rounds = Tuning(8, {"large": SPACE}, sampler="halving"), Records(), []
    while not rounds or not rounds[-1].is_all or len(records.done) < len(rounds[-1].runs):
        (named,) = named_trials({("mine", "large"): run}, tuning, records).values()
        rounds.append(named)
        records.do(named.runs, lambda trial: -trial.config.training.learning_rate)  # The lower, the better.
    assert [(len(one.runs), one.is_all) for one in rounds[:3]] == [(8, False), (11, False), (12, True)]
    recipes = [trial.config.training for trial in rounds[-1].runs]
    assert [recipe.epochs for recipe in recipes] == [1.0] * 8 + [3.0] * 3 + [9.0]
    assert [recipe.minimum_steps for recipe in recipes] == [12] * 8 + [34] * 3 + [100]
    rates = [recipe.learning_rate for recipe in recipes]
    assert rates[8:] == [*sorted(rates[:8])[:3], min(rates)]
    assert rates[:8] == [trial.config.training.learning_rate for trial in trials_of(run, SPACE, 8)]
    seeds = {trial.config.seed for trial in rounds[-1].runs}
    assert len(seeds) == 12


def test_halving_gives_a_model_without_steps_as_many_trials_as_all_rounds_have(runs):
    run = runs["mine", "small"]
    tfidf = run.config.model_copy(update={"model": ModelConfig(family="tfidf")})
    space = space_of({"baseline_penalty": {"log_uniform": [0.01, 100.0]}}, "", [])
    named = named_trials(
        {("mine", "small"): replace(run, config=tfidf)}, Tuning(8, {"small": space}, sampler="halving"), Records()
    )
    assert counts(named) == {"small": (12, True)}


def test_halving_refuses_a_recipe_that_can_t_be_before_anything_runs(runs):
    run = runs["mine", "large"]
    frozen = replace(run, config=run.config.model_copy(update={"training": Training(frozen="encoder")}))
    space = space_of({"method": ["lora"]}, "", [])
    with pytest.raises(UserError, match="trial 0: "):
        named_trials({("mine", "large"): frozen}, Tuning(8, {"large": space}, sampler="halving"), Records())


def test_halving_goes_with_no_budget_of_cost(tmp_path):
    file = tmp_path / "tiny.toml"
    file.write_text(
        'tasks = ["rotten_tomatoes"]\nmodels = ["scratch"]\n[tuning]\nbudget = "flops"\nsampler = "halving"\n'
    )
    with pytest.raises(UserError, match='budget: "flops" is not for sampler = "halving"'):
        resolve_suite(str(file), only=[], settings=None, runs=tmp_path)


@pytest.mark.slow
def test_a_sequential_sampler_names_the_next_trial_when_the_last_is_recorded(runs):
    pytest.importorskip("optuna")
    tuning, large = Tuning(9, {"large": SPACE}, sampler="tpe"), {("mine", "large"): runs["mine", "large"]}

    def rates(sign):
        """The learning rates of a search in which higher ones, or lower ones, score better."""
        records = Records()
        for count in range(1, 10):
            (named,) = named_trials(large, tuning, records).values()
            assert (len(named.runs), named.is_all) == (count, count == 9)
            records.do(named.runs[-1:], lambda trial: sign * trial.config.training.learning_rate)
        return [trial.config.training.learning_rate for trial in named.runs]

    assert rates(1) == rates(1)
    assert rates(1)[:5] == rates(-1)[:5]
    assert rates(1)[6:] != rates(-1)[6:]


def test_a_sampler_without_its_library_says_what_to_install(runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    one = {("mine", "large"): runs["mine", "large"]}
    with pytest.raises(UserError, match=r'"tpe" needs Optuna. pip install "finetune-harness\[tpe\]"'):
        named_trials(one, Tuning(2, {"large": SPACE}, sampler="tpe"), Records())


def test_of_a_probe_nothing_is_varied_that_stands_for_steps(runs):
    run = runs["mine", "small"]
    probe = replace(run, config=run.config.model_copy(update={"training": Training(method="probe")}))
    assert not is_tuned(probe, tuning_by_default(8, ["small"]))
    own = space_of({"learning_rate": [1e-5], "max_length": [32, 64]}, "", [])
    assert space_read(probe, own).keys() == {"max_length"}
