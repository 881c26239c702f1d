"""Commands that are killed at any moment, again and again, and what comes out when they are let end.

    PYTHONPATH=.:tests python -m robustness.kills --count 500 --seed 0

The scores, curves, predictions and weights must be those of a command that nobody disturbed, to the bit, and nothing
may be left of the kills.
"""

from __future__ import annotations

import random
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from robustness.forked import begin_in_environment, command
from robustness.projects import PRETRAIN, RUN, leftovers, results, which_differ, write_pretraining, write_project

MOST = 8  # kills, before a command is let end
_JUST_WRITTEN = re.compile(r"\.\w+\.json\.\d+$|\.claim\.\w+$")  # Swept once they are minutes old.


@dataclass(frozen=True)
class Work:
    """What is done and disturbed.

    Attributes:
        folder: The project, which every trial copies.
        words: The command.
        wanted: What is recorded when nobody disturbs it.
        seconds: How long it takes then.
    """

    folder: Path
    words: Sequence[str]
    wanted: dict[str, object]
    seconds: float


def works(place: Path) -> dict[str, Work]:
    """A suite and a pretraining, from the start and done anew."""
    project = write_pretraining(write_project(place / "project"))
    found = {}
    for name, words in (("suite", RUN), ("pretraining", PRETRAIN)):
        whole = place / f"{name} whole"
        shutil.copytree(project, whole)
        started = time.monotonic()
        assert command(words, whole).code == 0
        seconds = time.monotonic() - started
        found[name] = Work(project, words, results(whole), seconds)
        found[f"{name} --redo"] = Work(whole, [*words, "--redo"], results(whole), seconds)
    return found


def disturbed(work: Work, place: Path, chooser: random.Random) -> tuple[int, str]:
    """How often a command was killed until it ended, and what was wrong then; nothing: ""."""
    shutil.copytree(work.folder, place)
    kills = 0
    for _ in range(chooser.randint(1, MOST)):
        ended = command(work.words, place, kill_after=chooser.uniform(0, work.seconds))
        if ended.code == 0:
            break
        if ended.code != -9:
            return kills, f"code {ended.code}: {ended.said}"
        kills += 1
    else:
        ended = command(work.words, place)
    left = [name for name in leftovers(place) if not _JUST_WRITTEN.search(name)]
    if ended.code != 0:
        return kills, f"code {ended.code}: {ended.said}"
    if differing := which_differ(results(place), work.wanted):
        return kills, f"another result ({'; '.join(differing)}): {ended.said}"
    return kills, f"left: {', '.join(left)}" if left else ""


def main(count: int = 500, seed: int = 0) -> None:
    """Kill commands so often in all, and print what came of it."""
    chooser, kills, ends, wrong = random.Random(seed), Counter[str](), Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        known = works(Path(folder))
        while kills.total() < count:
            name = chooser.choice(list(known))
            place = Path(folder) / f"trial {ends.total()}"
            killed, trouble = disturbed(known[name], place, chooser)
            kills[name] += killed
            ends[name] += 1
            if trouble:
                wrong += 1
                typer.echo(f"{name}, after {killed} kills: {trouble}\n")
            shutil.rmtree(place)
    for name in known:
        typer.echo(f"{name}: {kills[name]} kills, {ends[name]} ends")
    typer.echo(f"in all: {kills.total()} kills, {ends.total()} ends, {wrong} of them wrong (seed {seed})")
    raise typer.Exit(wrong > 0)


if __name__ == "__main__":
    begin_in_environment()
    typer.run(main)
