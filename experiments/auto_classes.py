"""Which architectures of transformers' Auto classes are fine-tuned, saved and run by plain `pipeline` with our numbers.

    python -m experiments.auto_classes                      # all; names of model types for some

Each architecture that has a head for sequences is built tiny and at random, with a small tokenizer. It is fine-tuned
for a few steps on texts of many lengths, saved and loaded again by `transformers.pipeline`, whose probabilities, for
single texts and in batches of eight, are held against those of the run's predictions.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, SupportsFloat

import pyarrow.parquet as parquet
import torch
import transformers
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)

from harness.config.model import ModelConfig
from harness.config.run import LocalData
from harness.config.training import Training
from harness.environment import prepare_libraries
from harness.errors import UserError
from harness.models.padding import UNPADDED
from harness.record import RECORD, read_record
from harness.registry import family_names_by_model_type
from harness.runs.execution import Options, execute
from harness.suites.expansion import planned_run
from harness.tokenization.trained_tokenizer import train_tokenizer

RESULTS = Path(__file__).parent / "results" / "auto_classes"
LABELS = ("bad", "good")
WORDS = ["the", "film", "plot", "scene", "was", "seen", "by", "many", "people", "in", "town", "on", "a", "rainy", "day"]
OPINIONS = {"bad": ("dull", "awful", "boring"), "good": ("lovely", "superb", "witty")}
TOLERANCE = 1e-4  # of a probability
MOST_PARAMETERS = 20_000_000
# What configurations call their sizes; each is set where it is known.
SIZES: Mapping[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "emb_dim", "dim", "embedding_size"), 32),
    **dict.fromkeys(("num_hidden_layers", "n_layers", "n_layer", "num_layers", "encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("num_decoder_layers",), 2),
    **dict.fromkeys(("num_attention_heads", "n_heads", "n_head", "num_heads", "num_key_value_heads"), 2),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2),
    **dict.fromkeys(("intermediate_size", "d_ff", "hidden_dim", "encoder_ffn_dim", "decoder_ffn_dim"), 48),
    **dict.fromkeys(("d_inner", "n_inner", "dff", "ffn_dim", "moe_intermediate_size"), 48),
    **dict.fromkeys(("head_dim", "d_kv", "d_head"), 16),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "max_seq_len"), 128),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "layer_group_size"), 4),
    **dict.fromkeys(("num_experts_per_tok", "num_selected_experts"), 2),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank", "v_head_dim"), 16),
    **dict.fromkeys(("qk_rope_head_dim", "qk_nope_head_dim", "rotary_dim"), 8),
    **dict.fromkeys(("n_group", "topk_group"), 1),
    "entity_vocab_size": 10,
}
# Where an architecture asks for more than sizes.
MORE: Mapping[str, Mapping[str, Any]] = {
    "deepseek_v3": {"head_dim": 8},
    "axk1": {"head_dim": 8},
    "funnel": {"block_sizes": [1, 1]},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 8},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "use_mamba_kernels": False},
    "lilt": {"hidden_size": 48},
    "perceiver": {
        "d_latents": 32, "num_latents": 8, "num_blocks": 1, "num_self_attends_per_block": 2,
        "num_self_attention_heads": 2, "num_cross_attention_heads": 2,
    },
    "qwen3_5_text": {"layer_types": ["linear_attention", "full_attention"]},
    "qwen3_next": {"layer_types": ["linear_attention", "full_attention"]},
    "reformer": {
        "axial_pos_embds_dim": [16, 16], "axial_pos_shape": [8, 16], "attn_layers": ["local", "lsh"],
        "feed_forward_size": 48, "attention_head_size": 16,
    },
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
}  # fmt: skip


def main() -> None:
    """Try the architectures that are named, or all, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_types", nargs="*", help="such as distilbert gpt2; default: all")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    prepare_libraries()
    logging.disable(logging.WARNING)
    chosen = arguments.model_types or sorted(MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES)
    rows = []
    for model_type in chosen:
        rows.append(tried(model_type))
        print(json.dumps(rows[-1]), flush=True)
    if not arguments.model_types:
        write(rows, arguments.output)


