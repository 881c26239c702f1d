"""A small Transformer-XL that predicts newsgroup posts, trained from scratch in minutes, for `harness perplexity`.

    python -m experiments.language_model small-lm
    harness perplexity small-lm --text small-lm/held-out.txt --segment 32 --memory 0 --memory 32 --memory 128

Texts are read as in Dai et al. 2019: in parallel, segment by segment, with a memory through which no gradient flows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.progress import track
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, get_cosine_schedule_with_warmup

import harness.models.families  # noqa: F401 -- the Auto classes learn our own architectures
from harness.config.training import Training
from harness.data.loading import load_splits
from harness.long_texts.memory import first_memory, read_segment
from harness.ops.device import seed_layers
from harness.registry import TASKS
from harness.tokenization.trained_tokenizer import train_tokenizer
from harness.training.optimisation import make_optimizer

ARCHITECTURE = {
    "d_model": 128, "d_embed": 128, "n_layer": 2, "n_head": 4, "d_head": 32, "d_inner": 512, "cutoffs": [],
    "div_val": 1, "mem_len": 32, "memory_start": "empty", "same_length": False, "clamp_len": -1, "dropout": 0.0,
    "init_std": 0.05,
}  # fmt: skip
PIECES = 1_000
ROWS, SEGMENT = 16, 32
HELD_OUT = 30  # posts


def posts() -> tuple[list[str], list[str]]:
    """Posts to train on, and others."""
    splits = load_splits(TASKS.load("newsgroups_long"))
    return [example.text for example in splits.train], [example.text for example in splits.test[:HELD_OUT]]


def segments(texts: Sequence[str], tokenizer: Any) -> Iterator[Tensor]:
    """The texts, one behind the other, cut into rows side by side, in segments [rows, segment + 1], over and over."""
    ids = torch.tensor([token for row in tokenizer(texts, add_special_tokens=False)["input_ids"] for token in row])
    length = len(ids) // ROWS
    rows = ids[: length * ROWS].view(ROWS, length)
    while True:
        for start in range(0, length - SEGMENT, SEGMENT):
            yield rows[:, start : start + SEGMENT + 1]


def train(model: Any, texts: Sequence[str], tokenizer: Any, steps: int) -> None:
    """Take so many optimiser steps, of a segment of every row each."""
    recipe = Training(learning_rate=5e-3)
    optimizer = make_optimizer(model, recipe)
    schedule = get_cosine_schedule_with_warmup(optimizer, steps // 20, steps)
    memory, stream = first_memory(model, ROWS, SEGMENT), segments(texts, tokenizer)
    for _ in track(range(steps), "training"):
        words = next(stream)
        states, memory = read_segment(model, {"input_ids": words[:, :-1]}, memory, longest=SEGMENT)
        memory = [kept.detach() for kept in memory]
        model.token_losses(states.flatten(0, 1), words[:, 1:].flatten()).mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()


def main() -> None:
    """Write the model, its tokenizer and a text that neither has seen into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=3_000)
    asked = parser.parse_args()
    texts, others = posts()
    tokenizer = train_tokenizer(texts, vocabulary_size=PIECES)
    seed_layers(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("transfo-xl", vocab_size=PIECES, **ARCHITECTURE))
    train(model.train(), texts, tokenizer, asked.steps)
    model.save_pretrained(asked.folder)
    tokenizer.save_pretrained(asked.folder)
    (asked.folder / "held-out.txt").write_text("\n".join(others), encoding="utf-8")


if __name__ == "__main__":
    main()
