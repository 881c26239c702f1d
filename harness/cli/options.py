"""Options of commands: those that several share, and all of `harness run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from harness.cli import completing
from harness.data.custom import column_roles

SuiteArgument = typer.Argument(
    help="A name from configs/suites or configs/studies, or a path.", autocompletion=completing.suites
)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
RunsOption = Annotated[Path, typer.Option("--runs", help="The folder of all runs.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the recipe; repeatable.")
]
TaskOption = Annotated[
    str | None, typer.Option(help="A single task for --model, instead of a suite.", autocompletion=completing.tasks)
]
ModelsOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "--models",
        help="Names from configs/models, folders or Hub ids, comma-separated. With a suite, they replace its models.",
        autocompletion=completing.models,
    ),
]
SeedOption = Annotated[
    int | None, typer.Option(help="Seed of new layers, data order and dropout. Default: 0.", min=0, max=2**32 - 1)
]
SeedsOption = Annotated[
    int | None, typer.Option(help="Number of seeds per model. Simple baselines run once.", min=1, max=1000)
]
NewHeadOption = Annotated[bool, typer.Option("--new-head", help="Train a new head even if the checkpoint has one.")]
TrialsOption = Annotated[
    int | None,
    typer.Option(help="Tune: try this many recipes per model on validation data, then train with the best one.", min=1),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="NAME",
        help="Restrict the suite to this task or model; repeatable.",
        autocompletion=completing.tasks_and_models,
    ),
]
ValidationOnlyOption = Annotated[
    bool,
    typer.Option("--validation-only", help="Don't read the test split, for instance while tuning a recipe by hand."),
]
RedoOption = Annotated[
    bool, typer.Option("--redo", help="Run again and replace what is recorded. An interrupted --redo resumes.")
]
TrackOption = Annotated[str | None, typer.Option(help="Log to tensorboard, wandb, mlflow or trackio.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
CheckpointSecondsOption = Annotated[float, typer.Option(help="Seconds between saves of a run's state.", min=0)]
WorkersOption = Annotated[
    int | None,
    typer.Option(help="Number of runs in parallel, each in its own process. Default: one per core or GPU.", min=1),
]
UntilOption = Annotated[
    Literal["decided"] | None,
    typer.Option(
        help="Add seeds until the comparisons are decided: looks after 3, 5 and 10 seeds, each at its own level."
    ),
]
OnOption = Annotated[
    Literal["slurm", "ray"] | None, typer.Option(help=r"Run on a cluster, as the suite's \[cluster] table says.")
]
JustOption = Annotated[
    str | None,
    typer.Option(help="Do only this run of the suite, such as TASK/MODEL/seed-0, as each task of a cluster job does."),
]
_of_own_data = partial(typer.Option, rich_help_panel="Your own data")  # Their own part of the help.
SeparatorOption = Annotated[
    str | None,
    _of_own_data(
        help="What separates csv and tsv fields: a character, or comma, semicolon, tab, pipe. If omitted, guessed."
    ),
]
EncodingOption = Annotated[
    str | None, _of_own_data(help="Encoding of text files, such as cp1252. If omitted, UTF-8 or guessed.")
]


def repeatable(helps: Mapping[str, str], option: Callable[..., Any] = typer.Option) -> dict[str, Any]:
    """A repeatable option for each help text, by name."""
    return {
        name: Annotated[list[str] | None, option(f"--{name.replace('_', '-')}", help=text)]
        for name, text in helps.items()
    }


COLUMNS = repeatable({role: column.help for role, column in column_roles().items()}, _of_own_data)
"""Options that name the columns of your own data."""
FORMS: Mapping[str, Any] = {
    "group": Annotated[
        str | None, _of_own_data(help="The column with the group of each row: rows of one group belong together.")
    ],
    "separator": SeparatorOption,
    "encoding": EncodingOption,
    "blank_rows": Annotated[
        Literal["refuse", "skip"] | None,
        _of_own_data(
            help="Whether to refuse texts without a label, and blank documents, in your own data (default), or to skip "
            "these and all other rows with a blank text, question, source, target and so on."
        ),
    ],
    "decimal": Annotated[
        Literal["point", "comma"] | None,
        _of_own_data(
            help="What stands before decimals in your own numbers (regression). If omitted, a point, or a comma "
            "if all numbers are written like that."
        ),
    ],
}
"""Options that say how your own data is written."""
OWN_DATA: Mapping[str, Any] = {
    "train": Annotated[
        str | None,
        _of_own_data(
            help="Your own data: csv, tsv, json, jsonl, parquet, arrow, xlsx, txt or conll, compressed or not, or a "
            "folder."
        ),
    ],
    "validation": Annotated[
        str | None, _of_own_data(help="Your own validation data. If omitted, it is split off the training data.")
    ],
    "test": Annotated[
        str | None, _of_own_data(help="Your own test data. If omitted, it is split off the training data.")
    ],
    "task_type": Annotated[
        str | None,
        _of_own_data("--task-type", "--kind", help="The task type of your own data; see harness list task-types."),
    ],
    **FORMS,
    "near_duplicates": Annotated[
        str | None,
        _of_own_data(help="Whether to drop (default) or keep rows of your own data that nearly repeat others."),
    ],
    "folds": Annotated[
        int | None, _of_own_data(help="Cross-validate with this many folds: each training row is a test row once.")
    ],
    **COLUMNS,
}
"""Options about your own data, by the names that `harness.config.run.LocalData` has for them."""
