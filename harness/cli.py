"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from harness.environment import prepare_libraries
from harness.errors import UserError

RUNS = Path("runs")
STOPPED = 130
USAGE_ERROR: Any = typer.BadParameter.__base__  # The one name of it that every version of typer exports.
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


def main() -> None:
    """Run the command line. Exit codes: 0 good, 1 a run failed, 2 the user's mistake, 130 stopped by Ctrl-C."""
    if len(sys.argv) < 2:
        sys.argv.append("--help")
    try:
        code = app(prog_name="harness", standalone_mode=False)
    except UserError as error:
        code = _complain(*error.lines)
    except USAGE_ERROR as error:
        code = _complain(f"{error.format_message().rstrip('.')}. See: harness --help.")
    except typer.Abort:
        code = STOPPED
    except OSError as error:
        code = _complain(f"{error.filename or 'harness'}: {error.strerror or error}. Use another place or make room.")
    if code == STOPPED:
        _complain("Stopped. What is recorded stays; the same command goes on from there.")
    sys.exit(code or 0)


def _complain(*lines: str) -> int:
    """Show what is wrong, and return the exit code for it."""
    console = Console(stderr=True, soft_wrap=True)
    for line in lines:
        console.print(line, style="red", markup=False, highlight=False)
    return 2


@app.command("list", epilog="Example: harness list tasks")
def list_(
    what: Annotated[str, typer.Argument(help="tasks, models, suites, corpora, formats; left out: all.")] = "",
) -> None:
    """Show what there is to name in a suite or on the command line."""
    from harness.listing import LISTS, listed  # noqa: PLC0415 -- a command's own

    console = Console()
    for name in [what] if what else LISTS:
        table = Table(
            title=name, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0), show_header=False
        )
        for row in listed(name):
            table.add_row(*row)
        if table.rows:
            console.print(table, "")


