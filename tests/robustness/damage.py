"""Files that are damaged, and what the next command makes of them.

    PYTHONPATH=.:tests python -m robustness.damage --count 420 --seed 0

Each trial damages one file of a small project, gives the next command, and looks at what comes out. It is

- "as before": the same scores, predictions and weights to the bit, or the same words;
- "told": an error in words, or a line that names the file; and `--redo`, or what the line says, sets it right;
- "silently wrong", "wedged" (nothing sets it right), "traceback" or "hangs": none of which may be.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from robustness.forked import Ended, begin_in_environment, command
from robustness.mutations import mutated
from robustness.projects import PRETRAIN, RUN, results, write_pretraining, write_project

BAD = ("silently wrong", "wedged", "traceback", "hangs")
PREDICT = ["predict", "runs/tiny/mine/bert/seed-0", "--text", "a film that was lovely"]
FRESH = [*RUN, "--runs=fresh", "--only=bert/"]


@dataclass(frozen=True)
class Scenario:
    """A project at some moment, and what is done next.

    Attributes:
        folder: The project, which every trial copies.
        files: Patterns of the files that are damaged.
        words: The next commands, of which a trial gives one.
        mends: Commands that set right what was told, one after the other.
        is_input: Whether the files are the user's own, who puts the right one back.
        prepare: Called in a command's process first.
    """

    folder: Path
    files: tuple[str, ...]
    words: tuple[list[str], ...]
    mends: tuple[list[str], ...] = ()
    is_input: bool = False
    prepare: Callable[[], None] | None = None

    def targets(self) -> list[Path]:
        """The files, by their paths in the project."""
        found = {file for pattern in self.files for file in self.folder.glob(pattern) if file.is_file()}
        return sorted(file.relative_to(self.folder) for file in found)

    def after(self, words: Sequence[str], folder: Path) -> tuple[Ended, dict[str, object]]:
        """How a command ended, and what is recorded then."""
        ended = command(words, folder, prepare=self.prepare)
        return ended, outcome(folder)


def outcome(folder: Path) -> dict[str, object]:
    """What is recorded; a record that can't be read counts as none."""
    if list(folder.rglob("error.txt")):  # A run that a mistake of ours ended.
        return {"error.txt": True}
    try:
        return {**results(folder), **{f"fresh {key}": value for key, value in _fresh(folder).items()}}
    except Exception as error:
        return {"unreadable": repr(error)}


def _fresh(folder: Path) -> dict[str, object]:
    beside = folder / "fresh"
    if not beside.is_dir():
        return {}
    with tempfile.TemporaryDirectory() as place:
        Path(place, "runs").symlink_to(beside)
        return results(Path(place))


def keep_small_texts() -> None:
    """Have texts be kept, however few."""
    from harness.tokenization import encoding

    encoding.LEAST_CHARACTERS = 1


def stopped_after(states: int) -> Callable[[], None]:
    """Ends the process, as a kill does, once so many states were saved."""

    def prepare() -> None:
        import os

        from harness.training import state

        written, original = [], state.write_state

        def write(*arguments: Any) -> None:
            original(*arguments)
            written.append(1)
            if len(written) == states:
                os._exit(137)

        state.write_state = write

    return prepare


def scenarios(work: Path) -> dict[str, Scenario]:
    """Every scenario, its project made in `work`."""
    begun, begun_pretraining = work / "begun", work / "begun pretraining"
    whole, pretrained, cached = work / "whole", work / "pretrained", work / "cached"
    write_project(begun)
    shutil.copytree(begun, whole)
    shutil.copytree(begun, cached)
    write_pretraining(_made(begun_pretraining))
    shutil.copytree(begun_pretraining, pretrained)
    assert command(RUN, begun, prepare=stopped_after(3)).code == 137
    assert command(RUN, whole).code == 0
    assert command(FRESH, cached, prepare=keep_small_texts).code == 0
    shutil.rmtree(cached / "fresh")
    assert command(PRETRAIN, begun_pretraining, prepare=stopped_after(4)).code == 137
    assert command(PRETRAIN, pretrained).code == 0
    run, redo = RUN, [*RUN, "--redo"]
    one = [*RUN, "--only=bert/"]
    runs = "runs/tiny/mine/*/*/"
    return {
        "state": Scenario(begun, (f"{runs}.partial/**/*",), (one,), ([*one, "--redo"],)),
        "record": Scenario(
            whole, (f"{runs}run.json", "runs/tiny/suite.json"), (["compare", "runs/tiny"], PREDICT), (redo,)
        ),
        "predictions": Scenario(whole, (f"{runs}*.parquet",), (["compare", "runs/tiny"],), (redo,)),
        "checkpoint": Scenario(whole, ("runs/tiny/mine/bert/seed-0/checkpoint/*.[!m]*",), (PREDICT,), (redo,)),
        "recorded": Scenario(whole, (f"{runs}run.json",), (run,), (redo,)),
        "texts": Scenario(cached, ("cache/**/texts/*/*",), (FRESH,), (), prepare=keep_small_texts),
        "pretraining": Scenario(
            begun_pretraining, ("runs/pretraining/mine/.partial/**/*",), (PRETRAIN,), ([*PRETRAIN, "--redo"],)
        ),
        "corpora": Scenario(begun_pretraining, ("cache/**/corpora/*/**/*",), (PRETRAIN,)),
        "pretrained": Scenario(
            pretrained,
            ("runs/pretraining/mine/*.json", "runs/pretraining/mine/checkpoint*/*.[!m]*"),
            (PRETRAIN,),
            ([*PRETRAIN, "--redo"],),
        ),
        "configuration": Scenario(whole, ("tiny.toml",), (run, ["plan", "tiny.toml"]), is_input=True),
        "base": Scenario(whole, ("bert/*", "reviews.csv"), (run, ["plan", "tiny.toml"]), is_input=True),
        "recipe": Scenario(pretrained, ("mine.toml", "texts/*.txt"), (PRETRAIN,), is_input=True),
    }


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@dataclass(frozen=True)
class Trial:
    """What was damaged, and what came of it."""

    scenario: str
    file: str
    damage: str
    words: str
    verdict: str
    said: str


