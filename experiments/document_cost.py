"""The cost of one document: a training step on it and its evaluation, measured in this process.

    python -m experiments.document_cost transformer-xl-random recurrence 16384

prints a line of JSON. `long_documents.py` calls it for many lengths, each in its own process.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import psutil
import torch
from accelerate.utils.memory import should_reduce_batch_size

from harness.claims.documents import document, prepared
from harness.config.training import Training
from harness.ops.device import measure_peak_anew, peak_memory_bytes
from harness.task_types.texts import TextExample
from harness.tokenization.items import Features
from harness.training.trainer import Trainer

SEGMENTS = {"segment": 256, "memory": 256}
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "head": {"strategy": "head", "max_length": 512},
    "windows": {"strategy": "windows", "max_length": 512, "max_windows": 1_000_000},
    "recurrence": {"strategy": "segment_recurrence", **SEGMENTS},
    "recurrence-4": {"strategy": "segment_recurrence", "gradient_segments": 4, **SEGMENTS},
    "segments": {"strategy": "independent_segments", "segment": 256},
    "full": {"strategy": "head"},  # and a window as long as the document
}
SHORT = 300  # tokens of the document to warm up with: more than a segment
REPEATED_FOR = 3.0  # seconds, after which a measurement is not repeated


def training(recipe: str, tokens: int) -> Training:
    """The recipe, with one window or segment in a pass: the least memory, for a second forward pass over the text."""
    settings = dict(RECIPES[recipe])
    if recipe == "full":
        settings["max_length"] = max(tokens, SHORT)
    return Training(micro_batch_size=1, **settings)


def cost(model: str, recipe: str, tokens: int, *, repeats: int) -> dict[str, Any]:
    """Seconds of the processor and bytes that a training step on one document, and its evaluation, take.

    It is tokenised before, which takes less than a kilobyte a token for a moment, however it is read.
    """
    trainer, kind, reader = prepared(model, training(recipe, tokens))
    # What is made once, such as the optimiser's state, is made now.
    short, text = document(reader, SHORT), document(reader, tokens)
    _measured(trainer, short, kind.features([short], reader), repeats=1)
    features = kind.features([text], reader)
    measure_peak_anew()
    before = psutil.Process().memory_info().rss
    seconds = _measured(trainer, text, features, repeats=repeats)
    return {**seconds, "before_bytes": before, "peak_bytes": peak_memory_bytes()}


def _measured(trainer: Trainer, text: TextExample, features: Features, *, repeats: int) -> dict[str, float]:
    return {
        "training_seconds": _seconds(lambda: float(trainer.step(features.items)), repeats),
        "evaluation_seconds": _seconds(lambda: trainer.forward.evaluate(features, [text]), repeats),
    }


def _seconds(work: Callable[[], object], repeats: int) -> float:
    """The median of the processor's seconds: others on the machine slow these down less than they do the clock's."""
    found: list[float] = []
    while len(found) < repeats and sum(found) < REPEATED_FOR:
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return median(found)


def main() -> None:
    """Print what the document costs as JSON; nothing but the point where it takes more memory than is allowed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="of configs/models, untrained")
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("tokens", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--gigabytes", type=float, default=8.0, help="most memory; more of it is refused")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    most = int(asked.gigabytes * 1e9)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    point = {"model": asked.model, "recipe": asked.recipe, "tokens": asked.tokens}
    try:
        point |= cost(asked.model, asked.recipe, asked.tokens, repeats=asked.repeats)
    except RuntimeError as error:
        if not should_reduce_batch_size(error):
            raise
    print(json.dumps(point))


if __name__ == "__main__":
    main()
