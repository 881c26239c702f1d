"""Commands about single models: pretraining, prediction, perplexity, conversion; and the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.app import RUNS, app, single, with_options
from harness.cli.options import (
    CheckpointSecondsOption,
    EncodingOption,
    JsonOption,
    RunsOption,
    SeparatorOption,
    SetOption,
    repeatable,
)
from harness.counted import counted
from harness.data.custom import predict_options, predict_settings
from harness.environment import prepare_libraries
from harness.errors import UserError, collected
from harness.output import console, json_text


@app.command(
    epilog="""Examples:\n
    harness pretrain bert-mini\n
    harness pretrain my-recipe.toml --set tokens=2000000\n
    harness pretrain xl-mini --verify configs/models/xl-mini/pretraining.json"""
)
def pretrain(
    recipe: Annotated[str, typer.Argument(help="A name from configs/pretraining, or a path.")],
    settings: SetOption = None,
    runs: RunsOption = RUNS,
    redo: Annotated[bool, typer.Option("--redo", help="Start over and replace an earlier run.")] = False,
    checkpoint_seconds: CheckpointSecondsOption = 120.0,
    verify: Annotated[
        Path | None,
        typer.Option(help="Repeat the first steps of the run in this pretraining.json, and compare the losses."),
    ] = None,
) -> None:
    """Pretrain a small checkpoint of your own from raw text. An interrupted run resumes."""
    prepare_libraries()
    from harness.cli.pretraining import pretrain_here, verify_here  # noqa: PLC0415 -- heavy

    if verify is not None:
        verify_here(recipe, settings or (), verify)
        return
    pretrain_here(recipe, settings or (), runs=runs, redo=redo, checkpoint_seconds=checkpoint_seconds)


@app.command(
    epilog="""Examples:\n
    harness predict runs/demo/rotten_tomatoes/minilm/seed-0 --text "a joy from start to end"\n
    harness predict runs/demo/boolq/minilm/seed-0 --input questions.jsonl --output answers.jsonl\n
    harness predict runs/questions/disfl_qa/minilm/seed-0 --input dev.jsonl --n-best 3 --squad squad-files"""
)
@with_options(repeatable(predict_options() | predict_settings()))
def predict(
    run: Annotated[Path, typer.Argument(help="The folder of one run.")],
    input_: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="A file with the task's columns: csv, tsv, json, jsonl, parquet, xlsx and so on; - is standard input, "
            "with a JSON object per line.",
        ),
    ] = None,
    separator: SeparatorOption = None,
    encoding: EncodingOption = None,
    output: Annotated[Path | None, typer.Option(help="A .jsonl or .csv file to write. Default: the terminal.")] = None,
    **texts: list[str] | None,
) -> None:
    """Predict on new text with a finished run's model."""
    prepare_libraries()
    from harness.data.files import STANDARD_INPUT, files_of  # noqa: PLC0415 -- a command's own
    from harness.runs.exported import recorded  # noqa: PLC0415 -- a command's own
    from harness.runs.written_predictions import check_output, write_rows  # noqa: PLC0415 -- a command's own

    check_output(output)  # Mistakes are told before torch is imported.
    recorded(run)
    if input_ is not None and str(input_) != STANDARD_INPUT:
        files_of(input_)
    from harness.runs.predict import predict_rows, rows_to_read  # noqa: PLC0415 -- heavy

    settings = {name: single("predict", name, texts.pop(name)) for name in predict_settings()}
    options = {name: values or () for name, values in texts.items()}
    rows = rows_to_read(run, options, file=input_, separator=separator, encoding=encoding)
    predicted = predict_rows(run, rows, settings)
    write_rows(predicted, output)
    if output is not None:
        console().print(f"Predictions of {counted(len(predicted), 'row')}: {output}", soft_wrap=True)


