"""Find the files with the rows of a split: one file, those of a pattern, or those of a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

from harness.data.content import ending_of
from harness.errors import UserError, notice

TEXT = ".txt"
SPLIT_NAMES = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "development": "validation", "test": "test", "testing": "test",
}  # fmt: skip
_SHARD = re.compile(r"(^|[-_.])\d+([-_.]of[-_.]\d+)?(-[0-9a-f]{16})?$")
# Files that describe a folder, and are not data.
_ABOUT = {"dataset_info.json", "dataset_dict.json", "dataset_infos.json", "state.json", "metadata.json"}
_READ_ME = {"readme", "license", "licence", "citation", "notice"}


@dataclass(frozen=True)
class Located:
    """The files with a split's rows.

    Attributes:
        where: The name of all of them in messages.
        files: The files in reading order.
        by_class: Whether each file is a text, and its folder is the label.
    """

    where: str
    files: tuple[Path, ...]
    by_class: bool = False


def is_there(path: Path | str) -> bool:
    """Return whether a file or folder exists at this path, or matches it as a pattern."""
    return Path(path).exists() or bool(_matching(path))


def located(path: Path | str, endings: Collection[str]) -> Located:
    """Find the files of a path: the file itself, those that match a pattern such as "train-*.parquet", or a folder's.

    A folder contains shards of a table, a data set saved by `datasets`, texts, or a folder of texts per class.

    Raises:
        UserError: If a folder contains none of these, or more than one.
    """
    path = Path(path)
    if path.is_dir():
        return _in_folder(path, endings)
    return Located(str(path), (path,) if path.exists() else tuple(_matching(path)) or (path,))


def by_split(folder: Path, endings: Collection[str]) -> dict[str, Located]:
    """Find the files of each split in a folder that has a file, shards or a folder for each; empty for other folders.

    A file is that of a split by its name, or if there is none, by the first or last word of its name: "imdb_train.csv".
    Texts are so only if all of them are, since others may have any title.

    Raises:
        UserError: If a split has several.
    """
    named: dict[str, list[Path]] = {}
    alike: dict[str, list[Path]] = {}
    others = []
    for entry in _entries(folder, endings):
        name = _SHARD.sub("", _plain_name(entry))
        if name in SPLIT_NAMES:
            named.setdefault(SPLIT_NAMES[name], []).append(entry)
        elif entry.is_file() and (split := _split_within(entry)) is not None:
            alike.setdefault(split, []).append(entry)
        elif entry.is_file():
            others.append(entry.name)
    if others and any(ending_of(file) == TEXT for files in alike.values() for file in files):
        others += [file.name for files in alike.values() for file in files]
        alike = {}
    found = {**alike, **named}
    others += [file.name for split in alike.keys() & named.keys() for file in alike[split]]
    if "train" not in found:
        return {}
    if len(found) == 1 and (others or not (named or _are_one_source(alike["train"]))):
        return {}  # One table, such as of train_a.csv and train_b.csv.
    if others:
        notice(f"{folder}: {_few(others)} not read, because no split has such a name.")
    return {split: _one_source(folder, split, entries, endings) for split, entries in found.items()}


def _split_within(file: Path) -> str | None:
    """Return the split that a file's name begins or ends with; None if there is none, or two."""
    stem = file.name.lower().rpartition(ending_of(file))[0]
    words = re.findall(r"[^\W_]+", _SHARD.sub("", stem))
    found = {SPLIT_NAMES[word] for word in (*words[:1], *words[-1:]) if word in SPLIT_NAMES}
    return found.pop() if len(found) == 1 else None


def _one_source(folder: Path, split: str, entries: list[Path], endings: Collection[str]) -> Located:
    if len(entries) == 1:
        return located(entries[0], endings)
    if not _are_one_source(entries):
        raise UserError(f"{folder}: {_few(entry.name for entry in entries)} may each be {split}. Name one of them.")
    return Located(str(folder), tuple(entries))


def _are_one_source(entries: Sequence[Path]) -> bool:
    """Return whether there is one, or shards of one."""
    shards = all(entry.is_file() and _SHARD.search(_plain_name(entry)) for entry in entries)
    return len(entries) == 1 or (shards and len({ending_of(entry) for entry in entries}) == 1)


