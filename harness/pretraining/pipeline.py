"""From raw texts to a tokenizer and token files.

The results of both steps, the cleaned texts and their tokens, are cached. The key of each covers everything that it
depends on, including the code that reads, cleans and splits texts: another tokenizer reuses the same texts, and no
cached result is out of date.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from transformers import AutoTokenizer

from harness.errors import UserError
from harness.pretraining.cached import build_or_load, code_digest, key
from harness.pretraining.contamination_audit import audit
from harness.pretraining.corpus_build import decontamination_report, stored_sources, write_texts
from harness.pretraining.decontamination import EvaluationSets, evaluation_sets_of, ngrams_of_tasks
from harness.pretraining.document_store import DocumentStore
from harness.pretraining.progress import followed
from harness.pretraining.recipe import CorporaRecipe, TokenizerRecipe
from harness.pretraining.texts import Texts, text_sources
from harness.pretraining.tokenizer import SAMPLED_CHARACTERS, checkpoint_tokenizer, sample, trained
from harness.pretraining.tokens import TokenFile, read_token_file, write_tokens
from harness.registry import BUILT_IN
from harness.tokenization.encoding import content_of
from harness.tokenization.trained_tokenizer import LONGEST_RUN, RunCutter

LONG_RUNS = (
    f"of over {LONGEST_RUN:,} characters without a blank, cut for the tokenizer's training, which takes time by the "
    "square of their length; the model reads them whole"
)
_HARNESS = Path(__file__).parent.parent
_CODE_OF_TEXTS = ("pretraining/**/*.py", "data/*.py")
_CODE_OF_TOKENS = ("tokenization/as_text.py", "tokenization/trained_tokenizer.py")


@dataclass(frozen=True)
class Prepared:
    """Tokenizer and tokens for pretraining.

    Attributes:
        tokenizer: The tokenizer, with its special tokens.
        training: The training tokens of all corpora.
        held_out: The tokens kept from training, by corpus; only of corpora that have any.
        report: Counts of what was read, left out and kept, JSON-serialisable.
    """

    tokenizer: Any
    training: TokenFile
    held_out: Mapping[str, TokenFile]
    report: Mapping[str, Any]

    @property
    def notes(self) -> list[str]:
        """Remarks for the record."""
        cut = self.report["tokenizer"].get("runs_cut", 0)
        return [f"{cut:,} stretch{'' if cut == 1 else 'es'} {LONG_RUNS}"] if cut else []

    def with_facts(self, facts: Mapping[str, Any]) -> Prepared:
        """Return a copy with an objective's facts added to the report on the training texts."""
        return replace(self, report={**self.report, "training": {**self.report["training"], **facts}})


def prepared(
    corpora: CorporaRecipe, tokenizer: TokenizerRecipe, *, folder: Path, seed: int, console: Console
) -> Prepared:
    """Prepare the tokens of the recipe's texts, or read them from the cache.

    Args:
        corpora: The recipe of the texts.
        tokenizer: The recipe of the tokenizer.
        folder: The folder that relative file patterns start from.
        seed: Random seed of the choice of held-out documents.
        console: Where progress is shown.

    Raises:
        UserError: If texts or the tokenizer are not available, unreadable, or leave nothing to train on.
    """
    sources = text_sources(corpora, folder)
    evaluation_sets = evaluation_sets_of(corpora.exclude_tasks)
    borrowed = None if tokenizer.checkpoint is None else checkpoint_tokenizer(tokenizer.checkpoint)
    texts_key = key(
        code_digest(_HARNESS, _CODE_OF_TEXTS),
        code_digest(BUILT_IN, ("tasks/**/*.py",)),
        [(source.name, source.fingerprint) for source in sources],
        dict(evaluation_sets.fingerprints),
        dict(evaluation_sets.missing),
        corpora.held_out,
        seed,
    )
    content = None if borrowed is None else content_of(borrowed).hex()
    tokens_key = key(
        texts_key,
        code_digest(_HARNESS, _CODE_OF_TOKENS),
        tokenizer.model_dump(exclude={"checkpoint"}),
        content,
        version("tokenizers"),
    )

    def build_texts(folder: Path) -> None:
        _build_texts(folder, sources, evaluation_sets, corpora.held_out, seed=seed, console=console)

    def build_tokens(folder: Path) -> None:
        texts = build_or_load(f"texts-{texts_key}", build_texts, _read_texts)
        _build_tokens(folder, texts, tokenizer, borrowed, console)

    return build_or_load(f"tokens-{tokens_key}", build_tokens, partial(_read, borrowed=borrowed))


