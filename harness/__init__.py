"""Fine-tune pretrained models on real tasks and compare them honestly. Start reading at `harness/runs/execution.py`.

The Python interface, by example in docs/python.md:

    import harness

    harness.finetune(model=["minilm", "tfidf"], task="rotten_tomatoes", seeds=range(3), epochs=2, runs="runs")
    comparison = harness.compare("runs", baseline="tfidf")
    comparison.to_pandas("differences")

Modules are imported when one of their names is first used, so that `import harness` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.version import __version__

if TYPE_CHECKING:
    from harness.api.comparing import Comparison, compare
    from harness.api.evaluating import evaluate
    from harness.api.finetuning import finetune
    from harness.api.finished import FinishedRun, load_runs
    from harness.api.predicting import predict
    from harness.errors import UserError

__all__ = [
    "Comparison",
    "FinishedRun",
    "UserError",
    "__version__",
    "compare",
    "evaluate",
    "finetune",
    "load_runs",
    "predict",
]

_MODULES = {
    "Comparison": "harness.api.comparing",
    "FinishedRun": "harness.api.finished",
    "UserError": "harness.errors",
    "compare": "harness.api.comparing",
    "evaluate": "harness.api.evaluating",
    "finetune": "harness.api.finetuning",
    "load_runs": "harness.api.finished",
    "predict": "harness.api.predicting",
}


def __getattr__(name: str) -> Any:
    """Import the public name `name` from its module (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """The public names: what a notebook proposes after `harness.`."""
    return sorted(__all__)
