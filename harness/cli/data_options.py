"""Options for the location and format of a user's own data."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

TrainOption = Annotated[
    str | None,
    typer.Option(
        help="Your own data: csv, tsv, json, jsonl, parquet, arrow, xlsx, txt or conll, compressed or not, or a folder."
    ),
]
ValidationOption = Annotated[
    str | None, typer.Option(help="Your own validation data. If omitted, it is split off the training data.")
]
TestOption = Annotated[
    str | None, typer.Option(help="Your own test data. If omitted, it is split off the training data.")
]
TaskTypeOption = Annotated[
    str | None,
    typer.Option("--task-type", "--kind", help="The task type of your own data; see harness list task-types."),
]
GroupOption = Annotated[
    str | None, typer.Option(help="The column with the group of each row: rows of one group belong together.")
]
SeparatorOption = Annotated[
    str | None,
    typer.Option(
        help="What separates csv and tsv fields: a character, or comma, semicolon, tab, pipe. If omitted, guessed."
    ),
]
EncodingOption = Annotated[
    str | None, typer.Option(help="Encoding of text files, such as cp1252. If omitted, UTF-8 or guessed.")
]
NearDuplicatesOption = Annotated[
    str | None,
    typer.Option(help="Whether to drop (default) or keep rows of your own data that nearly repeat others."),
]
BlankRowsOption = Annotated[
    Literal["refuse", "skip"] | None,
    typer.Option(
        help="Whether to refuse texts without a label, and blank documents, in your own data (default), or to skip "
        "these and all other rows with a blank text, question, source, target and so on."
    ),
]
DecimalOption = Annotated[
    Literal["point", "comma"] | None,
    typer.Option(
        help="What stands before decimals in your own numbers (regression). If omitted, a point, or a comma "
        "if all numbers are written like that."
    ),
]
FoldsOption = Annotated[
    int | None, typer.Option(help="Cross-validate with this many folds: each training row is a test row once.")
]
