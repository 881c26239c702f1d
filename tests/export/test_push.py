"""`harness export --to hub`: what arrives, over HTTP, is the checked folder; what goes wrong is one line."""

import json
from pathlib import Path

import pytest
from command_line import reviews
from local_hub import local_hub

import harness
from harness.checksums import without_digest
from harness.runs.exported import CHECK


@pytest.fixture(scope="module")
def run(tmp_path_factory, checkpoints):
    from finished_runs import finished_run

    return finished_run(tmp_path_factory.mktemp("run"), "classification", checkpoints["bert"])


@pytest.fixture(scope="module")
def baseline_run(tmp_path_factory):
    """A run of a simple baseline; an export only reads it."""
    folder = tmp_path_factory.mktemp("baseline")
    (run,) = harness.finetune(model="majority", data=reviews(40), runs=folder, progress=False)
    return run.folder


@pytest.mark.slow
def test_what_arrives_is_the_checked_folder_that_a_dry_run_shows(command, run, monkeypatch):
    from huggingface_hub import ModelCard

    words = ("export", run, "me/small", "--to", "hub", "--licence", "mit", "--examples", "6")
    shown = command(*words, "--dry-run").output
    with local_hub(monkeypatch) as hub:
        result = command(*words, "--private")
        assert result.code == 0, result.errors
        again = command(*words)
    assert again.code == 0, again.errors
    assert f"Exported to {hub.url}/me/small/commit/" in result.output
    assert hub.private == {"me/small"}
    files = hub.files["me/small"]
    announced = [line.split()[0] for line in shown.splitlines() if line.startswith("  ") and "/" not in line]
    assert sorted(files) == [name for name in announced if name in files] != []
    assert {Path(name).suffix for name in files} == {".md", ".json", ".safetensors"}
    assert files["model.safetensors"] == (run / "checkpoint/model.safetensors").read_bytes()
    assert without_digest(json.loads(files[CHECK]))["agreement"] == 1.0
    text = files["README.md"].decode()
    assert text.strip() in shown
    card = ModelCard(text)
    assert card.data.license == "mit"
    accuracy = next(found for found in card.data.eval_results if found.metric_type == "accuracy")
    assert accuracy.dataset_split == "test"
    assert "95 % interval" in accuracy.metric_name
    told = b"".join(content for name, content in files.items() if not name.endswith(".safetensors"))
    assert str(run).encode() not in told
    assert str(Path.home()).encode() not in told


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, "me/small: no access token for the Hub. Run: hf auth login"),
        ("hf_gone", "me/small: the Hub does not know your access token (401). Run: hf auth login"),
        ("hf_you", "me/small: your account may not write there (403). Give a name of your own"),
    ],
)
def test_a_push_that_the_hub_refuses_is_one_line(token, said, command, baseline_run, monkeypatch):
    with local_hub(monkeypatch, token=token) as hub:
        result = command("export", baseline_run, "me/small", "--to", "hub")
    assert result.code == 2
    assert said in result.errors
    assert len(result.lines) == 1
    assert hub.files == {}


def test_the_repository_of_another_account_stays_as_it_is(command, baseline_run, monkeypatch):
    with local_hub(monkeypatch, token="hf_you") as hub:
        hub.files["me/small"] = {"README.md": b"mine"}
        result = command("export", baseline_run, "me/small", "--to", "hub")
    assert "me/small: your account may not write there (403)" in result.errors
    assert hub.files == {"me/small": {"README.md": b"mine"}}


@pytest.mark.slow
def test_a_file_that_the_storage_refuses_is_one_line_and_no_commit(command, run, monkeypatch):
    with local_hub(monkeypatch) as hub:
        hub.refuses_storage = True
        result = command("export", run, "me/small", "--to", "hub", "--examples", "0")
    assert result.code == 2
    assert "me/small: could not be pushed (Error while uploading 'model.safetensors' to the Hub.: " in result.errors
    assert result.errors.count("\n") == 1
    assert hub.files == {"me/small": {}}


def test_a_hub_that_is_switched_off_or_away_is_one_line(command, baseline_run, monkeypatch):
    result = command("export", baseline_run, "me/small", "--to", "hub")
    assert "me/small: the Hub is switched off (HF_HUB_OFFLINE)" in result.errors
    with local_hub(monkeypatch):
        pass  # It is gone.
    result = command("export", baseline_run, "me/small", "--to", "hub")
    assert result.code == 2
    assert "me/small: the Hub can't be reached" in result.errors
    assert len(result.lines) == 1
