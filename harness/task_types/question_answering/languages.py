"""Metrics of answers in languages other than English: exact match and F1 of MLQA, one of each per language.

Source: Lewis et al. 2020, "MLQA: Evaluating Cross-lingual Extractive Question Answering", with the rules of its
official evaluation script: remove punctuation of every script, then the language's articles, and count Chinese by
character. Japanese and Thai, which MLQA lacks, are also counted by character here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial

from harness.metrics.metric import TEXT, TEXTS, Metric, mean_of
from harness.task_types.question_answering.metrics import Words, exact_matches, qa_f1s

# Articles. Hindi and Chinese have none.
_ARTICLES: Mapping[str, str] = {
    "ar": "\\sال^|ال",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
}
# Characters that are counted as words.
_ALONE: Mapping[str, str] = {
    "ja": "[\u3040-\u30ff\u3005\u4e00-\u9fff]",
    "th": "[\u0e00-\u0e7f]",
    "zh": "[\u4e00-\u9fa5]",
}
LANGUAGES = ("ar", "de", "en", "es", "hi", "ja", "th", "vi", "zh")
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")  # some of it is symbols in Unicode


def words_of(text: str, language: str) -> list[str]:
    """Return the words of an answer that are compared, by the rules of one of `LANGUAGES`.

    >>> words_of("Der Fluß «Donau»!", "de"), words_of("2008年 北京 Beijing", "zh")
    (['fluß', 'donau'], ['2008', '年', '北', '京', 'beijing'])
    """
    bare = "".join(character for character in text.lower() if not _is_punctuation(character))
    if article := _ARTICLES.get(language):
        bare = re.sub(article, " ", bare)
    if alone := _ALONE.get(language):
        bare = re.sub(alone, r" \g<0> ", bare)
    return bare.split()


def _is_punctuation(character: str) -> bool:
    return character in _ASCII_PUNCTUATION or unicodedata.category(character).startswith("P")


def _metrics_of(language: str) -> tuple[Metric, Metric]:
    words: Words = partial(words_of, language=language)
    f1, match = partial(qa_f1s, words=words), partial(exact_matches, words=words)
    title: Callable[[str], str] = f"MLQA {{}} ({language})".format
    return (
        Metric(f"mlqa_f1_{language}", mean_of(f1), per_example=f1, title=title("F1"), form=(TEXT, TEXTS)),
        Metric(
            f"mlqa_exact_match_{language}",
            mean_of(match),
            per_example=match,
            title=title("exact match"),
            form=(TEXT, TEXTS),
        ),
    )


MLQA = tuple(metric for language in LANGUAGES for metric in _metrics_of(language))
