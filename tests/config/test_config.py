"""What a user may write: models, recipes, settings."""

import pytest

from harness.config.checking import parse_settings
from harness.config.model import ModelConfig, find_model, recipe_for
from harness.config.run import RunConfig
from harness.config.training import Training, recipe_of
from harness.errors import UserError, notice
from harness.runs.identity import identity


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
        ({"pool": "sum"}, "--set pool: must be 'mean', 'max', 'last' or 'segment_ends' (got 'sum')."),
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


def test_a_checkpoint_named_without_its_owner_is_told_with_it():
    (line,) = lines_of(find_model, "bert-base-uncased")
    assert line.endswith("no Hub id (owner/name). On the Hub it is google-bert/bert-base-uncased.")


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
        ('family = "bert"\nrevision = "main"', "revision: only a checkpoint of the Hub has one (got 'main' for None)."),
        ('checkpoint = "package:a/b"\nrevision = "main"', "revision: only a checkpoint of the Hub has one"),
        ('checkpoint = "./ck"\nrevision = "main"', "revision: only a checkpoint of the Hub has one"),
        ("family = bert", "not TOML"),
    ],
)
def test_a_model_file_with_a_mistake_is_refused(tmp_path, content, said):
    file = tmp_path / "mine.toml"
    file.write_text(content)
    (line,) = lines_of(find_model, str(file))
    assert line.startswith(f"{file}: {said}")


def test_a_relative_folder_in_a_models_file_starts_from_that_file(tmp_path, monkeypatch):
    study = tmp_path / "study"
    (study / "ck").mkdir(parents=True)
    (tmp_path / "ck").mkdir()
    monkeypatch.chdir(tmp_path)
    (study / "mine.toml").write_text('checkpoint = "./ck"\ntokenizer = "ck"')
    model = find_model("study/mine.toml")
    assert (model.checkpoint, model.tokenizer) == ("study/ck", "study/ck")


@pytest.mark.parametrize("name", ["./lost", "../lost"])
def test_a_missing_folder_is_never_taken_for_a_hub_id(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "mine.toml").write_text(f'checkpoint = "{name}"')
    assert find_model("study/mine.toml").checkpoint == str(tmp_path / "study" / name)


def test_what_is_no_folder_beside_a_models_file_stays_as_it_is_written(tmp_path):
    (tmp_path / "trained").mkdir()
    (tmp_path / "mine.toml").write_text('checkpoint = "google-bert/bert-base-uncased"\ntokenizer = "trained"')
    model = find_model(str(tmp_path / "mine.toml"))
    assert (model.checkpoint, model.tokenizer) == ("google-bert/bert-base-uncased", "trained")


def test_a_setting_with_its_earlier_name_beside_it_is_refused_in_one_line():
    mistakes = []
    assert recipe_of({"training.": {"hidden_every": 4, "mask_stride": 8}}, mistakes) is None
    assert mistakes == [
        "training.hidden_every: is the earlier name of mask_stride, which is set as well. Leave hidden_every out."
    ]


def test_an_earlier_spelling_of_a_value_is_read_and_the_new_one_named(capsys):
    notice.cache_clear()
    mistakes = []
    recipe = recipe_of({"training.": {"strategy": "recurrence"}, "--set ": {"epochs": 1}}, mistakes)
    assert (recipe.strategy, mistakes) == ("segment_recurrence", [])
    assert capsys.readouterr().err == (
        'training.strategy: "recurrence" is now called "segment_recurrence"; the old name is still read.\n'
    )


def test_a_run_that_was_recorded_with_an_earlier_spelling_is_the_same_run():
    config = RunConfig(
        task="plays",
        data="digest",
        metrics=("perplexity",),
        model=ModelConfig(family="xlnet", checkpoint="x"),
        seed=0,
        training=Training(strategy="independent_segments"),
    ).resolved()
    earlier = {**config, "training": {**config["training"], "strategy": "segments"}}
    assert identity(earlier) == identity(config)


def test_the_last_weights_and_patience_for_the_best_ones_contradict_each_other():
    mistakes: list[str] = []
    assert recipe_of({"--set ": {"keep": "last", "patience": 2}}, mistakes) is None
    assert mistakes == [
        '--set patience: needs the best weights, but keep = "last" keeps the last ones. Leave one of them out.'
    ]