@dataclass(frozen=True)
class Built:
    """The stored texts, by corpus, and the report on all documents."""

    stored: Mapping[str, DocumentStore]
    report: Mapping[str, Any]


def _build_texts(
    folder: Path,
    sources: Sequence[Texts],
    evaluation_sets: EvaluationSets,
    held_out: float,
    *,
    seed: int,
    console: Console,
) -> None:
    ngrams = ngrams_of_tasks(tuple(evaluation_sets.fingerprints), console)
    tallies = write_texts(sources, ngrams, folder, held_out=held_out, seed=seed, console=console)
    stored = stored_sources(folder, [source.name for source in sources])
    _check_split(stored)
    audited = audit(stored, ngrams, console)
    assert not any(audited.excluded.values()), f"evaluation examples were left in the texts: {audited.excluded}"
    report = {
        "corpora": {source.name: _description(source) | tallies[source.name].as_json() for source in sources},
        "exclusion": decontamination_report(ngrams, tallies, audited.excluded),
        "not_looked_for": dict(evaluation_sets.missing),
        "held_out_runs_in_training": dict(audited.held_out),
    }
    _write_json(folder / "report.json", report)


def _description(source: Texts) -> dict[str, Any]:
    return {"licence": source.licence, "citation": source.citation, "source": source.origin}


def _check_split(stored: Mapping[str, DocumentStore]) -> None:
    documents = sum(len(texts.lengths) for texts in stored.values())
    for held_out, what in ((True, "held out"), (False, "left to train on")):
        if not any(texts.count(held_out=held_out) for texts in stored.values()):
            raise UserError(
                f"corpora.held_out: no document is {what} (of {documents}). Give more documents (files may be cut by "
                'documents = "blank_line" or "line"), or another share.'
            )


def _read_texts(folder: Path) -> Built:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return Built(stored_sources(folder, list(report["corpora"])), report)


def _build_tokens(folder: Path, texts: Built, recipe: TokenizerRecipe, borrowed: Any, console: Console) -> None:
    tokenizer, told = borrowed, {"checkpoint": recipe.checkpoint}
    if tokenizer is None:
        tokenizer, told = _trained(texts.stored, recipe, console)
        tokenizer.save_pretrained(folder / "tokenizer")
    training = followed(_training(texts.stored), "encoding", console, total=_training_documents(texts.stored))
    write_tokens(training, tokenizer, folder / "training")
    for number, corpus in enumerate(texts.stored.values()):
        if corpus.count(held_out=True):
            write_tokens(corpus.documents(held_out=True), tokenizer, folder / "held_out" / str(number))
    _write_json(folder / "report.json", {**texts.report, "tokenizer": told | {"vocabulary_size": len(tokenizer)}})


def _training(stored: Mapping[str, DocumentStore]) -> Iterator[str]:
    return (text for corpus in stored.values() for text in corpus.documents(held_out=False))


def _training_documents(stored: Mapping[str, DocumentStore]) -> int:
    return sum(corpus.count(held_out=False) for corpus in stored.values())


def _trained(
    stored: Mapping[str, DocumentStore], recipe: TokenizerRecipe, console: Console
) -> tuple[Any, dict[str, Any]]:
    characters = sum(map(len, _training(stored)))
    texts = followed(_training(stored), "training the tokenizer", console, total=_training_documents(stored))
    runs = RunCutter()
    tokenizer = trained(runs.cut(sample(texts, characters)), recipe)
    told = {
        "kind": recipe.kind,
        "lowercase": recipe.lowercase,
        "characters": characters,
        "characters_sampled": min(characters, SAMPLED_CHARACTERS),
        "runs_cut": runs.count,
    }
    return tokenizer, told


def _read(entry: Path, *, borrowed: Any) -> Prepared:
    report = json.loads((entry / "report.json").read_text(encoding="utf-8"))
    numbered = {name: entry / "held_out" / str(number) for number, name in enumerate(report["corpora"])}
    held_out = {name: read_token_file(folder) for name, folder in numbered.items() if folder.is_dir()}
    training = read_token_file(entry / "training")
    report["training"] = training.counts()
    report["held_out"] = {name: file.counts() for name, file in held_out.items()}
    tokenizer = borrowed or AutoTokenizer.from_pretrained(entry / "tokenizer", trust_remote_code=False)
    return Prepared(tokenizer, training, held_out, report)


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
