"""What is a German string of a program's interface in English? Some 3,300 strings of Plone, mostly short.

Strings that share their German or their English are on one side. "${count}" and the like stand for what the program
fills in.
"""

from collections.abc import Mapping
from pathlib import Path

from harness.data.po_files import grouped, translations
from harness.data.sources import Packaged
from harness.data.task import Row, Task

FOLDER = "plone/app/locales/locales/de/LC_MESSAGES"
FILES = ("plone", "widgets", "cmfplacefulworkflow", "cmfeditions", "plonefrontpage", "plonelocales")


def read(*files: Path) -> Mapping[str, list[Row]]:
    """A string each, with its group."""
    texts = [file.read_text(encoding="utf-8") for file in files]
    pairs = [
        (" ".join(german.split()), " ".join(english.split()))
        for text in texts
        for english, german in translations(text)
    ]
    return {"train": grouped([{"source": german, "target": english} for german, english in pairs])}


task = Task(
    task_type="sequence_to_sequence",
    source=Packaged("plone.app.locales", tuple(f"{FOLDER}/{name}.po" for name in FILES), read),
    metrics=("bleu", "chrf", "bleu_lowercase", "exact_text", "target_token_accuracy", "target_perplexity"),
    licence="GPL version 2 (plone.app.locales)",
    citation="The translators of Plone into German, as plone.app.locales brings their strings",
    group="group",
)
