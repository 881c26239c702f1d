"""Suites: everything that is wrong with a file is told at once."""

import pytest

from harness.config.files import config_files
from harness.errors import UserError
from harness.folders import OTHER_FOLDERS
from harness.registry import Registry
from harness.suites.expansion import planned_runs
from harness.suites.selection import resolve_suite
from harness.suites.suite import read_suite

GOOD = 'tasks = ["rotten_tomatoes"]\nmodels = ["majority"]\nseeds = [0]\n'


@pytest.fixture
def told(tmp_path):
    """What is wrong with a suite's content, without the file's name."""

    def lines(content):
        file = tmp_path / "suite.toml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(UserError) as caught:
            planned_runs(read_suite(file), tmp_path / "runs")
        return [line.removeprefix(f"{file}: ") for line in caught.value.lines]

    return lines


def test_all_mistakes_of_all_sorts_are_told_at_once(told):
    lines = told("""
        tasks = ["rotten_tomatos", "mine"]
        models = ["minilm", "scrach"]
        seeds = [-1, 2]
        baseline = "bert"
        colour = "red"
        [training]
        learning_rate = -1
        epcohs = 2
        [training_for.minlm]
        epochs = 1
        [data.mine]
        train = "../secret.csv"
        lable = "stars"
        [metrics]
        sst2 = ["accuracy"]
    """)
    beginnings = [
        "seeds.0: must be greater than or equal to 0 (got -1).",
        "colour: no such setting (got 'red').",
        "tasks: 'rotten_tomatos': no such task. Did you mean rotten_tomatoes?",
        "metrics: 'sst2' is not among this suite's tasks.",
        "training_for: 'minlm' is not among this suite's models. Did you mean minilm?",
        "baseline: 'bert' is not among this suite's models.",
        "data.mine.lable: no such setting (got 'stars'). Did you mean label?",
        "models: 'scrach': no such model",
        "training.learning_rate: must be greater than 0 (got -1).",
        "training.epcohs: no such setting (got 2). Did you mean epochs?",
    ]
    assert len(lines) == len(beginnings)
    for line, beginning in zip(lines, beginnings, strict=True):
        assert line.startswith(beginning)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("tasks = [1]\nmodels = ['majority']", ["tasks.0: must be text in quotes (got 1)."]),
        ("", ["tasks: is empty. Name at least one.", "models: is empty. Name at least one."]),
        (b"tasks = [\xe9]", ["not UTF-8 (byte 9). Save the file as UTF-8."]),
        (GOOD + 'seeds = "all"', ["not TOML"]),
        (GOOD.replace("[0]", '"all"'), ["seeds: must be a list (got 'all')."]),
        (GOOD.replace("[0]", "[1, 1]"), ["seeds: 1 appears twice. Leave one out."]),
        (
            GOOD.replace('"majority"', '"majority", "majority"'),
            ["models: 'majority' appears twice. Leave one out."],
        ),
        (
            GOOD.replace('s"]', 's", "rotten_tomatoes"]', 1),
            ["tasks: 'rotten_tomatoes' appears twice. Leave one out."],
        ),
        (GOOD + '[data.boolq]\ntrain = "x.csv"', ["data.boolq: a task of this name exists already. Choose another."]),
        (GOOD + '[data."../up"]\ntrain = "x.csv"', ["data.../up: can't be a folder's name."]),
        (GOOD + '[data.x]\ntrain = "/etc/passwd"', ["data.x.train: /etc/passwd lies outside the suite's folder."]),
        (GOOD + '[data.x]\ntrain = "a/../../y.csv"', ["data.x.train: a/../../y.csv lies outside the suite's folder."]),
        (GOOD.replace("rotten_tomatoes", "x") + '[data.x]\ntrain = "x.csv"', ["tasks: x: "]),
        (
            GOOD + '[metrics]\nrotten_tomatoes = ["acuracy"]',
            ["tasks: rotten_tomatoes: metrics: 'acuracy': no such metric."],
        ),
        (GOOD + '[metrics]\nrotten_tomatoes = ["qa_f1"]', ["tasks: rotten_tomatoes: metrics: qa_f1 does not score"]),
    ],
)
def test_a_suite_with_a_mistake_is_refused(told, content, said):
    lines = told(content)
    assert len(lines) == len(said)
    for line, beginning in zip(lines, said, strict=True):
        assert line.startswith(beginning)


