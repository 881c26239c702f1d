"""Tell of labels that are not among the known ones: once for all rows, with what they may be meant as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from harness.counted import counted
from harness.data.duplicates import normalised
from harness.data.fields import UnknownLabelError
from harness.data.labels import is_number

SHOWN_LABELS, SHOWN_KNOWN = 5, 10
MOST_COMPARED = 50
"""Number of unknown labels, the most frequent ones, whose nearest known label is looked for."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A row with a label that is not known."""

    error: UnknownLabelError
    place: str


def unknown_lines(found: Sequence[Unknown], labels: Sequence[str], *, rows: int) -> Iterator[str]:
    """Describe rows with unknown labels: a single one as any other mistake, several of a column in one line."""
    for column in dict.fromkeys(one.error.column for one in found):
        ours = [one for one in found if one.error.column == column]
        if len(ours) == 1:
            yield f"{ours[0].place}: {ours[0].error}"
            continue
        counts = Counter(one.error.label for one in ours)
        shown = [f"{name!r:.100} ({counted(count, 'row')})" for name, count in counts.most_common(SHOWN_LABELS)]
        yield (
            f"{ours[0].place}: {column}: this row and {len(ours) - 1:,} more of {rows:,} have labels that are not "
            f"among those of the training data or task: {', '.join(shown)}{_more(len(counts) - SHOWN_LABELS)}. "
            f"Known: {_known(labels)}. {_advice([name for name, _ in counts.most_common()], labels)}"
        )


def _known(labels: Sequence[str]) -> str:
    return ", ".join(f"{name!r:.100}" for name in labels[:SHOWN_KNOWN]) + _more(len(labels) - SHOWN_KNOWN)


def _more(count: int) -> str:
    return f" and {count:,} more" if count > 0 else ""


def _advice(unknown: Sequence[str], known: Sequence[str]) -> str:
    """Suggest what the labels are meant as, and what to do."""
    alike = _alike(unknown, known)
    if len(alike) == len(unknown):
        return f"They differ in case or blanks alone: write {_renamed(alike)}."
    if all(map(is_number, unknown)) and not any(map(is_number, known)):
        return "These are numbers, and the known ones are names: give each row its label's name."
    if all(map(is_number, known)) and not any(map(is_number, unknown)):
        return "These are names, and the known ones are numbers: give each row its label's number."
    near = {name: get_close_matches(name, known, n=1) for name in unknown[:MOST_COMPARED] if name not in alike}
    alike |= {name: close[0] for name, close in near.items() if close}
    if not alike:
        return "Rename them, or leave these rows out."
    others = " Rename the others, or leave their rows out." if len(alike) < len(unknown) else ""
    return f"Did you mean {_renamed(alike)}?{others}"


def _alike(unknown: Collection[str], known: Sequence[str]) -> dict[str, str]:
    """The known label by unknown one, of those that differ in case or blanks alone."""
    meant = {normalised(name): name for name in known}
    return {name: meant[normalised(name)] for name in unknown if normalised(name) in meant}


def _renamed(pairs: Mapping[str, str]) -> str:
    shown = [f"{meant!r:.100} for {name!r:.100}" for name, meant in list(pairs.items())[:SHOWN_LABELS]]
    return f"{', '.join(shown)}{_more(len(pairs) - SHOWN_LABELS)}"
