"""The model card of a pretrained checkpoint, in the Hub's format."""

from __future__ import annotations

from harness.pretraining.recipe import PretrainingRecipe
from harness.pretraining.record import PretrainingRecord


def pretraining_card(record: PretrainingRecord, share: float) -> str:
    """Return the README.md of the checkpoint kept after `share` of the recorded run."""
    tokenizer, machine = record.config["tokenizer"], record.provenance.hardware
    plan = PretrainingRecipe.model_validate(record.config).training
    steps = max(1, round(share * plan.steps))
    part = "" if share == 1 else f", {share:.3g} of the run"
    return f"""---
library_name: transformers
tags:
- pretraining
---

# {record.name}

A {record.config["family"]}, pretrained from {record.config.get("checkpoint") or "scratch"} by the objective \
"{record.config["objective"]}":
{record.parameters:,} parameters, {round(record.tokens * steps / record.steps):,} tokens read in {steps:,} steps{part}.

    harness pretrain {record.name}

reproduces it, with the recipe below. The whole run took {record.processor_seconds / 60:.0f} minutes of processor time \
({machine.get("processor", "unknown")}).

## Corpus

{_corpora(record)}

Tokenizer: {tokenizer["checkpoint"] or tokenizer["kind"]}, {record.corpus["tokenizer"]["vocabulary_size"]:,} entries\
{", lower-cased" if tokenizer.get("lowercase") else ""}.

## Losses, in nats per predicted token

With BERT's objective, the training loss includes that of next-sentence prediction.

{_curve(record, steps)}

## Recipe

{_settings(record)}

## Intended use

Comparing architectures and ways to pretrain, at one small budget. It knows little about the world and less about
today's language, its texts have not been checked for what they say about people, and it should be used for
measurements only.
"""


def _corpora(record: PretrainingRecord) -> str:
    rows = ["| corpus | documents | characters | licence |", "|---|---:|---:|---|"]
    for name, facts in record.corpus["corpora"].items():
        rows.append(f"| {name} | {facts['kept']:,} | {facts['kept_characters']:,} | {facts['licence']} |")
    return "\n".join(rows)


def _settings(record: PretrainingRecord) -> str:
    """List the settings under their names in a recipe's file, without the corpora, which are shown above."""
    config = {key: value for key, value in record.config.items() if key != "corpora"}
    tables = {key: value for key, value in config.items() if isinstance(value, dict)}
    named = {key: value for key, value in config.items() if key not in tables}
    named |= {f"{table}.{key}": value for table, content in tables.items() for key, value in content.items()}
    return "\n".join(f"- {key}: {value}" for key, value in named.items() if value is not None)


def _curve(record: PretrainingRecord, steps: int) -> str:
    names = list(record.curve[-1].validation_scores) if record.curve else []
    rows = [f"| step | training | {' | '.join(names)} |", f"|---:|---:|{'---:|' * len(names)}"]
    for point in (point for point in record.curve if point.step <= steps):
        cells = " | ".join(f"{point.validation_scores[name]:.3f}" for name in names)
        rows.append(f"| {point.step:,} | {point.train_loss:.3f} | {cells} |")
    return "\n".join(rows)
