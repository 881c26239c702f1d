"""What has to hold on a GPU; with HARNESS_DRY_RUN=1 the same is worked through on the CPU, which shows the tests right.

`pytest -m gpu tests/gpu`; `benchmarks/gpu/check.sh` calls it.
"""

import os

import numpy as np
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import load_file
from small_models import (
    ARCHITECTURES,
    LABELS,
    TAGS,
    Silent,
    loaded_model,
    own_data,
    own_run,
    question_examples,
    tagged_examples,
    text_examples,
    trainer_for,
    write_checkpoint,
)

from harness.config.training import Training
from harness.long_texts.packed.torch_kernels import jagged_attention, varlen_attention, works
from harness.long_texts.windows import in_parts
from harness.registry import FAMILIES
from harness.runs.execution import execute
from harness.runs.options import Options

pytestmark = pytest.mark.gpu
IS_DRY = os.environ.get("HARNESS_DRY_RUN") == "1"
FAMILIES_PACKED = tuple(name for name in ARCHITECTURES if FAMILIES.load(name).packing is not None)
EXAMPLES = {
    "classification": text_examples(60),
    "question_answering": question_examples(60),
    "token_classification": tagged_examples(60),
}
TOLERANCE = 2e-4
"""Of losses and logits after six steps in fp32: a GPU's sums are not in the CPU's order."""


@pytest.fixture(autouse=True)
def on_a_gpu():
    """Not on another device, unless this is a dry run; and without TF32, which is no fp32."""
    if not IS_DRY and not torch.cuda.is_available():
        pytest.skip("no GPU (HARNESS_DRY_RUN=1 works the tests through on the CPU)")
    torch.backends.cuda.matmul.allow_tf32 = False


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A small checkpoint's folder, by family."""
    made = {}

    def of(family):
        if family not in made:
            made[family] = write_checkpoint(family, tmp_path_factory.mktemp(family))
        return made[family]

    return of


def ran(folder, own, checkpoint, family, *, options=None, callbacks=None, **settings):
    """The run's record and folder."""
    run = own_run(folder, own, checkpoint, family=family, precision="fp32", **{"dropout": 0.0, **settings})
    return execute(run, options or Options(), callbacks or Silent()), run.folder


def logits(folder):
    rows = parquet.read_table(folder / "predictions.parquet").to_pylist()
    return [np.array(row["logits"]) for row in rows if "logits" in row]


def test_there_are_families_that_are_packed():
    assert {"bert", "roberta", "modernbert", "deberta"} <= {*FAMILIES_PACKED}


@pytest.mark.parametrize("task_type", EXAMPLES)
@pytest.mark.parametrize("family", FAMILIES_PACKED)
def test_packed_gives_what_padded_gives(family, task_type, checkpoint, tmp_path):
    own = own_data(tmp_path / "data", EXAMPLES[task_type], task_type=task_type)
    settings = {"max_length": 24} if task_type == "question_answering" else {}
    (packed, one), (padded, other) = (
        ran(tmp_path / how, own, checkpoint(family), family, execution=how, **settings) for how in ("packed", "padded")
    )
    assert packed.provenance.hardware["device"] == ("cpu" if IS_DRY else "cuda")
    for ours, theirs in zip(packed.curve, padded.curve, strict=True):
        assert ours.train_loss == pytest.approx(theirs.train_loss, abs=TOLERANCE)
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, abs=TOLERANCE)
    for ours, theirs in zip(logits(one), logits(other), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=10 * TOLERANCE)


class StoppedError(Exception):
    """What a callback raises in the middle of a run."""


class StopAt(Silent):
    """Ends the run at a step."""

    def __init__(self, step):
        self._step = step

    def on_step(self, step, steps, *, loss, items):
        if step == self._step:
            raise StoppedError


@pytest.mark.parametrize("family", ["bert", "xlnet"])
def test_a_stopped_run_goes_on_to_the_same_bits(family, checkpoint, tmp_path):
    own = own_data(tmp_path / "data", EXAMPLES["classification"])
    assert_goes_on(tmp_path, own, checkpoint(family), family, dropout=0.1)


