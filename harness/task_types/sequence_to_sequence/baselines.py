"""What the simple baselines write.

`majority` writes the most frequent target, `copy_source` the source itself, `lead` its first sentences, and `tfidf` the
target of the training source that shares most with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.models.tfidf_features import Words, fit_words, read_words, write_words
from harness.task_types.constants import most_frequent
from harness.task_types.sequence_to_sequence.examples import SequencePair, WrittenText

FILE, TARGETS = "writer.json", "targets.json"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
MOST_PRODUCTS = 2**24
"""So many nearnesses of a source to a training source are held at a time: 128 MB."""

Examples = Sequence[SequencePair]


@dataclass(frozen=True)
class Rule:
    """Writes by a rule that needs one setting.

    Attributes:
        setting: What the rule needs.
        write: The text from a source and the setting.
    """

    setting: Any
    write: Callable[[str, Any], str]

    def outputs(self, examples: Examples) -> list[WrittenText]:
        """One text per source."""
        return [WrittenText(self.write(example.source, self.setting)) for example in examples]

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps(self.setting, ensure_ascii=False), encoding="utf-8")


@dataclass(frozen=True)
class RuleMaker:
    """Makes a `Rule`.

    Attributes:
        fitted: The setting from the training data.
        write: The rule.
    """

    fitted: Callable[[Examples], Any]
    write: Callable[[str, Any], str]

    def fit(self, examples: Examples, _labels: tuple[str, ...]) -> Rule:
        """The rule that suits `examples`, the training data."""
        return Rule(self.fitted(examples), self.write)

    def load(self, folder: Path, _labels: tuple[str, ...]) -> Rule:
        """What `save` wrote into `folder`."""
        return Rule(json.loads((folder / FILE).read_text(encoding="utf-8")), self.write)


def lead(source: str, sentences: int) -> str:
    """The first sentences of a source.

    >>> lead("It rains. Does it? Yes!  No.", 2)
    'It rains. Does it?'
    """
    return " ".join(_SENTENCE_END.split(source.strip())[:sentences])


class Lead(RuleMaker):
    """Makes a `Rule` that takes the first sentences."""

    reads: ClassVar[tuple[str, ...]] = ("lead_sentences",)

    def __init__(self) -> None:
        super().__init__(lambda _examples: 3, lead)

    def fit(self, _examples: Examples, _labels: tuple[str, ...], *, lead_sentences: int = 3) -> Rule:
        """The rule with the recipe's number of sentences."""
        return Rule(lead_sentences, lead)


@dataclass(frozen=True)
class NearestPair:
    """Writes the target of the training source that is nearest.

    Attributes:
        words: The words of training sources.
        sources: Training sources.
        targets: Their targets.
    """

    words: Words
    sources: tuple[str, ...]
    targets: tuple[str, ...]

    def outputs(self, examples: Examples) -> list[WrittenText]:
        """One text per source; of sources that are equally near the first."""
        known = self.words.rows(self.sources).T.tocsr()
        found: list[int] = []
        at_once = max(MOST_PRODUCTS // max(len(self.sources), 1), 1)
        for start in range(0, len(examples), at_once):
            asked = self.words.rows([example.source for example in examples[start : start + at_once]])
            found += np.asarray((asked @ known).toarray().argmax(axis=1)).tolist()
        return [WrittenText(self.targets[place]) for place in found]

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        write_words(folder, (self.words,), {})
        pairs = list(zip(self.sources, self.targets, strict=True))
        (folder / TARGETS).write_text(json.dumps(pairs, ensure_ascii=False), encoding="utf-8")


class TfIdf:
    """Makes a `NearestPair`."""

    def fit(self, examples: Examples, _labels: tuple[str, ...]) -> NearestPair:
        """All of `examples`, the training data, to be looked up by runs of up to two words."""
        sources = tuple(example.source for example in examples)
        return NearestPair(fit_words(sources, 2), sources, tuple(example.target for example in examples))

    def load(self, folder: Path, _labels: tuple[str, ...]) -> NearestPair:
        """What `save` wrote into `folder`."""
        pairs = json.loads((folder / TARGETS).read_text(encoding="utf-8"))
        return NearestPair(read_words(folder)[0][0], *map(tuple, zip(*pairs, strict=True)))


BASELINES = {
    "majority": RuleMaker(lambda examples: most_frequent([one.target for one in examples])[0], lambda _, text: text),
    "copy_source": RuleMaker(lambda _examples: None, lambda source, _: source),
    "lead": Lead(),
    "tfidf": TfIdf(),
}
