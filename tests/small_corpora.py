"""Corpora so small that a test can count their tokens, and recipes that pretrain on a user's own text files."""

import json
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.torch import load_file
from small_models import ARCHITECTURES, FILLERS, OPINIONS

from harness.cache import cache_folder
from harness.pretraining.recipe import PretrainingPlan
from harness.pretraining.tokens import TokenFile

FIRST_WORD = 5  # The small tokenizer's special tokens have the ids 0 to 4.


def token_file(documents):
    """A corpus of documents [[[token, ...], ...], ...]: each a list of sentences."""
    sentences = [sentence for document in documents for sentence in document]
    return TokenFile(
        ids=np.array([token for sentence in sentences for token in sentence], dtype=np.uint16),
        sentences=np.cumsum([0, *map(len, sentences)]),
        documents=np.cumsum([0, *map(len, documents)]),
        bytes=np.ones(len(documents), dtype=np.int64),
        characters=np.ones(len(documents), dtype=np.int64),
    )


def numbered_corpus(documents=30, *, seed=0, longest=12, sentences=10):
    """A corpus in which every token is another number, which says where it stands."""
    chooser, made, token = random.Random(seed), [], 0
    for _ in range(documents):
        made.append([])
        for _ in range(chooser.randint(1, sentences)):
            length = chooser.randint(1, longest)
            made[-1].append(list(range(token, token + length)))
            token += length
    return token_file(made)


def word_corpus(documents=30, *, vocabulary, seed=0, longest=12):
    """A corpus of random words of a small tokenizer."""
    chooser = random.Random(seed)
    return token_file(
        [
            [chooser.choices(range(FIRST_WORD, vocabulary), k=chooser.randint(1, longest)) for _ in range(8)]
            for _ in range(documents)
        ]
    )


def plan(**settings):
    """A small plan; dropout 0, in 32 bits."""
    known = {"tokens": 100_000, "batch_tokens": 128, "length": 16, "dropout": 0.0, "precision": "fp32"}
    return PretrainingPlan.model_validate({**known, **settings})


def write_texts(folder, *, files=40, seed=0):
    """Text files in which words follow each other as they stand in a list, so that much can be learnt."""
    chooser, words = random.Random(seed), sorted({*FILLERS, *sum(OPINIONS.values(), ())})
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        sentences = []
        for _ in range(chooser.randint(4, 16)):
            start = chooser.randrange(len(words))
            found = [words[(start + place) % len(words)] for place in range(chooser.randint(4, 12))]
            sentences.append(" ".join(found).capitalize() + ".")
        (folder / f"text-{number}.txt").write_text(" ".join(sentences), encoding="utf-8")


CORPORA = {"files": ["*.txt"], "held_out": 0.1, "exclude_tasks": []}
TOKENIZER = {"kind": "byte_bpe", "vocabulary_size": 320}
PLAN = {
    "tokens": 8_000, "batch_tokens": 256, "length": 32, "learning_rate": 3e-3, "dropout": 0.1, "precision": "fp32",
    "evaluations": 3, "evaluation_tokens": 512, "keep": [0.5, 1.0],
}  # fmt: skip


def write_recipe(
    file,
    family="bert",
    objective="bert",
    *,
    start="random",
    architecture=None,
    corpora=None,
    tokenizer=None,
    **training,
):
    """A recipe on the text files beside it."""
    sections = {
        "architecture": {**ARCHITECTURES[family], **LENIENT.get(family, {}), **(architecture or {})},
        "corpora": {**CORPORA, **(corpora or {})},
        "tokenizer": {**TOKENIZER, **(tokenizer or {})},
        "training": {**PLAN, **training},
    }
    lines = [f'family = "{family}"', f'objective = "{objective}"', f'start = "{start}"']
    for name, settings in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in settings.items())]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


LENIENT = {"transformer_xl": {"cutoffs": [120], "mem_len": 64}}


def own_cache(folder, monkeypatch):
    """A cache of the tests' own, with the kernels of the user's, which take long to compile."""
    compiled, own = cache_folder("native"), folder / "finetune-harness" / "native"
    if not own.is_symlink():
        compiled.mkdir(parents=True, exist_ok=True)
        own.parent.mkdir(parents=True, exist_ok=True)
        own.symlink_to(compiled)
    monkeypatch.setenv("HARNESS_CACHE", str(folder))


@dataclass(frozen=True)
class Pretraining:
    """A `harness pretrain` of a recipe.

    Attributes:
        recipe: Its file.
        runs: The folder of runs.
    """

    recipe: Path
    runs: Path

    @property
    def words(self):
        return ["-m", "harness", "pretrain", str(self.recipe), f"--runs={self.runs}"]

    @property
    def folder(self):
        return self.runs / "pretraining" / self.recipe.stem

    @property
    def partial(self):
        return self.folder / ".partial"

    def record(self):
        return json.loads((self.folder / "pretraining.json").read_text(encoding="utf-8"))

    def weights(self, name="checkpoint"):
        return load_file(self.folder / name / "model.safetensors")
