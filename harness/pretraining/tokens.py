"""Documents as token ids in memory-mapped files, so that a corpus may be larger than memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.pretraining.cleaning import sentences
from harness.tokenization.as_text import Encoded, token_ids, without_controls

ENCODED_AT_ONCE = 2048  # sentences


@dataclass(frozen=True)
class TokenFile:
    """Documents as token ids, memory-mapped.

    Attributes:
        ids: Ids of all documents' tokens, concatenated, without special tokens, uint16 or uint32 [tokens].
        sentences: Start of each sentence in `ids`, and the end of the last [sentences + 1].
        documents: Index of each document's first sentence, and the end of the last [documents + 1].
        bytes: Number of bytes of each document in UTF-8 [documents].
        characters: Number of characters of each document [documents].
    """

    ids: NDArray[Any]
    sentences: NDArray[np.int64]
    documents: NDArray[np.int64]
    bytes: NDArray[np.int64]
    characters: NDArray[np.int64]

    def document(self, index: int) -> NDArray[Any]:
        """Return the ids of a document [tokens]."""
        first, last = self.documents[index], self.documents[index + 1]
        return self.ids[self.sentences[first] : self.sentences[last]]

    @property
    def token_count(self) -> int:
        """Number of tokens of all documents."""
        return len(self.ids)

    @property
    def document_count(self) -> int:
        """Number of documents."""
        return len(self.documents) - 1

    @property
    def sentence_count(self) -> int:
        """Number of sentences of all documents."""
        return len(self.sentences) - 1

    def counts(self) -> dict[str, int]:
        """Return the numbers of documents, sentences, characters, bytes and tokens, for a report."""
        return {
            "documents": self.document_count,
            "sentences": self.sentence_count,
            "characters": int(self.characters.sum()),
            "bytes": int(self.bytes.sum()),
            "tokens": self.token_count,
        }


def read_token_file(folder: Path) -> TokenFile:
    """Open the files that `write_tokens` wrote.

    Raises:
        OSError: If they don't exist.
        ValueError: If they are incomplete.
    """
    types = json.loads((folder / "types.json").read_text())
    arrays = {name: np.memmap(folder / f"{name}.bin", dtype=types[name], mode="r") for name in types}
    file = TokenFile(**arrays)
    whole = (
        file.sentences[-1] == len(file.ids)
        and file.documents[-1] == file.sentence_count
        and len(file.bytes) == len(file.characters) == file.document_count
    )
    if not whole:
        raise ValueError(f"{folder}: not whole")
    return file


def write_tokens(texts: Iterable[str], tokenizer: Any, folder: Path) -> None:
    """Write the files of a `TokenFile` to a new folder, with one document in memory at a time.

    Each text is encoded sentence by sentence (`cleaning.sentences`); texts without a token are left out.
    """
    folder.mkdir(parents=True)
    types = dict.fromkeys(("sentences", "documents", "bytes", "characters"), "int64")
    types["ids"] = "uint16" if len(tokenizer) <= 2**16 else "uint32"
    files = {name: (folder / f"{name}.bin").open("wb") for name in types}

    def write(name: str, values: Any) -> None:
        files[name].write(np.asarray(values, dtype=types[name]).tobytes())

    try:
        tokens, pieces = 0, 0
        write("sentences", [0])
        write("documents", [0])
        for text in texts:
            before = tokens
            for encoded in encoded_sentences(sentences(text), tokenizer):
                ends = tokens + np.cumsum([len(ids) for ids in encoded])
                write("ids", [token for ids in encoded for token in ids])
                write("sentences", ends)
                tokens, pieces = int(ends[-1]), pieces + len(encoded)
            if tokens > before:
                write("documents", [pieces])
                write("bytes", [len(text.encode())])
                write("characters", [len(text)])
    finally:
        for file in files.values():
            file.close()
    (folder / "types.json").write_text(json.dumps(types))


def encoded_sentences(pieces: Sequence[str], tokenizer: Any) -> Iterator[list[list[int]]]:
    """Yield the ids of sentences, some thousand sentences at a time, without sentences that have no tokens."""
    remaining = iter(pieces)
    while batch := list(islice(remaining, ENCODED_AT_ONCE)):
        if tokenizer.is_fast:
            backend = tokenizer.backend_tokenizer
            backend.encode_special_tokens = False
            encodings = backend.encode_batch_fast(batch, add_special_tokens=False)
            read = without_controls(tokenizer, batch, [Encoded(encoding.ids, []) for encoding in encodings])
            found = [encoded.ids for encoded in read]
        else:
            found = token_ids(tokenizer, batch)
        if found := [ids for ids in found if ids]:
            yield found