def trials(count: int, seed: int, work: Path) -> Iterator[Trial]:
    """So many trials, taken from the scenarios in turn."""
    known, chooser = scenarios(work), random.Random(seed)
    clean: dict[tuple[str, ...], tuple[Ended, dict[str, object]]] = {}
    for number in range(count):
        name = list(known)[number % len(known)]
        scenario = known[name]
        words = chooser.choice(scenario.words)
        if (name, *words) not in clean:
            copy = work / f"clean {name} {len(clean)}"
            shutil.copytree(scenario.folder, copy)
            clean[name, *words] = scenario.after(words, copy)
            assert clean[name, *words][0].code == 0, clean[name, *words]
        yield _trial(name, scenario, words, clean[name, *words], work=work / f"trial {number}", chooser=chooser)


def _trial(
    name: str,
    scenario: Scenario,
    words: list[str],
    clean: tuple[Ended, dict[str, object]],
    *,
    work: Path,
    chooser: random.Random,
) -> Trial:
    shutil.copytree(scenario.folder, work)
    targets = scenario.targets()
    file = chooser.choice(targets)
    alike = [other for other in targets if other != file and other.suffix == file.suffix] or targets
    content = (work / file).read_bytes()
    damage = mutated(work / file, (work / chooser.choice(alike)).read_bytes(), chooser)
    changed = not (work / file).exists() or (work / file).read_bytes() != content
    ended, found = scenario.after(words, work)
    verdict = _verdict(scenario, words, ended, found, clean=clean, file=str(file)) if changed else "as before"
    if verdict == "told" and not _is_set_right(scenario, words, clean, work=work, file=file, content=content):
        verdict = "wedged"
    for place in (work, work.with_name(f"{work.name}.said")):
        shutil.rmtree(place)
    return Trial(name, str(file), damage, " ".join(words), verdict, ended.said[-1500:])


def _verdict(
    scenario: Scenario,
    words: Sequence[str],
    ended: Ended,
    found: dict[str, object],
    *,
    clean: tuple[Ended, dict[str, object]],
    file: str,
) -> str:
    if ended.code is None:
        return "hangs"
    if found.get("error.txt"):
        return "traceback"
    if "Traceback" in ended.said or ended.code not in (0, 1, 2):
        return "traceback"
    if _is_as_before(words, ended, found, clean):
        return "as before"
    is_named = any(name in ended.said for name in (file, str(Path(file).parent)))
    # A run without a record is none, and a report shows a gap where it was.
    is_gap = words[0] == "compare" and Path(file).name == "run.json" and not ended.errors
    # What the user's own files ask for otherwise is another run, beside those that were there.
    is_other = scenario.is_input and all(found.get(key) == value for key, value in clean[1].items())
    return "told" if ended.code != 0 or is_named or is_gap or is_other else "silently wrong"


def _is_as_before(
    words: Sequence[str], ended: Ended, found: dict[str, object], clean: tuple[Ended, dict[str, object]]
) -> bool:
    """Whether a command that records recorded the same, and another one said the same."""
    if words[0] in ("run", "pretrain"):
        return ended.code == 0 and found == clean[1]
    return ended.code == 0 and ended.output == clean[0].output


def _is_set_right(
    scenario: Scenario,
    words: Sequence[str],
    clean: tuple[Ended, dict[str, object]],
    *,
    work: Path,
    file: Path,
    content: bytes,
) -> bool:
    """Whether what was told can be set right: by the right file, by --redo, or without the damaged one."""
    if scenario.is_input:
        (work / file).write_bytes(content)
        ended, found = scenario.after(words, work)
        return ended.code == 0 and all(found.get(key) == value for key, value in clean[1].items())
    wanted = clean[1]
    for mend in (*scenario.mends, None):
        if mend is None:
            (work / file).unlink(missing_ok=True)
        else:
            command(mend, work, prepare=scenario.prepare)
        ended, found = scenario.after(words, work)
        # After a --redo a report shows other seconds.
        if ended.code == 0 and found == wanted:
            return True
    return False


def main(count: int = 420, seed: int = 0) -> None:
    """Damage so many files, one after the other, and print what came of it."""
    with tempfile.TemporaryDirectory() as work:
        found = []
        for trial in trials(count, seed, Path(work)):
            found.append(trial)
            if trial.verdict in BAD:
                typer.echo(f"{trial}\n")
    for name in dict.fromkeys(trial.scenario for trial in found):
        verdicts = Counter(trial.verdict for trial in found if trial.scenario == name)
        typer.echo(f"{name}: {', '.join(f'{number} {verdict}' for verdict, number in verdicts.items())}")
    total = Counter(trial.verdict for trial in found)
    said = ", ".join(f"{total[verdict]} {verdict}" for verdict in ("as before", "told", *BAD))
    typer.echo(f"in all: {count} files, {said} (seed {seed})")
    raise typer.Exit(any(total[verdict] for verdict in BAD))


if __name__ == "__main__":
    begin_in_environment()
    typer.run(main)
