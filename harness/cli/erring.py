"""`harness errors`: where a run or the models of a folder err: worst examples, labels, slices."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.app import app
from harness.cli.options import JsonOption
from harness.environment import prepare_libraries
from harness.errors import UserError, collected
from harness.output import console, json_text, say
from harness.printable import truncated

if TYPE_CHECKING:
    from harness.error_analysis.answered import AnsweredTask
    from harness.error_analysis.breakdown import Breakdown
    from harness.reporting.entries import Table

LONGEST_TEXT, WORST = 300, 20
LABEL, PROBABILITY, THRESHOLD, FOUND, DUPLICATES = "label", "probability", "threshold", "found", "duplicates"


@app.command(
    epilog="""Examples:\n
    harness errors runs/demo/rotten_tomatoes/minilm/seed-0 --worst 10\n
    harness errors runs/demo/reuters_r8/minilm/seed-0 --by label\n
    harness errors runs/demo/rotten_tomatoes --by length"""
)
def errors(
    run: Annotated[Path, typer.Argument(help="The folder of one run. With --by, also a folder of many runs.")],
    worst: Annotated[
        int | None, typer.Option(help=f"How many of the worst examples to show. Default: {WORST}.", min=1)
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Show scores by parts of the test examples instead: label, length, duplicates, group, a column of "
            "the data, or one of the task type, such as question-word. Or: probability (how far probabilities can be "
            "trusted), threshold (precision and recall at other thresholds), found (slices found by a search)."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a run errs: its worst test examples, or its scores by parts of them."""
    if by is not None and worst is not None:
        raise UserError(f"harness errors: --worst {worst} shows examples, and --by scores of parts. Leave one out.")
    prepare_libraries()
    if by is None:
        _show_worst(run, worst or WORST, as_json=as_json)
    else:
        _show_parts(run, by, as_json=as_json)


def _show_worst(run: Path, count: int, *, as_json: bool) -> None:
    from harness.runs.mistakes import worst as worst_of  # noqa: PLC0415 -- reads the data

    found = worst_of(run, count)
    if as_json:
        typer.echo(json_text(found))
        return
    shown = console()
    for row in found:
        group = f" · {row['group']}" if row["group"] else ""
        shown.print(f"{row['id']}{group}", style="bold", soft_wrap=True)
        right = " (right, but not with certainty)" if row["reference"] == row["prediction"] else ""
        told = f"  is {one_line(row['reference'])}, predicted {one_line(row['prediction'])}{right}"
        say(shown, told)
        for text in row["texts"] or ():
            say(shown, f"  {one_line(text)}")
    if not found:
        shown.print("No test example is predicted wrongly.")


def _show_parts(path: Path, by: str, *, as_json: bool) -> None:
    from harness.error_analysis.answered import analysed  # noqa: PLC0415 -- reads predictions

    with analysed(path):
        _show_parts_of(path, by, as_json=as_json)


def _show_parts_of(path: Path, by: str, *, as_json: bool) -> None:
    from harness.error_analysis.answered import answered_tasks  # noqa: PLC0415 -- reads predictions

    contents: list[dict[str, Any]] = []
    without: list[str] = []
    left_out, tasks = 0, answered_tasks(path)
    for task in tasks:
        for line in task.problems:
            say(console(stderr=True), line, style="yellow")
        known = len(without)
        with collected(without):
            shown = SHOWN[by] if by in SHOWN else partial(_show_breakdowns, by=by)
            contents += shown(task, as_json=as_json)
        left_out += len(without) > known
        if len(tasks) > 1:  # A task without such parts does not hide the others.
            for line in without[known:]:
                say(console(stderr=True), line, style="yellow")
    if left_out == len(tasks):
        raise (
            UserError(*without)
            if len(tasks) == 1
            else UserError(f"--by {by}: none of the {len(tasks)} tasks has such parts.")
        )
    if as_json:
        typer.echo(json_text(contents))


def _show_breakdowns(task: AnsweredTask, *, by: str, as_json: bool) -> list[dict[str, Any]]:
    """Print the scores of parts of a task's test examples, or return them as content."""
    from harness.reporting import errors as tables  # noqa: PLC0415 -- reads predictions
    from harness.reporting.terminal import print_table  # noqa: PLC0415 -- as above

    breakdowns = _breakdowns(task, by)
    if as_json:
        return [{"suite": task.suite, "task": task.task, **tables.content(one)} for one in breakdowns]
    shown = console()
    for table in _tables(task, breakdowns):
        print_table(table, shown)
    if by == DUPLICATES:
        say(shown, tables.order_note(task, breakdowns[0]))
    shown.print(tables.note_of(task), style="dim")
    return []


