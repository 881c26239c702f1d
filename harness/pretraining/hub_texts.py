"""Texts of a data set on the Hub, streamed: no file is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.data.sources import is_commit
from harness.errors import UserError, nearest
from harness.pretraining.recipe import CorporaRecipe


def hub_fingerprint(recipe: CorporaRecipe) -> tuple[str, str | None]:
    """Return the fingerprint of a recipe's data set, and the commit of its revision (None for a local folder).

    Raises:
        UserError: If the Hub can't be reached, or has no such data set or revision.
    """
    assert recipe.hub is not None
    where = f"{recipe.hub_config or 'default'}/{recipe.hub_split}/{recipe.hub_column}"
    if Path(recipe.hub).is_dir():
        digest = hashlib.sha256()
        for file in sorted(file for file in Path(recipe.hub).rglob("*") if file.is_file()):
            with file.open("rb") as stream:
                digest.update(file.name.encode() + hashlib.file_digest(stream, "sha256").digest())
        return f"folder:{digest.hexdigest()}/{where}", None
    commit = _commit(recipe.hub, recipe.hub_revision)
    return f"hub:{recipe.hub}@{commit}/{where}", commit


def _commit(path: str, revision: str | None) -> str:
    if revision is not None and is_commit(revision):
        return revision
    from huggingface_hub import HfApi  # noqa: PLC0415 -- only where the Hub is asked

    try:
        return str(HfApi().dataset_info(path, revision=revision).sha)
    except _failures() as error:
        raise _unavailable(path, error) from error


def hub_documents(recipe: CorporaRecipe, revision: str | None) -> Iterator[str]:
    """Yield the column's texts, in the data set's order.

    Raises:
        UserError: If the data set, its configuration or its split is not available, if there is no such column, or if
            it contains something other than text.
    """
    from datasets import load_dataset  # noqa: PLC0415 -- importing datasets takes a second

    assert recipe.hub is not None
    try:
        data = load_dataset(recipe.hub, recipe.hub_config, revision=revision, split=recipe.hub_split, streaming=True)
        for number, row in enumerate(data, start=1):
            if recipe.hub_column not in row:
                raise UserError(
                    f"corpora.hub_column: {recipe.hub} has no column {recipe.hub_column!r} "
                    f"(its columns: {', '.join(row)}).{nearest(recipe.hub_column, row)}"
                )
            text = row[recipe.hub_column]
            if not isinstance(text, str | None):
                raise UserError(
                    f"{recipe.hub}, row {number}: {recipe.hub_column!r} is not text (got {type(text).__name__}). "
                    "Name a column of texts in corpora.hub_column."
                )
            yield text or ""
    except _failures() as error:
        raise _unavailable(recipe.hub, error) from error


def _failures() -> tuple[type[Exception], ...]:
    """Return the exceptions of the Hub's libraries for a missing network, name, revision, configuration or split."""
    from datasets.exceptions import DatasetsError  # noqa: PLC0415 -- importing datasets takes a second
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError  # noqa: PLC0415 -- only where the Hub is asked

    client_errors: Any = HfHubHTTPError.__bases__  # Those of its HTTP client, which are passed on if nobody answers.
    return (OSError, ValueError, DatasetsError, HFValidationError, *client_errors)


def _unavailable(path: str, error: Exception) -> UserError:
    first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return UserError(
        f"{path}: the data set is not available ({first}). Check its name, revision, configuration, split, the "
        "network, or use files of your own."
    )
