"""SCAN: commands in a small fragment of English, with the actions that they mean.

Source: Lake and Baroni 2018, "Generalization without Systematicity", section 2, figures 6 and 7 (grammar and meanings).
The grammar is finite, with 20,910 commands. Actions have the names of the paper, LTURN and JUMP. The published files
use I_TURN_LEFT and I_JUMP, which tokenizers split into several pieces.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.data.sources import Generated
from harness.data.task import Row, Task

ACTIONS = {"walk": "WALK", "look": "LOOK", "run": "RUN", "jump": "JUMP"}
TURNS = {"left": "LTURN", "right": "RTURN"}
TIMES = {"": 1, " twice": 2, " thrice": 3}
LONGEST_TRAINED = 22
"""Maximum number of actions in the training commands of the length split."""
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
PRIMITIVE_SHARE = 0.1
"""The fraction of the training data that is copies of the primitive command."""
SEED = 2018

Meaning = tuple[str, list[str]]


def scan_task(
    split: Callable[[], Mapping[str, list[Row]]],
    version: str,
    examples: Mapping[str, int],
    *,
    keep_repeats: bool = False,
) -> Task:
    """Create the task of a split, whose `version` must change whenever the commands do."""
    return Task(
        task_type="sequence_to_sequence",
        source=Generated(split, version),
        metrics=("exact_text", "target_token_accuracy", "target_perplexity"),
        licence="none needed: made by its published grammar",
        citation="Lake and Baroni 2018, Generalization without Systematicity",
        near_duplicates="keep",
        keep_repeats=keep_repeats,
        examples=examples,
    )


def _verbs() -> Iterator[Meaning]:
    """Yield V: an action, possibly with a direction: once, opposite (turned twice) or around (four times)."""
    for verb, action in ACTIONS.items():
        yield verb, [action]
    for verb, acted in [("turn", []), *((verb, [action]) for verb, action in ACTIONS.items())]:
        for side, turn in TURNS.items():
            yield f"{verb} {side}", [turn, *acted]
            yield f"{verb} opposite {side}", [turn, turn, *acted]
            yield f"{verb} around {side}", [turn, *acted] * 4


def _sentences() -> Iterator[Meaning]:
    """Yield S: a verb, once, twice or thrice."""
    for verb, actions in _verbs():
        for often, times in TIMES.items():
            yield verb + often, actions * times


def commands() -> list[Row]:
    """Return every command with its actions: a sentence, or two of them one after the other."""
    single = list(_sentences())
    both = [(f"{a} and {b}", [*first, *second]) for a, first in single for b, second in single]
    after = [(f"{a} after {b}", [*second, *first]) for a, first in single for b, second in single]
    return [{"source": text, "target": " ".join(actions)} for text, actions in (*single, *both, *after)]


def simple_split() -> Mapping[str, list[Row]]:
    """Split commands at random, with a fifth for the test (experiment 1). The sample differs from the published one."""
    rows = _shuffled(commands())
    judging = round(TEST_SHARE * len(rows))
    return _with_validation(rows[judging:], rows[:judging])


def length_split() -> Mapping[str, list[Row]]:
    """Split commands into those of at most 22 actions for training, and longer ones for the test (experiment 2)."""
    rows = _shuffled(commands())
    long = [len(str(row["target"]).split()) > LONGEST_TRAINED for row in rows]
    learnt = [row for row, judges in zip(rows, long, strict=True) if not judges]
    return _with_validation(learnt, [row for row, judges in zip(rows, long, strict=True) if judges])


def jump_split() -> Mapping[str, list[Row]]:
    """Test on all commands that contain "jump", and train on it alone."""
    return primitive_split("jump")


def turn_left_split() -> Mapping[str, list[Row]]:
    """Test on all commands that contain "turn left", and train on it alone."""
    return primitive_split("turn left")


def primitive_split(primitive: str) -> Mapping[str, list[Row]]:
    """Train on a command in isolation, and test on the commands that contain it (experiment 3).

    As published, its copies make up a tenth of the training data. None of them is in the validation split.

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
    """Return the splits, with a tenth of the training data as the validation split."""
    choosing = round(VALIDATION_SHARE * len(learnt))
    return {"train": list(learnt[choosing:]), "validation": list(learnt[:choosing]), "test": list(judging)}