def _show_probabilities(task: AnsweredTask, *, as_json: bool) -> list[dict[str, Any]]:
    """Print the calibration of probabilities, or return it as content.

    Raises:
        UserError: If no predictions include probabilities.
    """
    from harness.error_analysis.probabilities import reliability  # noqa: PLC0415 -- reads predictions
    from harness.reporting import errors as tables  # noqa: PLC0415 -- as above
    from harness.reporting.terminal import print_table  # noqa: PLC0415 -- as above

    each = {model.model: reliability(task, model.answers) for model in task.models}
    found = {model: one for model, one in each.items() if one is not None}
    if not found:
        raise UserError(f"--by {PROBABILITY}: the predictions of {task.task} have no label probabilities.")
    if as_json:
        return [{"suite": task.suite, "task": task.task, "models": tables.believed_content(found)}]
    print_table(tables.believed(task, found), console())
    console().print(tables.OF_PROBABILITIES, style="dim")
    return []


def _show_found(task: AnsweredTask, *, as_json: bool) -> list[dict[str, Any]]:
    """Print the slices that a search finds for each model, or return them as content."""
    from harness.error_analysis.found_slices import slices_of  # noqa: PLC0415 -- reads predictions
    from harness.reporting import found_slices as tables  # noqa: PLC0415 -- as above
    from harness.reporting.terminal import print_table  # noqa: PLC0415 -- as above

    found = slices_of(task)
    if as_json:
        return [{"suite": task.suite, "task": task.task, "models": tables.content(found)}]
    for model, slices in found.items():
        print_table(tables.found_table(task.task, model, slices), console())
    console().print(tables.NOTE, style="dim")
    return []


def _show_thresholds(task: AnsweredTask, *, as_json: bool) -> list[dict[str, Any]]:
    """Print the scores at other probability thresholds, or return them as content.

    Raises:
        UserError: If no label is predicted by a threshold, or predictions include no probabilities.
    """
    from harness.error_analysis.thresholds import at_thresholds  # noqa: PLC0415 -- reads predictions
    from harness.reporting import thresholds as tables  # noqa: PLC0415 -- as above
    from harness.reporting.terminal import print_table  # noqa: PLC0415 -- as above

    each = {model.model: at_thresholds(task, model) for model in task.models}
    found = {model: rows for model, rows in each.items() if rows}
    if not found:
        raise UserError(
            f"--by {THRESHOLD}: {task.task} has neither two labels nor several labels per text, or no probabilities."
        )
    if as_json:
        return [{"suite": task.suite, "task": task.task, "models": tables.content(found)}]
    for model, rows in found.items():
        print_table(tables.table_of(task, model, rows), console())
    console().print(tables.NOTE, style="dim")
    return []


SHOWN = {PROBABILITY: _show_probabilities, THRESHOLD: _show_thresholds, FOUND: _show_found}


def _breakdowns(task: AnsweredTask, by: str) -> list[Breakdown]:
    """The requested breakdowns of a task.

    Raises:
        UserError: If it has no such parts.
    """
    from harness.error_analysis.aspects import aspect_called  # noqa: PLC0415 -- reads predictions
    from harness.error_analysis.breakdown import by_aspect, by_label, measures_for  # noqa: PLC0415 -- as above

    if by == LABEL:
        found = [by_label(task, measure) for measure in measures_for(task)]
    else:
        found = [by_aspect(task, aspect_called(task, by), with_all=by == DUPLICATES)]
    known = [one for one in found if one is not None]
    if not known:
        why = "its metric is a custom script" if by != LABEL else "its answers are not labels"
        raise UserError(f"--by {by}: not available for {task.task}: {why}.")
    return known


def _tables(task: AnsweredTask, breakdowns: list[Breakdown]) -> Iterator[Table]:
    from harness.reporting import errors as tables  # noqa: PLC0415 -- reads predictions

    if len(breakdowns) == 1:
        yield tables.by_part(task, breakdowns[0])
        return
    yield tables.by_measure(task, breakdowns)
    confused = tables.confusion_matrix(task) or tables.confused(task)
    if confused is not None:
        yield confused


def one_line(value: Any) -> str:
    """A field on one line."""
    return truncated(" ".join(str(value).split()), LONGEST_TEXT)
