"""A data set of the Hub as a folder of files, for commands that read a user's files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.data.folders import SPLIT_NAMES
from harness.data.sources import SPLITS, Hub
from harness.errors import UserError, notice

_NAME = re.compile(r"(?P<path>[\w-][\w.-]*/[\w-][\w.-]*)(:(?P<config>[\w.-]+))?")


def is_hub_name(words: str) -> bool:
    """Return whether this may be the name of a data set of the Hub, such as "owner/name" or "owner/name:configuration".

    >>> is_hub_name("nyu-mll/glue:sst2"), is_hub_name("./reviews.csv")
    (True, False)
    """
    return _NAME.fullmatch(words) is not None


def hub_files(name: str, folder: Path) -> Path:
    """Return the folder with a parquet file for each split of a data set, and download it if necessary.

    A split with withheld labels (all -1) is left out, because nothing can be scored on it.

    Raises:
        UserError: If the data set is not available, or has no train split.
    """
    if folder.is_dir():
        return folder
    named = _NAME.fullmatch(name)
    assert named is not None, name
    splits = _by_split(Hub(named["path"], named["config"]).data(), name)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for split, data in splits.items():
        data.to_parquet(partial / f"{split}.parquet")
    partial.rename(folder)
    return folder


def _by_split(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the splits with known names, by our names."""
    found: dict[str, Any] = {}
    for theirs, rows in data.items():
        split = SPLIT_NAMES.get(theirs)
        if split is None or split in found:
            notice(f"{name}: split {theirs!r} is not read; known splits are {', '.join(SPLITS)}.")
        elif _labels_are_kept_back(rows):
            notice(f"{name}: split {theirs!r} is not read, because its labels are withheld (-1).")
        else:
            found[split] = rows
    if "train" not in found:
        raise UserError(f"{name}: no split to train on (it has {', '.join(data)}). Save one as a file of your own.")
    return found


def _labels_are_kept_back(rows: Any) -> bool:
    """Return whether a column of named labels contains nothing but -1."""
    named = [column for column, feature in rows.features.items() if hasattr(feature, "names")]
    return bool(len(rows)) and any(set(rows.unique(column)) == {-1} for column in named)
