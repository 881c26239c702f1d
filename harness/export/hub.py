"""Push an export to the Hugging Face Hub, or say what would be pushed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from harness.comparison.formatting import memory
from harness.data.sources import is_of_http
from harness.errors import UserError
from harness.export.card import HUB_ID
from harness.runs.exported import CARD


def contents(folder: Path, repository: str) -> Iterator[str]:
    """What a push would bring: each file with its size, then the model card."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    yield f"Would be pushed to {repository}:"
    for file in files:
        yield f"  {file.relative_to(folder).as_posix()}  {memory(file.stat().st_size)}"
    yield f"  in all {memory(sum(file.stat().st_size for file in files))}"
    yield ""
    yield (folder / CARD).read_text(encoding="utf-8")


def check_repository(repository: str) -> None:
    """Refuse a name that the Hub has no place for.

    Raises:
        UserError: It is none.
    """
    from huggingface_hub import errors, utils  # noqa: PLC0415 -- takes most of a second

    if not HUB_ID.fullmatch(repository):
        raise UserError(f"{repository}: no name of a model on the Hub. Give OWNER/NAME.")
    try:
        utils.validate_repo_id(repository)  # type: ignore[attr-defined]
    except errors.HFValidationError as error:
        raise UserError(f"{repository}: no name of a model on the Hub ({error}).") from error


def push(folder: Path, repository: str, *, private: bool) -> str:
    """Make the repository where it isn't there yet, and upload the folder; the commit's address.

    Raises:
        UserError: The Hub can't be reached, or refuses.
    """
    from huggingface_hub import HfApi, errors  # noqa: PLC0415 -- takes most of a second

    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise UserError(f"{repository}: the Hub is switched off (HF_HUB_OFFLINE). Unset it, or use --dry-run.")
    api = HfApi()
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository, folder_path=folder, commit_message="Model exported by finetune-harness"
        )
    except errors.LocalTokenNotFoundError as error:
        raise UserError(f"{repository}: no access token of the Hub. Run: hf auth login") from error
    except Exception as error:
        if not isinstance(error, errors.HfHubHTTPError | OSError) and not is_of_http(error):
            raise
        reason = " ".join(str(error).split())
        raise UserError(f"{repository}: could not be pushed ({reason:.300}). Check the name and your token.") from error
    return str(commit)
