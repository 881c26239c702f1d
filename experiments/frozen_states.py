"""What a checkpoint's states say about a task before fine-tuning: a logistic regression on the mean state of a text.

    python -m experiments.frozen_states rotten_tomatoes reuters_r8       # --model, --train, --test for others

prints a table. For each checkpoint, and for its architecture with fresh weights (the mean of three draws), it gives the
test accuracy of the layer and regularisation strength that are best on the validation split.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import transformers
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import AutoConfig, AutoModel, AutoTokenizer

from harness.data.loading import load_splits
from harness.models.families.transformer_xl import register
from harness.registry import BUILT_IN, TASKS
from harness.task_types.texts import TextExample

MODELS = ("bert-mini", "roberta-mini", "xl-mini")
STRENGTHS = (1e-3, 1e-2, 1e-1)
LONGEST, TOGETHER = 128, 64  # tokens, texts
FRESH_SEEDS = (0, 1, 2)
Part = tuple[list[np.ndarray], list[Any]]  # a matrix [texts, width] a layer, and the labels


def states(model: Any, tokenizer: Any, examples: Sequence[TextExample]) -> Part:
    """The mean of each text's states, layer by layer, and the texts' labels."""
    ordered = sorted(examples, key=lambda example: len(example.text))
    groups = [ordered[start : start + TOGETHER] for start in range(0, len(ordered), TOGETHER)]
    means = [_means(model, tokenizer, [example.text for example in group]) for group in groups]
    return [torch.cat(layer).numpy() for layer in zip(*means, strict=True)], [example.target for example in ordered]


@torch.no_grad()
def _means(model: Any, tokenizer: Any, texts: list[str]) -> list[torch.Tensor]:
    inputs = tokenizer(texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
    mask = inputs["attention_mask"]
    output = model(input_ids=inputs["input_ids"], attention_mask=mask, output_hidden_states=True)
    real = mask[..., None].float()
    return [(layer * real).sum(1) / real.sum(1) for layer in output.hidden_states]


def accuracy(train: Part, validation: Part, test: Part) -> float:
    """On the test split, of what is best on the validation split."""
    fitted = [
        (layer, make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=500)).fit(matrix, train[1]))
        for layer, matrix in enumerate(train[0])
        for strength in STRENGTHS
    ]
    layer, best = max(fitted, key=lambda pair: pair[1].score(validation[0][pair[0]], validation[1]))
    return float(best.score(test[0][layer], test[1]))


def main() -> None:
    """Read the arguments, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("tasks", nargs="+", metavar="TASK", help="classification tasks of one text")
    parser.add_argument("--model", action="append", help="a folder of configs/models; repeatable")
    parser.add_argument("--train", type=int, default=1500, help="training examples")
    parser.add_argument("--test", type=int, default=1000, help="test examples, and validation examples, at most")
    asked = parser.parse_args()
    register()
    transformers.logging.set_verbosity_error()
    table = Table("model", *(f"{task}: {weights}" for task in asked.tasks for weights in ("pretrained", "fresh")))
    samples = [_sample(task, asked.train, asked.test) for task in asked.tasks]
    for name in asked.model or MODELS:
        table.add_row(name, *(cell for parts in samples for cell in _cells(name, parts)))
    Console().print(table)


def _sample(task: str, train: int, test: int) -> list[list[Any]]:
    """Of the training, validation and test split, at most so many examples."""
    splits, draw = load_splits(TASKS.load(task)), random.Random(0)
    return [
        draw.sample(rows, min(most, len(rows)))
        for rows, most in ((splits.train, train), (splits.validation, test), (splits.test, test))
    ]


def _cells(name: str, parts: list[list[Any]]) -> list[str]:
    """Accuracy of the checkpoint and of fresh weights."""
    folder = BUILT_IN / "configs/models" / name
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def score(model: Any) -> float:
        return accuracy(*(states(model.float().eval(), tokenizer, part) for part in parts))

    fresh = [score(_fresh(folder, seed)) for seed in FRESH_SEEDS]
    return [f"{score(AutoModel.from_pretrained(folder)):.3f}", f"{np.mean(fresh):.3f}"]


def _fresh(folder: Any, seed: int) -> Any:
    torch.manual_seed(seed)
    return AutoModel.from_config(AutoConfig.from_pretrained(folder))


if __name__ == "__main__":
    main()
