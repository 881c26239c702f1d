"""`harness diff`: the differences between two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.app import app
from harness.cli.erring import one_line
from harness.cli.options import JsonOption
from harness.environment import prepare_libraries
from harness.output import console, json_text, say


@app.command(
    epilog="""Examples:\n
    harness diff runs/demo/rotten_tomatoes/tfidf/seed-0 runs/demo/rotten_tomatoes/minilm/seed-0\n
    harness diff runs/demo/boolq/minilm/seed-0 runs/demo/boolq/minilm/seed-1 --json"""
)
def diff(
    run: Annotated[Path, typer.Argument(help="The folder of one run.")],
    other: Annotated[Path, typer.Argument(help="The folder of another run.")],
    examples: Annotated[int, typer.Option(help="How many examples to show that they disagree on.", min=0)] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show how two runs differ: settings, data, scores, and the test examples that they disagree on most."""
    from harness.error_analysis.answered import analysed  # noqa: PLC0415 -- reads predictions
    from harness.error_analysis.differing import run_difference  # noqa: PLC0415 -- as above
    from harness.reporting import differing  # noqa: PLC0415 -- as above
    from harness.reporting.terminal import print_table  # noqa: PLC0415 -- as above

    prepare_libraries()
    with analysed(f"{run}, {other}"):
        found = run_difference(run, other, examples)
    if as_json:
        typer.echo(json_text(differing.content(found)))
        return
    shown = console()
    for number, (folder, record) in enumerate(found.runs, start=1):
        shown.print(f"run {number}: {folder} ({record.task} · {record.model} · {record.which})", soft_wrap=True)
    shown.print(differing.note_of(found), style="yellow")
    for table in differing.tables_of(found):
        print_table(table, shown)
    for sentence in differing.sentences(found):
        shown.print(sentence)
    for one in found.disagreements:
        shown.print(f"{one.id}", style="bold", soft_wrap=True)
        said = f"run 1: {one_line(one.one)}, run 2: {one_line(one.other)}"
        say(shown, f"  is {one_line(one.reference)}; {said}")
        for text in one.texts or ():
            say(shown, f"  {one_line(text)}")
