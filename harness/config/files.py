"""The files of configs/: models, suites and pretraining recipes, by name."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError
from harness.folders import OTHER_FOLDERS
from harness.registry import BUILT_IN, entry_folders, listed


def config_files(folder: str) -> dict[str, list[Path]]:
    """The TOML files of a folder of configs/, by name: the harness's own, then those of the user's folders."""
    found: dict[str, list[Path]] = {}
    for root in (BUILT_IN, *entry_folders()):
        for file in sorted((root / "configs" / folder).glob("*.toml"), key=lambda found: found.stem):
            found.setdefault(file.stem, []).append(file)
    return found


def config_file(folder: str, name: str) -> Path:
    """The file of configs/`folder` that is called `name`; the harness's own path where there is none.

    Raises:
        UserError: There are several.
    """
    files = config_files(folder).get(name, [BUILT_IN / "configs" / folder / f"{name}.toml"])
    if len(files) > 1:
        raise UserError(f"{name!r}: {len(files)} files of this name ({listed(files)}). Rename one, or give its path.")
    return files[0]


def refuse_shared_folder(name: str, file: Path) -> None:
    """Check that the folder of runs of this name, for a suite or study, does not also hold other output.

    Args:
        name: The name of the suite or study.
        file: The user's file after which it is named.

    Raises:
        UserError: If it does.
    """
    if name in OTHER_FOLDERS:
        raise UserError(
            f"{file}: the folder {name} of runs is for {OTHER_FOLDERS[name]}. Rename the file, for example "
            f"my_{file.name}."
        )
