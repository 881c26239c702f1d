"""What a verdict's sentences claim: who is ahead of whom, who is behind, of whom no difference was found."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

NAMES = ("alpha", "beta", "gamma", "delta", "omega", "sigma")
ANY = "|".join(NAMES)
LIST = rf"((?:{ANY})(?:(?:, | and )(?:{ANY}))*)"
EVERYONE = rf"every other model(?:, {LIST} among them,)?"
CLAIM = re.compile(r"\b(better|worse|ahead|behind|as good|ruled out|beaten|highest|lowest|difference from|best)\b")
IN_BRACKETS = re.compile(r"\s*\([^()]*\)")


@dataclass
class Said:
    """Claims, as pairs of names and sets of names.

    Attributes:
        first: The model with the best score.
        ahead: (winner, loser).
        maybe: Those that may be the best.
        undecided: Those of which no difference from the baseline was found, with the baseline.
        not_ahead: (model, simple baseline) where the model scores no better, or might by chance.
        unknown: Sentences that claim something that is not known here.
    """

    first: str = ""
    ahead: set[tuple[str, str]] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    undecided: set[tuple[str, str]] = field(default_factory=set)
    not_ahead: set[tuple[str, str]] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)


def claims_of(sentences: Iterable[str], every: Iterable[str]) -> Said:
    """What the sentences about a task say.

    Args:
        sentences: The verdict.
        every: All models of the task.
    """
    said = Said()
    for sentence in map(without_brackets, sentences):
        if not _is_known(sentence, said, list(every)) and CLAIM.search(sentence) and re.search(ANY, sentence):
            said.unknown.append(sentence)
    return said


def without_brackets(sentence: str) -> str:
    """The sentence without differences and doubts, which stand in brackets and in brackets within these."""
    shorter = IN_BRACKETS.sub("", sentence)
    return sentence if shorter == sentence else without_brackets(shorter)


def _is_known(sentence: str, said: Said, every: list[str]) -> bool:
    return any(read(sentence, said, every) for read in (_first, _ahead, _against, _open, _simple, _collapsed))


def _names(text: str) -> list[str]:
    return re.findall(ANY, text)


def _first(sentence: str, said: Said, _every: list[str]) -> bool:
    ways = r" has the (?:highest|lowest) | scores |'s score is the best of \d+ that may be the best, "
    found = re.match(rf"({ANY})(?:{ways})", sentence)
    if found:
        said.first = found[1]
    return bool(found)


def _ahead(sentence: str, said: Said, every: list[str]) -> bool:
    if found := re.fullmatch(rf"It is ahead of (?:{EVERYONE}|{LIST}) by more than chance explains\.", sentence):
        others = _names(found[2]) if found[2] else [name for name in every if name != said.first]
        said.ahead |= {(said.first, name) for name in others}
        return True
    found = re.fullmatch(rf"({ANY}) is behind {LIST}\.", sentence)
    if found:
        said.ahead |= {(winner, found[1]) for winner in _names(found[2])}
    return bool(found)


def _against(sentence: str, said: Said, _every: list[str]) -> bool:
    found = re.fullmatch(rf"Against ({ANY}), {LIST} (?:is|are) (better|worse)\.", sentence)
    if found:
        pairs = {(name, found[1]) for name in _names(found[2])}
        said.ahead |= pairs if found[3] == "better" else {(winner, loser) for loser, winner in pairs}
    return bool(found)


def _open(sentence: str, said: Said, _every: list[str]) -> bool:
    if found := re.fullmatch(rf"No difference from ({ANY}) was found for {LIST}\.", sentence):
        said.undecided |= {(name, found[1]) for name in _names(found[2])}
        return True
    found = re.match(rf"{LIST} (?:may be as good: |can't be ruled out, )", sentence)
    if found:
        said.maybe |= set(_names(found[1]))
    return bool(found)


def _simple(sentence: str, said: Said, _every: list[str]) -> bool:
    ways = (
        rf"The simple baseline ({ANY}) is not beaten by {LIST}\.",
        rf"Ahead of the simple baseline ({ANY}), but within what chance explains: {LIST}\.",
    )
    found = next((match for way in ways if (match := re.fullmatch(way, sentence))), None)
    if found:
        said.not_ahead |= {(name, found[1]) for name in _names(found[2])}
    return bool(found)


def _collapsed(sentence: str, _said: Said, _every: list[str]) -> bool:
    return bool(re.match(rf"(?:\d+ of \d+ runs|The only run) of ({ANY}) collapsed", sentence))
