"""Rows of Orange's .tab files."""

from collections.abc import Mapping
from pathlib import Path

from harness.data.task import Row

HEADER_LINES = 3  # names, types, roles


def read_tab(file: Path) -> list[Row]:
    """Read one row per line, with the names in the first of the three header lines. Cells are not quoted."""
    lines = file.read_text(encoding="utf-8").split("\n")
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines[HEADER_LINES:] if line]


def read_train_and_test(train: Path, test: Path) -> Mapping[str, list[Row]]:
    """Read the rows of the publisher's two splits."""
    return {"train": read_tab(train), "test": read_tab(test)}
