"""What a verdict's sentences claim: who is ahead of whom, who is behind, of whom no difference was found."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

NAMES = ("alpha", "beta", "gamma", "delta", "omega", "sigma")
ANY = "|".join(NAMES)
LIST = rf"((?:{ANY})(?:(?:, | and )(?:{ANY}))*)"
SCORED = rf"({ANY}) \([^)]*\)"
SCORES = rf"({SCORED}(?:(?:, | and ){SCORED})*)"
CLAIM = re.compile(r"\b(better|worse|ahead|behind|as good|ruled out|beaten|highest|lowest|difference from)\b")


@dataclass
class Said:
    """Claims, as pairs of names and sets of names.

    Attributes:
        first: The model with the best score.
        ahead: (winner, loser).
        maybe: Those that may be the best.
        undecided: Those of which no difference from the baseline was found.
        not_ahead: (model, simple baseline) where the model scores no better, or might by chance.
        unknown: Sentences that claim something that is not known here.
    """

    first: str = ""
    ahead: set[tuple[str, str]] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    undecided: set[tuple[str, str]] = field(default_factory=set)
    not_ahead: set[tuple[str, str]] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)


def names(text: str) -> list[str]:
    return re.findall(ANY, text)


def claims_of(sentences: Iterable[str], every: Iterable[str]) -> Said:
    """What the sentences about a task say.

    Args:
        sentences: The verdict.
        every: All models of the task.
    """
    said = Said()
    for sentence in sentences:
        if not _is_known(sentence, said, list(every)) and CLAIM.search(sentence) and re.search(ANY, sentence):
            said.unknown.append(sentence)
    return said


def _is_known(sentence: str, said: Said, every: list[str]) -> bool:
    if found := re.match(rf"({ANY}) (?:has the (?:highest|lowest) |scores )", sentence):
        said.first = found[1]
    elif found := re.fullmatch(
        rf"It is ahead of (?:(every other model)|{LIST}) by more than chance explains\.", sentence
    ):
        others = [name for name in every if name != said.first] if found[1] else names(found[2])
        said.ahead |= {(said.first, name) for name in others}
    elif found := re.fullmatch(rf"{LIST} is behind {LIST}\.", sentence):
        said.ahead |= {(winner, loser) for loser in names(found[1]) for winner in names(found[2])}
    elif found := re.fullmatch(rf"Against ({ANY}), {SCORES} (?:is|are) (better|worse)\.", sentence):
        pairs = {(name, found[1]) for name in names(found[2])}
        said.ahead |= pairs if found[sentence_end(found)] == "better" else {(other, name) for name, other in pairs}
    elif found := re.fullmatch(rf"No difference from ({ANY}) was found for {LIST}\.", sentence):
        said.undecided |= {(name, found[1]) for name in names(found[2])}
    elif (found := re.match(rf"{LIST} may be as good: ", sentence)) or (
        found := re.match(rf"{LIST} can't be ruled out, ", sentence)
    ):
        said.maybe |= set(names(found[1]))
    elif (found := re.fullmatch(rf"The simple baseline ({ANY}) is not beaten by {SCORES}\.", sentence)) or (
        found := re.fullmatch(
            rf"Ahead of the simple baseline ({ANY}), but within what chance explains: {SCORES}\.", sentence
        )
    ):
        said.not_ahead |= {(name, found[1]) for name in names(found[2])}
    else:
        return False
    return True


def sentence_end(found: re.Match[str]) -> int:
    """The number of the last group, which holds the direction."""
    return len(found.groups())
