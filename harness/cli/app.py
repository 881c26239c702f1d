"""The typer application, and what its commands share."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

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


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"harness {__version__}")
        raise typer.Exit


@app.callback()
def options(
    entries: Annotated[
        list[Path] | None,
        typer.Option(
            "--entries",
            help=f"Your own folder with tasks/, families/, reports/ or configs/; repeatable. Also set by {ENTRIES}.",
        ),
    ] = None,
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
    for parameter in _typed(context):
        if parameter.name in leaving_out:
            continue
        given = context.params[parameter.name]
        values = [str(value) for value in (given if isinstance(given, list | tuple) else [given])]
        if parameter.param_type_name == "argument":
            words += values
        elif isinstance(given, bool):
            words.append(parameter.opts[0])
        else:
            words += [word for value in values for word in (parameter.opts[0], value)]
    _refuse_other_encodings([*words, str(Path.cwd())])
    return tuple(words)


def refuse_options(context: typer.Context, refused: Collection[str], why: str) -> None:
    """Reject options that the user typed.

    Args:
        context: The context of the command.
        refused: The names of their parameters.
        why: The rest of the error, from right after their names.

    Raises:
        UserError: If one was typed.
    """
    given = [parameter.opts[0] for parameter in _typed(context) if parameter.name in refused]
    if given:
        raise UserError(f"harness {context.info_name}: {', '.join(given)}{why}")


def _typed(context: typer.Context) -> list[Any]:
    """The parameters of the command that the user typed."""
    sources = [(one, context.get_parameter_source(one.name or "")) for one in context.command.params]
    return [one for one, source in sources if source is not None and source.name == "COMMANDLINE"]


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


def with_options(options: Mapping[str, Any]) -> Callable[[Command], Command]:
    """Add options to a command, which receives their values as further keyword arguments.

    So several commands share them, and they may depend on the available task types.

    Args:
        options: The annotation of each option, by name; its default is None.
    """

    def decorated(command: Command) -> Command:
        # typer reads names and types from the signature; it would look up strings in the command's module.
        own = [
            parameter
            for parameter in inspect.signature(command, eval_str=True).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        extra = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in options.items()
        ]
        command.__signature__ = inspect.Signature([*own, *extra])  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *extra]}
        return command

    return decorated
