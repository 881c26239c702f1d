"""The model card of a pretrained checkpoint, in the Hub's format."""

from __future__ import annotations

from harness.pretraining.record import PretrainingRecord


def pretraining_card(record: PretrainingRecord) -> str:
    """README.md for the checkpoints that `record` tells of."""
    plan, tokenizer = record.config["training"], record.config["tokenizer"]
    machine = record.provenance.hardware
    settings = "\n".join(f"- {key}: {value}" for key, value in plan.items() if value is not None)
    return f"""---
library_name: transformers
tags:
- pretraining
---

# {record.name}

A {record.config["family"]}, pretrained from nothing by the objective "{record.config["objective"]}":
{record.parameters:,} parameters, {record.tokens:,} tokens read in {record.steps:,} steps.

    harness pretrain {record.name}

makes it anew. It took {record.processor_seconds / 60:.0f} minutes of the processor \
({machine.get("processor", "unknown")}).

## Corpus

{_corpora(record)}

Tokenizer: {tokenizer["checkpoint"] or tokenizer["kind"]}, {record.corpus["tokenizer"]["vocabulary_size"]:,} entries\
{", lower-cased" if tokenizer.get("lowercase") else ""}.

## Losses, in nats a foretold word

Of BERT's objective, the training loss has that of next sentences in it.

{_curve(record)}

## Recipe

{settings}

## Intended use

Comparing architectures and ways to pretrain, at one small budget. It knows little of the world and less of today's
language, has not been checked for what its texts say of people, and should not serve anybody but to measure.
"""


def _corpora(record: PretrainingRecord) -> str:
    rows = ["| corpus | documents | characters | licence |", "|---|---:|---:|---|"]
    for name, facts in record.corpus["corpora"].items():
        rows.append(f"| {name} | {facts['kept']:,} | {facts['kept_characters']:,} | {facts['licence']} |")
    return "\n".join(rows)


def _curve(record: PretrainingRecord) -> str:
    names = list(record.curve[-1].validation_scores) if record.curve else []
    rows = [f"| step | training | {' | '.join(names)} |", f"|---:|---:|{'---:|' * len(names)}"]
    for point in record.curve:
        cells = " | ".join(f"{point.validation_scores[name]:.3f}" for name in names)
        rows.append(f"| {point.step:,} | {point.train_loss:.3f} | {cells} |")
    return "\n".join(rows)
