"""Commands that run suites: what there is, plans, runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import completing
from harness.cli.app import RUNS, app, names, refuse_options, typed_words, with_options
from harness.cli.options import (
    OWN_DATA,
    CheckpointSecondsOption,
    JsonOption,
    JustOption,
    ModelsOption,
    NewHeadOption,
    OnlyOption,
    OnOption,
    QuietOption,
    RedoOption,
    RunsOption,
    SeedOption,
    SeedsOption,
    SetOption,
    SuiteArgument,
    TaskOption,
    TrackOption,
    TrialsOption,
    UntilOption,
    ValidationOnlyOption,
    WorkersOption,
)
from harness.environment import prepare_libraries
from harness.errors import UserError
from harness.output import console, json_text

if TYPE_CHECKING:
    from harness.config.run import Evaluate

OF_SINGLE = ("task", "seed", "new_head", *OWN_DATA)
OF_SUITES = ("only", "until", "on", "just")
OF_FILES = OWN_DATA.keys() - {"train", "test"}
"""Options that only apply to single runs, to suites, and to your own files."""


@app.command("list", epilog="Example: harness list tasks")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            help="tasks, models, suites, recipes, optimizers, formats and so on. Default: all.",
            autocompletion=completing.lists,
        ),
    ] = "",
    json_: JsonOption = False,
) -> None:
    """List the tasks, models and other names that a suite or a command can use."""
    from harness.cli.listing import LISTS, contents, listed, shown_list  # noqa: PLC0415 -- a command's own

    if json_:
        typer.echo(json_text(contents([what] if what else list(LISTS))))
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
    suite: Annotated[str, SuiteArgument],
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

    checked_suite, planned = resolve_suite(
        suite,
        only=only,
        settings=settings,
        runs=runs,
        evaluate=_evaluated(validation_only=validation_only),
        until_decided=until is not None,
        trials=trials,
        models=names("--models", models),
        seeds=seeds,
    )
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
@with_options(OWN_DATA)
def run(
    invocation: typer.Context,
    suite: Annotated[str | None, SuiteArgument] = None,
    task: TaskOption = None,
    models: ModelsOption = None,
    seed: SeedOption = None,
    seeds: SeedsOption = None,
    new_head: NewHeadOption = False,
    settings: SetOption = None,
    trials: TrialsOption = None,
    only: OnlyOption = None,
    validation_only: ValidationOnlyOption = False,
    redo: RedoOption = False,
    runs: RunsOption = RUNS,
    track: TrackOption = None,
    quiet: QuietOption = False,
    checkpoint_seconds: CheckpointSecondsOption = 120.0,
    workers: WorkersOption = None,
    until: UntilOption = None,
    on: OnOption = None,
    just: JustOption = None,
    **local: Any,
) -> None:
    """Fine-tune: a whole suite, one model on one task, or one model on your own files. Recorded runs are skipped."""
    typed = typed_words(invocation, leaving_out=("redo", "track", "checkpoint_seconds", "workers", "quiet", "on"))
    prepare_libraries()
    from harness.claims.record import refuse_study  # noqa: PLC0415 -- a command's own
    from harness.claims.study import study_file  # noqa: PLC0415 -- a command's own
    from harness.runs.options import Options  # noqa: PLC0415 -- a command's own
    from harness.suites.selection import resolve_single, resolve_suite  # noqa: PLC0415 -- a command's own
    from harness.tuning.settings import tuning_by_default  # noqa: PLC0415 -- a command's own

    asked: Any = {"settings": settings, "runs": runs, "evaluate": _evaluated(validation_only=validation_only)}
    named = names("--models", models)
    options = Options(
        redo=redo,
        track=track,
        intervals=_tracked_intervals(track),
        checkpoint_seconds=checkpoint_seconds,
        command=typed,
        workers=workers,
    )
    study = None if suite is None else study_file(suite)
    if study is not None:
        from harness.cli.studying import refuse_with_study, run_study  # noqa: PLC0415 -- a command's own

        refuse_with_study(invocation)
        run_study(study, only=only, settings=settings or (), runs=runs, options=options, quiet=quiet)
        return
    if suite is None:
        _check_single(invocation, task)
        wanted = range(seeds) if seeds else (seed or 0,)
        checked_suite, planned = None, resolve_single(task, named, local, seeds=wanted, new_head=new_head, **asked)
        tuning = None if trials is None else tuning_by_default(trials, named)
    else:
        refuse_options(invocation, OF_SINGLE, " can't be used with a suite; the suite's file says what to run.")
        asked |= {"until_decided": until is not None, "trials": trials, "models": named, "seeds": seeds}
        checked_suite, planned = resolve_suite(suite, only=only, just=just, **asked)
        refuse_study(runs / checked_suite.name)
        tuning = checked_suite.tuning
    if on is not None and checked_suite is not None:
        from harness.cli.submitting import refuse_on_cluster, submit_suite  # noqa: PLC0415 -- a command's own

        refuse_on_cluster(invocation, on, workers=workers)
        if on == "slurm":
            words = typed_words(invocation, leaving_out=("on", "only", "quiet", "workers"))
            submit_suite(checked_suite, planned, words, runs=runs, quiet=quiet)
            return
        options = replace(options, ray=checked_suite.cluster.resources())
    from harness.cli.running import carry_out  # noqa: PLC0415 -- a command's own

    carry_out(
        checked_suite,
        planned,
        options,
        tuning=tuning,
        runs=runs,
        quiet=quiet,
        is_part=just is not None,
    )


def _check_single(invocation: typer.Context, task: str | None) -> None:
    """Reject options that do not apply to runs without a suite, or contradict each other.

    Raises:
        UserError: If one is given.
    """
    refuse_options(invocation, OF_SUITES, ": only for a suite. Name a suite, or leave it out.")
    if None not in (invocation.params["seed"], invocation.params["seeds"]):
        raise UserError("harness run: --seed names one seed, and --seeds says how many. Leave one of them out.")
    if task is not None:
        refuse_options(invocation, OF_FILES, " can't be used with --task; they describe --train files.")


def _evaluated(*, validation_only: bool) -> Evaluate:
    return "validation" if validation_only else "test"


def _tracked_intervals(track: str | None) -> Any:
    if track is None:
        return None
    from harness.comparison.one_run import score_intervals  # noqa: PLC0415 -- heavy

    return score_intervals
