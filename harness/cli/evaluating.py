"""`harness evaluate`: evaluate a finished run's model on new rows, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli.app import app
from harness.cli.options import EncodingOption, JsonOption, SeparatorOption
from harness.environment import prepare_libraries
from harness.errors import UserError
from harness.output import console, json_text


@app.command(
    epilog="""Examples:\n
    harness evaluate runs/demo/rotten_tomatoes/minilm/seed-0 --input reviews_of_may.csv\n
    harness evaluate runs/demo/rotten_tomatoes/minilm/seed-0 --input reviews_of_may.csv --group film --json\n
    harness evaluate runs/demo/rotten_tomatoes/minilm/seed-0 --split validation"""
)
def evaluate(
    run: Annotated[Path, typer.Argument(help="The folder of one run.")],
    input_: Annotated[
        Path | None, typer.Option("--input", help="A file of rows with answers, with the columns of the run's task.")
    ] = None,
    split: Annotated[
        Literal["train", "validation", "test"] | None,
        typer.Option(help="A split of the run's own task, instead of --input."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            help="The column with the group of each row, such as a customer: rows of one group depend on each other."
        ),
    ] = None,
    separator: SeparatorOption = None,
    encoding: EncodingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a finished run's model on new rows with known answers, with 95 % intervals."""
    if (input_ is None) == (split is None):
        raise UserError("harness evaluate: needs either --input or --split. Give the rows to score the run on.")
    if group is not None and input_ is None:
        raise UserError("harness evaluate: --group is for --input. A split has its task's groups: leave it out.")
    prepare_libraries()
    from harness.data.files import read_rows  # noqa: PLC0415 -- heavy
    from harness.runs.exported import recorded  # noqa: PLC0415 -- a command's own

    recorded(run)  # A mistake is told before torch is imported.
    rows = None if input_ is None else list(read_rows(input_, separator=separator, encoding=encoding))
    from harness.reporting import evaluated  # noqa: PLC0415 -- heavy
    from harness.reporting.terminal import print_table  # noqa: PLC0415 -- heavy
    from harness.runs.evaluation import evaluation_of_rows, evaluation_of_split  # noqa: PLC0415 -- heavy

    found = evaluation_of_split(run, str(split)) if rows is None else evaluation_of_rows(run, rows, group=group)
    estimates = evaluated.estimates_of(found)
    if as_json:
        content = {"run": str(run), **evaluated.evaluated_content(found, estimates)}
        typer.echo(json_text(content))
        return
    shown = console()
    print_table(evaluated.evaluated_table(found, estimates), shown)
    for reason, count in found.dropped.items():
        shown.print(f"left out: {reason} ({count:,})", soft_wrap=True)
    shown.print(evaluated.SCOPE, style="dim")