@app.command(epilog="Example: harness plan demo")
def plan(
    suite: Annotated[str, typer.Argument(help="A file of configs/suites, or a path to one.")],
    only: OnlyOption = None,
    settings: SetOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Check a suite and show its cells and what of them is recorded; start nothing."""
    from harness.grid.asked import asked_suite  # noqa: PLC0415 -- a command's own
    from harness.grid.cells import states  # noqa: PLC0415 -- a command's own
    from harness.grid.plan import counted, plan_table  # noqa: PLC0415 -- a command's own

    cells = asked_suite(suite, only=only, settings=settings, runs=runs)[1]
    found = states(cells)
    console = Console()
    console.print(plan_table(cells, found))
    console.print(counted(found))


@app.command(
    epilog="""Examples:\n
    harness run demo\n
    harness run --task rotten_tomatoes --model minilm --seed 1 --set epochs=2\n
    harness run --model minilm --train my.csv --text review --label stars\n
    accelerate launch --multi_gpu --num_processes 2 -m harness run demo"""
)
def run(
    suite: Annotated[str | None, typer.Argument(help="A file of configs/suites, or a path to one.")] = None,
    task: Annotated[str | None, typer.Option(help="One task, with --model, instead of a suite.")] = None,
    model: Annotated[str | None, typer.Option(help="A file of configs/models, a folder, or a Hub id.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of new layers, data order and dropout; default: 0.", min=0, max=2**32 - 1)
    ] = None,
    train: Annotated[str | None, typer.Option(help="Your own data: csv, tsv, jsonl or parquet.")] = None,
    validation: Annotated[
        str | None, typer.Option(help="Your own validation data; else it comes out of train.")
    ] = None,
    test: Annotated[str | None, typer.Option(help="Your own test data; else it comes out of train.")] = None,
    text: Annotated[list[str] | None, typer.Option(help="The column of the text; give it twice for pairs.")] = None,
    label: Annotated[str | None, typer.Option(help="The column of the label.")] = None,
    kind: Annotated[str | None, typer.Option(help="classification (default), multi_label or regression.")] = None,
    question: Annotated[str | None, typer.Option(help="The column of the question (question answering).")] = None,
    context: Annotated[str | None, typer.Option(help="The column of the context (question answering).")] = None,
    answers: Annotated[str | None, typer.Option(help="The column of the answers (question answering).")] = None,
    group: Annotated[str | None, typer.Option(help="The column that says which rows belong together.")] = None,
    settings: SetOption = None,
    only: OnlyOption = None,
    redo: Annotated[bool, typer.Option("--redo", help="Replace what is recorded.")] = False,
    runs: RunsOption = RUNS,
    track: Annotated[str | None, typer.Option(help="tensorboard, wandb, mlflow or trackio.")] = None,
    checkpoint_seconds: Annotated[float, typer.Option(help="How often a run's state is saved.", min=0)] = 120.0,
    workers: Annotated[
        int | None, typer.Option(help="Cells run side by side, each in a process; default: one a core, or GPU.", min=1)
    ] = None,
) -> None:
    """Fine-tune: a whole suite, one model on one task, or one model on your own files. What is recorded is skipped."""
    own = {
        "train": train, "validation": validation, "test": test, "text": tuple(text or ()), "label": label, "kind": kind,
        "question": question, "context": context, "answers": answers, "group": group,
    }  # fmt: skip
    prepare_libraries()
    from harness.grid.asked import asked_single, asked_suite, refuse_with_suite  # noqa: PLC0415 -- a command's own

    if suite is not None:
        refuse_with_suite(task=task, model=model, seed=seed, **own)
        checked_suite, cells = asked_suite(suite, only=only, settings=settings, runs=runs)
    else:
        if only:
            raise UserError("harness run: --only picks cells of a suite. Name a suite, or leave it out.")
        checked_suite, cells = None, [asked_single(task, model, own, seed=seed or 0, settings=settings, runs=runs)]
    from harness.engine.device import processes  # noqa: PLC0415 -- heavy
    from harness.grid.cells import write_suite  # noqa: PLC0415 -- heavy
    from harness.grid.runner import run_cells  # noqa: PLC0415 -- heavy
    from harness.run import Options  # noqa: PLC0415 -- heavy

    main_process = processes().is_main_process
    console = Console(quiet=not main_process)
    if checked_suite is not None and main_process:
        write_suite(checked_suite, runs)
    options = Options(redo=redo, track=track, checkpoint_seconds=checkpoint_seconds)
    failed = run_cells(cells, options, console, workers=workers)
    folder = runs / checked_suite.name if checked_suite else cells[0].folder
    _conclude(console, failed, len(cells), folder=folder, next_folder=folder if checked_suite else runs)


def _conclude(console: Console, failed: int, cells: int, *, folder: Path, next_folder: Path) -> None:
    """Say where the records are; exit with 1 where a cell failed."""
    if failed:
        console.print(f"{failed} of {cells} failed; the same command tries again. Records in {folder}.", soft_wrap=True)
        raise typer.Exit(1)
    console.print(f"Records in {folder}. Next: harness compare {next_folder}", soft_wrap=True)


@app.command(epilog="Example: harness compare runs/demo")
def compare(
    runs: Annotated[Path, typer.Argument(help="A folder of runs.")] = RUNS,
    baseline: Annotated[str | None, typer.Option(help="The model that the others are compared with.")] = None,
) -> None:
    """Show models x tasks with intervals, the differences from a baseline, and costs."""
    from reports.terminal import show  # noqa: PLC0415 -- heavy

    show(_comparison(runs, baseline), Console())


@app.command(epilog="Example: harness report runs/demo --format html --output report.html")
def report(
    runs: Annotated[Path, typer.Argument(help="A folder of runs.")] = RUNS,
    format_: Annotated[str, typer.Option("--format", help="html, markdown, latex or csv.")] = "html",
    output: Annotated[Path | None, typer.Option(help="The file to write; default: report.<format> in RUNS.")] = None,
    baseline: Annotated[str | None, typer.Option(help="The model that the others are compared with.")] = None,
) -> None:
    """Write the comparison as one file."""
    from harness.record import write_atomically  # noqa: PLC0415 -- a command's own
    from harness.registry import FORMATS  # noqa: PLC0415 -- a command's own

    render = FORMATS.load(format_)
    endings = {"markdown": "md", "latex": "tex"}
    target = output or runs / f"report.{endings.get(format_, format_)}"
    content = render(_comparison(runs, baseline))
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, content.encode())
    Console().print(f"Report: {target.absolute()}", soft_wrap=True, highlight=False)


@app.command(
    epilog="""Examples:\n
    harness predict runs/demo/rotten_tomatoes/minilm/seed-0 --text "a joy from start to end"\n
    harness predict runs/demo/boolq/minilm/seed-0 --input questions.jsonl --output answers.jsonl"""
)
def predict(
    run: Annotated[Path, typer.Argument(help="The folder of one run.")],
    text: Annotated[list[str] | None, typer.Option(help="A text; give it twice for a pair.")] = None,
    question: Annotated[str | None, typer.Option(help="A question, with --context.")] = None,
    context: Annotated[str | None, typer.Option(help="The text that holds the answer.")] = None,
    input_: Annotated[
        Path | None, typer.Option("--input", help="csv, tsv, jsonl or parquet with the task's columns.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="A .jsonl or .csv file to write; default: the terminal.")] = None,
) -> None:
    """Use a trained model on new text."""
    prepare_libraries()
    from harness.predict import check_output, predict_rows, rows_to_read, write_rows  # noqa: PLC0415 -- heavy

    check_output(output)
    rows = rows_to_read(run, text=text or (), question=question, context=context, file=input_)
    write_rows(predict_rows(run, rows), output)


@app.command(epilog="Example: harness perplexity my-transformer-xl --text novel.txt --memory 0 --memory 512")
def perplexity(
    model: Annotated[str, typer.Argument(help="A language model with a memory: a folder, a Hub id, a model file.")],
    text: Annotated[Path, typer.Option(help="A plain text file in UTF-8.")],
    segment: Annotated[int, typer.Option(help="Tokens that are read at once.", min=1)] = 128,
    memory: Annotated[
        list[int] | None,
        typer.Option(help="States kept of the segments before; repeatable. Default: 0, and the model's own.", min=0),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="A .jsonl or .csv file to write the rows to as well.")] = None,
) -> None:
    """Show how well a language model foretells a text, with memories of several lengths."""
    prepare_libraries()
    from harness.perplexity import perplexity_rows, perplexity_table  # noqa: PLC0415 -- heavy
    from harness.predict import check_output, write_rows  # noqa: PLC0415 -- heavy

    check_output(output)
    console = Console()
    rows = perplexity_rows(model, text, segment=segment, memories=memory or (), console=console)
    console.print(perplexity_table(rows))
    if output is not None:
        write_rows(rows, output)


@app.command(
    epilog="""Examples:\n
    harness pretrain bert-mini\n
    harness pretrain my-recipe.toml --set tokens=2000000"""
)
def pretrain(
    recipe: Annotated[str, typer.Argument(help="A file of configs/pretraining, or a path to one.")],
    settings: SetOption = None,
    runs: RunsOption = RUNS,
    redo: Annotated[bool, typer.Option("--redo", help="Replace what an earlier run left.")] = False,
    checkpoint_seconds: Annotated[float, typer.Option(help="How often a run's state is saved.", min=1)] = 120.0,
) -> None:
    """Pretrain a small checkpoint of one's own, from raw text; a run that was stopped goes on."""
    prepare_libraries()
    from harness.grid.pretraining import pretrain_here  # noqa: PLC0415 -- heavy

    pretrain_here(recipe, settings or (), runs=runs, redo=redo, checkpoint_seconds=checkpoint_seconds)


@app.command(name="convert", epilog="Example: harness convert old-checkpoint --output safe-checkpoint")
def convert_(
    folder: Annotated[Path, typer.Argument(help="A checkpoint whose weights or vocabulary are pickles.")],
    output: Annotated[Path | None, typer.Option(help="The folder to write; default: FOLDER-safe.")] = None,
) -> None:
    """Make a checkpoint of pickles into one of safetensors and plain text; no code in it is run."""
    from harness.convert import convert  # noqa: PLC0415 -- heavy

    target = output or folder.absolute().with_name(f"{folder.absolute().name}-safe")
    converted = convert(folder, target)
    Console().print(f"Converted {', '.join(converted)} into {target}.", soft_wrap=True, highlight=False)


@app.command(epilog="Example: harness cache --clear")
def cache(
    clear: Annotated[bool, typer.Option("--clear/--size", help="Remove it all, or show how much it is.")] = False,
) -> None:
    """Show or clear what is kept between runs: encoded texts, compiled kernels. All of it is made anew when needed."""
    from harness import cache as kept  # noqa: PLC0415 -- a command's own
    from harness.listing import cache_table  # noqa: PLC0415 -- a command's own

    console = Console()
    console.print(cache_table(kept.kept(), "Removed" if clear else "Kept"), soft_wrap=True)
    if clear:
        kept.clear()


def _comparison(runs: Path, baseline: str | None) -> Any:
    from harness.grid.cells import stated  # noqa: PLC0415 -- a command's own
    from reports.comparison import compare  # noqa: PLC0415 -- heavy

    suites_own, description = stated(runs)
    return compare(runs, baseline=baseline or suites_own, description=description)
