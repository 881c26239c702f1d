import pytest
from command_line import reviews


@pytest.fixture(scope="session")
def films():
    """Own data of the Python interface: rows whose column names are no task type's own."""
    return [{"review": row["text"], "stars": row["label"]} for row in reviews(60)]


@pytest.fixture(scope="session")
def finished(tmp_path_factory, checkpoints, films):
    """The runs of a small checkpoint and two simple baselines on the same rows, by model."""
    import harness

    runs = harness.finetune(
        model=[checkpoints["bert"], "tfidf", "majority"],
        data={"train": films, "text": "review", "label": "stars"},
        runs=tmp_path_factory.mktemp("finished") / "runs",
        progress=False,
        maximum_steps=2,
        evaluations_per_epoch=1,
    )
    assert [run.status for run in runs] == ["complete"] * 3
    return {run.record.family: run for run in runs}
