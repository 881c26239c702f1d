"""`harness explain`: the tokens behind an answer."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app, single, with_options
from harness.cli.options import JsonOption, repeatable
from harness.counted import counted
from harness.data.custom import explain_settings, predict_options
from harness.environment import prepare_libraries
from harness.errors import UserError
from harness.output import console, json_text, say

if TYPE_CHECKING:
    from rich.console import Console

    from harness.runs.explain import Worth


@app.command(
    epilog="""Examples:\n
    harness explain runs/demo/rotten_tomatoes/minilm/seed-0 --text "a joy from start to end"\n
    harness explain runs/demo/rotten_tomatoes/minilm/seed-0 --curve 20"""
)
@with_options(repeatable(predict_options() | explain_settings()))
def explain(
    run: Annotated[Path, typer.Argument(help="The folder of one run.")],
    label: Annotated[
        str | None, typer.Option(help="The label to explain. Default: the one with the highest score.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of the integrated gradients.", min=2, max=1000)] = 50,
    curve: Annotated[
        int | None,
        typer.Option(
            help="Measure on this many test examples how well important tokens are found (deletion and "
            "insertion curves).",
            min=2,
        ),
    ] = None,
    attention: Annotated[
        bool,
        typer.Option(
            "--attention", help="Show attention too: a map of each layer with --html, its curves with --curve."
        ),
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Also write this HTML file.")] = None,
    json_: JsonOption = False,
    **texts: list[str] | None,
) -> None:
    """Show how much each token adds to the score of a label, answer or tag, and how far to trust that."""
    prepare_libraries()
    from harness.runs.exported import recorded  # noqa: PLC0415 -- a command's own

    settings = {name: single("explain", name, texts.pop(name)) for name in explain_settings()}
    given = {name: values for name, values in texts.items() if values}
    if attention and html is None and curve is None and not json_:
        raise UserError("harness explain: --attention needs --html, --curve or --json to show it. Give one of them.")
    if not given and curve is None:
        raise UserError("harness explain: neither a text nor --curve is given. Give one of them.")
    if not given and label is not None:
        raise UserError(
            "harness explain: --label needs a text; --curve explains what is predicted. Give one, or leave it out."
        )
    if not given and html is not None:
        raise UserError("harness explain: --html needs a text to show. Give one, or leave it out.")
    if html is not None and (html.is_dir() or not html.absolute().parent.is_dir()):
        wrong = "is a folder" if html.is_dir() else "its folder does not exist"
        raise UserError(f"--html {html}: {wrong}. Name a file in an existing folder.")
    recorded(run)  # A mistake is told before torch is imported.
    from harness.atomic_writes import write_atomically  # noqa: PLC0415 -- a command's own
    from harness.reporting.explanation import page, show_explanation  # noqa: PLC0415 -- a command's own
    from harness.runs.explain import example_of, run_explainer  # noqa: PLC0415 -- heavy
    from harness.runs.predict import rows_to_read  # noqa: PLC0415 -- heavy

    explainer = run_explainer(run, label=label, settings=settings)
    examples = [example_of(run, row) for row in rows_to_read(run, given, file=None)] if given else []
    maps = attention and (html is not None or json_)
    found = [explainer.explained(example, label=label, steps=steps, attention=maps) for example in examples]
    worth = None if curve is None else explainer.worth(curve, steps=steps, attention=attention)
    if html is not None:
        write_atomically(html, page(found).encode())
    if json_:
        told = {"explanations": [asdict(one) for one in found], "worth": None if worth is None else asdict(worth)}
        typer.echo(json_text(told))
        return
    shown = console()
    for one in found:
        show_explanation(one, shown)
    if worth is not None:
        _show_worth(worth, shown)


def _show_worth(worth: Worth, shown: Console) -> None:
    areas = {"deletion": worth.deletion, "insertion": worth.insertion}
    areas |= {f"{name} by attention": area for name, area in (worth.attention or {}).items()}
    for name, (mean, low, high) in areas.items():
        interval = "" if low is None else f"95 % interval {low:+.3f} to {high:+.3f}, "
        said = f"{name}: area {mean:+.3f} above that of a random order; higher is better"
        say(shown, f"{said} ({interval}{counted(worth.examples, 'test example')})")
