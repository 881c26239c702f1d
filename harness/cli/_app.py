"""The application that the commands belong to, and the options that several of them have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RUNS = Path("runs")
app = typer.Typer(
    name="harness",
    help="Which pretrained model should I fine-tune for this task, is the difference real, and what does it cost?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

RunsOption = Annotated[Path, typer.Option("--runs", help="The folder of all runs.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the recipe; repeatable.")
]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", metavar="NAME", help="A task or model of the suite; repeatable.")
]
