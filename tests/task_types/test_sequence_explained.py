"""`harness explain` of texts that are written: what each token of the source adds, and where the decoder looks."""

import json
from dataclasses import replace

import numpy as np
import pytest
from small_models import FILLERS, Silent, own_run

from harness.config.run import LocalData
from harness.runs.execution import Options, execute

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
SETTINGS = {"max_length": 32, "max_target_length": 40, "maximum_steps": 2, "beams": 2, "validate_by": "loss"}
SOURCE = "the film was seen in town"


def finished(folder, family, checkpoint):
    files = {}
    for place, name in enumerate(("train", "validation", "test")):
        words = [FILLERS[place + number : place + number + 5] for number in range(10)]
        rows = [{"source": " ".join(part), "target": " ".join(reversed(part))} for part in words]
        files[name] = str(folder / f"{name}.jsonl")
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    own = LocalData(**files, task_type="sequence_to_sequence")
    run = own_run(folder / "runs", own, checkpoint, family=family, **SETTINGS)
    if family == "scratch":
        model = run.config.model.model_copy(update={"architecture": SMALL, "vocabulary_size": 300})
        run = replace(run, config=run.config.model_copy(update={"model": model}))
    assert execute(run, Options(), Silent()).status == "complete"
    return run.folder


@pytest.mark.slow
@pytest.mark.parametrize("family", ["scratch", "bert"])
def test_what_is_written_is_explained_by_its_source_alone_with_a_map_from_one_to_the_other(
    family, checkpoints, command, tmp_path
):
    run = finished(tmp_path, family, None if family == "scratch" else checkpoints[family])
    given = ("--source", SOURCE)
    answer = json.loads(command("predict", run, *given).output)
    page = tmp_path / "why.html"
    output = command("explain", run, *given, "--attention", "--json", "--html", page).output
    (found,) = json.loads(output)["explanations"]
    assert found["label"] == f"written “{answer['prediction']}”"
    assert "".join(found["tokens"]).split() == SOURCE.split()
    assert abs(found["error"]) < 0.02 * sum(map(abs, found["values"])) + 1e-4
    attention = found["attention"]
    weights = np.array(attention["layers"])
    assert weights.shape == (2, len(attention["written"]), len(attention["tokens"]))
    assert len(attention["tokens"]) == len(found["tokens"]) + 2  # [CLS] and [SEP]
    assert weights.sum(-1) == pytest.approx(np.ones(weights.shape[:2]), abs=1e-5)
    assert page.read_text().count("<image x=") == 2
    assert "as it writes the token of a row" in page.read_text()
    refused = command("explain", run, *given, "--label", "x")
    assert (refused.code, "this model writes texts and has no labels" in refused.errors) == (2, True)
