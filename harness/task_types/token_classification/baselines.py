"""What the simple baselines answer to words.

`majority` gives every word the most frequent tag, which is mostly O. `most_frequent_tag` gives a word the tag that it
has most often in the training data, and a word that is not there the most frequent one of all.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.task_types.token_classification.examples import TaggedSentence, Tagging

FILE = "tags.json"

Choice = tuple[int, float]  # a label's index, and the share of words that have it


@dataclass(frozen=True)
class TagTable:
    """A tag per word.

    Attributes:
        words: The choice for each known word.
        others: The choice for every other word.
    """

    words: Mapping[str, Choice]
    others: Choice

    def outputs(self, examples: Sequence[TaggedSentence]) -> list[Tagging]:
        """The tags of each sentence's words, scored by their share in the training data."""
        return [self._tagged(example.words) for example in examples]

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps(vars(self), ensure_ascii=False), encoding="utf-8")

    def _tagged(self, words: Sequence[str]) -> Tagging:
        chosen = [self.words.get(word, self.others) for word in words]
        return Tagging(tuple(tag for tag, _ in chosen), tuple(share for _, share in chosen))


@dataclass(frozen=True)
class MostFrequentTag:
    """Makes a `TagTable`.

    Attributes:
        by_word: Whether each word has a choice of its own.
    """

    by_word: bool

    def fit(self, examples: Sequence[TaggedSentence], _labels: tuple[str, ...]) -> TagTable:
        """The most frequent tags of `examples`, the training data."""
        total: Counter[int] = Counter()
        words: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for example in examples:
            total.update(example.tags)
            for word, tag in zip(example.words, example.tags, strict=True) if self.by_word else ():
                words[word][tag] += 1
        return TagTable({word: _most_frequent(counts) for word, counts in words.items()}, _most_frequent(total))

    def load(self, folder: Path, _labels: tuple[str, ...]) -> TagTable:
        """What `save` wrote into `folder`."""
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return TagTable({word: tuple(choice) for word, choice in content["words"].items()}, tuple(content["others"]))


def _most_frequent(counts: Counter[int]) -> Choice:
    """The first in the labels' order of those that are equally frequent."""
    tag = max(sorted(counts), key=counts.__getitem__)
    return tag, counts[tag] / counts.total()


BASELINES = {"majority": MostFrequentTag(by_word=False), "most_frequent_tag": MostFrequentTag(by_word=True)}
