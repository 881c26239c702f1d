"""TF-IDF features, saved without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy import sparse

VOCABULARY = "tfidf.json"
TENSORS = "tfidf.safetensors"
MOST_WORDS = 100_000
# With at least this many texts, entries in only one of them are dropped, as they cannot help to classify others.
MANY_TEXTS = 1000


@dataclass(frozen=True)
class Words:
    """A vocabulary with inverse document frequencies.

    Attributes:
        vocabulary: Words and n-grams, in the order of the columns.
        idf: The inverse document frequency of each [words].
        longest: Maximum number of words in an n-gram.
    """

    vocabulary: tuple[str, ...]
    idf: NDArray[np.float64]
    longest: int

    def rows(self, texts: Sequence[str]) -> Any:
        """Compute one sparse row per text [texts, words], of length one (or zero, if no word is known).

        Source: Salton & Buckley 1988, "Term-weighting approaches in automatic text retrieval"; here with 1 + log of
        the counts, and scikit-learn's smoothed idf.
        """
        if not self.vocabulary:
            return sparse.csr_matrix((len(texts), 0))
        vectorizer = _vectorizer(self.longest, vocabulary=self.vocabulary)
        vectorizer.idf_ = self.idf
        return vectorizer.transform(texts)


def fit_words(texts: Sequence[str], longest: int) -> Words:
    """Fit a vocabulary of n-grams of up to `longest` words; only the frequent ones if there are very many."""
    vectorizer = _vectorizer(longest, min_df=2 if len(texts) >= MANY_TEXTS else 1, max_features=MOST_WORDS)
    try:
        vectorizer.fit(texts)
    except ValueError:  # Raised by scikit-learn if no text has a word.
        return Words((), np.zeros(0), longest)
    return Words(tuple(vectorizer.get_feature_names_out().tolist()), vectorizer.idf_, longest)


def write_words(folder: Path, sides: Sequence[Words], tensors: Mapping[str, NDArray[np.float64]]) -> None:
    """Save vocabularies and tensors to `folder`, as JSON and safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    content = [{"longest": side.longest, "vocabulary": side.vocabulary} for side in sides]
    (folder / VOCABULARY).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    numbers = {**tensors, **{f"idf.{index}": side.idf for index, side in enumerate(sides)}}
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in numbers.items()}, folder / TENSORS)


def read_words(folder: Path) -> tuple[tuple[Words, ...], Mapping[str, NDArray[np.float64]]]:
    """Load what `write_words` saved.

    Raises:
        ValueError: If the file has other content.
    """
    content = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
    if not (isinstance(content, list) and content):
        raise ValueError(f"{folder / VOCABULARY}: no vocabularies")
    tensors = load_file(folder / TENSORS)
    sides = [
        Words(tuple(side["vocabulary"]), tensors[f"idf.{index}"], side["longest"]) for index, side in enumerate(content)
    ]
    return tuple(sides), tensors


def _vectorizer(longest: int, **settings: Any) -> Any:
    # Words of one letter count too: "I" and "a", and many words of some languages.
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 -- a second or two, which the majority does without

    return TfidfVectorizer(ngram_range=(1, longest), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", **settings)
