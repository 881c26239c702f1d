"""Texts that a seed makes, and what prepares them in this process and in others."""

import json
from pathlib import Path
from random import Random

from rich.console import Console
from subprocesses import start

SYLLABLES = [first + second for first in "bdfgklmnprst" for second in "aeiou"]
PROGRAM = """
import json, sys
from pathlib import Path
from made_texts import prepare
prepare(json.loads(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3]))
print("done")
"""


def word(random):
    return "".join(random.choice(SYLLABLES) for _ in range(random.randint(1, 4)))


def sentence(random, words=9):
    return " ".join(word(random) for _ in range(words)).capitalize() + "."


def documents(count, sentences=6, seed=0):
    """So many documents, of so many sentences of nine words each."""
    random = Random(seed)
    return [" ".join(sentence(random) for _ in range(sentences)) for _ in range(count)]


def write_documents(file, texts):
    file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


def prepare(corpora, tokenizer, folder, *, seed=0):
    """What `prepared` gives; by default a document is a line, and no task's examples are looked for."""
    from harness.pretraining.pipeline import prepared
    from harness.pretraining.recipe import CorporaRecipe, TokenizerRecipe

    corpora = {"documents": "line", "exclude_tasks": (), "held_out": 0.1} | corpora
    return prepared(
        CorporaRecipe.model_validate(corpora),
        TokenizerRecipe.model_validate({"vocabulary_size": 300} | tokenizer),
        folder=folder,
        seed=seed,
        console=Console(width=200),
    )


def start_preparing(corpora, tokenizer, folder, program=PROGRAM):
    """A process that does so."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n{program}"
    return start(["-c", code, json.dumps(corpora), json.dumps(tokenizer), str(folder)])


def kept_files(cache):
    """The content of each file that is kept, but for locks."""
    files = [file for file in cache.rglob("*") if file.is_file() and file.suffix != ".lock"]
    return {str(file.relative_to(cache)): file.read_bytes() for file in files}
