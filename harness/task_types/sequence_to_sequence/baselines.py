"""Baselines of sequence to sequence.

`majority` writes the most frequent target, `copy_source` the source itself, `lead` its first sentences, and `tfidf` the
target of the most similar training source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from harness.models.tfidf_features import Words, fit_words, read_words, write_words
from harness.task_types.baseline import most_frequent, read_json, write_json
from harness.task_types.sequence_to_sequence.examples import SequencePair, WrittenText

FILE, TARGETS = "writer.json", "targets.json"
_SENTENCE_END = re.compile(r"[.!?](?=\s)|[。！？]+[”’」』）]*")
MOST_PRODUCTS = 2**24
"""Maximum number of similarities between sources and training sources in memory at once: 128 MB."""

Examples = Sequence[SequencePair]


@dataclass(frozen=True)
class Rule:
    """A baseline that writes by a rule with one setting."""

    setting: Any
    write: Callable[[str, Any], str]

    def outputs(self, examples: Examples) -> list[WrittenText]:
        """Write one text per source."""
        return [WrittenText(self.write(example.source, self.setting)) for example in examples]

    def save(self, folder: Path) -> None:
        """Save the setting in `folder`."""
        write_json(folder / FILE, self.setting)


@dataclass(frozen=True)
class RuleMaker:
    """Fit and load a `Rule`.

    Attributes:
        fitted: Returns the setting from the training data and what `reads` names.
        write: The rule.
        reads: The recipe's settings that are used.
    """

    fitted: Callable[..., Any]
    write: Callable[[str, Any], str]
    reads: tuple[str, ...] = ()

    def fit(self, examples: Examples, _labels: tuple[str, ...], **settings: Any) -> Rule:
        """Fit the rule to the training data, `examples`."""
        return Rule(self.fitted(examples, **settings), self.write)

    def load(self, folder: Path, _labels: tuple[str, ...]) -> Rule:
        """Load what `save` wrote to `folder`."""
        return Rule(read_json(folder / FILE), self.write)


def lead(source: str, sentences: int) -> str:
    """Return the first sentences of a source.

    >>> lead("It rains. Does it? Yes!  No.", 2), lead("下雨了。他说：“是吗？”是的。", 2)
    ('It rains. Does it?', '下雨了。他说：“是吗？”')
    """
    text = source.strip()
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    return text[: ends[sentences - 1]] if len(ends) >= sentences else text


@dataclass(frozen=True)
class NearestPair:
    """A baseline that writes the target of the most similar training source."""

    words: Words
    sources: tuple[str, ...]
    targets: tuple[str, ...]

    @classmethod
    def fit(cls, examples: Examples, _labels: tuple[str, ...]) -> Self:
        """Index all of `examples`, the training data, by words and pairs of adjacent words."""
        sources = tuple(example.source for example in examples)
        return cls(fit_words(sources, 2), sources, tuple(example.target for example in examples))

    @classmethod
    def load(cls, folder: Path, _labels: tuple[str, ...]) -> Self:
        """Load what `save` wrote to `folder`."""
        pairs = read_json(folder / TARGETS)
        return cls(read_words(folder)[0][0], *map(tuple, zip(*pairs, strict=True)))

    def outputs(self, examples: Examples) -> list[WrittenText]:
        """Write one text per source. Ties go to the first training source."""
        known = self.words.rows(self.sources).T.tocsr()
        found: list[int] = []
        at_once = max(MOST_PRODUCTS // max(len(self.sources), 1), 1)
        for start in range(0, len(examples), at_once):
            asked = self.words.rows([example.source for example in examples[start : start + at_once]])
            found += np.asarray((asked @ known).toarray().argmax(axis=1)).tolist()
        return [WrittenText(self.targets[place]) for place in found]

    def save(self, folder: Path) -> None:
        """Save the words and the training pairs in `folder`."""
        write_words(folder, (self.words,), {})
        write_json(folder / TARGETS, list(zip(self.sources, self.targets, strict=True)))


BASELINES = {
    "majority": RuleMaker(lambda examples: most_frequent([one.target for one in examples])[0], lambda _, text: text),
    "copy_source": RuleMaker(lambda _examples: None, lambda source, _: source),
    "lead": RuleMaker(lambda _examples, lead_sentences=3: lead_sentences, lead, reads=("lead_sentences",)),
    "tfidf": NearestPair,
}
