"""Commands that show recorded runs: the comparison in a terminal, and as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli import completing
from harness.cli.app import RUNS, app, names
from harness.errors import UserError
from harness.output import console

BaselineOption = Annotated[str | None, typer.Option(help="The model to compare the others with.")]
MarginOption = Annotated[
    list[str] | None,
    typer.Option(
        help="How much worse still counts as not worse, in the units of the scores: 1 for one point, or TASK=0.05."
    ),
]
RunsArgument = Annotated[
    list[Path] | None,
    typer.Argument(help="A folder of runs, or several to compare with each other. Default: runs.", show_default=False),
]


@app.command(
    epilog="""Examples:\n
    harness compare runs/demo --margin 1\n
    harness compare runs/demo runs/tuned"""
)
def compare(
    runs: RunsArgument = None,
    baseline: BaselineOption = None,
    margin: MarginOption = None,
) -> None:
    """Show all models on all tasks: scores with intervals, differences from a baseline, costs.

    Several folders, such as two suites, are compared as one, on the tasks that they share.
    """
    from harness.reporting.terminal import show  # noqa: PLC0415 -- heavy

    show(_comparison(runs or [RUNS], baseline, margin), console())


@app.command(
    epilog="""Examples:\n
    harness report runs/demo --format html --output report.html\n
    harness report runs/demo --format latex --only scores,differences"""
)
def report(
    invocation: typer.Context,
    runs: RunsArgument = None,
    format_: Annotated[
        str, typer.Option("--format", help="html, markdown, latex or csv.", autocompletion=completing.formats)
    ] = "html",
    output: Annotated[Path | None, typer.Option(help="The file to write. Default: report.<format> in RUNS.")] = None,
    baseline: BaselineOption = None,
    margin: MarginOption = None,
    trials: Annotated[Path | None, typer.Option(help="Also write a csv file with one row per tuning trial.")] = None,
    seeds: Annotated[
        Path | None, typer.Option(help="Also write a csv or parquet file with one row per seed and metric.")
    ] = None,
    columns: Annotated[
        int | None,
        typer.Option(
            help="Columns per page of the paper that the LaTeX tables are for: 1 (default) or 2.", min=1, max=2
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="SECTIONS",
            help="Sections to write, such as scores,cost; a wrong name lists them. What failed or is missing "
            "always stays.",
            autocompletion=completing.sections,
        ),
    ] = None,
) -> None:
    """Write the comparison, or the results of a study, to one file."""
    from harness.claims.record import is_study  # noqa: PLC0415 -- a command's own

    folders = runs or [RUNS]
    studies = [folder for folder in folders if is_study(folder)]
    if studies and len(folders) > 1:
        raise UserError(f"{studies[0]}: the folder of a study, which has a report of its own. Name it alone.")
    if studies:
        from harness.cli.studying import refuse_with_study, report_study  # noqa: PLC0415 -- a command's own

        refuse_with_study(invocation, ("runs", "format_", "output"))
        console().print(f"Report: {report_study(folders[0], format_, output).absolute()}", soft_wrap=True)
        return
    from harness.reporting.files import (  # noqa: PLC0415 -- a command's own
        check_settings,
        ending_of,
        write_report,
        write_trials,
    )
    from harness.reporting.seeds import check_seeds_file, write_seeds  # noqa: PLC0415 -- a command's own

    given = {"columns": columns, "only": names("--only", only) or None}
    settings = {name: value for name, value in given.items() if value is not None}
    check_settings(format_, settings)  # Rejected before anything is compared.
    if seeds is not None:
        check_seeds_file(seeds)
    if output is None and len(folders) > 1:
        raise UserError("harness report: of several folders, needs a file to write. Add --output FILE.")
    target = output or folders[0] / f"report{ending_of(format_)}"
    comparison = _comparison(folders, baseline, margin)
    write_report(format_, comparison, target, settings)
    console().print(f"Report: {target.absolute()}", soft_wrap=True)
    if trials is not None:
        write_trials(comparison, trials)
        console().print(f"Trials: {trials.absolute()}", soft_wrap=True)
    if seeds is not None:
        write_seeds(comparison, seeds)
        console().print(f"Seeds: {seeds.absolute()}", soft_wrap=True)


def _comparison(folders: list[Path], baseline: str | None, margin: list[str] | None) -> Any:
    from harness.comparison.several import compare_several  # noqa: PLC0415 -- heavy
    from harness.config.margin import margins_from_words  # noqa: PLC0415 -- a command's own

    return compare_several(folders, baseline=baseline, margins=margins_from_words(margin or []))
