"""The application that the commands belong to, and the options that several of them have."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from harness.registry import ENTRIES
from harness.version import __version__

RUNS = Path("runs")
app = typer.Typer(
    name="harness",
    help="Which pretrained model should I fine-tune for this task, is the difference real, and what does it cost?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

EntriesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--entries", help=f"A folder with tasks/, families/, reports/ or configs/ of your own; repeatable ({ENTRIES})."
    ),
]
RunsOption = Annotated[Path, typer.Option("--runs", help="The folder of all runs.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the recipe; repeatable.")
]
SeparatorOption = Annotated[
    str | None, typer.Option(help="Of csv and tsv fields: a character, or comma, semicolon, tab, pipe; else guessed.")
]
EncodingOption = Annotated[str | None, typer.Option(help="Of text files, such as cp1252; else UTF-8, or guessed.")]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", metavar="NAME", help="A task or model of the suite; repeatable.")
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
        # In the environment, so that the processes that a run starts find them as well.
        known = [os.environ[ENTRIES]] if os.environ.get(ENTRIES) else []
        os.environ[ENTRIES] = os.pathsep.join([*(str(folder.absolute()) for folder in entries), *known])


Command = TypeVar("Command", bound=Callable[..., Any])


def with_options(options: Mapping[str, str]) -> Callable[[Command], Command]:
    """Give a command one more repeatable option per name; it takes their values as keywords.

    What the options are depends on the task types there are, so they don't stand in the command's signature.

    Args:
        options: The help of each option, by its name.
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
        # typer reads names and types off the signature; strings in it would be looked up in the command's module.
        own = [
            parameter
            for parameter in inspect.signature(command, eval_str=True).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        command.__signature__ = inspect.Signature([*own, *extra])  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *extra]}
        return command

    return decorated
