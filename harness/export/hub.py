"""Push an export to the Hugging Face Hub, or show what would be pushed."""

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
    """List the files of a push with their sizes, then the model card."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    yield f"Would be pushed to {repository}:"
    for file in files:
        yield f"  {file.relative_to(folder).as_posix()}  {memory(file.stat().st_size)}"
    yield f"  in all {memory(sum(file.stat().st_size for file in files))}"
    yield ""
    yield (folder / CARD).read_text(encoding="utf-8")


def check_repository(repository: str) -> None:
    """Check that a name is valid for the Hub.

    Raises:
        UserError: If it is not.
    """
    from huggingface_hub import errors, utils  # noqa: PLC0415 -- takes most of a second

    if not HUB_ID.fullmatch(repository):
        raise UserError(f"{repository}: not a model's name on the Hub. Give OWNER/NAME.")
    try:
        utils.validate_repo_id(repository)  # type: ignore[attr-defined]
    except errors.HFValidationError as error:
        raise UserError(f"{repository}: not a model's name on the Hub ({error}).") from error


def check_access(repository: str) -> None:
    """Check that a push is possible, before any work.

    Raises:
        UserError: If the Hub is disabled, or there is no access token.
    """
    from huggingface_hub import get_token  # noqa: PLC0415 -- takes most of a second

    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise UserError(f"{repository}: the Hub is switched off (HF_HUB_OFFLINE). Unset it, or use --dry-run.")
    if get_token() is None:
        raise UserError(f"{repository}: no access token for the Hub. Run: hf auth login")


def push(folder: Path, repository: str, *, private: bool) -> str:
    """Create the repository if it does not exist, upload the folder, and return the address of the commit.

    Raises:
        UserError: If the Hub can't be reached, or refuses.
    """
    from huggingface_hub import HfApi  # noqa: PLC0415 -- takes most of a second

    check_access(repository)
    api = HfApi()
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository, folder_path=folder, commit_message="Model exported by finetune-harness"
        )
    except Exception as error:
        if not _is_of_hub(error):
            raise
        raise UserError(f"{repository}: {_why_refused(error)}") from error
    return str(commit)


def _is_of_hub(error: Exception) -> bool:
    """Return whether an error comes from the Hub or the connection; its client wraps the storage's errors in others."""
    return isinstance(error, OSError | RuntimeError | ValueError) or is_of_http(error)


def _why_refused(error: Exception) -> str:
    """Describe what went wrong and what to do."""
    code = getattr(getattr(error, "response", None), "status_code", None)
    if code == 401:
        return "the Hub does not know your access token (401). Run: hf auth login"
    if code in (403, 404):
        return (
            f"your account may not write there ({code}). Give a name of your own, or a token with write "
            "access: hf auth login"
        )
    if "Connect" in type(error).__name__:
        return f"the Hub can't be reached ({_in_a_line(error)}). Check the network, and HF_ENDPOINT if you have set it."
    cause = f": {_in_a_line(error.__cause__)}" if error.__cause__ is not None else ""
    return f"could not be pushed ({_in_a_line(error)}{cause}). Check the name and your token."


def _in_a_line(error: BaseException) -> str:
    return f"{' '.join(str(error).split()):.200}"
