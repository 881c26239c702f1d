"""What a user may write: models, recipes, settings."""

import pytest

from harness.config import (
    ModelConfig,
    OwnData,
    RunConfig,
    Training,
    differences,
    find_model,
    identity,
    parse_settings,
    recipe_for,
    recipe_of,
)
from harness.errors import UserError


def lines_of(function, *arguments):
    with pytest.raises(UserError) as caught:
        function(*arguments)
    return caught.value.lines


@pytest.mark.parametrize(
    ("pair", "value"),
    [("k=2e-5", 2e-5), ("k=3", 3), ("k=true", True), ("k=windows", "windows"), ('k="a b"', "a b"), (" k = no", "no")],
)
def test_a_setting_is_read_as_toml_and_else_as_text(pair, value):
    assert parse_settings([pair]) == {"k": value}


def test_every_malformed_setting_is_told():
    lines = lines_of(parse_settings, ["epochs", "=3", "epochs=", "seed=1"])
    assert [line.split(":")[0] for line in lines] == ["--set epochs", "--set =3", "--set epochs="]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": "abc"}, "--set epochs: must be a valid number"),
        ({"learning_rate": -1}, "--set learning_rate: must be greater than 0 (got -1)."),
        ({"epochs": float("inf")}, "--set epochs: must be a finite number (got inf)."),
        ({"pool": "sum"}, "--set pool: must be 'mean' or 'max' (got 'sum')."),
        ({"learning_rat": 1}, "--set learning_rat: no such setting (got 1). Did you mean learning_rate?"),
        ({"stride": 8, "max_length": 8}, "--set: stride 8 is not smaller than the window, max_length 8."),
    ],
)
def test_a_wrong_setting_is_told_with_what_was_got(settings, said):
    (line,) = lines_of(recipe_for, ModelConfig(family="majority"), settings)
    assert line.startswith(said)


def test_a_later_layer_of_the_recipe_wins():
    mistakes = []
    recipe = recipe_of({"a": {"epochs": 1, "batch_size": 8}, "b": {"epochs": 2}}, mistakes)
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == (2, 8, Training().learning_rate)
    assert mistakes == []


def test_a_mistake_is_told_even_where_another_layer_covers_it():
    mistakes = []
    assert recipe_of({"a.": {"epochs": -1}, "b.": {"epochs": 2}}, mistakes) is None
    assert mistakes == ["a.epochs: must be greater than 0 (got -1)."]


def test_an_unknown_model_is_told_with_the_nearest_name():
    (line,) = lines_of(find_model, "minilmm")
    assert line.endswith("Did you mean minilm?")


def test_a_hub_id_and_a_package_and_a_folder_are_checkpoints(tmp_path):
    for name in ("google-bert/bert-base-uncased", "package:some/folder", str(tmp_path)):
        assert find_model(name) == ModelConfig(checkpoint=name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('family = "brt"', "family: 'brt': no such model family. Did you mean bert?"),
        ('family = "bert"\n[training]\nlearning_rate = 0', "training.learning_rate: must be greater than 0 (got 0)."),
        ('chekpoint = "x/y"', "chekpoint: no such setting (got 'x/y'). Did you mean checkpoint?"),
        ('revision = "main"', "needs a checkpoint or a family."),
        ("family = bert", "not TOML"),
    ],
)
def test_a_model_file_with_a_mistake_is_refused(tmp_path, content, said):
    file = tmp_path / "mine.toml"
    file.write_text(content)
    (line,) = lines_of(find_model, str(file))
    assert line.startswith(f"{file}: {said}")


def test_differences_name_nested_keys_and_keys_of_one_side():
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}, "d": 3}) == [
        "a.c: recorded 2, wanted None",
        "d: recorded None, wanted 3",
    ]


def test_own_files_are_the_same_data_from_wherever_they_are_named(tmp_path, monkeypatch):
    (tmp_path / "x.csv").write_text("text,label\na,b\n")
    monkeypatch.chdir(tmp_path)
    here, there = (_own_run(path).resolved() for path in ("x.csv", str(tmp_path / "x.csv")))
    assert here != there
    assert identity(here) == identity(there)
    assert identity(_own_run("x.csv", label="stars").resolved()) != identity(here)


def _own_run(path, **columns):
    own = OwnData(train=path, **columns)
    model, recipe = ModelConfig(family="majority"), Training()
    return RunConfig(task="x", data="d", metrics=("accuracy",), own=own, model=model, seed=0, training=recipe)
