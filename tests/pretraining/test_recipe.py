"""A recipe for pretraining is read with all of its mistakes at once."""

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.pretraining.recipe import find_recipe

WHOLE = """
family = "bert"
objective = "masked"
[corpora]
names = ["plays"]
[training]
tokens = 100000
"""


@pytest.fixture(autouse=True)
def known_objective(monkeypatch):
    monkeypatch.setattr("harness.pretraining.recipe.OBJECTIVES", Objectives)


class Objectives:
    noun = "objective"

    @staticmethod
    def names():
        return ["masked"]


def written(folder, text):
    file = Path(folder) / "mine.toml"
    file.write_text(text)
    return str(file)


def mistakes(folder, text):
    with pytest.raises(UserError) as caught:
        find_recipe(written(folder, text), {})
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).split("\n")]


def test_a_recipe_says_how_many_steps_its_tokens_are(tmp_path):
    recipe, folder = find_recipe(written(tmp_path, WHOLE), {"batch_tokens": 1000, "length": 100})
    assert (recipe.training.steps, recipe.training.memory_length, folder) == (100, 100, tmp_path)


def test_all_mistakes_are_told_at_once_with_what_was_meant(tmp_path):
    wrong = WHOLE.replace('"bert"', '"brt"').replace('"plays"', '"play"') + "batch_tokens = 4\n"
    told = mistakes(tmp_path, wrong)
    assert len(told) == 3
    assert any("family: 'brt'" in line and "bert" in line for line in told)
    assert any("corpora.names: 'play'" in line and "plays" in line for line in told)
    assert any("batch_tokens" in line for line in told)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("tokens = 10", "less than a step's batch_tokens"),
        ("tokens = 100000\nbatch_tokens = 64\nlength = 128", "holds no sequence of 128"),
        ("tokens = 100000\nkeep = [0.0, 1.0]", "above 0 and at most 1"),
    ],
)
def test_sizes_that_do_not_fit_are_told(tmp_path, line, complaint):
    assert complaint in mistakes(tmp_path, WHOLE.replace("tokens = 100000", line))[0]


def test_texts_must_come_from_somewhere(tmp_path):
    assert "needs texts" in mistakes(tmp_path, WHOLE.replace('names = ["plays"]', ""))[0]


def test_a_recipe_that_is_not_there_is_told():
    with pytest.raises(UserError, match="no such recipe"):
        find_recipe("bert-mini-o", {})


CONTINUED = WHOLE.replace("[corpora]", 'start = "checkpoint"\ncheckpoint = "bert-base"\n[corpora]')


def test_a_run_that_goes_on_from_a_checkpoint_has_that_checkpoint_s_tokenizer(tmp_path):
    recipe, _ = find_recipe(written(tmp_path, CONTINUED), {})
    assert recipe.checkpoint == recipe.tokenizer.checkpoint == "bert-base"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CONTINUED.replace('checkpoint = "bert-base"\n', ""), "go together"),
        (CONTINUED.replace('start = "checkpoint"\n', ""), "go together"),
        (CONTINUED + "[architecture]\nhidden_size = 64\n", "keeps that checkpoint's architecture"),
        (CONTINUED + '[tokenizer]\nkind = "wordpiece"\n', "keeps that checkpoint's tokenizer"),
    ],
)
def test_what_does_not_go_with_a_checkpoint_to_start_from_is_told(tmp_path, text, said):
    assert said in " ".join(mistakes(tmp_path, text))
