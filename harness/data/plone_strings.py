"""Strings of Plone's interface in a language, with the English ones, as a translation task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.data.po_files import grouped, translations
from harness.data.sources import Packaged
from harness.data.task import Row, Task

FILES = ("plone", "widgets", "cmfplacefulworkflow", "cmfeditions", "plonefrontpage", "plonelocales")


def strings_to_english(code: str, language: str, count: int) -> Task:
    """Create the task of a language's strings."""
    folder = f"plone/app/locales/locales/{code}/LC_MESSAGES"
    return Task(
        task_type="sequence_to_sequence",
        source=Packaged("plone.app.locales", tuple(f"{folder}/{name}.po" for name in FILES), read),
        metrics=("bleu", "chrf", "bleu_lowercase", "exact_text", "target_token_accuracy", "target_perplexity"),
        licence="GPL version 2 (plone.app.locales)",
        citation=f"The translators of Plone into {language}, as plone.app.locales brings their strings",
        group="group",
        examples={"train": count},
    )


def read(*files: Path) -> Mapping[str, list[Row]]:
    """Read the strings, each with its group."""
    texts = [file.read_text(encoding="utf-8") for file in files]
    pairs = [
        (" ".join(foreign.split()), " ".join(english.split()))
        for text in texts
        for english, foreign in translations(text)
    ]
    return {"train": grouped([{"source": foreign, "target": english} for foreign, english in pairs])}
