"""Sequence to sequence: write a text from another, such as a translation, a summary or an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

from pydantic import Field

from harness.config.checking import Strict
from harness.data.fields import FieldError, text_field
from harness.data.rows import group_of
from harness.data.sampled_columns import SampledColumn, columns_named_like
from harness.data.scripts import count_unspaced
from harness.data.task import Row, Task
from harness.task_types.analysed import Aspect, by_length
from harness.task_types.baseline import most_frequent
from harness.task_types.contract import Column, TaskType
from harness.task_types.sequence_to_sequence.examples import SequencePair, WrittenText
from harness.task_types.sequence_to_sequence.metrics import BLEU_CHAR, METRICS, OF_SUMS, ROUGE, signature

NAMES = {"source": ("source", "src", "input"), "target": ("target", "tgt", "translation", "summary", "output")}
"""Names of columns, the most usual first."""
LENGTHS = {5: "1 to 5 words", 10: "6 to 10 words", 20: "11 to 20 words", 40: "21 to 40 words"}
SAMPLED = 1000
"""Number of training targets that show whether there are blanks between words."""


class Writing(Strict):
    """How texts are learnt and generated.

    Attributes:
        target_smoothing: Label smoothing: the probability mass spread evenly over the vocabulary (Vaswani et al. 2017,
            section 5.4). The validation loss is computed without it.
        max_target_length: Maximum number of tokens to generate, and of a target in training; the record counts longer
            targets.
        beams: Beam size; 1 is greedy search. Validation during training is always greedy.
        length_penalty: Exponent of the length that beam search divides log-probabilities by; positive values favour
            longer texts.
        validate_by: What chooses the checkpoint: "generation" uses the main metric of generated texts; "loss" uses the
            perplexity of the reference texts, which is much faster.
        source_prefix: Text before each source, as in T5: "translate English to German: ".
        source_language: The language of the source in the notation of a multilingual tokenizer ("de_DE").
        target_language: The language of the target, in the same notation.
        lead_sentences: Number of sentences that the simple baseline `lead` uses as its summary.
    """

    target_smoothing: float = Field(0.1, ge=0, lt=1)
    max_target_length: int = Field(128, ge=2)
    beams: int = Field(4, ge=1)
    length_penalty: float = 1.0
    validate_by: Literal["generation", "loss"] = "generation"
    source_prefix: str = ""
    source_language: str | None = None
    target_language: str | None = None
    lead_sentences: int = Field(3, ge=1)


class SequenceToSequence(TaskType):
    """The task type."""

    name = "sequence_to_sequence"
    columns: Mapping[str, Column] = {
        "source": Column("The column of the source text (sequence to sequence)."),
        "target": Column("The column of the target text (sequence to sequence)."),
    }
    inputs = ("source",)
    predict_options: Mapping[str, str] = {"source": "A source text to write the target for."}
    metrics = METRICS
    default_metrics = ("bleu", "chrf", "exact_text", "target_token_accuracy", "target_perplexity")
    settings = Writing
    unused_settings = ("pool",)
    uncounted = "reading and writing the targets, which depends on their lengths and on beams"
    inferred = True
    guess_rank = 1

    def guess_columns(
        self, columns: Mapping[str, SampledColumn], named: Mapping[str, tuple[str, ...]]
    ) -> Mapping[str, tuple[str, ...]] | None:
        """Guess the columns of texts by their names."""
        texts = {name: column for name, column in columns.items() if column.mean_length and not column.numbers}
        found = columns_named_like(texts, named, NAMES)
        return None if found is None or found["source"] == found["target"] else found

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Accept targets other than a few labels."""
        (target,) = columns["target"]
        return "texts with texts" if 2 * len(target.values) > len(target.fields) else None

    def metrics_for(self, task: Task) -> tuple[str, ...]:
        """Return chrF and BLEU of characters in place of BLEU if targets have no blanks between words, as in Chinese.

        A whole sentence would be one word of BLEU.
        """
        rows = islice(task.source.rows().get("train", ()), SAMPLED)
        fields = [task.answered(row).get(task.column("target")) for row in rows]
        texts = "".join("".join(field.split()) for field in fields if isinstance(field, str))
        (bleu, chrf, *others) = self.default_metrics
        return (chrf, BLEU_CHAR.name, *others) if 2 * count_unspaced(texts) > len(texts) else (bleu, chrf, *others)

    def label_notes(self, task: Task, rows: Sequence[Row], labels: tuple[str, ...]) -> Iterator[str]:
        """Report sacrebleu's signatures of the metrics."""
        yield from super().label_notes(task, rows, labels)
        yield from (f"{name} is sacrebleu's {signature(name)}" for name in task.metrics if name in OF_SUMS)

    def example(
        self, task: Task, row: Row, identity: str, *, split: str, labels: tuple[str, ...], dropped: Counter[str]
    ) -> SequencePair:
        """Convert a row to an example."""
        source, target = (text_field(row, task.column(role)) for role in self.columns)
        if not target.strip():
            raise FieldError(f"{task.column('target')}: an empty text. Fill the field, or leave the row out.")
        return SequencePair(identity, source, target, group_of(task, row))

    def unlabelled(self, task: Task, row: Row, identity: str) -> SequencePair:
        """Convert a row to a source for prediction."""
        return SequencePair(identity, text_field(row, task.column("source")), "")

    def predicted(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> dict[str, Any]:
        """Return the generated text."""
        return {"prediction": self.shown(answer["prediction"])}

    def shown(self, prediction: Any) -> Any:
        """Return the generated text, without the cost of the reference."""
        return prediction["text"]

    def wrongness(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> float:
        """Return 1 - chrF of the text."""
        text = answer["prediction"]["text"] or ""
        return 1 - float(OF_SUMS["chrf"]().sentence_score(text, [answer["reference"]]).score) / 100

    def sources(self, table: Any) -> Sequence[str]:
        """Return the sources, which may be truncated."""
        found: list[str] = table["source"].to_pylist() if "source" in table.column_names else []
        return found

    def recorded_aspects(self, table: Any) -> Iterator[Aspect]:
        """Yield the length of the source."""
        if sources := self.sources(table):
            yield by_length("source length", sources, LENGTHS)

    def constant_answers(self, references: Sequence[Any]) -> Sequence[Any]:
        """Return the most frequent text for each source."""
        return [WrittenText(text).row() for text in most_frequent(references)]

    def is_constant(self, references: Any, predictions: Any) -> bool:
        """Return whether the same text is generated for all sources."""
        return len(predictions.field("text").unique()) == 1

    def pipeline_tag(self, test_scores: Mapping[str, float]) -> str:
        """Return "summarization" if ROUGE is the first metric, else "translation"."""
        first = next(iter(test_scores), "")
        return "summarization" if first in {metric.name for metric in ROUGE} else "translation"


task_type = SequenceToSequence()
