"""`harness serve`: a page and an endpoint that answer as `harness predict` does, and refuse all else."""

import json
import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from urllib.request import Request, urlopen

import pytest
from finished_runs import finished_run
from waiting import LONGEST

from harness.errors import UserError
from harness.runs.predict import predict_rows

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from harness.serving.application import MOST_BYTES, MOST_ROWS, application
from harness.serving.models import Served

ROWS = {
    "classification": {"text": "the film was superb"},
    "question_answering": {"question": "who was seen ?", "context": "the film was seen by anna on a rainy day"},
    "token_classification": {"text": "anna was seen"},
}


@pytest.fixture(scope="module")
def run_of(tmp_path_factory, checkpoints):
    """The folder of a finished run of a task type, made when it is first asked for."""
    folder = tmp_path_factory.mktemp("served")
    return cache(lambda name: finished_run(folder / name, name, checkpoints["bert"], maximum_steps=1))


@pytest.fixture(scope="module")
def client(run_of):
    """Asks about classification."""
    return TestClient(application(Served([run_of("classification")])), base_url="http://localhost")


@pytest.mark.slow_but_first
@pytest.mark.parametrize("task_type", ROWS)
def test_it_answers_as_predict_does_and_names_the_columns_that_it_reads(task_type, run_of):
    client = TestClient(application(Served([run_of(task_type)])), base_url="http://127.0.0.1:8000")
    described = client.get("/api").json()
    assert described["columns"] == list(ROWS[task_type])
    page = client.get("/").text
    assert all(f'data-column="{name}"' in page for name in ROWS[task_type])
    found = client.post("/api/predict", json={"rows": [ROWS[task_type]]})
    assert found.status_code == 200
    (model,) = found.json()["models"]
    assert model["rows"] == json.loads(json.dumps(predict_rows(run_of(task_type), [ROWS[task_type]])))


@pytest.mark.slow
def test_a_score_that_is_no_number_is_left_out_of_the_description_and_the_page(run_of, tmp_path):
    run = shutil.copytree(run_of("classification"), tmp_path / "run")
    content = json.loads((run / "run.json").read_text())
    content["scores"]["test"] = {"accuracy": 0.5, "macro_f1": "NaN"}
    (run / "run.json").write_text(json.dumps({name: part for name, part in content.items() if name != "sha256"}))
    client = TestClient(application(Served([run])), base_url="http://localhost")
    assert client.get("/api").json()["models"][0]["scores"] == {"accuracy": 0.5}
    assert "accuracy 0.5000" in client.get("/").text


def test_two_models_answer_side_by_side_and_only_of_one_task(run_of):
    run = run_of("classification")
    client = TestClient(application(Served([run, run])), base_url="http://localhost")
    assert client.get("/").text.count("<section") == 2
    first, second = client.post("/api/predict", json={"rows": [{"text": "a dull film"}]}).json()["models"]
    assert first["rows"] == second["rows"]
    with pytest.raises(UserError, match=r"reads question, context \(question_answering\), but .* reads text \(class"):
        Served([run, run_of("question_answering")])


def test_text_is_shown_and_never_run(run_of):
    served = Served([run_of("classification")])
    served._predictors[0].record.__dict__["model"] = "<script>alert(1)</script>"
    answer = TestClient(application(served), base_url="http://localhost").get("/")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "innerHTML" not in answer.text


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"content": b"{"}, 400, "not JSON"),
        ({"content": b"[" * 100_000}, 400, "not JSON"),
        ({"json": {"row": {}}}, 400, "The body must be"),
        ({"json": {"rows": []}}, 400, "The body must be"),
        ({"json": {"rows": ["text"]}}, 400, "The body must be"),
        ({"json": {"rows": [{"text": "a"}] * (MOST_ROWS + 1)}}, 413, "At most 64 rows"),
        ({"content": b" " * (MOST_BYTES + 1)}, 413, "At most 1,000,000 bytes"),
        ({"json": {"rows": [{"txt": "a"}]}}, 422, "row 1: "),
        ({"json": {"rows": [{"text": None}]}}, 422, "row 1: "),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(sent, status, said, client):
    answer = client.post("/api/predict", headers={"Content-Type": "application/json"}, **sent)
    assert answer.status_code == status
    assert said in answer.json()["errors"][0]


def test_other_pages_in_the_browser_cannot_ask(client):
    assert client.post("/api/predict", data={"rows": "1"}).status_code == 415
    assert client.get("/api", headers={"Host": "evil.example"}).status_code == 400


def test_without_its_packages_serve_names_the_extra(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'finetune-harness[serve]'" in command("serve", "runs").errors


@pytest.mark.slow
def test_a_busy_port_and_a_folder_that_is_no_run_are_told(command, tmp_path):
    import socket

    from command_line import reviews, write_jsonl

    assert "no run.json here" in command("serve", tmp_path, "--port", 0).errors
    assert command("run", "--model", "majority", "--train", write_jsonl(tmp_path / "rows.jsonl", reviews(40))).code == 0
    (record,) = (tmp_path / "runs").rglob("run.json")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        errors = command("serve", record.parent, "--port", port).errors
        assert f"can't listen on 127.0.0.1, port {port}" in errors
        assert errors.startswith("Loading majority for rows")


@pytest.mark.slow
def test_a_process_serves_until_it_is_stopped(command, tmp_path):
    from command_line import reviews, write_jsonl

    file = write_jsonl(tmp_path / "rows.jsonl", reviews(40))
    assert command("run", "--model", "majority", "--train", file).code == 0
    (record,) = (tmp_path / "runs").rglob("run.json")
    words = [sys.executable, "-m", "harness", "serve", str(record.parent), "--port", "0"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as server:
        try:
            url = server.stdout.readline().split()[0]
            body = json.dumps({"rows": [{"text": "a film"}]}).encode()
            with urlopen(Request(f"{url}/api/predict", body, {"Content-Type": "application/json"})) as answer:
                (model,) = json.load(answer)["models"]
            assert model["rows"][0]["prediction"] in ("bad", "good")
        finally:
            server.send_signal(signal.SIGINT)
        assert server.wait(timeout=LONGEST) == 0
