"""A setting with several values in a suite: each task once at each of them, compared value by value."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from command_line import read_record, reviews, write_csv
from safetensors.torch import load_file

import harness
from harness.comparison.comparison import compare
from harness.config.run import RunConfig, limited_splits
from harness.data.splits import limited
from harness.data.task import Splits
from harness.errors import UserError
from harness.suites.expansion import planned_runs
from harness.suites.sizes import task_records
from harness.suites.suite import read_suite

SUITE = """
tasks    = ["mine"]
models   = ["tfidf", "majority"]
baseline = "majority"
[training]
train_examples = {values}
[data.mine]
train = "reviews.csv"
"""
RUNS = Path("runs/tiny")


@pytest.fixture
def suite(command):
    """A suite of simple baselines at two training sizes."""
    write_csv(Path("reviews.csv"), reviews(80))
    Path("tiny.toml").write_text(SUITE.format(values="[40, 10]"))
    return "tiny.toml"


def read(content, tmp_path, **overrides):
    """The suite with a content."""
    file = tmp_path / "suite.toml"
    file.write_text('tasks = ["rotten_tomatoes", "sst2"]\nseeds = [0, 1]\n' + content)
    return read_suite(file, overrides=overrides)


def told(content, tmp_path, **overrides):
    """What is wrong with a suite's content, without the file's name."""
    with pytest.raises(UserError) as caught:
        read(content, tmp_path, **overrides)
    return [line.removeprefix(f"{tmp_path / 'suite.toml'}: ") for line in caught.value.lines]


@pytest.mark.slow
def test_a_suite_runs_every_model_at_every_value_and_compares_within_one(command, suite):
    plan = command("plan", suite).output.splitlines()
    assert [line.split()[:2] for line in plan[1:5]] == [
        ["mine@10", "tfidf"],
        ["mine@10", "majority"],
        ["mine@40", "tfidf"],
        ["mine@40", "majority"],
    ]
    result = command("run", suite)
    assert result.code == 0, result.output + result.errors
    for size in (10, 40):
        record = read_record(RUNS / f"mine@{size}/tfidf/seed-0")
        assert record["counts"]["examples"]["train"] == size
        assert record["varied"] == {"task": "mine", "setting": "train_examples", "value": size}
    comparison = compare(RUNS)
    assert [task.task for task in comparison.tasks] == ["mine@10", "mine@40"]
    assert [len(task.cells) for task in comparison.tasks] == [2, 2]
    assert (comparison.task_count, [curves.sizes for curves in comparison.curves]) == (1, [(10, 40)])
    assert command("plan", suite).output.splitlines()[-1] == "4 complete"


@pytest.mark.slow
def test_a_value_that_is_added_leaves_the_others_recorded(command, suite):
    command("run", suite)
    Path(suite).write_text(SUITE.format(values="[10, 20, 40]"))
    assert "mine@20  majority  0      –              1 new" in command("plan", suite).output
    assert "4 of 6 runs are recorded already and are skipped." in command("run", suite).output


@pytest.mark.slow
def test_a_plan_knows_the_runs_at_other_values(command, suite):
    command("run", suite)
    (planned, *_) = planned_runs(read_suite(Path(suite)), Path("runs"))
    assert [record.task for _, record in task_records(planned, Path("runs"))] == ["mine@10"] * 2 + ["mine@40"] * 2


@pytest.mark.slow
def test_values_and_folds_go_together(command, suite):
    Path(suite).write_text(SUITE.format(values="[10, 30]") + "folds = 2\n")
    result = command("run", suite, "--only", "tfidf")
    assert result.code == 0, result.output + result.errors
    folds = sorted(str(file.parent.relative_to(RUNS)) for file in RUNS.rglob("run.json"))
    assert folds == [f"mine@{size}/tfidf/seed-0-fold-{fold}" for size in (10, 30) for fold in (1, 2)]
    (curves,) = compare(RUNS).curves
    assert curves.sizes == (10, 30)
    assert [cell.examples for _, cell in curves.cells["tfidf"]] == [80, 80]


@pytest.mark.slow
def test_a_varied_run_is_scored_and_read_again_as_any(command, suite):
    command("run", suite)
    run = RUNS / "mine@10/tfidf/seed-0"
    assert harness.evaluate(run, split="test") == pytest.approx(read_record(run)["scores"]["test"])
    assert "\n- mine\n" in (run / "checkpoint/README.md").read_text()


@pytest.mark.slow
def test_one_value_on_the_command_line_takes_the_place_of_the_list(command, suite):
    plan = command("plan", suite, "--set", "train_examples=30").output
    assert "mine@" not in plan
    assert "2 new" in plan
    several = command("plan", suite, "--set", "train_examples=[20, 30]").output
    assert "mine@20" in several
    assert "mine@10" not in several


@pytest.mark.parametrize("count", [30, 1000, 8530])
def test_a_larger_training_split_has_the_smaller_ones(count):
    splits = Splits(train=list(range(count)), validation=[], test=[], labels=())
    sizes = [10, 100, 300, 1000, 3000, 9000]
    found = [limited(splits, train=size, validation=None, test=None, is_nested=True).train for size in sizes]
    assert [len(one) for one in found] == [min(size, count) for size in sizes]
    assert all({*smaller} <= {*larger} for smaller, larger in pairwise(found))
    assert found[0] == sorted(found[0]) != list(range(10))


def test_runs_at_several_sizes_read_nested_splits(command, suite):
    """Without a list, 454 of the 1,000 are not among the 3,000, and stay so: published numbers rest on them."""
    Path(suite).write_text(SUITE.format(values="[1000, 3000]"))
    splits = Splits(train=list(range(8530)), validation=[], test=[], labels=())
    configs = [run.config for run in planned_runs(read_suite(Path(suite)), Path("runs"), only=["tfidf"])]
    small, large = (set(limited_splits(splits, config).train) for config in configs)
    assert (len(small), len(large), len(small - large)) == (1000, 3000, 0)
    plain = [config.model_copy(update={"varied": None}) for config in configs]
    small, large = (set(limited_splits(splits, config).train) for config in plain)
    assert (len(small), len(large), len(small - large)) == (1000, 3000, 454)


def test_without_a_list_the_sample_is_the_one_of_earlier_versions():
    """By `random.Random(0).sample(range(8530), 5)`, on which published numbers rest."""
    splits = Splits(train=list(range(8530)), validation=[], test=[], labels=())
    plain = limited(splits, train=5, validation=None, test=None)
    assert plain.train == [663, 4242, 6311, 6890, 8376]


def test_a_list_on_one_task_varies_that_one(tmp_path):
    suite = read(
        'models = ["majority"]\n[training]\nmax_length = 64\n[training_on.sst2]\nmax_length = [256, 128]\n', tmp_path
    )
    planned = planned_runs(suite, tmp_path / "runs", only=["sst2"])
    assert [(run.config.task, run.config.base_task) for run in planned] == [("sst2@128", "sst2"), ("sst2@256", "sst2")]
    assert suite.recipes["sst2@256", "majority"].max_length == 256
    assert suite.recipes["rotten_tomatoes", "majority"].max_length == 64


def test_what_is_varied_is_the_same_for_every_model(tmp_path, checkpoints):
    shutil.copytree(checkpoints["bert"], tmp_path / "bert")
    (tmp_path / "short.toml").write_text('checkpoint = "./bert"\n[training]\nmax_length = 16\n')
    suite = read('models = ["./short.toml"]\n[training]\nmax_length = [32, 64]\n', tmp_path)
    assert suite.recipes["sst2@32", "./short.toml"].max_length == 32
    runs = planned_runs(suite, tmp_path / "runs", only=["sst2"])
    assert [(run.folder.parts[-3:-2], run.config.seed, run.config.training.max_length) for run in runs] == [
        (("sst2@32",), 0, 32),
        (("sst2@32",), 1, 32),
        (("sst2@64",), 0, 64),
        (("sst2@64",), 1, 64),
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("[training]\ntrain_examples = [100]\n", "training.train_examples: needs 2 to 20 different values (got [100])"),
        ("[training]\ntrain_examples = [9, 9]\n", "training.train_examples: needs 2 to 20 different values"),
        ("[training]\ntrain_examples = []\n", "training.train_examples: needs 2 to 20 different values"),
        (
            "[training]\ntrain_examples = [0, 9]\n",
            "training.train_examples: must be greater than or equal to 1 (got 0)",
        ),
        ('[training]\ntrain_examples = ["all", 9]\n', "training.train_examples: must be a valid integer"),
        ("[training]\ntrain_examples = [true, 9]\n", "training.train_examples: must be a whole number (got True)"),
        (
            "[training]\ntrain_examples = [5, 9]\nmax_length = [16, 32]\n",
            "training.train_examples: max_length has several values, too.",
        ),
        (
            "[training]\ntrain_examples = [5, 9]\n[training_for.majority]\ntrain_examples = 7\n",
            "training_for.majority.train_examples: is varied for all models (got 7)",
        ),
        (
            "[training_for.majority]\ntrain_examples = [5, 9]\n",
            "training_for.majority.train_examples: one model can't have several values (got [5, 9])",
        ),
        ("[training]\nepochs = [1, 2]\n", "training.epochs: must be a valid number (got [1, 2])"),
    ],
)
def test_a_list_that_does_not_fit_is_told_with_its_place(content, line, tmp_path):
    lines = told('models = ["majority"]\n' + content, tmp_path)
    assert [one for one in lines if one.startswith(line)], lines
    assert len(lines) == 1


def test_what_is_varied_is_not_tuned(tmp_path):
    lines = told(
        'models = ["scratch"]\n[training]\nmax_length = [64, 128]\n[tuning.space]\nmax_length = [32, 64]\n', tmp_path
    )
    assert lines == ["tuning.space: max_length has several values in the recipe, too. Leave one of the two out."]


def test_a_variant_has_no_list_of_its_own(tmp_path):
    lines = told('models = ["less"]\n[variants]\nless = { model = "majority", train_examples = [5, 9] }\n', tmp_path)
    assert lines[0].startswith("variants.less.train_examples: one model can't have several values")


@pytest.mark.slow
def test_a_value_trains_as_a_suite_with_that_value_alone_would_to_the_bit(command, checkpoints):
    write_csv(Path("reviews.csv"), [{**row, "text": f"{row['text']} " * 5} for row in reviews()])
    shutil.copytree(checkpoints["bert"], "bert")
    common = SUITE.replace('"tfidf", "majority"', '"bert/"').replace('baseline = "majority"', "seeds = [1]")
    common = common.replace(
        "train_examples = {values}", "maximum_steps = 2\nevaluations_per_epoch = 1\nmax_length = {values}"
    )
    for name, values in (("tiny", "[8, 32]"), ("alone", "32")):
        Path(f"{name}.toml").write_text(common.format(values=values))
        result = command("run", f"{name}.toml", "--workers", "1")
        assert result.code == 0, result.output + result.errors
    weights = "bert/seed-1/checkpoint/model.safetensors"
    alone = Path("runs/alone/mine", weights).read_bytes()
    assert (RUNS / "mine@32" / weights).read_bytes() == alone
    assert (RUNS / "mine@8" / weights).read_bytes() != alone
    (curves,) = compare(RUNS).curves
    assert (curves.sizes, list(curves.cells)) == ((8, 32), ["bert/"])


@pytest.mark.slow
def test_weights_that_were_trained_once_are_scored_at_several_numbers_of_windows(command, checkpoints):
    write_csv(Path("reviews.csv"), [{**row, "text": f"{row['text']} " * 5} for row in reviews()])
    shutil.copytree(checkpoints["bert"], "bert")
    common = SUITE.replace("train_examples = {values}", 'strategy = "windows"\nmax_length = 12\n')
    learn = common.replace('"tfidf", "majority"', '"bert/"').replace('baseline = "majority"', "seeds = [0]")
    Path("learn.toml").write_text(learn.replace("max_length", "maximum_steps = 2\nmax_windows = 2\nmax_length"))
    assert command("run", "learn.toml").code == 0
    trained = "runs/learn/mine/bert/seed-0"
    scored = learn.replace('"bert/"', f'"{trained}/checkpoint"')
    Path("score.toml").write_text(
        scored.replace("max_length", "maximum_steps = 0\nmax_windows = [1, 2, 4]\nmax_length")
    )
    result = command("run", "score.toml")
    assert result.code == 0, result.output + result.errors
    (curves,) = compare(Path("runs/score")).curves
    assert (curves.sizes, curves.varied.words) == ((1, 2, 4), "windows at most")
    runs = {size: next(Path(f"runs/score/mine@{size}").glob("*/seed-0")) for size in curves.sizes}
    weights = [load_file(Path(run, "checkpoint/model.safetensors")) for run in (trained, *runs.values())]
    for name, tensor in weights[0].items():
        assert all(torch.equal(tensor, other[name]) for other in weights[1:]), name
    seen = [read_record(run)["counts"]["tokens"]["test"]["seen"] for run in runs.values()]
    assert seen == sorted(set(seen))
    logits = {size: pq.read_table(run / "predictions.parquet")["logits"] for size, run in runs.items()}
    assert logits[2] == pq.read_table(Path(trained, "predictions.parquet"))["logits"]
    assert logits[1] != logits[2] != logits[4]


def test_a_model_that_is_scored_as_it_is_may_be_asked_at_several_memories_or_beams(tmp_path):
    for setting, words in (("memory", "states of memory"), ("beams", "beams")):
        suite = read(f'models = ["xl-mini"]\n[training]\nmaximum_steps = 0\n{setting} = [2, 8]\n', tmp_path)
        assert [getattr(suite.recipes[f"sst2@{value}", "xl-mini"], setting) for value in (2, 8)] == [2, 8]
        assert {one.words for one in suite.varied["sst2"]} == {words}


@pytest.mark.slow
def test_the_value_is_part_of_what_identifies_a_run(command, suite):
    command("run", suite)
    config = json.loads((RUNS / "mine@10/tfidf/seed-0/run.json").read_text())["config"]
    assert RunConfig.model_validate(config).varied.value == 10
    shutil.copytree(RUNS / "mine@10", RUNS / "mine@40", dirs_exist_ok=True)
    result = command("run", suite)
    assert result.code == 2
    assert any("varied.value: recorded 10, wanted 40" in line for line in result.lines)
