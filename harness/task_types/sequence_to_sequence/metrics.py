"""Metrics of generated texts: BLEU, chrF, ROUGE, exact match, perplexity and token accuracy.

BLEU (Papineni et al. 2002) and chrF (Popović 2015) come from sacrebleu. They are functions of counts summed over all
texts (Post 2018), so the influence of a text follows from the derivatives by these sums. ROUGE (Lin 2004), from
rouge-score, is a mean over texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.metrics.columns import fields
from harness.metrics.influence import ratio
from harness.metrics.metric import NUMBER, PERCENT, TEXT, Floats, Metric, Scored, Unit, Values, mean_of
from harness.task_types.probabilities import perplexity

COSTS = ("nats", "tokens", "right")
FORM = ({"text": TEXT, **dict.fromkeys(COSTS, NUMBER)}, TEXT)
NEEDS_EXTRA = (
    "BLEU, chrF and ROUGE need packages that are not installed. Run: pip install 'finetune-harness[sequences]'"
)
STEP = 1e-6  # The relative step of numerical derivatives.


def _sacrebleu(name: str, **settings: Any) -> Any:
    """Create a metric of sacrebleu.

    Raises:
        UserError: If it is not installed.
    """
    try:
        import sacrebleu  # noqa: PLC0415 -- of an extra
    except ImportError as error:
        raise UserError(f"{error.name}: {NEEDS_EXTRA}") from error
    return getattr(sacrebleu, name)(**settings)


OF_SUMS: Mapping[str, Callable[[], Any]] = {
    "bleu": lambda: _sacrebleu("BLEU", force=True),
    "bleu_lowercase": lambda: _sacrebleu("BLEU", force=True, lowercase=True),
    "bleu_zh": lambda: _sacrebleu("BLEU", force=True, tokenize="zh"),
    "bleu_char": lambda: _sacrebleu("BLEU", force=True, tokenize="char"),
    "chrf": lambda: _sacrebleu("CHRF"),
}
"""Metrics of sacrebleu with its own settings. `force` allows texts that end in a blank and a full stop."""


def signature(name: str) -> str:
    """Return sacrebleu's signature of a metric, by which comparable scores elsewhere are recognized.

    Raises:
        UserError: If sacrebleu is not installed.
    """
    metric = OF_SUMS[name]()
    metric.corpus_score(["a"], [["a"]])  # Only then does it know the number of references per text.
    return str(metric.get_signature())


def _counts(metric: Any, references: Values, texts: Values) -> Floats:
    """Return sacrebleu's counts for each text [examples, counts]."""
    return np.array(metric._extract_corpus_statistics(texts, [references]), dtype=np.float64)


def _chrf_of(metric: Any, sums: Floats) -> float:
    """Compute the chrF from counts summed over texts [counts], from 0 to 1."""
    return float(metric._compute_score_from_stats(sums.tolist()).score) / 100


def _bleu_of(metric: Any, sums: Floats) -> float:
    """Compute BLEU in the same way. sacrebleu takes integer lengths only, so the brevity penalty is computed here."""
    written, right, *runs = sums.tolist()
    if not written:
        return 0.0
    orders = metric.max_ngram_order
    same_lengths = metric.compute_bleu(
        runs[:orders], runs[orders:], 1, 1, smooth_method=metric.smooth_method, max_ngram_order=orders
    )
    return float(same_lengths.score) / 100 * math.exp(min(0.0, 1 - right / written))


def scored_counts(counts: Floats, score: Callable[[Floats], float]) -> Scored:
    """Compute a score from counts summed over examples, and the influence of each example.

    An example's influence is the derivative by its weight: its counts times the score's derivatives by the sums. Sums
    of 0 are excluded, since the score jumps there.

    Args:
        counts: The counts of each example [examples, counts].
        score: Computes the score from the sums [counts].
    """
    sums = counts.sum(axis=0)
    slopes = np.zeros_like(sums)
    for place in np.flatnonzero(sums):
        step = np.zeros_like(sums)
        step[place] = STEP * sums[place]
        slopes[place] = (score(sums + step) - score(sums - step)) / (2 * step[place])
    influences = counts @ slopes * len(counts)
    return score(sums), influences - influences.mean()


