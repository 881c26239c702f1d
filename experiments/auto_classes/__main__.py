"""Test which architectures of transformers' Auto classes can be fine-tuned, and give our predictions in transformers.

    python -m experiments.auto_classes TASK                 # all that have a head for it; names of model types for some

Each architecture with a head for the task is built at a tiny size with random weights and a small tokenizer. It is
fine-tuned for a few steps on generated rows of many lengths, saved, and loaded by `transformers.pipeline`, or by its
Auto class if there is no pipeline. Its predictions for single texts and for batches of eight are compared with those of
the run.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import transformers
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_MASKED_LM_MAPPING_NAMES

from experiments.auto_classes.checkpoints import write_checkpoint
from experiments.auto_classes.runs import compared, fine_tuned
from experiments.auto_classes.tasks import STUDIED, NotComparedError, Studied
from harness.environment import prepare_libraries
from harness.errors import UserError

RESULTS = Path(__file__).parents[1] / "results" / "auto_classes"


def main() -> None:
    """Try the architectures that are named, or all, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=STUDIED)
    parser.add_argument("model_types", nargs="*", help="such as distilbert gpt2; default: all")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    prepare_libraries()
    logging.disable(logging.WARNING)
    rows = []
    for model_type in arguments.model_types or sorted(STUDIED[arguments.task].architectures):
        rows.append(tried(model_type, STUDIED[arguments.task]))
        print(json.dumps(rows[-1]), flush=True)
    if not arguments.model_types:
        write(rows, arguments.task, arguments.output)


def tried(model_type: str, studied: Studied) -> dict[str, Any]:
    """What came of one architecture."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="auto-classes-") as folder:
        found = {"model_type": model_type, "sort": sort_of(model_type), **_result(model_type, studied, Path(folder))}
    return {**found, "seconds": round(time.monotonic() - started, 1)}


def _result(model_type: str, studied: Studied, folder: Path) -> dict[str, Any]:
    try:
        checkpoint = write_checkpoint(model_type, folder / "checkpoint", auto_class=studied.auto_class)
    except Exception as error:
        return {"result": "not built", "said": _short(error)}
    try:
        return compared(fine_tuned(model_type, checkpoint, studied, folder), studied, folder)
    except NotComparedError as error:
        return {"result": "not compared", "said": _short(error)}
    except UserError as error:
        return {"result": "refused", "said": _short(error)}
    except Exception as error:
        return {"result": "error", "said": f"{type(error).__name__}: {_short(error)}"}


def sort_of(model_type: str) -> str:
    """Which of the Auto classes an architecture belongs to."""
    if getattr(transformers.CONFIG_MAPPING[model_type](), "is_encoder_decoder", False):
        return "encoder-decoder"
    causal = model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return "causal" if causal else "encoder"


def write(rows: Sequence[Mapping[str, Any]], task: str, folder: Path) -> None:
    """The table, dated, and its rows."""
    folder.mkdir(parents=True, exist_ok=True)
    date = datetime.now(UTC).date().isoformat()
    (folder / f"{date}-{task}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    (folder / f"{date}-{task}.md").write_text("\n".join(_page(rows, task, date)) + "\n", encoding="utf-8")


def _page(rows: Sequence[Mapping[str, Any]], task: str, date: str) -> Iterator[str]:
    yield f"# Architectures of transformers' Auto classes: {task.replace('_', ' ')}, {date}"
    yield ""
    yield f"`python -m experiments.auto_classes {task}`, transformers {version('transformers')},"
    yield f"torch {version('torch')}, {platform.machine()} CPU. Tiny, random, fine-tuned for 3 steps; then"
    yield f"{STUDIED[task].by} on the saved checkpoint. Numbers: the largest difference from the run's predictions."
    yield ""
    counts = Counter((row["sort"], row["result"]) for row in rows)
    for sort in sorted({row["sort"] for row in rows}):
        of_sort = [f"{count} {result}" for (name, result), count in sorted(counts.items()) if name == sort]
        yield f"- {sort}: {', '.join(of_sort)}"
    yield ""
    yield "| architecture | sort | result | batch 1 | batch 8 | |"
    yield "|---|---|---|---:|---:|---|"
    for row in rows:
        sizes = [f"{row[name]:.0e}" if name in row else "" for name in ("batch_1", "batch_8")]
        yield f"| {row['model_type']} | {row['sort']} | {row['result']} | {' | '.join(sizes)} | {row.get('said', '')} |"


def _short(error: Exception) -> str:
    """The error on one line, without folders."""
    line = " ".join(str(error).split()).replace("|", "/") or type(error).__name__
    words = [word if not word.startswith("/tmp") else "checkpoint:" for word in line.split()]
    return " ".join(words)[:200]


if __name__ == "__main__":
    main()
