"""Tagging schemes: how the tags of words spell entities.

A tag is O, outside of every entity, or a prefix with a type, such as B-PER. B begins an entity, I goes on with one,
E (in BILOU: L) ends one, and S (in BILOU: U) is one of a single word. IOB1, IOB2 ("BIO"), IOBES and BILOU are read by
one set of rules, those of the CoNLL shared tasks' conlleval: any sequence of tags spells entities, and a prefix out of
place is not an error. Source: the shared task's evaluation script, Tjong Kim Sang and De Meulder 2003; seqeval's
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
_PREFIXES = {"L": "E", "U": "S"}  # BILOU's, in the letters of IOBES
_BEGUN, _CLOSED = re.compile("BI*"), re.compile("S|BI*E")


class Entity(NamedTuple):
    """A run of words with a type: the first of them, and the one behind the last.

    Two are the same where all three agree, as strict scores of entities ask for.
    """

    type: str
    start: int
    stop: int


def entities(tags: Sequence[str]) -> list[Entity]:
    """The entities that a sentence's tags spell, in their order.

    >>> entities(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [Entity(type='PER', start=0, stop=2), Entity(type='LOC', start=3, stop=4), Entity(type='LOC', start=4, stop=5)]

    Raises:
        UserError: A tag is neither O nor a prefix with a type.
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
    """Whether tags with these names spell entities; else they are plain tags, such as parts of speech.

    >>> has_scheme(["O", "B-PER", "I-PER"]), has_scheme(["NOUN", "VERB", "X"]), has_scheme(["B", "I", "O"])
    (True, False, True)
    """
    parsed = [_parsed(label) for label in labels if label != OUTSIDE]
    have_types = all(one is not None and one[1] for one in parsed)
    return bool(parsed) and None not in parsed and (have_types or OUTSIDE in labels)


def irregular(tags: Sequence[str], labels: Collection[str]) -> int:
    """How many entities are not spelt as BIO has it, or, where labels have E or S, as IOBES has it.

    In IOB1 that is every entity that begins with I.
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
    """Prefix and type of a tag that is not O."""
    found = _TAG.fullmatch(tag)
    return (_PREFIXES.get(found[1], found[1]), found[2] or "") if found else None
