"""`harness choose`: from one file to a recommendation."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import completing
from harness.cli.app import FAILED, LEFT, MISTAKE, RUNS, app, names, typed_words, with_options
from harness.cli.options import COLUMNS, FORMS, RedoOption, RunsOption, SetOption, TrialsOption, WorkersOption
from harness.comparison.comparison import compare
from harness.comparison.recommendation import recommended
from harness.config.files import refuse_shared_folder
from harness.environment import prepare_libraries
from harness.errors import UserError
from harness.output import console, say
from harness.records import read_records
from harness.runs.options import Options
from harness.suites.seeds import LEAST_START, USUAL_MOST, SequentialSeeds

if TYPE_CHECKING:
    from rich.console import Console

    from harness.rare_label import RareLabel
    from harness.suites.choosing import Question
    from harness.suites.suite import Suite

YEAR = 365 * 24 * 60.0  # Minutes.
FEW_EXAMPLES = 50
FOLDS = "To test on every row: --write SUITE.toml, folds = 5 in its table of the data, and harness run."
LONG = 3600.0  # Beyond this many seconds, a shorter way is suggested.
SHORTER = (
    "That is long. --minutes 20 trains for 20 minutes, in short runs if full ones don't fit, and compares what is "
    "scored by then. If not even a short run fits, no trained model has a score."
)


FileArgument = Annotated[
    Path,
    typer.Argument(
        help="Your own data: csv, tsv, json, jsonl, parquet, xlsx and so on, a folder, or a Hub data set "
        "(owner/name or owner/name:configuration)."
    ),
]
TaskTypeOption = Annotated[
    str | None, typer.Option("--task-type", help="The task type; see harness list task-types. If omitted, guessed.")
]
ModelsOption = Annotated[
    str | None,
    typer.Option(
        help="Names, folders or Hub ids, comma-separated. Default: the usual ones.", autocompletion=completing.models
    ),
]
SeedsOption = Annotated[
    int | None,
    typer.Option(help="Number of seeds per model. Default: 3, and up to 10 if those don't decide.", min=1, max=1000),
]
MinutesOption = Annotated[
    float | None,
    typer.Option(help="Time budget for runs: start the models that fit into it, and stop when it is over."),
]
MetricOption = Annotated[
    str | None, typer.Option(help="The metric to judge by. Default: the usual one of the task type.")
]
MarginOption = Annotated[
    float | None,
    typer.Option(help="How much worse still counts as not worse, in the units of the scores: 1 for one point.", min=0),
]
WriteOption = Annotated[
    Path | None, typer.Option(help="Write the suite to this .toml file for harness run, and run nothing.")
]


@app.command(
    epilog="""Examples:\n
    harness choose reviews.csv\n
    harness choose reviews.csv --text review --label stars --models minilm,roberta-mini --minutes 20\n
    harness choose stanfordnlp/imdb --models minilm,tfidf\n
    harness choose questions.json --write questions.toml"""
)
@with_options({**FORMS, **COLUMNS})
def choose(
    invocation: typer.Context,
    file: FileArgument,
    task_type: TaskTypeOption = None,
    models: ModelsOption = None,
    seeds: SeedsOption = None,
    minutes: MinutesOption = None,
    metric: MetricOption = None,
    margin: MarginOption = None,
    trials: TrialsOption = None,
    write: WriteOption = None,
    settings: SetOption = None,
    redo: RedoOption = False,
    runs: RunsOption = RUNS,
    workers: WorkersOption = None,
    **local: Any,
) -> None:
    """Recommend a model for your own file: guess its task type, run models with several seeds, compare them."""
    ends = None if minutes is None else time.monotonic() + _seconds(minutes)
    typed = typed_words(invocation, leaving_out=("minutes", "redo", "workers"))
    if redo and trials is not None and minutes is not None:
        raise UserError(
            "harness choose: --redo and --trials can't be used together with --minutes. Leave one out, or name another "
            "--runs folder."
        )
    prepare_libraries()
    from harness.suites.choosing import asked_of, suite_name, suite_of, suite_toml  # noqa: PLC0415 -- a command's own

    question = asked_of(
        _on_this_machine(file, runs),
        columns={role: tuple(given) for role in COLUMNS if (given := local.pop(role))},
        task_type=task_type,
        models=names("--models", models),
        seeds=seeds or SequentialSeeds(start=LEAST_START, most=USUAL_MOST),
        settings=settings or (),
        metric=metric,
        margin=margin or None,
        trials=trials,
        **local,
    )
    name = suite_name(Path(str(question.local.train)))
    # A data.csv is common, and nothing else is in the folder of its task, data/data.
    if write is None and name != "data":
        refuse_shared_folder(name, file)
    shown = console()
    for line in _understood(question, file):
        say(shown, line)
    question, told = _checked(question, shown, file)
    if write is not None:
        _write(suite_toml(question, write), write, shown)
        return
    options = Options(redo=redo, command=typed, workers=workers, **told)
    _run_and_recommend(suite_of(question), options, shown, runs=runs, ends=ends)


def _seconds(minutes: float) -> float:
    """The time limit in seconds, at most a year, which no timer refuses.

    Raises:
        UserError: If no run could be made in it.
    """
    if not 0 < minutes < inf:
        raise UserError(
            f"--minutes {minutes:g}: no time to train in. Give a number above 0, such as 20, or leave it out."
        )
    return 60 * min(minutes, YEAR)


def _on_this_machine(file: Path, runs: Path) -> Path:
    """The user's file, or the local folder of the Hub data set that it names."""
    from harness.data.folders import is_there  # noqa: PLC0415 -- a command's own
    from harness.data.hub_files import hub_files, is_hub_name  # noqa: PLC0415 -- a command's own
    from harness.suites.expansion import folder_name  # noqa: PLC0415 -- a command's own

    name = str(file)
    if is_there(file) or not is_hub_name(name):
        return file
    try:
        return hub_files(name, runs / "data" / folder_name(name.replace(":", "+")))
    except UserError as error:
        raise UserError(f"{name}: no such file. As a data set of the Hub:", *error.lines) from error


