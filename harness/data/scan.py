"""SCAN: commands in a small English, and the actions that they mean.

Source: Lake and Baroni 2018, "Generalization without Systematicity", section 2, figures 6 and 7 (the grammar and the
meanings). The grammar is finite: 20,910 commands. Actions are called as in the paper, LTURN and JUMP; the data's own
files say I_TURN_LEFT and I_JUMP, which tokenizers cut into several pieces.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from harness.data.task import Row

ACTIONS = {"walk": "WALK", "look": "LOOK", "run": "RUN", "jump": "JUMP"}
TURNS = {"left": "LTURN", "right": "RTURN"}
TIMES = {"": 1, " twice": 2, " thrice": 3}
LONGEST_TRAINED = 22
"""Actions, of the length split's training commands."""
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
PRIMITIVE_SHARE = 0.1
"""Of what is learnt, the copies of the command that is learnt alone."""
SEED = 2018

Meaning = tuple[str, list[str]]


def _verbs() -> Iterator[Meaning]:
    """V: an action, perhaps to a side: once, opposite (turned twice) or around (four times)."""
    for verb, action in ACTIONS.items():
        yield verb, [action]
    for verb, acted in [("turn", []), *((verb, [action]) for verb, action in ACTIONS.items())]:
        for side, turn in TURNS.items():
            yield f"{verb} {side}", [turn, *acted]
            yield f"{verb} opposite {side}", [turn, turn, *acted]
            yield f"{verb} around {side}", [turn, *acted] * 4


def _sentences() -> Iterator[Meaning]:
    """S: a verb, once, twice or thrice."""
    for verb, actions in _verbs():
        for often, times in TIMES.items():
            yield verb + often, actions * times


def commands() -> list[Row]:
    """Every command with its actions: a sentence, or two of them, one after the other."""
    single = list(_sentences())
    both = [(f"{a} and {b}", [*first, *second]) for a, first in single for b, second in single]
    after = [(f"{a} after {b}", [*second, *first]) for a, first in single for b, second in single]
    return [{"source": text, "target": " ".join(actions)} for text, actions in (*single, *both, *after)]


def simple_split() -> Mapping[str, list[Row]]:
    """Commands at random, a fifth to judge (experiment 1); which ones, is not as published."""
    rows = _shuffled(commands())
    judging = round(TEST_SHARE * len(rows))
    return _with_validation(rows[judging:], rows[:judging])


def length_split() -> Mapping[str, list[Row]]:
    """Commands of at most 22 actions to learn from, and longer ones to judge (experiment 2)."""
    rows = _shuffled(commands())
    long = [len(str(row["target"]).split()) > LONGEST_TRAINED for row in rows]
    learnt = [row for row, judges in zip(rows, long, strict=True) if not judges]
    return _with_validation(learnt, [row for row, judges in zip(rows, long, strict=True) if judges])


def jump_split() -> Mapping[str, list[Row]]:
    """All that "jump" is a part of to judge, of which it alone is learnt."""
    return primitive_split("jump")


def turn_left_split() -> Mapping[str, list[Row]]:
    """All that "turn left" is a part of to judge, of which it alone is learnt."""
    return primitive_split("turn left")


def primitive_split(primitive: str) -> Mapping[str, list[Row]]:
    """A command that is learnt alone, and the commands that it is a part of to judge (experiment 3).

    As published, it stands among what is learnt so often that it is a tenth of it; none of these is kept to choose.

    Args:
        primitive: "jump" or "turn left".
    """
    learnt, alone, judging = list[Row](), list[Row](), list[Row]()
    for row in _shuffled(commands()):
        has_it = f" {primitive} " in f" {row['source']} "
        (alone if row["source"] == primitive else judging if has_it else learnt).append(row)
    splits = _with_validation(learnt, judging)
    copies = round(len(learnt) * PRIMITIVE_SHARE / (1 - PRIMITIVE_SHARE))
    return {**splits, "train": _shuffled([*splits["train"], *alone * copies])}


def _shuffled(rows: Sequence[Row]) -> list[Row]:
    return random.Random(SEED).sample(rows, len(rows))


def _with_validation(learnt: Sequence[Row], judging: Sequence[Row]) -> Mapping[str, list[Row]]:
    """The splits, with a tenth of what is learnt from kept to choose."""
    choosing = round(VALIDATION_SHARE * len(learnt))
    return {"train": list(learnt[choosing:]), "validation": list(learnt[:choosing]), "test": list(judging)}
