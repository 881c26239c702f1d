"""A call leaves the process as it was, so that a notebook may go on as if it had not been there."""

import logging
import os
import random
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState

import harness
from harness.ops.unchanged import unchanged_process


def state():
    """What a process has that a library may change, each thing by name."""
    name, keys, *place = np.random.get_state()
    return {
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "path": list(sys.path),
        "warnings": list(warnings.filters),
        "random": random.getstate(),
        "numpy": (name, keys.tolist(), *place),
        "torch": torch.get_rng_state().tolist(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "singletons": [dict(one._shared_state) for one in (PartialState, AcceleratorState, GradientState)],
        "transformers": (transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()),
        "logging": (logging.root.level, list(logging.root.handlers)),
        "signals": [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)],
    }


def finetune(folder, films, checkpoints):
    """A small fine-tuning, with a prediction and a score."""
    (run,) = harness.finetune(
        model=str(checkpoints["bert"]),
        data={"train": films, "text": "review", "label": "stars"},
        runs=folder,
        progress=False,
        maximum_steps=2,
        evaluations_per_epoch=1,
    )
    assert run.status == "complete", run.reason
    harness.predict(run, ["a lovely film"])
    harness.evaluate(run)


@pytest.fixture
def notebook():
    """A process in which somebody works: seeds are set, an accelerator is there, filters are chosen."""
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    for set_seed in (random.seed, np.random.seed, torch.manual_seed):
        set_seed(7)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        yield Accelerator(cpu=True, gradient_accumulation_steps=4)
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


@pytest.mark.slow
def test_a_call_leaves_the_process_as_it_was(tmp_path, films, checkpoints, notebook):
    transformers.logging.set_verbosity_info()
    before = state()
    finetune(tmp_path, films, checkpoints)
    after = state()
    transformers.logging.set_verbosity_warning()
    assert {name for name in before if before[name] != after[name]} == set()
    assert notebook.gradient_accumulation_steps == 4
    assert notebook.state.device.type == "cpu"


def test_a_call_that_fails_leaves_it_so_too(tmp_path, monkeypatch):
    before = state()
    with pytest.raises(harness.UserError):
        harness.finetune(model="majority", task="no such task", runs=tmp_path)
    assert state() == before


def test_the_block_changes_what_it_gives_back():
    """Or the test above would prove nothing."""
    before = state()
    with unchanged_process():
        random.random(), np.random.rand(), torch.rand(1)
        os.environ["A_NEW_ONE"] = "1"
        warnings.simplefilter("error")
        torch.set_num_threads(torch.get_num_threads() + 1)
        PartialState._shared_state["new"] = True
        changed = {name for name, value in state().items() if value != before[name]}
    assert {"random", "numpy", "torch", "environment", "warnings", "threads", "singletons", "transformers"} <= changed
    assert state() == before


def test_another_random_draw_is_not_repeated_by_a_call(tmp_path, films):
    torch.manual_seed(3)
    first = torch.rand(1)
    harness.finetune(model="majority", data={"train": films, "text": "review", "label": "stars"}, runs=tmp_path)
    assert torch.rand(1) != first


def test_a_gpu_that_the_block_was_the_first_to_use_begins_with_the_processes_own_seed(monkeypatch):
    seeds, used = [], [False, True]
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: used.pop(0))
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    torch.manual_seed(11)
    with unchanged_process():
        torch.manual_seed(5)
    assert seeds[-1] == 11