def assert_goes_on(tmp_path, own, checkpoint, family, **settings):
    _, whole = ran(tmp_path / "whole", own, checkpoint, family, **settings)
    saving = Options(checkpoint_seconds=0.0)
    with pytest.raises(StoppedError):
        ran(tmp_path / "cut", own, checkpoint, family, options=saving, callbacks=StopAt(4), **settings)
    _, cut = ran(tmp_path / "cut", own, checkpoint, family, **settings)
    ours, theirs = (load_file(folder / "checkpoint/model.safetensors") for folder in (cut, whole))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_bf16_learns_what_fp32_learns(checkpoint, tmp_path):
    own = own_data(tmp_path / "data", EXAMPLES["classification"])
    found = []
    for precision in ("fp32", "bf16"):
        run = own_run(tmp_path / precision, own, checkpoint("bert"), precision=precision, dropout=0.0)
        found.append(execute(run, Options(), Silent()).curve[-1].validation_loss)
    assert found[1] == pytest.approx(found[0], abs=0.02)


@pytest.mark.parametrize("kernel", [varlen_attention, jagged_attention])
def test_torch_s_kernels_give_what_plain_attention_gives(kernel):
    if IS_DRY:
        pytest.skip("a processor has no such kernels")
    assert works(kernel, torch.device("cuda", torch.cuda.current_device()), torch.bfloat16, 64)


@pytest.mark.parametrize(
    ("task_type", "labels", "settings"),
    [
        ("classification", LABELS, {}),
        ("classification", LABELS, {"strategy": "windows", "max_length": 8}),
        ("token_classification", TAGS, {}),
    ],
    ids=["texts", "windows", "tags"],
)
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_step_waits_for_nothing(dropout, task_type, labels, settings, checkpoint):
    """torch raises where the host waits for the GPU (on a processor, it never does)."""
    training = Training(precision="bf16", **settings)
    loaded, objective = loaded_model(
        "bert", checkpoint("bert"), task_type, labels=labels, dropout=dropout, training=training
    )
    if not IS_DRY:
        loaded.model.cuda()
    trainer, reader = trainer_for(loaded, objective, training)
    items = objective.features(EXAMPLES[task_type], reader).items
    trainer.step(items[:8])  # Kernels are chosen, and memory is taken.
    if not IS_DRY:
        torch.cuda.set_sync_debug_mode("error")
    try:
        losses = [trainer.step(items[start : start + 8]) for start in (8, 16)]
    finally:
        if not IS_DRY:
            torch.cuda.set_sync_debug_mode("default")
    assert all(torch.isfinite(loss) for loss in losses)


def test_a_part_that_is_computed_again_drops_what_it_dropped():
    device = torch.device("cpu" if IS_DRY else "cuda")
    scale = torch.ones(64, device=device, requires_grad=True)

    def dropped(part):
        return (torch.nn.functional.dropout(part["rows"].to(device) * scale, 0.5),)

    (found,) = in_parts(dropped, {"rows": torch.ones(2, 64)}, 1, device)
    found.sum().backward()
    torch.testing.assert_close(scale.grad, found.detach().sum(0))


# Last, because compiling takes long.
COMPILED = [True, pytest.param("cuda_graphs", marks=pytest.mark.skipif(IS_DRY, reason="a CPU has no CUDA graphs"))]


@pytest.mark.parametrize("how", COMPILED)
def test_a_compiled_model_learns_what_it_learns_without(how, checkpoint, tmp_path):
    own = own_data(tmp_path / "data", EXAMPLES["classification"])
    (plain, one), (compiled, other) = (
        ran(tmp_path / str(is_on), own, checkpoint("bert"), "bert", execution="padded", compile=is_on and how)
        for is_on in (False, True)
    )
    assert compiled.curve[-1].validation_loss == pytest.approx(plain.curve[-1].validation_loss, abs=TOLERANCE)
    for ours, theirs in zip(logits(one), logits(other), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=10 * TOLERANCE)


@pytest.mark.parametrize("how", COMPILED)
def test_a_stopped_compiled_run_goes_on_to_the_same_bits(how, checkpoint, tmp_path):
    own = own_data(tmp_path / "data", EXAMPLES["classification"])
    assert_goes_on(tmp_path, own, checkpoint("bert"), "bert", dropout=0.1, execution="padded", compile=how)
