"""What trackers hold after a run: its whole recipe, its curve, its final scores with intervals, and its cost."""

import json
from types import SimpleNamespace

import pytest
from command_line import read_record, reviews, write_csv

from harness.comparison.comparison import compare
from harness.errors import UserError
from harness.training.tracking import flattened, tracked

FEW_STEPS = ("--set", "maximum_steps=4", "--set", "evaluations_per_epoch=1", "--set", "batch_size=4")


def of_tensorboard(runs, _):
    """Settings, and values by step of each name, from event files."""
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    yaml = pytest.importorskip("yaml")
    values = {}
    for file in runs.rglob("events.out.tfevents.*"):
        events = accumulators.EventAccumulator(str(file)).Reload()
        values |= {name: {one.step: one.value for one in events.Scalars(name)} for name in events.Tags()["scalars"]}
    (settings,) = runs.rglob("hparams.yml")
    return yaml.safe_load(settings.read_text()), values


def of_mlflow(_, folder):
    """The same, from a database of its own."""
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
    (experiment,) = [one for one in client.search_experiments() if one.name == "single"]
    (run,) = client.search_runs([experiment.experiment_id])
    history = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    return run.data.params, {name: {one.step: one.value for one in found} for name, found in history.items()}


def of_trackio(*_):
    """The same, from its own database."""
    from trackio.sqlite_storage import SQLiteStorage

    (run,) = SQLiteStorage.get_runs("single")
    values = {
        name: {one["step"]: one["value"] for one in SQLiteStorage.get_metric_values("single", run, name)}
        for name in SQLiteStorage.get_all_metrics_for_run("single", run)
    }
    return SQLiteStorage.get_run_config("single", run), values


def of_wandb(_, folder):
    """The same, from the file of an offline run: records of a log in blocks, as LevelDB writes them."""
    pb = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    (file,) = folder.rglob("*.wandb")
    data, place, begun, settings, values = file.read_bytes(), 7, b"", {}, {}
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        size, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        begun += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind not in (1, 4):  # whole, or its last part
            continue
        record, begun = pb.Record.FromString(begun), b""
        settings |= {one.key: json.loads(one.value_json) for one in record.config.update}
        for item in record.history.item:
            (name,) = item.nested_key or (item.key,)
            values.setdefault(name, {})[record.history.step.num] = json.loads(item.value_json)
    return settings, values


OLDEST = {"tensorboard": "2.18", "mlflow": "3.0", "trackio": "0.20", "wandb": "0.20"}
READERS = {"tensorboard": of_tensorboard, "mlflow": of_mlflow, "trackio": of_trackio, "wandb": of_wandb}


@pytest.fixture
def followed(command, monkeypatch, tmp_path):
    """What a tracker holds of a command's run, and the run's record."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))

    def read(tracker, model, *words):
        file = write_csv(tmp_path / "films.csv", reviews(80))
        result = command("run", "--train", file, "--model", model, "--runs", "runs", "--track", tracker, *words)
        assert result.code == 0, result.output + result.errors
        (record,) = (tmp_path / "runs").rglob("run.json")
        settings, values = READERS[tracker](tmp_path / "runs", tmp_path)
        return SimpleNamespace(settings=settings, values=values, record=read_record(record.parent))

    return read


def last(values):
    """The value at the last step."""
    return values[max(values)]


@pytest.mark.slow
@pytest.mark.parametrize("tracker", READERS)
def test_a_tracker_holds_recipe_curve_scores_with_intervals_and_cost(tracker, followed, checkpoints, tmp_path):
    pytest.importorskip(tracker, minversion=OLDEST[tracker], exc_type=ImportError)
    found = followed(tracker, checkpoints["bert"], *FEW_STEPS)
    record, values = found.record, found.values
    recipe = flattened({"training": record["config"]["training"]}, between=".")
    told = {name: value for name, value in recipe.items() if value is not None}
    assert len(told) > 10
    assert {name: str(found.settings[name]) for name in told} == {name: str(value) for name, value in told.items()}
    assert (str(found.settings["seed"]), found.settings["model.name"]) == ("0", record["model"])
    assert values["train/loss"].keys() == {1, 2, 3, 4}
    for point in record["curve"]:
        assert values["validation/loss"][point["step"]] == pytest.approx(point["validation_loss"], rel=1e-6)
    for split, scores in record["scores"].items():
        for name, score in scores.items():
            assert last(values[f"final/{split}/{name}"]) == pytest.approx(score, rel=1e-6)
    (task,) = compare(tmp_path / "runs").tasks
    (cell,) = task.cells
    main = f"final/test/{record['task_card']['main_metric']}"
    ends = [last(values[f"{main}/{end}"]) for end in ("low", "high")]
    assert ends == pytest.approx([cell.estimate.low, cell.estimate.high], rel=1e-6)
    assert ends[0] < last(values[main]) < ends[1]
    assert last(values["cost/seconds/train"]) == pytest.approx(record["cost"]["seconds"]["train"], rel=1e-6)
    assert last(values["cost/training_flops"]) == pytest.approx(record["cost"]["training_flops"], rel=1e-6)
    assert last(values["counts/parameters"]) == pytest.approx(record["counts"]["parameters"], rel=1e-6)


@pytest.mark.slow
def test_a_simple_baseline_is_tracked_too(followed):
    pytest.importorskip("tensorboard")
    found = followed("tensorboard", "tfidf")
    score = found.record["scores"]["test"]["accuracy"]
    assert last(found.values["final/test/accuracy"]) == pytest.approx(score)
    assert found.values.keys() >= {"final/test/accuracy/low", "cost/seconds/train"}
    assert found.settings["model.name"] == "tfidf"


def test_tables_become_one_and_lists_json():
    nested = {"model": {"family": "bert", "adapters": None}, "metrics": ["f1", "é"], "seed": 0}
    assert flattened(nested, between=".") == {
        "model.family": "bert",
        "model.adapters": None,
        "metrics": json.dumps(["f1", "é"], ensure_ascii=False),
        "seed": 0,
    }


def test_a_tracker_that_cannot_start_is_told_with_its_reason():
    def refuse(*_, **__):
        raise ConnectionError("no server\nat all")

    accelerator = SimpleNamespace(log_with=["mlflow"], init_trackers=refuse)
    with (
        pytest.raises(UserError, match=r"^--track mlflow: it can't start \(ConnectionError: no server at all\)\."),
        tracked(None, accelerator, project="p", run="r", settings={}),
    ):
        pass
