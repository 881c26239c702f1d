"""The tasks: generated rows, our predictions for them, and those of plain transformers."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.models.auto import modeling_auto

from experiments.auto_classes.checkpoints import OPINIONS, WORDS

SPLITS = (("train", 0, 40), ("validation", 1, 12), ("test", 2, 24))
Row = Mapping[str, Any]
Answer = Mapping[str, float]
"""What a model says of a row: numbers by what each is of, such as the probability of a label by its name."""


class NotComparedError(Exception):
    """Plain transformers reads rows otherwise, as it can't in windows."""


@dataclass(frozen=True)
class Studied:
    """A task.

    Attributes:
        auto_class: transformers' name of the class that knows its head.
        architectures: The types of model that this class knows.
        row: A made-up row, from its number and a source of chance.
        ours: The answer that a row of predictions.parquet holds.
        theirs: The answers of plain transformers to rows, by the saved checkpoint, in batches of a size.
        by: What gives those answers.
        data: Where a row holds what, as a user says it.
        recipe: What fine-tuning needs.
    """

    auto_class: str
    architectures: Mapping[str, Any]
    row: Callable[[int, random.Random], Row]
    ours: Callable[[Row], Answer]
    theirs: Callable[[Path, Sequence[Row], int], list[Answer]]
    by: str
    data: Mapping[str, str] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)

    def write_rows(self, folder: Path) -> dict[str, str]:
        """The file of each split, written into the folder as lines of JSON."""
        files = {name: folder / f"{name}.jsonl" for name, _, _ in SPLITS}
        for name, seed, count in SPLITS:
            lines = [f"{json.dumps(row)}\n" for row in made_up_rows(self.row, seed, count)]
            files[name].write_text("".join(lines), encoding="utf-8")
        return {name: str(file) for name, file in files.items()}


def made_up_rows(row: Callable[[int, random.Random], Row], seed: int, count: int) -> list[Row]:
    """So many rows; the same seed gives the same."""
    chooser = random.Random(seed)
    return [row(index, chooser) for index in range(count)]


def labelled_text(index: int, chooser: random.Random) -> Row:
    """A text of 2 to 80 words, one of which says the label; some are longer than a window."""
    label = ("bad", "good")[index % 2]
    words = chooser.choices(WORDS, k=chooser.choice((1, 4, 9, 20, 40, 79)))
    words.insert(chooser.randrange(len(words) + 1), chooser.choice(OPINIONS[label]))
    return {"text": " ".join(words), "label": label}


def labels_of_ours(row: Row) -> Answer:
    """The probability of each label, whose names are in order."""
    return dict(zip(OPINIONS, torch.tensor(row["logits"]).softmax(0).tolist(), strict=True))


def labels_of_pipeline(folder: Path, rows: Sequence[Row], size: int) -> list[Answer]:
    """The same by the pipeline."""
    classify = transformers.pipeline("text-classification", str(folder))
    found = classify([row["text"] for row in rows], top_k=None, batch_size=size, truncation=True)
    return [{one["label"]: one["score"] for one in answer} for answer in found]


def tagged_words(_index: int, chooser: random.Random) -> Row:
    """Up to 30 words, some of them opinions, which are entities."""
    words, tags = [], []
    for _ in range(chooser.choice((2, 5, 12, 30))):
        kind = chooser.choice((*OPINIONS, *["O"] * 4))
        words.append(chooser.choice(OPINIONS.get(kind, WORDS)))
        tags.append(f"B-{kind}" if kind in OPINIONS else kind)
    return {"tokens": words, "tags": tags}


def tags_of_ours(row: Row) -> Answer:
    """The probability of each word's most probable tag, by the word's number and the tag."""
    found = zip(row["prediction"], row["scores"], strict=True)
    return {f"{place} {tag}": score for place, (tag, score) in enumerate(found)}


def tags_of_pipeline(folder: Path, rows: Sequence[Row], size: int) -> list[Answer]:
    """The same by the pipeline, of each word's first piece."""
    tag = transformers.pipeline("token-classification", str(folder), ignore_labels=[])
    found = tag([" ".join(row["tokens"]) for row in rows], batch_size=size)
    answers = []
    for row, pieces in zip(rows, found, strict=True):
        starts = [sum(len(word) + 1 for word in row["tokens"][:place]) for place in range(len(row["tokens"]))]
        first = [piece for at in starts for piece in pieces if piece["start"] <= at < piece["end"]]
        if len(first) < len(starts):
            raise NotComparedError("words without a piece: its tokenizer's class cuts our words otherwise")
        answers.append({f"{place} {piece['entity']}": float(piece["score"]) for place, piece in enumerate(first)})
    return answers


def question(_index: int, chooser: random.Random) -> Row:
    """A question about a context of up to 28 words, an opinion in which is the answer."""
    words = chooser.choices(WORDS, k=chooser.choice((3, 9, 20, 27)))
    place, answer = chooser.randrange(len(words) + 1), chooser.choice(OPINIONS[chooser.choice([*OPINIONS])])
    words.insert(place, answer)
    answers = {"text": [answer], "answer_start": [sum(len(word) + 1 for word in words[:place])]}
    return {"question": f"was the {chooser.choice(WORDS)} ?", "context": " ".join(words), "answers": answers}


def span_of_ours(row: Row) -> Answer:
    """The score of the best span, by its place, and that of no answer."""
    return {f"{row['start']} to {row['end']}": row["score"], "no answer": row["no_answer_score"]}


