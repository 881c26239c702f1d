"""How long training is on a user's own files, where nothing says so: few epochs of few rows are too few steps."""

import json

import pytest
from small_models import own_data, text_examples

from harness.config.model import ModelConfig
from harness.config.run import LocalData
from harness.config.training import Training
from harness.suites.expansion import single_runs


@pytest.fixture
def own(tmp_path):
    return own_data(tmp_path / "data", text_examples(60))


def planned(own, checkpoint, runs, *, task="own", **settings):
    model = ModelConfig(family="bert", checkpoint=str(checkpoint))
    (run,) = single_runs(task, own, {"bert": (model, Training(**settings))}, seeds=[0], runs=runs)
    return run


def test_few_rows_of_one_s_own_are_learnt_in_more_steps_than_epochs_give(own, checkpoints, tmp_path):
    run = planned(own, checkpoints["bert"], tmp_path, batch_size=2)
    assert run.config.training.minimum_steps == 200
    assert run.config.training.steps(10) == 200


@pytest.mark.parametrize(
    "settings", [{"epochs": 3}, {"minimum_steps": 0}, {"maximum_steps": 30}, {"strategy": "windows"}], ids=str
)
def test_what_says_how_long_it_is_to_be_is_left_as_it_is(settings, own, checkpoints, tmp_path):
    assert planned(own, checkpoints["bert"], tmp_path, **settings).config.training.minimum_steps == 0
    longer = {**settings, "minimum_steps": 7}
    assert planned(own, checkpoints["bert"], tmp_path, **longer).config.training.minimum_steps == 7


def test_tasks_that_have_a_name_keep_their_length(checkpoints, tmp_path):
    found = planned(None, checkpoints["bert"], tmp_path, task="rotten_tomatoes")
    assert found.config.training.minimum_steps == 0


def test_whole_documents_keep_their_length(checkpoints, tmp_path):
    file = tmp_path / "novels.jsonl"
    file.write_text("".join(json.dumps({"text": f"once upon a time {n}"}) + "\n" for n in range(30)))
    own = LocalData(train=str(file), task_type="language_modelling")
    assert planned(own, checkpoints["bert"], tmp_path / "runs").config.training.minimum_steps == 0
