"""The overhead of very many runs: on Ray, as tasks of a job array, and in a plan.

    python -m benchmarks.many_runs ray --runs 200          # a Ray cluster of this machine, started here
    python -m benchmarks.many_runs array --runs 1000 --tried 10
    python -m benchmarks.many_runs plan --runs 100000

Each run is `majority` on forty generated reviews, which takes almost no time. Seconds are processor time, summed over
all processes. `array` replaces `sbatch` by a program that takes the script and runs some of its tasks as the cluster
would: one process each. `plan` plans a suite of ten tasks, variants of a small model and up to 100 seeds.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import psutil

SUITE = """
tasks  = [{tasks}]
models = [{models}]
seeds  = [{seeds}]
{tables}
"""
SBATCH = '#!/bin/sh\nfor word; do script=$word; done\necho "$script" >> submitted\necho 1\n'
MODEL = 'family = "scratch"\ntokenizer = "trained"\n'
TASKS, MOST_SEEDS = 10, 100
LOOK_SECONDS = 0.5


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=WAYS)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--tried", type=int, default=10, help="Tasks of the array that are done.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
        os.chdir(folder)
        _write_reviews()
        WAYS[asked.what](asked)


def on_ray(asked: argparse.Namespace) -> None:
    """All runs here one after the other, then the same on a cluster of this machine."""
    import ray

    _write_suite(tasks=asked.runs, models=["majority"], seeds=1)
    alone = _cpu_seconds("run", "many.toml", "--runs", "here", "--workers", "1", "--quiet")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    address = ray.init(num_cpus=os.cpu_count(), include_dashboard=False, log_to_driver=False).address_info[
        "gcs_address"
    ]
    os.environ["RAY_ADDRESS"] = address
    with _below() as nodes:
        command = _cpu_seconds("run", "many.toml", "--on", "ray", "--quiet")
    print(
        f"{asked.runs:,} runs: {alone:.1f} CPU-s in one process; on Ray {command:.1f} CPU-s in the command and "
        f"{nodes[0] - command:.1f} on the nodes, {1000 * (nodes[0] - alone) / asked.runs:.0f} ms a run more."
    )


def as_array(asked: argparse.Namespace) -> None:
    """Submit all, and do some as the cluster would."""
    _write_suite(tasks=asked.runs, models=["majority"], seeds=1)
    Path("bin").mkdir()
    Path("bin/sbatch").write_text(SBATCH)
    Path("bin/sbatch").chmod(0o755)
    os.environ["PATH"] = f"{Path('bin').absolute()}:{os.environ['PATH']}"
    submitted = _cpu_seconds("run", "many.toml", "--on", "slurm")
    script = Path("submitted").read_text().split()[0]
    with _children() as used:
        for number in range(asked.tried):
            task = {**os.environ, "SLURM_ARRAY_TASK_ID": str(number)}
            subprocess.run(["bash", script], env=task, check=True, stdout=subprocess.DEVNULL)
    print(
        f"{asked.runs:,} runs: submitted in {submitted:.1f} CPU-s; a task takes {used[0] / asked.tried:.1f} CPU-s "
        f"({asked.tried} were done)."
    )


def planned(asked: argparse.Namespace) -> None:
    """Foresee a suite that nothing is recorded of."""
    Path("small.toml").write_text(MODEL)
    seeds = min(MOST_SEEDS, max(asked.runs // TASKS, 1))
    _write_suite(tasks=TASKS, models=_variants(max(asked.runs // (TASKS * seeds), 1)), seeds=seeds)
    for where in ([], ["--on", "slurm"]):
        seconds = _cpu_seconds("plan", "many.toml", *where)
        print(f"plan {' '.join(where)}: {asked.runs:,} runs: {seconds:.1f} CPU-s")


WAYS = {"ray": on_ray, "array": as_array, "plan": planned}


def _write_reviews() -> None:
    opinions = ("dull", "lovely")
    rows = [f"film number {number} was {opinions[number % 2]},{('bad', 'good')[number % 2]}" for number in range(40)]
    Path("reviews.csv").write_text("\n".join(["text,label", *rows, ""]))


def _variants(count: int) -> list[str]:
    return [f"small-{number}" for number in range(count)]


def _write_suite(*, tasks: int, models: list[str], seeds: int) -> None:
    names = [f"task-{number}" for number in range(tasks)]
    tables = [f'[data.{name}]\ntrain = "reviews.csv"' for name in names]
    if models != ["majority"]:
        rates = [
            f'{name} = {{ model = "small.toml", learning_rate = {1e-5 * (i + 1)} }}' for i, name in enumerate(models)
        ]
        tables += ["[variants]", *rates]
    content = SUITE.format(
        tasks=", ".join(f'"{name}"' for name in names),
        models=", ".join(f'"{name}"' for name in models),
        seeds=", ".join(map(str, range(seeds))),
        tables="\n".join(tables),
    )
    Path("many.toml").write_text(content)


def _cpu_seconds(*words: str) -> float:
    with _children() as used:
        subprocess.run([sys.executable, "-m", "harness", *words], check=True, stdout=subprocess.DEVNULL)
    return used[0]


@contextmanager
def _children() -> Iterator[list[float]]:
    """The seconds of the processor that the block's processes took, when it has ended."""
    before, used = resource.getrusage(resource.RUSAGE_CHILDREN), list[float]()
    yield used
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


@contextmanager
def _below() -> Iterator[list[float]]:
    """The seconds of the processor that all processes below this one took, when the block has ended.

    Ray waits for none of its workers, so that what they took is lost with them: they are looked at all the while.
    """
    took, ended, found = dict[tuple[int, float], float](), Event(), list[float]()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    took[process.pid, process.create_time()] = sum(process.cpu_times()[:2])

    looking = Thread(target=look)
    before = sum(sum(process.cpu_times()[:2]) for process in psutil.Process().children(recursive=True))
    looking.start()
    try:
        yield found
    finally:
        ended.set()
        looking.join()
    found.append(sum(took.values()) - before)


if __name__ == "__main__":
    main()