def _in_folder(folder: Path, endings: Collection[str]) -> Located:
    saved = _saved_to_disk(folder)
    if saved:
        return Located(str(folder), saved)
    entries = _entries(folder, endings)
    files = [entry for entry in entries if entry.is_file()]
    kinds = sorted({ending_of(file) for file in files})
    if len(kinds) > 1:
        raise UserError(
            f"{folder}: holds files of several kinds ({', '.join(kinds)}). Name a file, or a pattern."
            f"{_label_advice(kinds)}"
        )
    if files:
        _tell_of_one_table(folder, files)
        return Located(str(folder), tuple(files))
    texts = [file for entry in entries for file in _texts(entry)]
    if not texts:
        raise UserError(f"{folder}: a folder without a file that can be read. Name a file, or a folder with texts.")
    return Located(str(folder), tuple(texts), by_class=True)


def _label_advice(kinds: Sequence[str]) -> str:
    """Say how labels get to the text files of a folder."""
    if TEXT not in kinds:
        return ""
    return f" A {TEXT} file has its label from its folder: move it into a folder called after the label."


def _tell_of_one_table(folder: Path, files: Sequence[Path]) -> None:
    """Report that files that are not called shards are read as one table. Texts are a row each anyway."""
    if len(files) > 1 and ending_of(files[0]) != TEXT and not all(_SHARD.search(_plain_name(file)) for file in files):
        notice(f"{folder}: {_few(file.name for file in files)} are read as one table. Name a file to read it alone.")


def _saved_to_disk(folder: Path) -> tuple[Path, ...]:
    """Return the files named in a data set's state.json.

    Source: datasets, `Dataset.save_to_disk`.

    Raises:
        UserError: If the file is damaged, or names files that are not in the folder.
    """
    state = folder / "state.json"
    if not state.is_file():
        return ()
    try:
        content = json.loads(state.read_bytes())
        names = [str(part["filename"]) for part in content["_data_files"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{state}: not what `save_to_disk` writes ({error!r:.80}). Save the data again.") from error
    if content.get("_indices_data_files"):
        raise UserError(
            f"{state}: saved by an old version, as a choice of rows. Call flatten_indices(), save it again."
        )
    lost = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
    if lost:
        raise UserError(f"{folder}: no file {lost[0]!r}, which {state.name} names. Save the data again.")
    return tuple(folder / name for name in names)


def _entries(folder: Path, endings: Collection[str]) -> list[Path]:
    """Return the entries of a folder that may be data: readable files, and folders."""
    return [entry for entry in _listing(folder) if entry.is_dir() or _is_data(entry, endings)]


def _listing(folder: Path) -> list[Path]:
    """Return the entries of a folder by name, without hidden files and markers of programs, such as "_SUCCESS"."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder}: can't be read ({error.strerror or error}). Check its permissions.") from error
    return [entry for entry in entries if entry.name[0] != "." and (entry.name[0] != "_" or entry.suffix)]


def _is_data(file: Path, endings: Collection[str]) -> bool:
    told = file.name in _ABOUT or _plain_name(file) in _READ_ME
    return file.is_file() and ending_of(file) in endings and not told


def _texts(folder: Path) -> list[Path]:
    """Return the texts in a folder: .txt files, and files without an ending."""
    files = [entry for entry in _listing(folder) if entry.is_file() and _plain_name(entry) not in _READ_ME]
    return [file for file in files if ending_of(file) == TEXT or not file.suffix]


def _plain_name(entry: Path) -> str:
    """Return a file's name without its endings."""
    name = entry.name if entry.is_dir() else entry.name.removesuffix("".join(entry.suffixes[-2:]))
    return name.lower()


def _matching(path: Path | str) -> list[Path]:
    """Return the files that match a pattern, by name."""
    # Path.glob matches below a folder only, and this pattern may start anywhere.
    found = glob(str(path)) if has_magic(str(path)) else []  # noqa: PTH207
    return sorted(Path(name) for name in found if Path(name).is_file())


def _few(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