def test_a_link_that_leads_out_of_the_suites_folder_is_refused(told, tmp_path):
    outside = tmp_path.parent / f"{tmp_path.name}-outside.csv"
    outside.write_text("text,label\na,b\n")
    (tmp_path / "link.csv").symlink_to(outside)
    (line,) = told(GOOD + '[data.x]\ntrain = "link.csv"')
    assert line.startswith("data.x.train: link.csv lies outside the suite's folder.")


@pytest.mark.parametrize("path", ["data", "data/part-*.csv", "splits"])
def test_a_link_out_of_the_suites_folder_is_refused_within_folders_and_patterns_too(told, tmp_path, path):
    outside = tmp_path.parent / f"{tmp_path.name}-outside.csv"
    outside.write_text("text,label\na,b\n")
    for name in ("data/part-0.csv", "data/part-1.csv", "splits/train.csv", "splits/test.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text,label\na,b\n")
    for name in ("data/part-1.csv", "splits/test.csv"):
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to(outside)
    (line,) = told(GOOD + f'[data.x]\ntrain = "{path}"')
    linked = tmp_path / ("splits/test.csv" if path == "splits" else "data/part-1.csv")
    assert line.startswith(f"data.x.train: {linked} lies outside the suite's folder.")


METRIC = GOOD + "[metrics]\nrotten_tomatoes = ['evaluate:{}']"


@pytest.mark.parametrize(
    "path", ["../x.py", "../x.py:lower", "/etc/x.py", "/etc", "a/../../x.py", "..", "own/../../x", "link.py", "linked"]
)
def test_a_script_outside_the_suites_folder_is_refused_as_a_metric(told, tmp_path, path):
    outside = tmp_path.parent / f"{tmp_path.name}-outside.py"
    outside.touch()
    (tmp_path / "link.py").symlink_to(outside)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "linked.py").symlink_to(outside)
    (line,) = told(METRIC.format(path))
    assert line.startswith(
        f"metrics.rotten_tomatoes: {path.removesuffix(':lower')} lies outside the suite's folder. Copy the script below"
    )


def test_a_script_that_is_not_there_is_refused_as_a_metric(told):
    assert told(METRIC.format("x.py")) == ["metrics.rotten_tomatoes: x.py: no such script. Check the path."]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("evaluate:errors.py:lower", "evaluate:{}/errors.py:lower"),
        ("evaluate:own", "evaluate:{}/own"),
        ("evaluate:mse:lower", "evaluate:mse:lower"),
        ("evaluate:someone/metric", "evaluate:someone/metric"),
        ("accuracy", "accuracy"),
    ],
)
def test_a_metrics_script_is_looked_for_beside_the_suite(tmp_path, written, read):
    (tmp_path / "own").mkdir()
    for script in ("errors.py", "own/own.py"):
        (tmp_path / script).touch()
    file = tmp_path / "suite.toml"
    file.write_text(GOOD + f'[metrics]\nrotten_tomatoes = ["{written}"]')
    assert read_suite(file).metrics == {"rotten_tomatoes": (read.format(tmp_path),)}


@pytest.mark.parametrize("name", ["../mine.toml", "/etc/mine.toml", "a/../../mine.toml"])
def test_a_models_file_outside_the_suites_folder_is_refused(told, name):
    (line,) = told(GOOD.replace("majority", name))
    assert line.startswith(f"models: {name} lies outside the suite's folder. Copy the file below ")