def _text_metric(name: str, title: str) -> Metric:
    score_of = _chrf_of if name == "chrf" else _bleu_of

    def function(references: Values, predictions: Values, _labels: Sequence[str] = ()) -> float:
        texts = texts_of(predictions)
        if None in texts:
            return math.nan
        metric = OF_SUMS[name]()
        return score_of(metric, _counts(metric, references, texts).sum(axis=0))

    def influence(references: Any, predictions: Any, _labels: Sequence[str]) -> Scored:
        metric = OF_SUMS[name]()
        counts = _counts(metric, references.to_pylist(), predictions.field("text").to_pylist())
        return scored_counts(counts, lambda sums: score_of(metric, sums))

    return Metric(name, function, influence=influence, title=title, form=FORM)


def texts_of(predictions: Values) -> list[str | None]:
    """Return the generated texts."""
    return [prediction["text"] for prediction in predictions]


@cache
def _rouge_scorer(kind: str) -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer  # noqa: PLC0415 -- of an extra
    except ImportError as error:
        raise UserError(f"{error.name}: {NEEDS_EXTRA}") from error
    return RougeScorer([kind], use_stemmer=True)


def _rouge(name: str, kind: str, title: str) -> Metric:
    def values(references: Values, predictions: Values, _labels: Sequence[str] = ()) -> list[float]:
        scorer, texts = _rouge_scorer(kind), texts_of(predictions)
        return [
            math.nan if text is None else float(scorer.score(reference, text)[kind].fmeasure)
            for reference, text in zip(references, texts, strict=True)
        ]

    return Metric(name, mean_of(values), per_example=values, title=title, form=FORM)


def _exact(references: Values, predictions: Values, _labels: Sequence[str] = ()) -> list[float]:
    texts = texts_of(predictions)
    return [
        math.nan if text is None else float(reference.split() == text.split())
        for reference, text in zip(references, texts, strict=True)
    ]


def _of_costs(name: str, numerator: str, shown: Callable[[float], float], **more: Any) -> Metric:
    """Create a ratio of sums over the tokens of the reference texts; NaN if a model lacks them."""

    def function(_references: Values, predictions: Values, _labels: Sequence[str] = ()) -> float:
        found = [(one[numerator], one["tokens"]) for one in predictions]
        if any(value is None for pair in found for value in pair):
            return math.nan
        total, tokens = (math.fsum(values) for values in zip(*found, strict=True))
        return shown(total / tokens)

    def influence(_references: Any, predictions: Any, _labels: Sequence[str]) -> Scored:
        totals, tokens = fields(predictions, (numerator, "tokens")).T
        if np.isnan(totals + tokens).any():
            return math.nan, np.full(len(totals), np.nan)
        return scored_ratio(totals, tokens, shown)

    return Metric(name, function, influence=influence, form=FORM, partial=True, units="tokens", **more)


def scored_ratio(totals: Floats, tokens: Floats, shown: Callable[[float], float]) -> Scored:
    """Compute the score from the texts' totals and numbers of tokens [examples], and the influence of each text."""
    found, influences = ratio(totals[:, None], tokens[:, None])
    mean = float(found[0])
    slope = shown(mean) if shown is perplexity else 1.0
    return shown(mean), influences[:, 0] * slope


def as_it_is(mean: float) -> float:
    """Return the mean."""
    return mean


BLEU = _text_metric("bleu", "BLEU")
BLEU_LOWERCASE = _text_metric("bleu_lowercase", "BLEU, lower case")
BLEU_ZH = _text_metric("bleu_zh", "BLEU of Chinese")
BLEU_CHAR = _text_metric("bleu_char", "BLEU of characters")
CHRF = _text_metric("chrf", "chrF")
ROUGE = (
    _rouge("rouge_1", "rouge1", "ROUGE-1"),
    _rouge("rouge_2", "rouge2", "ROUGE-2"),
    _rouge("rouge_l", "rougeL", "ROUGE-L"),
)
EXACT = Metric("exact_text", mean_of(_exact), per_example=_exact, title="exact match of the text", form=FORM)
TOKEN_ACCURACY = _of_costs("target_token_accuracy", "right", as_it_is, title="target token accuracy", unit=PERCENT)
PERPLEXITY = _of_costs(
    "target_perplexity",
    "nats",
    perplexity,
    higher_is_better=False,
    title="target perplexity",
    unit=Unit(1, 2, 1.0),
)
METRICS = (BLEU, CHRF, BLEU_LOWERCASE, BLEU_ZH, BLEU_CHAR, *ROUGE, EXACT, TOKEN_ACCURACY, PERPLEXITY)
OF_COSTS = tuple(metric.name for metric in METRICS if metric.partial)