def tried(model_type: str) -> dict[str, Any]:
    """What came of one architecture."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="auto-classes-") as folder:
        found = {"model_type": model_type, "sort": sort_of(model_type), **_result(model_type, Path(folder))}
    return {**found, "seconds": round(time.monotonic() - started, 1)}


def _result(model_type: str, folder: Path) -> dict[str, Any]:
    try:
        checkpoint = write_checkpoint(model_type, folder / "checkpoint")
    except Exception as error:
        return {"result": "not built", "said": _short(error)}
    try:
        run = fine_tuned(model_type, checkpoint, folder)
        return compared(run, folder, padding_counts=UNPADDED in read_record(run / RECORD).notes)
    except UserError as error:
        return {"result": "refused", "said": _short(error)}
    except Exception as error:
        return {"result": "error", "said": f"{type(error).__name__}: {_short(error)}"}


def sort_of(model_type: str) -> str:
    """Which of the Auto classes an architecture belongs to."""
    if transformers.CONFIG_MAPPING[model_type]().is_encoder_decoder:
        return "encoder-decoder"
    causal = model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return "causal" if causal else "encoder"


def write_checkpoint(model_type: str, folder: Path) -> Path:
    """A tiny checkpoint with random weights and a small tokenizer."""
    tokenizer = train_tokenizer([" ".join(row) for row in _vocabulary()] * 3, vocabulary_size=300)
    tokenizer.model_input_names = tokenizer.init_kwargs["model_input_names"] = ["input_ids", "attention_mask"]
    tokenizer.eos_token = "[SEP]"
    known = transformers.AutoConfig.for_model(model_type)
    computed = {name for name in dir(type(known)) if isinstance(getattr(type(known), name), property)}
    sizes = {name: size for name, size in SIZES.items() if name not in computed and hasattr(known, name)}
    special = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "eos", "cls", "sep")}
    special["decoder_start_token_id"] = tokenizer.cls_token_id
    special["bos_token_id"] = tokenizer.cls_token_id
    settings = {**sizes, **special, "vocab_size": len(tokenizer), **MORE.get(model_type, {})}
    config = transformers.AutoConfig.for_model(model_type, **settings)
    with torch.device("meta"):
        size = transformers.AutoModelForSequenceClassification.from_config(config).num_parameters()
    if size > MOST_PARAMETERS:
        raise ValueError(f"{size:,} parameters: its sizes have other names")
    torch.manual_seed(11)
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.15)  # So narrow a model needs larger weights to tell words apart.
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def fine_tuned(model_type: str, checkpoint: Path, folder: Path) -> Path:
    """The folder of a short run on made-up texts."""
    files = {name: str(_rows(folder / f"{name}.jsonl", seed, count)) for name, seed, count in SPLITS}
    model = ModelConfig(family=family_names_by_model_type().get(model_type, "auto"), checkpoint=str(checkpoint))
    recipe = Training(batch_size=8, learning_rate=1e-3, maximum_steps=3, evaluations_per_epoch=1, max_length=64)
    run = planned_run(
        "own", LocalData(**files), name=model_type, model=model, seed=0, training=recipe, runs=folder / "runs"
    )
    record = execute(run, Options(), Silent())
    if record.status != "complete":
        raise UserError(record.reason)
    return Path(run.folder)


def compared(run: Path, folder: Path, *, padding_counts: bool) -> dict[str, Any]:
    """How far plain transformers' probabilities are from the run's.

    A model whose outputs depend on padding has other ones in batches, and is held to what it says of single texts.
    """
    rows = parquet.read_table(run / "predictions.parquet").to_pylist()
    wanted = [torch.tensor(row["logits"]).softmax(0).tolist() for row in rows]
    classify = transformers.pipeline("text-classification", str(run / "checkpoint"))
    texts = [json.loads(line)["text"] for line in (folder / "test.jsonl").read_text().splitlines()]
    differences = {}
    for size in (1, 8):
        answers = classify(texts, top_k=None, batch_size=size, truncation=True)
        differences[f"batch_{size}"] = max(
            abs(score - chance)
            for answer, chances in zip(answers, wanted, strict=True)
            for (_, score), chance in zip(sorted((one["label"], one["score"]) for one in answer), chances, strict=True)
        )
    spread = max(chances[0] for chances in wanted) - min(chances[0] for chances in wanted)
    held_to = [differences["batch_1"]] if padding_counts else differences.values()
    equal = "equal unpadded" if padding_counts else "equal"
    return {"result": equal if max(held_to) <= TOLERANCE else "differs", **differences, "spread": spread}


def write(rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """The table, dated, and its rows."""
    folder.mkdir(parents=True, exist_ok=True)
    date = datetime.now(UTC).date().isoformat()
    (folder / f"{date}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    (folder / f"{date}.md").write_text("\n".join(_page(rows, date)) + "\n", encoding="utf-8")


def _page(rows: Sequence[Mapping[str, Any]], date: str) -> Iterator[str]:
    yield f"# Architectures of transformers' Auto classes, {date}"
    yield ""
    yield f"`python -m experiments.auto_classes`, transformers {version('transformers')}, torch {version('torch')},"
    yield f"{platform.machine()} CPU. Tiny, random, fine-tuned for 3 steps; then `pipeline` on the saved checkpoint."
    yield ""
    counts = Counter((row["sort"], row["result"]) for row in rows)
    for sort in ("encoder", "encoder-decoder", "causal"):
        of_sort = [f"{count} {result}" for (name, result), count in sorted(counts.items()) if name == sort]
        yield f"- {sort}: {', '.join(of_sort)}"
    yield ""
    yield "| architecture | sort | result | batch 1 | batch 8 | |"
    yield "|---|---|---|---:|---:|---|"
    for row in rows:
        sizes = [f"{row[name]:.0e}" if name in row else "" for name in ("batch_1", "batch_8")]
        yield f"| {row['model_type']} | {row['sort']} | {row['result']} | {' | '.join(sizes)} | {row.get('said', '')} |"


def _vocabulary() -> Iterator[Sequence[str]]:
    yield WORDS
    yield [word for words in OPINIONS.values() for word in words]
    yield ["? , .", "abcdefghijklmnopqrstuvwxyz"]


SPLITS = (("train", 0, 40), ("validation", 1, 12), ("test", 2, 24))


def _rows(file: Path, seed: int, count: int) -> Path:
    file.write_text("".join(f"{json.dumps(row)}\n" for row in made_up_rows(seed, count)), encoding="utf-8")
    return file


def made_up_rows(seed: int, count: int) -> list[dict[str, str]]:
    """Texts of 2 to 80 words, one of which says the label; some are longer than a window."""
    chooser = random.Random(seed)
    rows = []
    for index in range(count):
        label = LABELS[index % 2]
        words = chooser.choices(WORDS, k=chooser.choice((1, 4, 9, 20, 40, 79)))
        words.insert(chooser.randrange(len(words) + 1), chooser.choice(OPINIONS[label]))
        rows.append({"text": " ".join(words), "label": label})
    return rows


def _short(error: Exception) -> str:
    """The error on one line, without folders."""
    line = " ".join(str(error).split()).replace("|", "/") or type(error).__name__
    words = [word if not word.startswith("/tmp") else "checkpoint:" for word in line.split()]
    return " ".join(words)[:200]


class Silent:
    """Callbacks that say nothing."""

    def on_step(self, step: int, steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Nothing."""

    def on_evaluate(self, point: Any) -> None:
        """Nothing."""


if __name__ == "__main__":
    main()
