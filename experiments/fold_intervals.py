"""How reliable the intervals of cross-validation are, with learners that are really trained on its folds.

    python -m experiments.fold_intervals --draws 1000        # about nine minutes of one core

Two models see the same rows in two encodings of the same quality (the row's hidden features plus noise of its own), so
their expected accuracy over new training sets is the same. "False winners": how often one is called better, at 5 %.
"Coverage": how often the 95 % interval contains a model's expected accuracy. The examples' part of the variance is
multiplied by 1 (as if folds shared no training rows), by our factor, and by that of Nadeau and Bengio (2003, "Inference
for the generalization error"): 1 + K / (K - 1) with K folds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from harness.comparison.statistics import SHARED_TRAINING, SIGNIFICANCE, Evidence, difference, mean

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
# From training and test rows [rows, features] and labels of -1 and 1 to the answers to the test rows.
Learner = Callable[[Floats, Floats, Floats, np.random.Generator], Floats]
SEPARATION, NOISE = 2.0, 0.5


def ridge(features: Floats, labels: Floats, tests: Floats, rng: np.random.Generator, luck: float = 0.0) -> Floats:
    """A least-squares classifier; its luck is a noise of its weights, of so many times their size."""
    known = np.column_stack([features, np.ones(len(features))])
    weights = np.linalg.solve(known.T @ known + np.eye(known.shape[1]), known.T @ labels)
    weights += luck * np.linalg.norm(weights) / np.sqrt(len(weights)) * rng.normal(size=len(weights))
    return np.sign(np.column_stack([tests, np.ones(len(tests))]) @ weights)


def lucky_ridge(features: Floats, labels: Floats, tests: Floats, rng: np.random.Generator) -> Floats:
    """A least-squares classifier whose seeds differ."""
    return ridge(features, labels, tests, rng, luck=0.5)


def neighbour(features: Floats, labels: Floats, tests: Floats, _: np.random.Generator) -> Floats:
    """The nearest neighbour's label."""
    distances = (features**2).sum(axis=1) - 2 * tests @ features.T
    return labels[distances.argmin(axis=1)]


def stump(features: Floats, labels: Floats, tests: Floats, _: np.random.Generator) -> Floats:
    """A tree with one split, the shakiest of learners: which feature it splits by hangs on a few rows."""
    from sklearn.tree import DecisionTreeClassifier

    return np.asarray(DecisionTreeClassifier(max_depth=1, random_state=0).fit(features, labels).predict(tests))


@dataclass(frozen=True)
class Case:
    """A learner on so many rows and features, in so many folds."""

    name: str
    learner: Learner
    rows: int
    features: int
    folds: int = 5

    def draw(self, rng: np.random.Generator, seeds: int) -> tuple[Floats, Floats]:
        """Which of both models' answers are right [seeds, rows]: each row's by the model that didn't see it."""
        hidden = rng.normal(size=(self.rows, self.features))
        chance = 1 / (1 + np.exp(-SEPARATION * hidden[:, :3].sum(axis=1) / np.sqrt(3)))
        labels = np.where(rng.random(self.rows) < chance, 1.0, -1.0)
        fold_of = _folds(labels, self.folds, rng)
        encodings = [hidden + NOISE * rng.normal(size=hidden.shape) for _ in range(2)]
        ours, theirs = (self._right(encoding, labels, fold_of, rng, seeds) for encoding in encodings)
        return ours, theirs

    def _right(
        self, features: Floats, labels: Floats, fold_of: Integers, rng: np.random.Generator, seeds: int
    ) -> Floats:
        right = np.empty((seeds, self.rows))
        for fold in range(self.folds):
            tested = fold_of == fold
            for seed in range(seeds):
                if seed and self.learner is not lucky_ridge:
                    right[seed, tested] = right[0, tested]
                    continue
                answers = self.learner(features[~tested], labels[~tested], features[tested], rng)
                right[seed, tested] = answers == labels[tested]
        return right


CASES = [
    Case("least squares, 5 features", ridge, 100, 5),
    Case("least squares, 5 features", ridge, 300, 5),
    Case("least squares, 20 features", ridge, 100, 20),
    Case("least squares, 20 features", ridge, 300, 20),
    Case("the same in 10 folds", ridge, 100, 20, 10),
    Case("the same in 2 folds", ridge, 100, 20, 2),
    Case("the same with luck", lucky_ridge, 100, 20),
    Case("the same with luck", lucky_ridge, 300, 20),
    Case("least squares, 60 features", ridge, 100, 60),
    Case("least squares, 60 features", ridge, 300, 60),
    Case("nearest neighbour", neighbour, 100, 5),
    Case("nearest neighbour", neighbour, 300, 5),
    Case("one split of a tree", stump, 100, 5),
    Case("one split of a tree", stump, 300, 5),
]


def rates(case: Case, factors: Sequence[float], draws: int, seeds: int) -> list[tuple[float, float]]:
    """False winners and coverage, by factor."""
    rng = np.random.default_rng([case.rows, case.features, case.folds])
    drawn = [case.draw(rng, seeds) for _ in range(draws)]
    truth = float(np.mean([(ours.mean() + theirs.mean()) / 2 for ours, theirs in drawn]))
    return [
        (
            float(np.mean([_finds_winner(*both, factor) for both in drawn])),
            float(np.mean([_covers(right, truth, factor) for both in drawn for right in both])),
        )
        for factor in factors
    ]


def _finds_winner(ours: Floats, theirs: Floats, factor: float) -> bool:
    found = difference(_evidence(ours, factor), _evidence(theirs, factor))
    return found.p_value is not None and found.p_value < SIGNIFICANCE


def _covers(right: Floats, truth: float, factor: float) -> bool:
    found = mean(_evidence(right, factor), least=0.0, most=1.0)
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


def _evidence(right: Floats, factor: float) -> Evidence:
    scores = right.mean(axis=1)
    return Evidence(scores, (right - scores[:, None]) / right.shape[1], inflation=factor)


def _folds(labels: Floats, folds: int, rng: np.random.Generator) -> Integers:
    """Each row's fold [rows], as many of each label in every one."""
    order = np.argsort(labels + rng.random(len(labels)))
    fold_of = np.empty(len(labels), dtype=np.int64)
    fold_of[order] = np.arange(len(labels)) % folds
    return fold_of


def main(
    draws: Annotated[int, typer.Option(help="Data sets a row.")] = 1000,
    seeds: Annotated[int, typer.Option(help="Seeds of each model.")] = 3,
) -> None:
    """Print the table."""
    typer.echo(f"{draws} data sets a row, {seeds} seeds, ours: {SHARED_TRAINING:g}.\n")
    typer.echo("| learner | rows | folds | false winners × 1 | ours | N and B | coverage × 1 | ours | N and B |")
    typer.echo("| --- " * 9 + "|")
    for case in CASES:
        factors = (1.0, SHARED_TRAINING, 1 + case.folds / (case.folds - 1))
        found = rates(case, factors, draws, seeds)
        shown = [f"{100 * rate:.1f} %" for rate in (*(one for one, _ in found), *(other for _, other in found))]
        typer.echo(f"| {case.name} | {case.rows} | {case.folds} | {' | '.join(shown)} |")


if __name__ == "__main__":
    typer.run(main)
