"""Racing: the loops of a case, started together, taking turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.loops.job import LOOPS, Job
from benchmarks.loops.measured import Case
from benchmarks.loops.registers import physical_peaks
from benchmarks.loops.shapes import SHAPES, write_checkpoint
from benchmarks.loops.texts import Texts, pool, texts_like, write_texts
from benchmarks.loops.turns import Turn, Worker, interleaved

# Sleeping OpenMP threads: idle workers must not spin on the processor that another one is measured on.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1"}
TRAINING = 3  # a step's operations as a multiple of a forward pass's


@dataclass(frozen=True)
class Plan:
    """What a case measures.

    Attributes:
        shape: The model's name.
        data: The name of the data set whose lengths the texts have.
        loops: Their keys.
        batch_size: Examples a step.
        batches: Steps a turn.
    """

    shape: str
    data: str
    loops: tuple[str, ...]
    batch_size: int = 16
    batches: int = 8


def raced(plan: Plan, mode: str, *, rounds: int, folder: Path, bf16: bool) -> Case:
    """The plan's loops, measured in turn.

    Args:
        plan: What to measure.
        mode: "training" or "evaluation".
        rounds: Turns of each loop that count, after one to warm up.
        folder: For checkpoints and texts.
        bf16: Whether the processor multiplies in it.
    """
    checkpoint, texts, lengths = _prepared(plan, folder)
    precisions = {key: "bf16" if bf16 and LOOPS[key].bf16 else "fp32" for key in plan.loops}
    jobs = {key: _job(plan, key, mode, rounds, precisions[key], checkpoint) for key in plan.loops}
    jobs |= {name: Job(module="peak", precision=name) for name in dict.fromkeys(precisions.values())}
    found = _turns(jobs, rounds, folder)
    return Case(
        plan.shape,
        plan.data,
        mode,
        examples=len(lengths),
        batch_size=plan.batch_size,
        tokens=sum(lengths),
        flops=_flops(plan, texts, lengths) * (TRAINING if mode == "training" else 1),
        turns={key: found[key] for key in plan.loops},
        peaks={name: max(turn.value for turn in found[name]) for name in dict.fromkeys(precisions.values())},
        precisions=precisions,
        physical=physical_peaks(),
    )


def _prepared(plan: Plan, folder: Path) -> tuple[Path, Texts, Sequence[int]]:
    """A checkpoint, the texts, and how many tokens each has."""
    from transformers import AutoTokenizer

    from benchmarks.loops.rows import auto_class

    every, checkpoint = texts_like(plan.data), folder / f"{plan.shape}-{plan.data}"
    write_checkpoint(SHAPES[plan.shape], checkpoint, auto_class=auto_class(every), labels=every.labels)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    texts = pool(every, tokenizer, batch_size=plan.batch_size, batches=plan.batches)
    write_texts(texts, _file(checkpoint))
    _, features = texts.features(tokenizer, texts.recipe())
    return checkpoint, texts, [item.length for item in features.items]


def _file(checkpoint: Path) -> Path:
    return checkpoint.with_suffix(".json")


def _job(plan: Plan, key: str, mode: str, rounds: int, precision: str, checkpoint: Path) -> Job:
    return Job(
        module=LOOPS[key].module,
        mode=mode,
        checkpoint=str(checkpoint),
        texts=str(_file(checkpoint)),
        batch_size=plan.batch_size,
        turns=rounds + 1,
        precision=precision,
        settings=LOOPS[key].settings,
    )


def _turns(jobs: Mapping[str, Job], rounds: int, folder: Path) -> dict[str, list[Turn]]:
    with ExitStack() as stack:
        takers = {}
        for key, job in jobs.items():
            environment = {**ONE_THREAD, **(LOOPS[key].environment if key in LOOPS else {})}
            takers[key] = stack.enter_context(Worker(asdict(job), folder=folder, environment=environment)).turn
        return interleaved(takers, rounds)


def _flops(plan: Plan, texts: Texts, lengths: Sequence[int]) -> int:
    """Operations of a forward pass over all texts, without padding."""
    per_token = texts.kind == "question_answering"
    outputs = 2 if per_token else len(texts.labels)
    return sum(SHAPES[plan.shape].flops(length, outputs=outputs, per_token=per_token) for length in lengths)
