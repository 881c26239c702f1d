"""Options that say where a user's own data is, and how it is read."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

TrainOption = Annotated[
    str | None,
    typer.Option(
        help="Your own data: csv, tsv, json, jsonl, parquet, arrow, xlsx, txt, conll, packed or not; a folder."
    ),
]
ValidationOption = Annotated[str | None, typer.Option(help="Your own validation data; else it comes out of train.")]
TestOption = Annotated[str | None, typer.Option(help="Your own test data; else it comes out of train.")]
TaskTypeOption = Annotated[
    str | None, typer.Option("--task-type", "--kind", help="What your own data asks for: harness list task-types.")
]
GroupOption = Annotated[str | None, typer.Option(help="The column that says which rows belong together.")]
SeparatorOption = Annotated[
    str | None,
    typer.Option(help="What separates csv and tsv fields: a character, or comma, semicolon, tab, pipe; else guessed."),
]
EncodingOption = Annotated[
    str | None, typer.Option(help="Encoding of text files, such as cp1252; else UTF-8, or guessed.")
]
NearDuplicatesOption = Annotated[
    str | None,
    typer.Option(help="What becomes of rows of your own data that nearly repeat others: drop (default) or keep."),
]
BlankRowsOption = Annotated[
    Literal["refuse", "skip"] | None,
    typer.Option(help="What becomes of blank documents of your own data; default: refuse."),
]
FoldsOption = Annotated[
    int | None, typer.Option(help="Cross-validate: each row of train is a test row once, in one of this many folds.")
]