@app.command(
    epilog="""Examples:\n
    harness perplexity my-transformer-xl --text novel.txt --memory 0 --memory 512\n
    harness perplexity bert-mini --text novel.txt\n
    harness perplexity xl-mini --text sentence.txt --tokens --json"""
)
def perplexity(
    model: Annotated[str, typer.Argument(help="A causal or masked language model: a folder, a Hub id, a model file.")],
    text: Annotated[Path, typer.Option(help="A plain text file in UTF-8.")],
    segment: Annotated[
        int | None,
        typer.Option(
            help="Tokens read at once. Default: 128; for a model without a memory, what it can read, up to 512.",
            min=1,
        ),
    ] = None,
    memory: Annotated[
        list[int] | None,
        typer.Option(
            help="Memory length: states kept of earlier segments; repeatable. Default: 0 and the model's own.", min=0
        ),
    ] = None,
    mask_stride: Annotated[
        int, typer.Option(help="For a masked model: predict one in this many tokens, each masked alone.", min=1)
    ] = 8,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Also list the cost of each token in nats, and where it is in the text.")
    ] = False,
    as_json: JsonOption = False,
    output: Annotated[
        Path | None,
        typer.Option(help="Also write the rows to this .jsonl or .csv file; with --tokens, one row per token."),
    ] = None,
) -> None:
    """Show how well a language model predicts a text: perplexity, or a masked model's pseudo-perplexity.

    A model with a memory is scored at several memory lengths; other models read overlapping windows.
    """
    prepare_libraries()
    from harness.runs.perplexity import TOKEN_COSTS, perplexity_rows, perplexity_table  # noqa: PLC0415 -- heavy
    from harness.runs.token_costs import token_rows, token_table  # noqa: PLC0415 -- heavy
    from harness.runs.written_predictions import check_output, write_rows  # noqa: PLC0415 -- a command's own

    check_output(output)
    shown = console(stderr=as_json)
    rows = perplexity_rows(
        model,
        text,
        segment=segment,
        memories=memory or (),
        mask_stride=mask_stride,
        console=shown,
        per_token=tokens,
    )
    if as_json:
        typer.echo(json_text(rows))
    else:
        shown.print(perplexity_table(rows))
        if tokens:
            shown.print(token_table(rows, TOKEN_COSTS))
    if output is not None:
        write_rows(token_rows(rows, TOKEN_COSTS) if tokens else rows, output)


@app.command(name="convert", epilog="Example: harness convert old-checkpoint --output safe-checkpoint")
def convert_(
    folder: Annotated[Path, typer.Argument(help="A checkpoint whose weights or vocabulary are pickles.")],
    output: Annotated[Path | None, typer.Option(help="The folder to write. Default: FOLDER-safe.")] = None,
) -> None:
    """Convert a pickled checkpoint into safetensors and plain text, without running any code in it."""
    from harness.models.convert import convert  # noqa: PLC0415 -- heavy

    target = output or folder.absolute().with_name(f"{folder.absolute().name}-safe")
    converted = convert(folder, target)
    console().print(f"Converted {', '.join(converted)} into {target}.", soft_wrap=True)


@app.command(epilog="Example: harness cache --clear")
def cache(
    clear: Annotated[bool, typer.Option("--clear/--size", help="Clear the cache, or show its size.")] = False,
) -> None:
    """Show or clear what is cached between runs: encoded texts, compiled kernels. It is rebuilt when needed."""
    from harness import cache as cached_files  # noqa: PLC0415 -- a command's own
    from harness.cli.listing import cache_table  # noqa: PLC0415 -- a command's own

    console().print(cache_table(cached_files.cached(), "Removed" if clear else "Cached"), soft_wrap=True)
    if clear:
        cached_files.clear()


@app.command(epilog="Example: harness measure runs/demo")
def measure(
    runs: Annotated[Path, typer.Argument(help="A folder of runs, or of one run.")] = RUNS,
    redo: Annotated[bool, typer.Option("--redo", help="Measure again what has been measured.")] = False,
) -> None:
    """Measure what finished models cost in use: latency, throughput, memory, disk. Takes one run per model and task."""
    prepare_libraries()
    from harness.runs.inference_cost import INFERENCE  # noqa: PLC0415 -- a command's own
    from harness.suites.recorded import recorded_runs  # noqa: PLC0415 -- a command's own

    found, problems = recorded_runs(runs)
    first = {(run.record.suite, run.record.task, run.record.model): run for run in reversed(found) if run.is_complete}
    if not first:
        raise UserError(*problems, f"{runs}: no complete runs there to measure. Start some with `harness run`.")
    from harness.runs.inference import measured_run  # noqa: PLC0415 -- heavy

    shown = console()
    waiting = {which: run for which, run in first.items() if redo or not (run.folder / INFERENCE).exists()}
    if len(waiting) < len(first):
        skipped = f"{len(first) - len(waiting)} of {len(first)} models are measured already and are skipped."
        shown.print(f"{skipped} --redo measures them again.", soft_wrap=True)
    for (_, task, model), run in sorted(waiting.items()):
        with collected(problems):
            shown.print(f"✓ {task} · {model}  {measured_run(run.folder)}", soft_wrap=True)
    if problems:
        raise UserError(*dict.fromkeys(problems))
