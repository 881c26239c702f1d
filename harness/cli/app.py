"""The typer application, and options shared by several commands."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from harness.cli.completing import models as complete_models
from harness.cli.completing import tasks_and_models
from harness.errors import UserError
from harness.registry import ENTRIES, entry_folders
from harness.version import __version__

RUNS = Path("runs")
FAILED, MISTAKE, LEFT, STOPPED = 1, 2, 3, 130
"""Exit codes; the last is a shell's for what Ctrl-C ends."""
app = typer.Typer(
    name="harness",
    help="Which pretrained model should I fine-tune for this task, is the difference real, and what does it cost?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=f"Exit codes: 0 success; {FAILED} a run failed; {MISTAKE} invalid input, such as a wrong option or a bad "
    f"row in a file; {LEFT} some runs were left to another command; {STOPPED} stopped by Ctrl-C.",
)

EntriesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--entries",
        help=f"Your own folder with tasks/, families/, reports/ or configs/; repeatable. Also set by {ENTRIES}.",
    ),
]
RunsOption = Annotated[Path, typer.Option("--runs", help="The folder of all runs.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the recipe; repeatable.")
]
ValidationOnlyOption = Annotated[
    bool,
    typer.Option("--validation-only", help="Don't read the test split, for instance while tuning a recipe by hand."),
]
TrialsOption = Annotated[
    int | None,
    typer.Option(help="Tune: try this many recipes per model on validation data, then train with the best one.", min=1),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="NAME",
        help="Restrict the suite to this task or model; repeatable.",
        autocompletion=tasks_and_models,
    ),
]

RedoOption = Annotated[
    bool, typer.Option("--redo", help="Run again and replace what is recorded. An interrupted --redo resumes.")
]
ModelsOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "--models",
        help="Names from configs/models, folders or Hub ids, comma-separated. With a suite, they replace its models.",
        autocompletion=complete_models,
    ),
]
SeedsOption = Annotated[
    int | None, typer.Option(help="Number of seeds per model. Simple baselines run once.", min=1, max=1000)
]
WorkersOption = Annotated[
    int | None,
    typer.Option(help="Number of runs in parallel, each in its own process. Default: one per core or GPU.", min=1),
]

UntilOption = Annotated[
    Literal["decided"] | None,
    typer.Option(
        help="Add seeds until the comparisons are decided: looks after 3, 5 and 10 seeds, each at its own level."
    ),
]
OnOption = Annotated[
    Literal["slurm", "ray"] | None, typer.Option(help=r"Run on a cluster, as the suite's \[cluster] table says.")
]
JustOption = Annotated[
    str | None,
    typer.Option(help="Do only this run of the suite, such as TASK/MODEL/seed-0, as each task of a cluster job does."),
]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"harness {__version__}")
        raise typer.Exit


@app.callback()
def options(
    entries: EntriesOption = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Which pretrained model should I fine-tune for this task, is the difference real, and what does it cost?"""
    if entries:
        # In the environment, so that child processes of a run find them too.
        known = [os.environ[ENTRIES]] if os.environ.get(ENTRIES) else []
        os.environ[ENTRIES] = os.pathsep.join([*(str(folder.absolute()) for folder in entries), *known])


def names(option: str, words: str | None) -> list[str]:
    """Split a comma-separated list of names; empty if the option is not given.

    Args:
        option: The option as typed, for the error.
        words: The values given.

    Raises:
        UserError: If it is given without names.
    """
    found = list(dict.fromkeys(name.strip() for name in (words or "").split(",") if name.strip()))
    if words is not None and not found:
        raise UserError(f"{option}: no names (got {words!r}). Separate names with commas, or leave it out.")
    return found


def single(command: str, name: str, values: list[str] | None) -> str | None:
    """The value of an option that may be given at most once.

    Args:
        command: The command, for the error.
        name: The name of the option's parameter.
        values: The values given.

    Raises:
        UserError: If it is given more than once.
    """
    if values and len(values) > 1:
        raise UserError(f"harness {command}: --{name.replace('_', '-')}: given {len(values)} times. Give it once.")
    return values[0] if values else None


def typed_words(context: typer.Context, *, leaving_out: Collection[str]) -> tuple[str, ...]:
    """The words that the user typed after `harness`, in the order of the command's options.

    Args:
        context: The context of the command.
        leaving_out: Options to leave out, by the names of their parameters.

    Raises:
        UserError: If a word, or the working directory, is not UTF-8, as a record must be.
    """
    words = [*_entries_typed(context), context.info_name or ""]
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if source is None or source.name != "COMMANDLINE" or name in leaving_out:
            continue
        given = context.params[name]
        values = [str(value) for value in (given if isinstance(given, list | tuple) else [given])]
        if parameter.param_type_name == "argument":
            words += values
        elif isinstance(given, bool):
            words.append(parameter.opts[0])
        else:
            words += [word for value in values for word in (parameter.opts[0], value)]
    _refuse_other_encodings([*words, str(Path.cwd())])
    return tuple(words)


def _refuse_other_encodings(words: Sequence[str]) -> None:
    wrong = [word for word in words if word.encode(errors="replace").decode() != word]
    if wrong:
        raise UserError(*(f"{word}: not UTF-8, as records must be. Rename it." for word in wrong))


def _entries_typed(context: typer.Context) -> list[str]:
    """The user's entry folders as options: as typed, or from the environment."""
    given = (context.parent.params.get("entries") if context.parent is not None else None) or []
    typed = {Path(folder).absolute(): str(folder) for folder in given}
    return [word for folder in entry_folders() for word in ("--entries", typed.get(folder, str(folder)))]


Command = TypeVar("Command", bound=Callable[..., Any])


def with_options(options: Mapping[str, str]) -> Callable[[Command], Command]:
    """Add a repeatable option per name to a command, which receives the values as keyword arguments.

    The options depend on the available task types, so they can't be in the command's signature.

    Args:
        options: The help text of each option, by name.
    """

    def decorated(command: Command) -> Command:
        extra = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[list[str] | None, typer.Option(f"--{name.replace('_', '-')}", help=text)],
            )
            for name, text in options.items()
        ]
        # typer reads names and types from the signature; it would look up strings in the command's module.
        own = [
            parameter
            for parameter in inspect.signature(command, eval_str=True).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        command.__signature__ = inspect.Signature([*own, *extra])  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *extra]}
        return command

    return decorated
