"""Token classification: a tag for each word, such as the entities of a sentence or parts of speech."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from operator import ne
from typing import Any

from harness.data.column_files import DOCUMENT, ENDINGS
from harness.data.fields import FieldError, label_index
from harness.data.placed_rows import with_fields
from harness.data.rows import group_of
from harness.data.sampled_columns import SampledColumn, columns_named_like
from harness.data.task import Row, Splits, Task
from harness.rare_label import RareLabel, rare_label
from harness.task_types.baseline import most_frequent
from harness.task_types.contract import Column, TaskType, untaught_labels
from harness.task_types.label_loss import LabelLoss
from harness.task_types.token_classification import errors
from harness.task_types.token_classification.examples import TaggedSentence, items_of, words_of
from harness.task_types.token_classification.explained import ExplainSettings
from harness.task_types.token_classification.metrics import (
    ENTITY_F1,
    ENTITY_MACRO_F1,
    ENTITY_PRECISION,
    ENTITY_RECALL,
    TAG_ACCURACY,
)
from harness.task_types.token_classification.schemes import entities, has_scheme, irregular
from harness.task_types.token_classification.words import places_of, split_words

TEXT = "text"
# Names of columns, the most usual first.
NAMES = {"tokens": ("tokens", "words"), "tags": ("ner tags", "tags", "pos tags", "upos", "labels")}
UNUSUAL = "{} entities not spelt as in BIO or IOBES (read as conlleval reads them)"


class TokenClassification(TaskType):
    """The task type."""

    name = "token_classification"
    columns: Mapping[str, Column] = {
        "tokens": Column("The column of a sentence's words (token classification)."),
        "tags": Column("The column of the words' tags (token classification)."),
    }
    inputs = ("tokens",)
    predict_options: Mapping[str, str] = {TEXT: "A text; give it twice for a pair."}
    metrics = (ENTITY_F1, ENTITY_PRECISION, ENTITY_RECALL, ENTITY_MACRO_F1, TAG_ACCURACY)
    default_metrics = ("entity_f1", "entity_precision", "entity_recall", "tag_accuracy")
    prediction_columns = ("prediction", "scores", "entities")
    explain_settings = ExplainSettings
    settings = LabelLoss
    unused_settings = ("thresholds", "pool")
    inferred = True
    endings = ENDINGS
    guess_rank = 1
    label_counts = staticmethod(errors.label_counts)
    confusions = staticmethod(errors.confusions)

    def guess_columns(
        self, columns: Mapping[str, SampledColumn], named: Mapping[str, tuple[str, ...]]
    ) -> Mapping[str, tuple[str, ...]] | None:
        """Guess the columns of lists of words and tags by their names."""
        lists = {name: column for name, column in columns.items() if column.is_list}
        return columns_named_like(lists, named, NAMES)

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Accept columns of lists."""
        return "words with tags" if all(column.is_list for names in columns.values() for column in names) else None

    def metrics_for(self, task: Task) -> tuple[str, ...]:
        """Return the metrics of entities, or the accuracy if the tags do not encode entities."""
        labels = self.label_names(task, [task.answered(row) for row in task.source.rows().get("train", ())])
        return self.default_metrics if has_scheme(labels) else (TAG_ACCURACY.name,)

    def label_fields(self, task: Task, row: Row) -> Sequence[object]:
        """Return the tags."""
        return items_of(row.get(task.column("tags"))) or ()

    def label_problems(self, labels: tuple[str, ...], splits: Splits) -> Iterator[str]:
        """Report tags that cannot be learnt."""
        return untaught_labels(labels, splits, unit="word", noun="tag")

    def rare_label(self, splits: Splits) -> RareLabel | None:
        """Return the type with the fewest entities, if it is rare; None if the tags do not encode entities."""
        if not has_scheme(splits.labels):
            return None
        sentences = ([splits.labels[tag] for tag in example.tags] for example in splits.train)
        counts = Counter(entity.type for tags in sentences for entity in entities(tags))
        names = tuple(sorted(counts))
        return rare_label(
            names,
            [counts[name] for name in names],
            metrics=(ENTITY_MACRO_F1.name,),
            sort="type of entity",
            counted="entities",
        )

    def example(
        self, task: Task, row: Row, identity: str, *, split: str, labels: tuple[str, ...], dropped: Counter[str]
    ) -> TaggedSentence:
        """Convert a row to an example. `dropped` counts entities with unusual tags."""
        words, column = self._words(task, row), task.column("tags")
        tags = items_of(row[column])
        if not words:
            raise FieldError(f"{task.column('tokens')}: an empty sentence. Fill the field, or leave the row out.")
        if tags is None or len(tags) != len(words):
            got = "none" if tags is None else len(tags)
            raise FieldError(f"{column}: not a tag per word (got {got} for {len(words)} words). Fix the row.")
        indices = tuple(label_index(tag, column, labels, named=bool(task.labels)) for tag in tags)
        if has_scheme(labels) and (unusual := irregular([labels[index] for index in indices], labels)):
            dropped[UNUSUAL.format(split)] += unusual
        group = group_of(task, row) or str(row.get(DOCUMENT, ""))
        return TaggedSentence(identity, words, indices, group)

    def blank_role(self, task: Task, row: Row) -> str | None:
        """Return "tokens" or "tags" if there are none, also if an empty list is written as text."""
        return next((role for role in self.columns if not (items_of(row.get(task.column(role))) or ())), None)

    def unlabelled(self, task: Task, row: Row, identity: str) -> TaggedSentence:
        """Convert a row to a sentence for prediction, with its text if the row has one that contains the words."""
        words, text = self._words(task, row), row.get(TEXT)
        offsets = places_of(words, text) if isinstance(text, str) else ()
        return TaggedSentence(identity, words, (0,) * len(words), "", str(text) if offsets else "", offsets)

    def wrongness(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> float:
        """Return the number of words with a wrong tag."""
        return float(sum(map(ne, answer["reference"], answer["prediction"])))

    def option_columns(self, _task: Task) -> Mapping[str, tuple[str, ...]]:
        """Return the column of a text, which is split into words."""
        return {TEXT: (TEXT,)}

    def completed(self, task: Task, row: Row) -> Row:
        """Add the words of the row's text, if it has no words."""
        column, text = task.column("tokens"), row.get(TEXT)
        if column in row or not isinstance(text, str):
            return row
        return with_fields(row, {column: split_words(text)})

    def written_columns(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the columns of predictions, without entities if the tags do not encode any."""
        return self.prediction_columns if has_scheme(labels) else self.prediction_columns[:2]

    def predicted(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> dict[str, Any]:
        """Return the tags and their probabilities, and the entities that they encode, if any."""
        found: dict[str, Any] = {
            "prediction": answer["prediction"],
            "scores": [round(score, 4) for score in answer["scores"]],
        }
        if "entities" in answer:
            found["entities"] = [entity | {"score": round(entity["score"], 4)} for entity in answer["entities"]]
        return found

    def constant_answers(self, references: Sequence[Any]) -> Sequence[Any]:
        """Return the most frequent tag for each word."""
        tag = most_frequent([tag for tags in references for tag in tags])[0]
        return [[tag] * len(tags) for tags in references]

    def is_constant(self, references: Any, predictions: Any) -> bool:
        """Return whether all words are predicted to have one tag."""
        return len(predictions.flatten().unique()) == 1

    def pipeline_tag(self, _test_scores: Mapping[str, float]) -> str:
        """Return the Hub's pipeline tag."""
        return "token-classification"

    def _words(self, task: Task, row: Row) -> tuple[str, ...]:
        column = task.column("tokens")
        return words_of(row[column], column)


task_type = TokenClassification()
