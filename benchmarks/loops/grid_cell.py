"""One run of a suite as a Trainer script: one process for a model, a task and a seed.

    python -m benchmarks.loops.grid_cell MODEL DATA SEED OUTPUT [--best]

Like run_glue.py: reads json files, tokenises through `datasets`, trains an epoch, evaluates, predicts, saves.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from datasets import load_dataset

from benchmarks.loops.grid import BATCH_SIZE, LEARNING_RATE, MAX_LENGTH, SPLITS
from benchmarks.loops.trainer import BEST


def main() -> None:
    """Do the cell, and print its scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("output", type=Path)
    parser.add_argument("--best", action="store_true", help="dynamic padding, length groups, fused AdamW")
    parser.add_argument("--bf16", action="store_true")
    asked = parser.parse_args()
    transformers.set_seed(asked.seed)
    data = load_dataset("json", data_files={split: f"{asked.data}/{split}.jsonl" for split in SPLITS})
    labels = sorted(set(data["train"]["label"]))
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.model)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(asked.model, num_labels=len(labels))
    data = data.map(lambda rows: _encoded(rows, tokenizer, labels, best=asked.best), batched=True)
    trainer = transformers.Trainer(
        model,
        _arguments(asked),
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        data_collator=transformers.DataCollatorWithPadding(tokenizer) if asked.best else None,
        processing_class=tokenizer,
        compute_metrics=_accuracy,
    )
    trainer.train()
    trainer.save_model()
    validation = trainer.evaluate()["eval_accuracy"]
    test = trainer.predict(data["test"], metric_key_prefix="test").metrics["test_accuracy"]
    (asked.output / "scores.json").write_text(json.dumps({"validation": validation, "test": test}))


def _encoded(rows: Any, tokenizer: Any, labels: list[str], *, best: bool) -> dict[str, Any]:
    texts = [rows["text"], rows["pair"]] if "pair" in rows else [rows["text"]]
    encoded = tokenizer(*texts, padding=False if best else "max_length", max_length=MAX_LENGTH, truncation=True)
    return {**encoded, "label": [labels.index(label) for label in rows["label"]]}


def _accuracy(prediction: Any) -> dict[str, float]:
    return {"accuracy": float(np.mean(prediction.predictions.argmax(1) == prediction.label_ids))}


def _arguments(asked: argparse.Namespace) -> transformers.TrainingArguments:
    return transformers.TrainingArguments(
        output_dir=str(asked.output),
        use_cpu=True,
        bf16=asked.bf16,
        per_device_train_batch_size=BATCH_SIZE,
        per_device_eval_batch_size=BATCH_SIZE,
        num_train_epochs=1,
        learning_rate=LEARNING_RATE,
        weight_decay=0.01,
        warmup_steps=0.1,
        seed=asked.seed,
        eval_strategy="epoch",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **(BEST if asked.best else {}),
    )


if __name__ == "__main__":
    main()
