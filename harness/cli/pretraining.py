"""Pretraining from the command line: its folder, its progress, and its results."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from harness.cache import scratch_folder
from harness.config.checking import parse_settings
from harness.errors import UserError
from harness.ops.together import processes
from harness.output import console
from harness.pretraining.recipe import find_recipe
from harness.pretraining.record import PretrainingRecord, read_pretraining
from harness.pretraining.reproduce import verified
from harness.pretraining.run import Job, pretrained, resolved
from harness.pretraining.run_folder import TOKENIZER, PretrainingFolder, weights_origin
from harness.pretraining.texts import text_sources
from harness.pretraining.tokenizer import tokenizer_origin
from harness.suites.progress import board

FOLDER = "pretraining"


def pretrain_here(name: str, settings: Sequence[str], *, runs: Path, redo: bool, checkpoint_seconds: float) -> None:
    """Pretrain by a recipe, or resume it, and print the results.

    Args:
        name: A recipe of configs/pretraining, or a .toml file.
        settings: Settings of its [training], as key=value.
        runs: The folder of all runs.
        redo: Whether to replace earlier results.
        checkpoint_seconds: Seconds between saved states.

    Raises:
        UserError: If the recipe has mistakes, or its folder holds another recipe's run, or one that is in progress.
    """
    found, files_from = find_recipe(name, parse_settings(list(settings)))
    recipe, stem = resolved(found), Path(name).stem
    folder, together = PretrainingFolder(runs / FOLDER / stem), processes()
    texts = {source.name: source.origin for source in text_sources(recipe.corpora, files_from)} | weights_origin(recipe)
    if (tokenizer := tokenizer_origin(recipe.tokenizer)) is not None:
        texts[TOKENIZER] = tokenizer
    shown = console(quiet=not together.is_main_process)
    with _claimed(folder):
        if together.is_main_process:
            folder.settle()
        together.wait_for_everyone()
        if redo and folder.is_redone(recipe, texts):
            shown.print(f"Resuming an interrupted --redo. To start over, delete {folder.partial}.", soft_wrap=True)
        record = None if redo else folder.recorded(recipe, texts)
        together.wait_for_everyone()  # Nobody starts before all have looked.
        if record is None:
            if together.is_main_process:
                folder.begin(recipe, texts, redo=redo)
            together.wait_for_everyone()
            with board(1, shown) as rows:
                job = Job(stem, recipe, files_from, folder, checkpoint_seconds)
                record = pretrained(job, rows.begin(stem), shown)
    _say(record, folder, shown)


@contextmanager
def _claimed(folder: PretrainingFolder) -> Iterator[None]:
    """Reserve the folder for this command; the main process claims it for all that were launched together."""
    if not processes().is_main_process:
        yield
        return
    with folder.claimed() as ours:
        if not ours:
            raise UserError(
                f"{folder.folder}: another process is working on it. Wait for it to finish, or use "
                "another --runs folder."
            )
        yield


def verify_here(name: str, settings: Sequence[str], file: Path) -> None:
    """Repeat the first steps of a recipe, and say whether their losses equal those in a record.

    Args:
        name: A recipe of configs/pretraining, or a .toml file.
        settings: Settings of its [training], as key=value.
        file: A pretraining.json.

    Raises:
        UserError: If the recipe has mistakes, or the record belongs to another recipe, or is none.
    """
    found, files_from = find_recipe(name, parse_settings(list(settings)))
    record, stem, shown = read_pretraining(file), Path(name).stem, console()
    with scratch_folder() as folder, board(1, shown) as rows:
        job = Job(stem, resolved(found), files_from, PretrainingFolder(folder))
        verdict = verified(job, record, rows.begin(f"{stem}, again"), shown)
    shown.print(
        f"{file}: the first {verdict.equal} of {verdict.steps} losses are identical to the bit; "
        f"the largest difference is {verdict.largest:.2g} nats per word.",
        soft_wrap=True,
    )
    if not verdict.holds:
        shown.print("That is more than rounding: the code, a library or the texts have changed.")
        raise typer.Exit(1)


def _say(record: PretrainingRecord, folder: PretrainingFolder, shown: Console) -> None:
    if record.status == "diverged":
        shown.print(f"Diverged: {record.reason}. The record is in {folder.folder}.", soft_wrap=True)
        raise typer.Exit(1)
    point = record.curve[-1]
    losses = ", ".join(f"{name} {value:.3f}" for name, value in point.validation_scores.items())
    for note in record.notes:
        shown.print(Text(f"    {note}"), soft_wrap=True)
    shown.print(
        f"{record.name}: {record.parameters:,} parameters, {record.tokens:,} tokens; "
        f"held-out loss {point.validation_loss:.3f} nats per word ({losses}).\n"
        f"Checkpoint: {folder.folder / 'checkpoint'}. Next: "
        f"harness run --task rotten_tomatoes --model {shlex.quote(str(folder.folder / 'checkpoint'))}",
        soft_wrap=True,
    )
