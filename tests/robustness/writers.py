"""Runs of models that write, killed as they train and as they write the texts of the test split.

    PYTHONPATH=.:tests python -m robustness.writers --count 60 --seed 0

An encoder-decoder from scratch, two copies of a BERT in one, and a Transformer-XL that reads its sources into a memory
and writes behind them. Each process kills itself (SIGKILL) at a place that is drawn; what a second one makes of it must
be, to the bit, what one makes that nobody disturbed.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer
from robustness.forked import Ended, begin_in_environment, command
from robustness.projects import RUN, WRITERS, leftovers, results, which_differ, write_writers

STEPS, PASSES = 8, 3  # optimizer steps, and passes over the test split, of every writer


def killed_in_training(states: int) -> Callable[[], None]:
    """Kills the process once so many states were saved."""

    def prepare() -> None:
        from harness.training import loop

        saved, original = [], loop.save_state

        def save(*arguments: Any, **options: Any) -> None:
            original(*arguments, **options)
            saved.append(1)
            if len(saved) == states:
                os.kill(os.getpid(), signal.SIGKILL)

        loop.save_state = save

    return prepare


def killed_in_writing(passes: int) -> Callable[[], None]:
    """Kills the process within the writing of the test texts, in the pass of that number."""

    def prepare() -> None:
        from transformers import GenerationMixin, StoppingCriteriaList

        from harness.training import finetuning

        begun, original, generate = [], finetuning.evaluate, GenerationMixin.generate

        def evaluate(predict: Callable[[str], Any], *arguments: Any, **options: Any) -> Any:
            def told(split: str) -> Any:
                begun.extend([0] * (split == "test"))
                return predict(split)

            return original(told, *arguments, **options)

        def killed(*_: Any, **__: Any) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        def write(model: Any, *arguments: Any, **options: Any) -> Any:
            if begun:
                begun[0] += 1
                if begun[0] == passes:  # It is asked after the first token.
                    options["stopping_criteria"] = StoppingCriteriaList([killed])
            return generate(model, *arguments, **options)

        finetuning.evaluate, GenerationMixin.generate = evaluate, write

    return prepare


MOMENTS: Mapping[str, tuple[Callable[[int], Callable[[], None]], int]] = {
    "training": (killed_in_training, STEPS),
    "writing": (killed_in_writing, PASSES),
}
"""How a process is killed, and the highest number of the place."""


def disturbed(folder: Path, writer: str, moment: str, chooser: random.Random) -> tuple[Ended, Ended]:
    """How the command that is killed ended, and the next one."""
    kill, most = MOMENTS[moment]
    words = [*RUN, f"--only={writer}"]
    return command(words, folder, prepare=kill(chooser.randint(1, most))), command(words, folder)


def trouble(folder: Path, wanted: dict[str, object], ended: tuple[Ended, Ended]) -> str:
    """What is wrong after a kill; nothing: ""."""
    killed, last = ended
    if killed.code != -signal.SIGKILL:
        return f"not killed, but code {killed.code}: {killed.said}"
    if last.code != 0:
        return f"code {last.code}: {last.said}"
    if differing := which_differ(results(folder), wanted):
        return f"another result ({'; '.join(differing)}): {last.said}"
    return f"left: {', '.join(leftovers(folder))}" if leftovers(folder) else ""


def main(count: int = 60, seed: int = 0) -> None:
    """Kill so many runs, each writer at each moment in turn, and print what came of it."""
    chooser, wrong = random.Random(seed), 0
    trials = [(writer, moment) for writer in WRITERS for moment in MOMENTS]
    wanted: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as work:
        project = write_writers(Path(work, "project"))
        for number in range(count):
            writer, moment = trials[number % len(trials)]
            if writer not in wanted:
                whole = shutil.copytree(project, Path(work, f"whole {len(wanted)}"))
                ended = command([*RUN, f"--only={writer}"], whole)
                assert ended.code == 0, ended
                wanted[writer] = results(whole)
            folder = shutil.copytree(project, Path(work, f"trial {number}"))
            if said := trouble(folder, wanted[writer], disturbed(folder, writer, moment, chooser)):
                wrong += 1
                typer.echo(f"{writer}, killed in {moment}: {said}\n")
            shutil.rmtree(folder)
    typer.echo(f"in all: {count} kills of {len(wanted)} writers, {wrong} of them wrong (seed {seed})")
    raise typer.Exit(wrong > 0)


if __name__ == "__main__":
    begin_in_environment()
    typer.run(main)
