from collections.abc import Sequence

import numpy as np
import pyarrow
import pytest

from harness.metrics.influence import by_jackknife, macro_f1
from harness.metrics.lookup import find_metric, known_metrics
from harness.task_types.language_modelling.metrics import COSTS, RATIOS, SIZES
from harness.task_types.question_answering.metrics import BY_ANSWERABILITY

LABELS = ("a", "b", "c", "d")
BINARY = ("no", "yes")
RNG = np.random.default_rng(3)
N = 150


def one_hot(rows: Sequence, labels: Sequence[str]) -> np.ndarray:
    return np.array(
        [[float(label == row or (not isinstance(row, str) and label in row)) for label in labels] for row in rows]
    )


def single(labels: Sequence[str]):
    references = RNG.integers(0, len(labels), N)
    predictions = np.where(RNG.random(N) < 0.6, references, RNG.integers(0, len(labels), N))
    rows = [[labels[i] for i in side] for side in (references, predictions)]
    return *rows, labels, one_hot(rows[0], labels), one_hot(rows[1], labels)


def several():
    truth = RNG.random((N, 4)) < [0.5, 0.3, 0.2, 0.1]
    guess = truth ^ (RNG.random((N, 4)) < 0.15)
    names = [[[label for label, on in zip(LABELS, row, strict=True) if on] for row in side] for side in (truth, guess)]
    return *names, LABELS, truth.astype(float), guess.astype(float)


def numbers():
    references = RNG.integers(0, 11, N) / 2  # coarse, so that there are ties
    predictions = (references + RNG.normal(size=N)).round(1)
    return list(references), list(predictions), (), references[:, None], predictions[:, None]


def documents():
    sizes, costs = RNG.integers(500, 5_000, (N, 2)).astype(float), RNG.integers(100, 900, (N, 4)).astype(float)
    costs[:, [0, 2]] *= RNG.normal(3.0, 0.4, (N, 2))
    rows = [[dict(zip(names, row, strict=True)) for row in side] for names, side in ((SIZES, sizes), (COSTS, costs))]
    return *rows, (), sizes, costs


def tags(entities):
    names = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC") if entities else ("NOUN", "VERB", "X")
    lengths = RNG.integers(1, 12, N)
    truth = [RNG.integers(0, len(names), length) for length in lengths]
    guess = [np.where(RNG.random(len(row)) < 0.7, row, RNG.integers(0, len(names), len(row))) for row in truth]
    return *([[names[tag] for tag in row] for row in side] for side in (truth, guess)), names


def answers():
    texts = ("denver broncos", "broncos", "a river", "")
    truth, guess = (RNG.integers(0, len(texts), N) for _ in range(2))
    guess = np.where(RNG.random(N) < 0.5, truth, guess)
    return [[texts[one]] if texts[one] else [] for one in truth], [texts[one] for one in guess], ()


def translations():
    words = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "it", "rain", "again"]
    truth = [" ".join(RNG.choice(words, RNG.integers(4, 14))) for _ in range(N)]
    guess = [
        " ".join(word if RNG.random() < 0.7 else RNG.choice(words) for word in text.split()[:11]) for text in truth
    ]
    costs = [(float(RNG.normal(2.0, 0.4)), len(text.split())) for text in truth]
    rows = [
        {"text": text, "nats": mean * tokens, "tokens": tokens, "right": int(RNG.integers(0, tokens + 1))}
        for text, (mean, tokens) in zip(guess, costs, strict=True)
    ]
    return truth, rows, ()


CASES = {
    **{
        name: [translations()]
        for name in (
            "bleu",
            "bleu_lowercase",
            "bleu_zh",
            "bleu_char",
            "chrf",
            "target_token_accuracy",
            "target_perplexity",
        )
    },
    **{metric.name: [answers()] for metric in BY_ANSWERABILITY},
    "entity_f1": [tags(True)],
    "entity_precision": [tags(True)],
    "entity_recall": [tags(True)],
    "entity_macro_f1": [tags(True)],
    "tag_accuracy": [tags(True), tags(False)],
    **{name: [documents()] for name in RATIOS},
    "accuracy": [single(LABELS), several()],
    "mean_squared_error": [numbers()],
    "f1": [single(BINARY)],
    "micro_f1": [single(LABELS), several()],
    "macro_f1": [single(LABELS), several()],
    "micro_f1_with_none": [several()],
    "macro_f1_with_none": [several()],
    "matthews": [single(BINARY), single(LABELS)],
    "pearson": [numbers()],
    "spearman": [numbers()],
}
EACH = [(name, case) for name, cases in CASES.items() for case in cases]


def test_every_metric_with_a_closed_form_is_checked():
    closed = {name for name, metric in known_metrics().items() if metric.influence is not None}
    assert set(CASES) == closed
    assert closed < set(known_metrics())


def influence(name: str, references: Sequence, predictions: Sequence, labels: Sequence[str]):
    return find_metric(name).influence(pyarrow.array(references), pyarrow.array(predictions), labels)


@pytest.mark.parametrize(("name", "case"), EACH)
def test_the_score_is_the_tasks_own(name: str, case: tuple):
    references, predictions, labels, *_ = case
    score, _ = influence(name, references, predictions, labels)
    assert score == pytest.approx(find_metric(name).function(references, predictions, labels), abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case"), EACH)
def test_the_influences_are_those_of_leaving_an_example_out(name: str, case: tuple):
    references, predictions, labels, *_ = case
    _, influences = influence(name, references, predictions, labels)

    def score_of(rows: np.ndarray) -> float:
        return find_metric(name).function([references[i] for i in rows], [predictions[i] for i in rows], labels)

    # Efron 1982: the jackknife's values are the influences, but for terms that vanish with the number of examples.
    left_out = by_jackknife(score_of, np.arange(N)) * N
    assert np.corrcoef(left_out, influences)[0, 1] > 0.999
    assert influences.std() == pytest.approx(left_out.std(), rel=0.03)
    assert influences.sum() == pytest.approx(0, abs=1e-9)


def test_a_single_block_is_never_left_out():
    assert by_jackknife(lambda rows: 1 / len(rows), np.zeros(5, dtype=np.int64)).tolist() == [0.0]


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = RNG.random(60)
    contributions = by_jackknife(lambda rows: values[rows].mean(), np.arange(60))
    assert contributions == pytest.approx((values - values.mean()) / 60)


@pytest.mark.parametrize("name", ["pearson", "spearman", "matthews"])
def test_a_constant_side_has_no_correlation_and_no_influence(name: str):
    references = ["a", "b"] * 3 if name == "matthews" else [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    score, influences = influence(name, references, references[:1] * 6, LABELS)
    assert score == 0
    assert not influences.any()


def test_what_a_model_does_not_do_has_no_score():
    sizes, costs, *_ = documents()
    masked = [{**cost, "nats": None, "tokens": None} for cost in costs]
    assert np.isnan(influence("perplexity", sizes, masked, ())[0])
    assert np.isfinite(influence("pseudo_perplexity", sizes, masked, ())[0])


def test_a_label_that_is_nowhere_counts_as_nothing_found():
    matrix = np.array([[1.0, 0, 0], [0, 1, 0]])
    assert macro_f1(matrix, matrix)[0] == pytest.approx(2 / 3)