def _understood(question: Question, file: Path) -> Iterator[str]:
    yield f"{file}: {question.guess}. If that is wrong, set --task-type, or --{' or --'.join(question.guess.columns)}."
    yield f"Models: {', '.join(question.models)}."
    yield from question.missing_baseline
    yield from (f"Not tried: {name} ({reason})" for name, reason in question.left_out.items())


def _checked(question: Question, shown: Console, file: Path) -> tuple[Question, dict[str, Any]]:
    """Check the data, and say what is remarkable; return the question, and what was said as the options have it."""
    from harness.suites.checked_data import check_data  # noqa: PLC0415 -- a command's own
    from harness.suites.choosing import with_weights_tried  # noqa: PLC0415 -- a command's own

    checked = check_data(question)
    for note in checked.notes:
        say(shown, f"{file}: {note}")
    if checked.split_off is not None and checked.split_off < FEW_EXAMPLES:
        say(shown, f"{checked.split_off} test examples can show large differences only. {FOLDS}")
    if checked.rare is not None:
        question = with_weights_tried(question, checked.rare)
        say(shown, _rare(checked.rare, question))
    return question, {"rare_label_told": checked.rare is not None, "notes_told": checked.notes}


def _rare(rare: RareLabel, question: Question) -> str:
    """Advice about a rare label: what is tried, or what can be."""
    found = f"{str(rare)[0].upper()}{str(rare)[1:]}"
    if question.weighed:
        verb = "is" if len(question.weighed) == 1 else "are"
        names = " and ".join(question.weighed)
        return f"{found}. {names} {verb} tried too, with labels weighted to count equally in training."
    if question.metric in rare.metrics:
        return f"{found}."
    return f"{found}. With --metric {rare.metrics[0]} it counts as much as any other, and class weights are tried too."


def _write(content: str, file: Path, shown: Console) -> None:
    if file.exists():
        raise UserError(f"{file}: already exists. Choose another name, or remove it.")
    if file.suffix != ".toml":
        raise UserError(f"{file}: a suite's file must end in .toml. Use --write {file.with_suffix('.toml')}.")
    refuse_shared_folder(file.stem, file)
    file.write_text(content, encoding="utf-8")
    shown.print(f"Suite: {file}. Next: {shlex.join(['harness', 'run', str(file)])}", soft_wrap=True)


def _run_and_recommend(suite: Suite, options: Options, shown: Console, *, runs: Path, ends: float | None) -> None:
    from harness.cli.planning import first_look_seconds, keep_foreseen, time_lines  # noqa: PLC0415 -- a command's own
    from harness.cli.running import run_all  # noqa: PLC0415 -- heavy
    from harness.cli.within import run_within  # noqa: PLC0415 -- heavy
    from harness.reporting import tables  # noqa: PLC0415 -- a command's own
    from harness.reporting.files import write_report  # noqa: PLC0415 -- a command's own
    from harness.reporting.terminal import print_advice, print_table  # noqa: PLC0415 -- a command's own
    from harness.suites.expansion import planned_runs  # noqa: PLC0415 -- a command's own
    from harness.suites.runner import mark_redone  # noqa: PLC0415 -- heavy
    from harness.suites.suite_file import write_suite  # noqa: PLC0415 -- a command's own

    planned = planned_runs(suite, runs)
    folder = write_suite(suite, runs)
    if options.redo and suite.tuning is None:
        mark_redone(planned, shown)
    expected = keep_foreseen(suite, planned, runs=runs, workers=options.workers)
    for line in time_lines(expected, suite.rule) if expected is not None else ():
        say(shown, line)
    if ends is None and expected is not None and first_look_seconds(expected, suite.rule) > LONG:
        say(shown, SHORTER)
    left: tuple[str, ...] = ()
    if ends is None:
        options = replace(options, redo=options.redo and suite.tuning is not None)  # Else the runs to redo are marked.
        tally, _ = run_all(suite, planned, options, shown, tuning=suite.tuning, folder=folder)
    else:
        answered = run_within(suite, planned, options, shown, runs=runs, ends=ends)
        tally, left, folder = answered.tally, answered.left, runs / answered.suite.name
    if left and not read_records(folder)[0]:
        raise UserError(f"{folder}: no model has a score yet. Give more --minutes.", *left)
    comparison = compare(folder)
    for task in comparison.tasks:
        print_table(tables.details(task), shown)
        print_advice(recommended(task), shown)
    if left:
        say(shown, " ".join([*left, "Run the same command again to continue."]))
    report = folder / "report.html"
    write_report("html", comparison, report)
    shown.print(f"Report: {report.absolute()}", soft_wrap=True)
    shown.print(
        f"To measure what each model costs in use: {shlex.join(['harness', 'measure', str(folder)])}", soft_wrap=True
    )
    if tally.failed:
        raise typer.Exit(FAILED if tally.failed > tally.mistaken else MISTAKE)
    if tally.left:
        raise typer.Exit(LEFT)
