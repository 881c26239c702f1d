"""Small projects of a user: data, a checkpoint, a suite, a recipe; and what comes out of them, to the bit."""

from __future__ import annotations

import json
import random
from pathlib import Path

from command_line import reviews, write_csv
from pyarrow import parquet
from small_corpora import CORPORA, PLAN, TOKENIZER, write_texts
from small_models import FILLERS, write_checkpoint

SUITE = """
tasks    = ["mine"]
models   = ["bert/", "majority"]
baseline = "majority"
seeds    = [0]
[training]
maximum_steps = 6
evaluations_per_epoch = 2
batch_size = 8
learning_rate = 1e-3
[data.mine]
train = "reviews.csv"
"""
WRITERS = ("./scratch.toml", "bert/", "./memory.toml")
WRITING = """
tasks    = ["mine"]
models   = ["./scratch.toml", "bert/", "./memory.toml"]
baseline = "./scratch.toml"
seeds    = [0]
[training]
maximum_steps = 8
evaluations_per_epoch = 1
batch_size = 8
micro_batch_size = 4
max_length = 32
max_target_length = 24
beams = 2
learning_rate = 1e-3
[training_for."./memory.toml"]
strategy = "segment_recurrence"
segment = 8
memory = 8
[data.mine]
train = "train.jsonl"
validation = "validation.jsonl"
test = "test.jsonl"
task_type = "sequence_to_sequence"
"""
FROM_SCRATCH = """
family = "{family}"
init = "random"
vocabulary_size = 320
[architecture]
{architecture}
"""
NARROW = {
    "scratch": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48},
    "transformer_xl": {"d_model": 32, "d_embed": 32, "n_layer": 2, "n_head": 2, "d_head": 16, "d_inner": 48},
}
RUN = ["run", "tiny.toml", "--workers=1", "--checkpoint-seconds=0"]
PRETRAIN = ["pretrain", "mine.toml", "--checkpoint-seconds=0"]
_FACTS = ("status", "scores", "curve", "best_step", "calibration", "counts", "seed")
_LEARNT = ("status", "curve", "first_losses", "steps", "tokens")


def write_project(folder: Path) -> Path:
    """Data, a checkpoint and a suite."""
    folder.mkdir(parents=True)
    write_csv(folder / "reviews.csv", reviews())
    write_checkpoint("bert", folder / "bert")
    (folder / "tiny.toml").write_text(SUITE)
    return folder


def write_writers(folder: Path) -> Path:
    """Pairs of texts, a checkpoint, two models from scratch and a suite."""
    folder.mkdir(parents=True)
    chooser = random.Random(0)
    for name, count in (("train", 60), ("validation", 8), ("test", 12)):
        texts = [chooser.choices(FILLERS, k=chooser.randint(3, 14)) for _ in range(count)]
        rows = [{"source": " ".join(words), "target": " ".join(reversed(words))} for words in texts]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name, family in (("scratch", "scratch"), ("memory", "transformer_xl")):
        architecture = "\n".join(f"{key} = {value}" for key, value in NARROW[family].items())
        (folder / f"{name}.toml").write_text(FROM_SCRATCH.format(family=family, architecture=architecture))
    write_checkpoint("bert", folder / "bert")
    (folder / "tiny.toml").write_text(WRITING)
    return folder


def write_pretraining(folder: Path) -> Path:
    """Texts and a recipe."""
    write_texts(folder / "texts", files=40)
    plan = PLAN | {"tokens": 2_560, "evaluations": 2, "duplicates": 2}
    architecture = {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    tables = {
        "": {"family": "bert", "objective": "roberta"},
        "architecture": architecture,
        "corpora": CORPORA | {"files": ["texts/*.txt"]},
        "tokenizer": TOKENIZER,
        "training": plan,
    }
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]"] if name else []
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    (folder / "mine.toml").write_text("\n".join(lines) + "\n")
    return folder


def results(folder: Path) -> dict[str, object]:
    """What was recorded in a project: scores, curves, predictions, weights; nothing that a clock says."""
    found: dict[str, object] = {}
    for record in sorted(folder.glob("runs/**/run.json")):
        content = json.loads(record.read_text())
        run = record.parent
        found[str(run.relative_to(folder))] = {key: content[key] for key in _FACTS} | {
            "predictions": parquet.read_table(run / "predictions.parquet").to_pylist(),
            "checkpoint": _contents(run / "checkpoint"),
        }
    for record in sorted(folder.glob("runs/pretraining/*/pretraining.json")):
        content = json.loads(record.read_text())
        checkpoints = {path.name: _contents(path) for path in sorted(record.parent.glob("checkpoint*"))}
        found[str(record.relative_to(folder))] = {key: content[key] for key in _LEARNT} | checkpoints
    return found


def which_differ(found: object, wanted: object, where: str = "") -> list[str]:
    """Where two results differ, the way to each: "runs/…/run.json: checkpoint: config.json"."""
    if found == wanted:
        return []
    if not (isinstance(found, dict) and isinstance(wanted, dict)):
        return [where]
    return [
        line
        for key in sorted(found.keys() | wanted.keys())
        for line in which_differ(found.get(key), wanted.get(key), f"{where}: {key}".removeprefix(": "))
    ]


def leftovers(folder: Path) -> list[str]:
    """What kills left in the folders of runs."""
    return sorted(str(path.relative_to(folder)) for path in (folder / "runs").rglob(".*"))


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "README.md"}
