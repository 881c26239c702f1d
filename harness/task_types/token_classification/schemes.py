"""Tagging schemes: how the tags of words encode entities.

A tag is O, outside of every entity, or a prefix with a type, such as B-PER. B begins an entity, I continues one, E (L
in BILOU) ends one, and S (U in BILOU) is an entity of a single word. IOB1, IOB2 ("BIO"), IOBES and BILOU are all read
by the rules of conlleval, the script of the CoNLL shared tasks: any sequence of tags encodes entities, and an
unexpected prefix is not an error. Source: the evaluation script of Tjong Kim Sang and De Meulder 2003; seqeval's
default mode does the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cache
from typing import NamedTuple

from harness.errors import UserError

OUTSIDE = "O"
_TAG = re.compile(r"([BIELSU])(?:[-_](.+))?")
_PREFIXES = {"L": "E", "U": "S"}  # from BILOU to IOBES
_BEGUN, _CLOSED = re.compile("BI*"), re.compile("S|BI*E")


class Entity(NamedTuple):
    """A span of words with a type: the first word, and the one after the last.

    Entities are equal if all three are, as in strict scoring.
    """

    type: str
    start: int
    stop: int


def entities(tags: Sequence[str]) -> list[Entity]:
    """Return the entities that a sentence's tags encode, in order.

    >>> entities(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [Entity(type='PER', start=0, stop=2), Entity(type='LOC', start=3, stop=4), Entity(type='LOC', start=4, stop=5)]

    Raises:
        UserError: If a tag is neither O nor a prefix with a type.
    """
    parsed = [_known(tag) for tag in tags]
    found: list[Entity] = []
    start = 0
    for place, (prefix, name) in enumerate(parsed):
        before, type_before = parsed[place - 1] if place else (OUTSIDE, "")
        goes_on = prefix != OUTSIDE and before != OUTSIDE
        if goes_on and name == type_before and prefix not in "BS" and before not in "ES":
            continue
        if before != OUTSIDE:
            found.append(Entity(type_before, start, place))
        start = place
    if parsed and parsed[-1][0] != OUTSIDE:
        found.append(Entity(parsed[-1][1], start, len(parsed)))
    return found


def has_scheme(labels: Collection[str]) -> bool:
    """Return whether tags with these names encode entities, unlike plain tags such as parts of speech.

    >>> has_scheme(["O", "B-PER", "I-PER"]), has_scheme(["NOUN", "VERB", "X"]), has_scheme(["B", "I", "O"])
    (True, False, True)
    """
    parsed = [_parsed(label) for label in labels if label != OUTSIDE]
    have_types = all(one is not None and one[1] for one in parsed)
    return bool(parsed) and None not in parsed and (have_types or OUTSIDE in labels)


def irregular(tags: Sequence[str], labels: Collection[str]) -> int:
    """Count the entities that are not tagged as in BIO, or as in IOBES if there are labels with E or S.

    In IOB1 this is every entity that begins with I.
    """
    closed = any(_known(label)[0] in "ES" for label in labels)
    spelling = _CLOSED if closed else _BEGUN
    prefixes = "".join(_known(tag)[0] for tag in tags)
    return sum(spelling.fullmatch(prefixes, one.start, one.stop) is None for one in entities(tags))


def _known(tag: str) -> tuple[str, str]:
    parsed = (OUTSIDE, "") if tag == OUTSIDE else _parsed(tag)
    if parsed is None:
        raise UserError(f"tag {tag!r}: spells no entity, as B-PER, I-PER and O do. Use tag_accuracy.")
    return parsed


@cache
def _parsed(tag: str) -> tuple[str, str] | None:
    """Return the prefix and type of a tag other than O."""
    found = _TAG.fullmatch(tag)
    return (_PREFIXES.get(found[1], found[1]), found[2] or "") if found else None
