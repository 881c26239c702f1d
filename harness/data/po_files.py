"""Translations from gettext's .po files, with the interface strings of programs; and the tasks of those of Plone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.data.duplicates import Clusters
from harness.data.sources import Packaged
from harness.data.task import Row, Task

FILES = ("plone", "widgets", "cmfplacefulworkflow", "cmfeditions", "plonefrontpage", "plonelocales")

_DEFAULT = re.compile(r'^#\. Default: (".*)$')
_GOES_ON = re.compile(r'^#\.\s+(".*)$')
_FIELD = re.compile(r'^(msgid|msgstr|msgid_plural|msgctxt|msgstr\[\d+\]) (".*")$')
_TELLING = re.compile(r"[^\W_]+")


@dataclass
class _Entry:
    """An entry: the lines between two blank ones."""

    fields: dict[str, str] = field(default_factory=dict)
    default: str = ""
    is_fuzzy: bool = False


def translations(text: str) -> Iterator[tuple[str, str]]:
    """Yield each text of a .po file with its translation, except for fuzzy ones.

    If the text is identified by a key (`msgid "label_save"`), it is the default given in a comment. Texts with plural
    forms and those without a letter are left out.
    """
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        entry = _entry(block.split("\n"))
        original, translation = entry.default or entry.fields.get("msgid", ""), entry.fields.get("msgstr", "")
        is_whole = original and translation and "msgid_plural" not in entry.fields and not entry.is_fuzzy
        if is_whole and _TELLING.search(original) and _TELLING.search(translation):
            yield original, translation


def _entry(lines: Sequence[str]) -> _Entry:
    entry, name, in_default = _Entry(), "", False
    for line in lines:
        if line.startswith("#,"):
            entry.is_fuzzy = entry.is_fuzzy or "fuzzy" in line
        elif (start := _DEFAULT.match(line)) or (in_default and (start := _GOES_ON.match(line))):
            entry.default, in_default = entry.default + _unquoted(start[1]), True
        elif found := _FIELD.match(line):
            name, in_default = found[1], False
            entry.fields[name] = _unquoted(found[2])
        elif line.startswith('"') and name:
            entry.fields[name] += _unquoted(line)
    return entry


def _unquoted(quoted: str) -> str:
    """Return the text between quotes, with escapes resolved."""
    try:
        return str(ast.literal_eval(quoted.strip()))
    except (SyntaxError, ValueError):
        return quoted.strip().strip('"')


def grouped(rows: Sequence[Row]) -> list[Row]:
    """Return the distinct rows, with a `group` shared by rows with the same source or target, directly or transitively.

    Case, punctuation and blanks are ignored.
    """
    kept = list({(row["source"], row["target"]): row for row in rows}.values())
    clusters, first = Clusters(len(kept)), dict[tuple[str, str], int]()
    for place, row in enumerate(kept):
        for side in ("source", "target"):
            words = " ".join(_TELLING.findall(str(row[side]).casefold()))
            clusters.join(place, first.setdefault((side, words), place))
    return [{**row, "group": f"strings {clusters.root(place)}"} for place, row in enumerate(kept)]


def strings_to_english(code: str, language: str, count: int) -> Task:
    """Create the task of the strings of Plone's interface in a language, with the English ones."""
    folder = f"plone/app/locales/locales/{code}/LC_MESSAGES"
    return Task(
        task_type="sequence_to_sequence",
        source=Packaged("plone.app.locales", tuple(f"{folder}/{name}.po" for name in FILES), read_strings),
        metrics=("bleu", "chrf", "bleu_lowercase", "exact_text", "target_token_accuracy", "target_perplexity"),
        licence="GPL version 2 (plone.app.locales)",
        citation=f"The translators of Plone into {language}, as plone.app.locales brings their strings",
        group="group",
        examples={"train": count},
    )


def read_strings(*files: Path) -> Mapping[str, list[Row]]:
    """Read the strings, each with its group."""
    texts = [file.read_text(encoding="utf-8") for file in files]
    pairs = [
        (" ".join(foreign.split()), " ".join(english.split()))
        for text in texts
        for english, foreign in translations(text)
    ]
    return {"train": grouped([{"source": foreign, "target": english} for foreign, english in pairs])}
