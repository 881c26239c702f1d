"""Baselines of token classification.

`majority` predicts the most frequent tag, usually O, for every word. `most_frequent_tag` predicts the most frequent tag
of each word in the training data, and the most frequent one of all for unknown words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.task_types.baseline import read_json, write_json
from harness.task_types.token_classification.examples import TaggedSentence, Tagging

FILE = "tags.json"

Choice = tuple[int, float]  # a label's index, and the fraction of words with it


@dataclass(frozen=True)
class TagTable:
    """A tag for each word."""

    words: Mapping[str, Choice]
    others: Choice

    def outputs(self, examples: Sequence[TaggedSentence]) -> list[Tagging]:
        """Return the tags of each sentence's words, scored by their fraction in the training data."""
        return [self._tagged(example.words) for example in examples]

    def save(self, folder: Path) -> None:
        """Save the table in `folder`."""
        write_json(folder / FILE, vars(self))

    def _tagged(self, words: Sequence[str]) -> Tagging:
        chosen = [self.words.get(word, self.others) for word in words]
        return Tagging(tuple(tag for tag, _ in chosen), tuple(share for _, share in chosen))


@dataclass(frozen=True)
class MostFrequentTag:
    """Fit and load `TagTable`."""

    by_word: bool

    def fit(self, examples: Sequence[TaggedSentence], _labels: tuple[str, ...]) -> TagTable:
        """Find the most frequent tags in the training data, `examples`."""
        total: Counter[int] = Counter()
        words: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for example in examples:
            total.update(example.tags)
            for word, tag in zip(example.words, example.tags, strict=True) if self.by_word else ():
                words[word][tag] += 1
        return TagTable({word: _most_frequent(counts) for word, counts in words.items()}, _most_frequent(total))

    def load(self, folder: Path, _labels: tuple[str, ...]) -> TagTable:
        """Load what `save` wrote to `folder`."""
        content = read_json(folder / FILE)
        return TagTable({word: tuple(choice) for word, choice in content["words"].items()}, tuple(content["others"]))


def _most_frequent(counts: Counter[int]) -> Choice:
    """Return the most frequent label. Ties go to the first in the order of labels."""
    tag = max(sorted(counts), key=counts.__getitem__)
    return tag, counts[tag] / counts.total()


BASELINES = {"majority": MostFrequentTag(by_word=False), "most_frequent_tag": MostFrequentTag(by_word=True)}
