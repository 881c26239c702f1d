"""Commands that run suites: what there is, plans, runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from harness.cli import completing
from harness.cli.app import (
    RUNS,
    JustOption,
    ModelsOption,
    OnlyOption,
    OnOption,
    RedoOption,
    RunsOption,
    SeedsOption,
    SetOption,
    TrialsOption,
    UntilOption,
    ValidationOnlyOption,
    WorkersOption,
    app,
    names,
    typed_words,
    with_options,
)
from harness.cli.data_options import (
    BlankRowsOption,
    DecimalOption,
    EncodingOption,
    FoldsOption,
    GroupOption,
    NearDuplicatesOption,
    SeparatorOption,
    TaskTypeOption,
    TestOption,
    TrainOption,
    ValidationOption,
)
from harness.data.custom import column_roles
from harness.environment import prepare_libraries
from harness.errors import UserError
from harness.output import console

SUITE: Any = typer.Argument(
    help="A name from configs/suites or configs/studies, or a path.", autocompletion=completing.suites
)


@app.command("list", epilog="Example: harness list tasks")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            help="tasks, models, suites, recipes, optimizers, formats and so on. Default: all.",
            autocompletion=completing.lists,
        ),
    ] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")] = False,
) -> None:
    """List the tasks, models and other names that a suite or a command can use."""
    from harness.cli.listing import LISTS, as_json, listed, shown_list  # noqa: PLC0415 -- a command's own

    if json_:
        typer.echo(as_json([what] if what else list(LISTS)))
        return
    shown = console()
    for name in [what] if what else LISTS:
        rows = listed(name)
        if rows:
            shown.print(name, style="bold")
            for part in shown_list(name, rows, width=shown.width):
                shown.print(part)
            shown.print()


@app.command(
    epilog="""Examples:\n
    harness plan demo\n
    harness plan demo --models minilm,scratch --seeds 5 --detect 1.0\n
    harness plan demo --on slurm"""
)
def plan(
    invocation: typer.Context,
    suite: Annotated[str, SUITE],
    only: OnlyOption = None,
    models: ModelsOption = None,
    seeds: SeedsOption = None,
    settings: SetOption = None,
    trials: TrialsOption = None,
    validation_only: ValidationOnlyOption = False,
    runs: RunsOption = RUNS,
    workers: WorkersOption = None,
    until: UntilOption = None,
    detect: Annotated[
        float | None,
        typer.Option(
            help="Show how many seeds and examples detect a difference of this many points.", min=0.001, max=1000
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure", help="Measure this machine's speed first, to estimate the time of models not run yet."
        ),
    ] = False,
    on: OnOption = None,
) -> None:
    """Check a suite and show its runs, their time and disk, and what differences it detects. Starts nothing."""
    from harness.claims.study import study_file  # noqa: PLC0415 -- a command's own

    study = study_file(suite)
    if study is not None:
        from harness.cli.studying import refuse_with_study, show_study  # noqa: PLC0415 -- a command's own

        refuse_with_study(invocation, ("suite", "only", "settings", "runs"))
        show_study(study, only=only, settings=settings or (), runs=runs)
        return
    from harness.cli.planning import foreseen, show_plan  # noqa: PLC0415 -- a command's own
    from harness.cli.sequential import looks_at, show_standing  # noqa: PLC0415 -- a command's own
    from harness.suites.plan import counted, plan_table  # noqa: PLC0415 -- a command's own
    from harness.suites.selection import resolve_suite  # noqa: PLC0415 -- a command's own
    from harness.suites.trials import overview  # noqa: PLC0415 -- a command's own

    chosen: Any = {"settings": settings, "runs": runs, "evaluate": "validation" if validation_only else "test"}
    chosen |= {
        "until_decided": until is not None,
        "trials": trials,
        "models": names("--models", models),
        "seeds": seeds,
    }
    checked_suite, planned = resolve_suite(suite, only=only, **chosen)
    found, rule = overview(planned, checked_suite.tuning), checked_suite.rule
    shown = console()
    shown.print(plan_table(found.runs, found.states, rule, undecided=found.undecided))
    shown.print(counted(found.states))
    looks = {} if rule is None else looks_at(runs / checked_suite.name, checked_suite)
    show_standing(looks, shown)
    over = {task for task, look in looks.items() if look.is_over}
    expected = foreseen(found.runs, found.states, runs=runs, rule=rule, workers=workers, measure=measure, over=over)
    if on is not None:
        from harness.cli.spreading import show_spread  # noqa: PLC0415 -- a command's own

        show_spread(on, checked_suite, expected, [run for run in found.runs if run.folder in expected.runs], shown)
    show_plan(expected, shown, runs=runs, rule=rule, detect=detect, on=on)


@app.command(
    epilog="""Examples:\n
    harness run demo\n
    harness run demo --models minilm,scratch --seeds 5\n
    harness run demo --on slurm\n
    harness run --task rotten_tomatoes --model minilm --seed 1 --set epochs=2\n
    harness run --model minilm --train my.csv --text review --label stars\n
    accelerate launch --multi_gpu --num_processes 2 -m harness run demo"""
)
@with_options({role: column.help for role, column in column_roles().items()})
def run(
    invocation: typer.Context,
    suite: Annotated[str | None, SUITE] = None,
    task: Annotated[
        str | None,
        typer.Option(help="A single task for --model, instead of a suite.", autocompletion=completing.tasks),
    ] = None,
    models: ModelsOption = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of new layers, data order and dropout. Default: 0.", min=0, max=2**32 - 1)
    ] = None,
    seeds: SeedsOption = None,
    train: TrainOption = None,
    validation: ValidationOption = None,
    test: TestOption = None,
    task_type: TaskTypeOption = None,
    group: GroupOption = None,
    separator: SeparatorOption = None,
    encoding: EncodingOption = None,
    near_duplicates: NearDuplicatesOption = None,
    new_head: Annotated[
        bool, typer.Option("--new-head", help="Train a new head even if the checkpoint has one.")
    ] = False,
    blank_rows: BlankRowsOption = None,
    decimal: DecimalOption = None,
    folds: FoldsOption = None,
    settings: SetOption = None,
    trials: TrialsOption = None,
    only: OnlyOption = None,
    validation_only: ValidationOnlyOption = False,
    redo: RedoOption = False,
    runs: RunsOption = RUNS,
    track: Annotated[str | None, typer.Option(help="Log to tensorboard, wandb, mlflow or trackio.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    checkpoint_seconds: Annotated[float, typer.Option(help="Seconds between saves of a run's state.", min=0)] = 120.0,
    workers: WorkersOption = None,
    until: UntilOption = None,
    on: OnOption = None,
    just: JustOption = None,
    **columns: list[str] | None,
) -> None:
    """Fine-tune: a whole suite, one model on one task, or one model on your own files. Recorded runs are skipped."""
    local = {
        "train": train, "validation": validation, "test": test, "task_type": task_type, "group": group,
        "separator": separator, "encoding": encoding,
        "near_duplicates": near_duplicates,
        "blank_rows": blank_rows, "decimal": decimal, "folds": folds,
        **{role: tuple(names or ()) for role, names in columns.items()},
    }  # fmt: skip
    typed = typed_words(invocation, leaving_out=("redo", "track", "checkpoint_seconds", "workers", "quiet", "on"))
    prepare_libraries()
    from harness.claims.record import refuse_study  # noqa: PLC0415 -- a command's own
    from harness.claims.study import study_file  # noqa: PLC0415 -- a command's own
    from harness.runs.options import Options  # noqa: PLC0415 -- a command's own
    from harness.suites.selection import (  # noqa: PLC0415 -- a command's own
        refuse_with_suite,
        refuse_without_suite,
        resolve_single,
        resolve_suite,
    )
    from harness.tuning.settings import tuning_by_default  # noqa: PLC0415 -- a command's own

    chosen: Any = {"settings": settings, "runs": runs, "evaluate": "validation" if validation_only else "test"}
    named = names("--models", models)
    study = None if suite is None else study_file(suite)
    if study is not None:
        from harness.cli.studying import refuse_with_study, run_study  # noqa: PLC0415 -- a command's own

        refuse_with_study(invocation)
        how = Options(redo=redo, track=track, checkpoint_seconds=checkpoint_seconds, command=typed)
        asked: Any = {"only": only, "settings": settings or (), "runs": runs}
        run_study(study, **asked, options=how, workers=workers, quiet=quiet)
        return
    if suite is not None:
        refuse_with_suite(task=task, seed=seed, new_head=new_head or None, **local)
        chosen |= {"until_decided": until is not None, "trials": trials, "models": named, "seeds": seeds}
        checked_suite, planned = resolve_suite(suite, only=only, just=just, **chosen)
        refuse_study(runs / checked_suite.name)
        tuning = checked_suite.tuning
    else:
        refuse_without_suite(on=on, just=just, until=until, only=only)
        if None not in (seed, seeds):
            raise UserError("harness run: --seed names one seed, and --seeds says how many. Leave one of them out.")
        wanted = range(seeds) if seeds else (seed or 0,)
        checked_suite, planned = None, resolve_single(task, named, local, seeds=wanted, new_head=new_head, **chosen)
        tuning = None if trials is None else tuning_by_default(trials, named)
    if on is not None and checked_suite is not None:
        from harness.cli.submitting import refuse_on_cluster, submit_suite  # noqa: PLC0415 -- a command's own

        refuse_on_cluster(on, redo=redo and on == "slurm", workers=None if workers == 1 else workers, just=just)
        if on == "slurm":
            words = typed_words(invocation, leaving_out=("on", "only", "quiet", "workers"))
            submit_suite(checked_suite, planned, words, runs=runs, quiet=quiet)
            return
    from harness.cli.running import carry_out  # noqa: PLC0415 -- a command's own

    options = Options(
        redo=redo,
        track=track,
        intervals=_tracked_intervals(track),
        checkpoint_seconds=checkpoint_seconds,
        command=typed,
        ray=checked_suite.cluster.resources() if checked_suite is not None and on == "ray" else None,
    )
    carry_out(
        checked_suite,
        planned,
        options,
        tuning=tuning,
        runs=runs,
        workers=workers,
        quiet=quiet,
        is_part=just is not None,
    )


def _tracked_intervals(track: str | None) -> Any:
    if track is None:
        return None
    from harness.comparison.one_run import score_intervals  # noqa: PLC0415 -- heavy

    return score_intervals