@torch.no_grad()
def span_of_model(folder: Path, rows: Sequence[Row], size: int) -> list[Answer]:
    """The same by a stock model and tokenizer; transformers 5 has no pipeline of questions."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    answers = []
    for batch in _batches(rows, size):
        texts = [[row[name] for row in batch] for name in ("question", "context")]
        inputs = tokenizer(*texts, padding=True, return_tensors="pt", return_offsets_mapping=True)
        offsets, length = inputs.pop("offset_mapping").tolist(), inputs.input_ids.shape[1]
        if length > tokenizer.model_max_length:
            raise NotComparedError(f"read in windows: its tokenizer's class cuts our words otherwise ({length} tokens)")
        found = model(**inputs)
        for place in range(len(batch)):
            context = [token for token, part in enumerate(inputs.sequence_ids(place)) if part == 1]
            starts, ends = found.start_logits[place], found.end_logits[place]
            scores = (starts[context, None] + ends[context]).masked_fill(
                torch.ones(len(context), len(context)).tril(-1).bool(), -torch.inf
            )
            first, last = divmod(int(scores.argmax()), len(context))
            span = f"{offsets[place][context[first]][0]} to {offsets[place][context[last]][1]}"
            none = inputs.input_ids[place].tolist().index(tokenizer.cls_token_id)
            answers.append({span: float(scores.max()), "no answer": float(starts[none] + ends[none])})
    return answers


def document(_index: int, chooser: random.Random) -> Row:
    """A text of 3 to 25 words."""
    return {"text": " ".join(chooser.choices(WORDS, k=chooser.choice((3, 6, 12, 25))))}


def masked_nats_of_ours(row: Row) -> Answer:
    """Nats per token, each token alone masked."""
    return {"nats": row["prediction"]["masked_nats"] / row["prediction"]["masked_tokens"]}


def masked_nats_of_pipeline(folder: Path, rows: Sequence[Row], size: int) -> list[Answer]:
    """The same by the pipeline, which is asked for each word in turn."""
    fill = transformers.pipeline("fill-mask", str(folder))
    asked = sorted(_masked(rows, fill.tokenizer.mask_token))
    nats = [0.0] * len(rows)
    for word, group in groupby(asked, key=lambda one: one[0]):
        places, texts = zip(*((place, text) for _, place, text in group), strict=True)
        found = fill([*texts, texts[0]], targets=[word], batch_size=size)  # Of one text alone it gives no list.
        for place, answers in zip(places, found, strict=False):
            nats[place] -= float(torch.tensor(answers[0]["score"]).log())
    return [{"nats": cost / len(row["text"].split())} for cost, row in zip(nats, rows, strict=True)]


def _masked(rows: Sequence[Row], mask: str) -> Iterator[tuple[str, int, str]]:
    """Each word, the number of its text, and the text with the word masked."""
    for place, row in enumerate(rows):
        words = row["text"].split()
        for hidden, word in enumerate(words):
            yield word, place, " ".join([*words[:hidden], mask, *words[hidden + 1 :]])


def nats_of_ours(row: Row) -> Answer:
    """Nats per token, each from those before it."""
    return {"nats": row["prediction"]["nats"] / row["prediction"]["tokens"]}


@torch.no_grad()
def nats_of_model(folder: Path, rows: Sequence[Row], size: int) -> list[Answer]:
    """The same by a stock model, which has no pipeline for it."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    answers = []
    for batch in _batches(rows, size):
        inputs = tokenizer([row["text"] for row in batch], padding=True, return_tensors="pt")
        asked = inputs["input_ids"][:, 1:]
        is_word = ~torch.isin(asked, torch.tensor(tokenizer.all_special_ids))
        logits = model(**inputs).logits[:, :-1].float()
        nats = -logits.log_softmax(-1).gather(-1, asked[..., None])[..., 0]
        answers += [{"nats": float(one[words].mean())} for one, words in zip(nats, is_word, strict=True)]
    return answers


def _batches(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


MASKED = modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
# XLNet's plain pass sees the word that is asked for; tests/task_types/test_stock_language_models.py has its perplexity.
CAUSAL = {
    name: known
    for name, known in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.items()
    if name not in MASKED and name != "xlnet"
}
PLAIN = "the stock model"
STUDIED: Mapping[str, Studied] = {
    "classification": Studied(
        "AutoModelForSequenceClassification",
        modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        labelled_text,
        labels_of_ours,
        labels_of_pipeline,
        "`pipeline`",
    ),
    "token_classification": Studied(
        "AutoModelForTokenClassification",
        modeling_auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
        tagged_words,
        tags_of_ours,
        tags_of_pipeline,
        "`pipeline`",
        data={"tokens": "tokens", "tags": "tags"},
    ),
    "question_answering": Studied(
        "AutoModelForQuestionAnswering",
        modeling_auto.MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES,
        question,
        span_of_ours,
        span_of_model,
        PLAIN,
        data={"question": "question", "context": "context", "answers": "answers"},
    ),
    "masked_language_modelling": Studied(
        "AutoModelForMaskedLM",
        MASKED,
        document,
        masked_nats_of_ours,
        masked_nats_of_pipeline,
        "`pipeline`",
        data={"text": "text", "task_type": "language_modelling"},
        recipe={"mask_stride": 1, "maximum_steps": 0},  # A masked model is scored as it is.
    ),
    "causal_language_modelling": Studied(
        "AutoModelForCausalLM",
        CAUSAL,
        document,
        nats_of_ours,
        nats_of_model,
        PLAIN,
        data={"text": "text", "task_type": "language_modelling"},
    ),
}
