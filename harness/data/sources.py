"""Where rows come from: the Hub, local files, an installed package, a generator."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from harness.data.arrow_rows import label_names, named_labels
from harness.data.files import files_by_split, files_of, read_located
from harness.data.folders import Located
from harness.data.task import Row
from harness.errors import UserError, collected
from harness.registry import PREFIX

SPLITS = ("train", "validation", "test")
SAMPLES = "pip install --no-deps --require-hashes -r samples.txt"


@dataclass(frozen=True)
class Hub:
    """Rows of a data set of the Hugging Face Hub (or of a local folder of parquet files).

    Where the data set names its labels, a row carries the name instead of the index, so that a task whose labels
    stand in another order is found out.

    Attributes:
        path: "owner/name", or a folder with files such as `train-00000.parquet`.
        config: The data set's configuration.
        revision: The whole commit, or a name that the publisher may move; None takes the newest.
        splits: The publisher's name of each of our splits.
        prepare: Makes the publisher's rows of a split ours, such as an article of its lines.
    """

    path: str
    config: str | None = None
    revision: str | None = None
    splits: Mapping[str, str] = field(default_factory=lambda: {split: split for split in SPLITS})
    prepare: Callable[[Sequence[Row]], Sequence[Row]] | None = None

    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Rows by split.

        Raises:
            UserError: The data set, its configuration or a split is not available.
        """
        return self.rows_without("")

    def rows_without(self, split: str) -> Mapping[str, Sequence[Row]]:
        """Rows by split, none of `split`; the `datasets` library may all the same store it with the others.

        Raises:
            UserError: The data set, its configuration or a split is not available.
        """
        data = self.data()
        missing = [theirs for theirs in self.splits.values() if theirs not in data]
        if missing:
            raise UserError(f"{self.path}: no split {missing[0]!r} (it has {', '.join(data)}). Fix the task's splits.")
        prepare = self.prepare or (lambda found: found)
        read = {ours: theirs for ours, theirs in self.splits.items() if ours != split}
        rows = {ours: prepare(dataset_rows(data[theirs])) for ours, theirs in read.items()}
        return {ours: rows.get(ours, ()) for ours in self.splits}

    def data(self) -> Mapping[str, Any]:
        """The publisher's splits, each a `datasets.Dataset`.

        Raises:
            UserError: The data set or its configuration is not available.
        """
        from datasets import load_dataset  # noqa: PLC0415 -- importing datasets takes a second
        from datasets.exceptions import DatasetsError  # noqa: PLC0415 -- as above

        try:
            found: Mapping[str, Any] = load_dataset(self.path, self.config, revision=self.revision)
        except Exception as error:
            # By these the Hub's libraries tell of a missing network, name, revision or configuration.
            if not isinstance(error, OSError | ValueError | RuntimeError | DatasetsError) and not is_of_http(error):
                raise
            raise UserError(self._unavailable(error)) from error
        return found

    def fingerprint(self) -> str:
        """Path, configuration and revision, "unpinned" where there is none."""
        return f"hub:{self.path}/{self.config or 'default'}@{self.revision or 'unpinned'}"

    def notes(self) -> Iterator[str]:
        """What a reader of the record should know: that the same rows may not come again."""
        if is_commit(self.revision) or Path(self.path).is_dir():
            return
        read = "at its newest revision" if self.revision is None else f"at {self.revision!r}, which is no commit"
        yield f"data: {self.path} is read {read}, so that its publisher may change what a later run reads"

    def _unavailable(self, error: Exception) -> str:
        name = self.path if self.config is None else f"{self.path} ({self.config})"
        first = (str(error).splitlines() or [type(error).__name__])[0]
        offline = any(os.environ.get(name) for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"))
        if offline and isinstance(error, ConnectionError):
            advice = "HF_HUB_OFFLINE or HF_DATASETS_OFFLINE is set: unset it, or load the data once with a network."
        else:
            advice = "Check the name, the configuration and the network, or use files of your own."
        return f"{name}: the data is not available ({first.rstrip('.')}). {advice}"


@dataclass(frozen=True)
class Files:
    """Rows of the user's files, in any form that docs/own_data.md names.

    Attributes:
        train: A file, a folder, or a pattern such as "train-*.parquet". Where a folder has a file for each split, they
            all are read. None: nothing can be trained.
        validation: Likewise; where there is none, it comes out of train.
        test: Likewise.
        separator: Of csv and tsv files; None: guessed.
        encoding: Of text files; None: guessed.
    """

    train: Path | str | None
    validation: Path | str | None = None
    test: Path | str | None = None
    separator: str | None = None
    encoding: str | None = None

    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Rows by split.

        Raises:
            UserError: Every file that can't be read, with the lines at fault.
        """
        return self.rows_without("")

    def rows_without(self, split: str) -> Mapping[str, Sequence[Row]]:
        """Rows by split, none of `split`, whose file is not read for them.

        Raises:
            UserError: Every file that can't be read, with the lines at fault.
        """
        rows: dict[str, Sequence[Row]] = {}
        problems: list[str] = []
        for name, found in self.files().items():
            with collected(problems):
                form = {"separator": self.separator, "encoding": self.encoding}
                rows[name] = () if name == split else read_located(found, **form)
        if problems:
            raise UserError(*problems)
        return rows

    def fingerprint(self) -> str:
        """The SHA-256 of the files' contents, split by split."""
        digest = hashlib.sha256()
        for split, found in self.files().items():
            digest.update(f"{split}:".encode())
            for part in found.files:
                if found.by_class:
                    digest.update(f"{part.parent.name}/{part.name}:".encode())
                digest.update(part.read_bytes() if part.is_file() else b"missing")
        return f"files:{digest.hexdigest()}"

    def files(self) -> dict[str, Located]:
        """The files of each split.

        Raises:
            UserError: A folder has no files that can be read, or not one sort of them.
        """
        given = {"train": self.train, "validation": self.validation, "test": self.test}
        found: dict[str, Located] = {}
        for split, path in given.items():
            if path is not None:
                found |= (files_by_split(path) if split == "train" else {}) or {split: files_of(path)}
        return {split: found[split] for split in SPLITS if split in found}


@dataclass(frozen=True)
class Packaged:
    """Rows out of files that an installed distribution carries. The distribution is never imported.

    Attributes:
        distribution: Its name in the package index.
        paths: Its files, relative to the place it is installed in.
        read: Gives the rows by split, from the files in the order of `paths`.
    """

    distribution: str
    paths: tuple[str, ...]
    read: Callable[..., Mapping[str, Sequence[Row]]]

    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Rows by split.

        Raises:
            UserError: The distribution isn't installed, or another version of it without these files.
        """
        installed = self._installed()
        files = [Path(str(installed.locate_file(path))) for path in self.paths]
        missing = [file for file in files if not file.is_file()]
        if missing:
            raise UserError(f"{self.distribution} {installed.version}: has no {missing[0]}. Install: {SAMPLES}")
        return self.read(*files)

    @property
    def is_installed(self) -> bool:
        """Whether the distribution is there, without which there are no rows."""
        try:
            metadata.distribution(self.distribution)
        except metadata.PackageNotFoundError:
            return False
        return True

    def fingerprint(self) -> str:
        """The distribution and its version, such as "scattertext==0.2.2"."""
        return f"{self.distribution}=={self._installed().version}"

    def _installed(self) -> metadata.Distribution:
        try:
            return metadata.distribution(self.distribution)
        except metadata.PackageNotFoundError as error:
            raise UserError(
                f"{self.distribution}: not installed, but this task's data is in it. Install: {SAMPLES}"
            ) from error


@dataclass(frozen=True)
class Generated:
    """Rows that a function makes, the same ones every time.

    Attributes:
        function: Gives the rows by split.
        version: Raised whenever the function gives other rows than before.
    """

    function: Callable[[], Mapping[str, Sequence[Row]]]
    version: str

    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Rows by split."""
        return self.function()

    def fingerprint(self) -> str:
        """The function's name and version."""
        module = self.function.__module__.removeprefix(PREFIX)
        return f"generated:{module}.{self.function.__qualname__}@{self.version}"


def is_commit(revision: str | None) -> bool:
    """Whether it is a whole Git commit, which always names the same files."""
    return revision is not None and re.fullmatch("[0-9a-f]{40}", revision) is not None


def is_of_http(error: Exception) -> bool:
    """Whether an HTTP client raised it: the errors of those that the Hub's library has used have no class in common."""
    return "http" in type(error).__module__


def dataset_rows(data: Any) -> list[dict[str, Any]]:
    """The rows of a `datasets.Dataset`, with label names in place of the indices that it names."""
    return named_labels(data.to_list(), label_names(data.features.arrow_schema.metadata or {}))