def test_a_link_within_the_suites_folder_is_followed(tmp_path):
    (tmp_path / "real.csv").write_text("text,label\na,b\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    file = tmp_path / "suite.toml"
    file.write_text(GOOD + '[data.x]\ntrain = "link.csv"')
    assert read_suite(file).local["x"].train == str(tmp_path / "link.csv")


def test_a_missing_suite_names_the_nearest_beside_it(tmp_path):
    (tmp_path / "reviews.toml").write_text(GOOD)
    with pytest.raises(UserError, match=r"reviewz\.toml: no such file\. Did you mean reviews\?"):
        read_suite(tmp_path / "reviewz.toml")
    with pytest.raises(UserError, match="not a file"):
        read_suite(tmp_path)


@pytest.mark.parametrize("name", ["single", "evaluated", "data", "pretraining"])
def test_a_suite_whose_folder_would_hold_other_output_is_refused(tmp_path, name):
    file = tmp_path / f"{name}.toml"
    file.write_text(GOOD)
    with pytest.raises(UserError, match=f"the folder {name} of runs is for .* Rename the file, for example my_"):
        resolve_suite(str(file), only=None, settings=None, runs=tmp_path)


def test_no_shipped_suite_study_or_recipe_has_a_name_that_is_taken():
    for folder in ("suites", "studies"):
        assert config_files(folder)
        assert not {*config_files(folder)} & {*OTHER_FOLDERS}


def test_settings_go_from_the_general_to_the_particular(tmp_path):
    (tmp_path / "own.toml").write_text('family = "bert"\n[training]\nlearning_rate = 3e-4\nbatch_size = 8\n')
    file = tmp_path / "suite.toml"
    file.write_text(
        'tasks = ["boolq"]\nmodels = ["own.toml", "majority"]\n'
        "[training]\nlearning_rate = 1e-5\nepochs = 1\nweight_decay = 0.5\n"
        '[training_for."own.toml"]\nbatch_size = 4\nwarmup_ratio = 0.2\n'
    )
    recipe = read_suite(file, overrides={"warmup_ratio": 0.3}).recipes["boolq", "own.toml"]
    assert (recipe.weight_decay, recipe.learning_rate, recipe.batch_size) == (0.5, 3e-4, 4)
    assert (recipe.epochs, recipe.warmup_ratio) == (1, 0.3)


def test_two_models_that_would_share_a_folder_are_refused(told, tmp_path):
    (tmp_path / "majority.toml").write_text('family = "majority"')
    (line,) = told(GOOD.replace('"majority"', '"majority", "majority.toml"'))
    assert line.startswith("models: majority and majority.toml would share the folder majority.")


def test_a_variant_is_a_model_once_more_with_a_recipe_of_its_own(tmp_path):
    file = tmp_path / "suite.toml"
    file.write_text("""
        tasks = ["rotten_tomatoes"]
        models = ["scratch", "scratch-long"]
        seeds = [0]
        [variants]
        scratch-long = "scratch"
        [training_for.scratch-long]
        epochs = 20
    """)
    plain, variant = planned_runs(read_suite(file), tmp_path / "runs")
    assert (plain.model, variant.model) == ("scratch", "scratch-long")
    assert plain.config.model == variant.config.model
    assert (plain.config.training.epochs, variant.config.training.epochs) == (3.0, 20.0)
    assert plain.folder != variant.folder


def test_weights_of_labels_are_refused_where_a_trained_model_has_none_to_learn(tmp_path):
    file = tmp_path / "suite.toml"
    file.write_text(
        'tasks = ["rotten_tomatoes", "word_pleasantness"]\nmodels = ["scratch", "majority"]\n'
        '[training]\nclass_weights = "balanced"\n'
    )
    suite = read_suite(file)
    with pytest.raises(UserError, match="class_weights: not for tasks of type regression"):
        planned_runs(suite, tmp_path / "runs")
    assert len(planned_runs(suite, tmp_path / "runs", only=["rotten_tomatoes"])) == 4
    assert planned_runs(suite, tmp_path / "runs", only=["majority"])


def test_of_simple_baselines_tfidf_reads_weights_of_labels(tmp_path):
    file = tmp_path / "suite.toml"
    file.write_text(
        'tasks = ["rotten_tomatoes"]\nmodels = ["tfidf", "heavy", "majority"]\n'
        '[variants]\nheavy = { model = "tfidf", class_weights = "balanced" }\n'
    )
    weights = [run.config.training.class_weights for run in planned_runs(read_suite(file), tmp_path / "runs")]
    assert weights == [None, "balanced", None]
    file.write_text(file.read_text().replace("rotten_tomatoes", "word_pleasantness"))
    with pytest.raises(UserError, match="tasks: word_pleasantness: class_weights: not for tasks of type regression"):
        planned_runs(read_suite(file), tmp_path / "runs")


def test_a_variant_s_table_is_its_recipe_between_that_of_the_task_and_that_of_the_model(tmp_path):
    file = tmp_path / "suite.toml"
    file.write_text("""
        tasks = ["rotten_tomatoes"]
        models = ["scratch", "scratch-frozen"]
        seeds = [0]
        [variants]
        scratch-frozen = { model = "scratch", frozen = 1, epochs = 7, batch_size = 4, class_weights = { fresh = 2.0 } }
        [training_on.rotten_tomatoes]
        epochs = 5
        [training_for.scratch-frozen]
        batch_size = 2
    """)
    plain, variant = planned_runs(read_suite(file), tmp_path / "runs")
    assert (plain.model, variant.model) == ("scratch", "scratch-frozen")
    assert plain.config.model == variant.config.model
    assert (plain.config.training.epochs, plain.config.training.frozen) == (5.0, None)
    found = variant.config.training
    assert (found.epochs, found.frozen, found.batch_size, found.class_weights) == (7.0, 1, 2, {"fresh": 2.0})


@pytest.mark.parametrize("wrong", ["3", "{ frozen = 1 }", "{ model = 3 }"])
def test_a_variant_of_no_model_is_told_with_an_example(told, wrong):
    (line,) = told(f'tasks = ["rotten_tomatoes"]\nmodels = ["majority"]\n[variants]\nmine = {wrong}\n')
    assert line.startswith("variants: 'mine' must be a model's name in quotes, or a table with one")


def test_a_wrong_setting_in_a_variant_s_table_is_told_with_its_place(told):
    table = '{ model = "scratch", frozn = 1, method = "lorra" }'
    lines = told(f'tasks = ["rotten_tomatoes"]\nmodels = ["mine"]\n[variants]\nmine = {table}\n')
    assert lines[0].startswith("variants.mine.method: must be 'full', 'lora' or 'probe' (got 'lorra')")
    assert lines[1].startswith("variants.mine.frozn: no such setting (got 1). Did you mean frozen?")


def test_a_variant_that_is_not_run_or_stands_for_nothing_is_told(told):
    content = 'tasks = ["cola"]\nmodels = ["scratch", "mine"]\n[variants]\nmien = "scratch"\nmine = "scrach"\n'
    lines = told(content)
    assert lines[0].startswith("variants: 'mien' is not among this suite's models. Did you mean mine?")
    assert lines[1].startswith("models: 'scrach': no such model")


@pytest.mark.slow
def test_many_seeds_are_looked_up_once_and_a_repeated_one_is_told(tmp_path, told, monkeypatch):
    def suite(seeds):
        return GOOD.replace('["majority"]', '["majority", "scratch"]').replace("[0]", str(seeds))

    assert told(suite([*range(100_000), 77])) == ["seeds: 77 appears twice. Leave one out."]
    file = tmp_path / "many.toml"
    looked_up = []
    entries = Registry.entries
    monkeypatch.setattr(Registry, "entries", lambda self: looked_up.append(self.noun) or entries(self))
    counts = []
    for seeds in (3, 3000):
        file.write_text(suite(list(range(seeds))))
        suite_read = read_suite(file)
        looked_up.clear()
        planned = planned_runs(suite_read, tmp_path / "runs")
        counts.append(len(looked_up))
        assert [run.config.seed for run in planned if run.model == "scratch"] == list(range(seeds))
        assert [run.config.seed for run in planned if run.model == "majority"] == [0]
    assert counts[0] == counts[1]


def test_the_runs_of_a_suite_go_seed_by_seed_in_folders_of_their_own(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(GOOD.replace('["majority"]', '["majority", "scratch"]').replace("[0]", "[4, 2]"))
    planned = planned_runs(read_suite(file), tmp_path / "runs")
    assert [(run.model, run.config.seed) for run in planned] == [("majority", 4), ("scratch", 4), ("scratch", 2)]
    folder = tmp_path / "runs/mine/rotten_tomatoes"
    assert [run.folder for run in planned] == [
        folder / "majority/seed-4", folder / "scratch/seed-4", folder / "scratch/seed-2"
    ]  # fmt: skip
