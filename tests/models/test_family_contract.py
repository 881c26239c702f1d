"""What every family promises for every task type: it learns, and its checkpoints are plain transformers ones."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from command_line import read_predictions
from small_models import (
    ARCHITECTURES,
    LABELS,
    TAGS,
    Silent,
    choice_examples,
    document_examples,
    loaded_model,
    own_data,
    own_run,
    question_examples,
    tagged_examples,
    text_examples,
    trainer_for,
    weights,
    write_language_checkpoint,
)

from harness.config.training import Training
from harness.registry import FAMILIES, TASK_TYPES
from harness.runs.execution import Options, execute
from harness.task_types.texts import TextExample

# `auto` reads what other families read too; its own test is below.
TRAINED = [name for name in FAMILIES.names() if not hasattr(FAMILIES.load(name), "fit") and name != "auto"]
# The others' language models are the stock ones: tests/task_types/test_stock_language_models.py.
LANGUAGE = [name for name in TRAINED if FAMILIES.load(name).language is not None]
COLUMNS = {
    "language_modelling": {"reference": dict, "prediction": dict},
    "classification": {"reference": str, "prediction": str, "logits": list},
    "multi_label": {"reference": list, "prediction": list, "logits": list},
    "multiple_choice": {"reference": str, "prediction": str, "choices": list, "logits": list},
    "regression": {"reference": float, "prediction": float},
    "question_answering": {
        "reference": list, "prediction": str, "start": int, "end": int, "score": float, "no_answer_score": float,
    },
    "sequence_to_sequence": {"reference": str, "prediction": dict, "source": str},
    "token_classification": {
        "reference": list, "prediction": list, "words": list, "scores": list, "entities": list,
    },
}  # fmt: skip
TARGETS = {"classification": lambda n: n % 2, "multi_label": lambda n: (n % 2,), "regression": lambda n: n / 4}
# Models that not every family has; those that write: tests/task_types/test_sequence_to_sequence.py.
OTHER_MODELS = ("language_modelling", "sequence_to_sequence")
PLAIN_FILES = {".safetensors", ".json", ".txt", ".md", ".model", ".jinja"}


def test_every_family_and_every_task_type_is_tested_here():
    assert set(TRAINED) == set(ARCHITECTURES)
    assert len(TRAINED) >= 4
    assert set(COLUMNS) == set(TASK_TYPES.names())
    assert len(LANGUAGE) >= 3


def examples_of(task_type):
    if task_type == "question_answering":
        return question_examples(6)
    if task_type == "token_classification":
        return tagged_examples(6)
    if task_type == "multiple_choice":
        return choice_examples(6)
    return [TextExample(e.id, e.text, TARGETS[task_type](n)) for n, e in enumerate(text_examples(6))]


def labels_of(task_type):
    return {"classification": LABELS, "multi_label": LABELS, "token_classification": TAGS}.get(task_type, ())


@pytest.mark.slow_but_first
@pytest.mark.parametrize("task_type", [name for name in COLUMNS if name not in OTHER_MODELS])
@pytest.mark.parametrize("family", TRAINED)
def test_a_step_changes_every_layer_and_the_checkpoint_says_the_same(family, task_type, checkpoints, tmp_path):
    loaded, objective = loaded_model(family, checkpoints[family], task_type, labels=labels_of(task_type))
    trainer, reader = trainer_for(loaded, objective, Training(learning_rate=1e-3, warmup_ratio=0.0))
    examples = examples_of(task_type)
    features = objective.features(examples, reader)
    before = weights(loaded.model)
    assert np.isfinite(trainer.step(features.items))
    still = [name for name, tensor in weights(loaded.model).items() if torch.equal(tensor, before[name])]
    # A bias that all choices of a question share changes no softmax over them.
    shared = {name for name in still if objective.head().instead and name in ("classifier.bias", "logits_proj.bias")}
    assert set(still) <= _initial_model(family, task_type) | shared, still

    _, outputs = trainer.forward.evaluate(features, examples)
    for row in objective.rows(outputs, examples, {}):
        assert {name: type(value) for name, value in row.items()} == COLUMNS[task_type]

    from harness.training.task_model import save_checkpoint

    inputs = trainer.forward.collator(features.items).inputs
    save_checkpoint(loaded, reader, tmp_path, head=objective.head())
    plain = getattr(transformers, objective.head().auto_class).from_pretrained(tmp_path).eval()
    # What transformers scores side by side, each row is here the only choice of its question.
    stock = {name: rows[:, None] for name, rows in inputs.items()} if objective.head().instead else inputs
    with torch.no_grad():
        for name in objective.head().outputs:
            torch.testing.assert_close(plain(**stock)[name], loaded.model(**inputs)[name], atol=1e-6, rtol=0)
    assert {file.suffix for file in tmp_path.iterdir()} <= PLAIN_FILES


@pytest.mark.slow
@pytest.mark.parametrize("family", LANGUAGE)
def test_a_language_model_is_judged_and_its_checkpoint_says_the_same(family, tmp_path):
    own = own_data(tmp_path / "data", document_examples(9), task_type="language_modelling", sizes=(None, 3, 3))
    checkpoint = write_language_checkpoint(family, tmp_path / "checkpoint")
    run = own_run(tmp_path / "runs", own, checkpoint, family=family, max_length=32, maximum_steps=0)
    record = execute(run, Options(), Silent())
    assert record.status == "complete"
    assert record.best_step == 0
    assert record.curve == ()
    rows = read_predictions(run.folder)
    for row in rows:
        assert {name: type(row[name]) for name in COLUMNS["language_modelling"]} == COLUMNS["language_modelling"]
    causal = FAMILIES.load(family).language.causal
    finite = {name for name, score in record.scores["test"].items() if np.isfinite(score)}
    told = {"perplexity", "bits_per_byte", "bits_per_character"}
    assert finite == (told if causal else {"pseudo_perplexity", "pseudo_bits_per_byte"})

    folder = run.folder / "checkpoint"
    assert {file.suffix for file in folder.iterdir()} <= PLAIN_FILES
    head = transformers.AutoModelForCausalLM if causal else transformers.AutoModelForMaskedLM
    before, after = (weights(head.from_pretrained(where)) for where in (checkpoint, folder))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def _initial_model(family, task_type):
    """Tensors that a model has and the task does not read."""
    if family == "xlnet":
        return {"transformer.mask_emb"}  # of its language modelling
    if family == "bigbird" and task_type != "multiple_choice":
        return {"bert.pooler.weight", "bert.pooler.bias"}  # whose heads read states
    if family == "transformer_xl":
        return {"transformer.pos_emb.inv_freq"}  # a constant
    return set()


@pytest.mark.slow  # twenty whole runs
@pytest.mark.parametrize("paired", [False, True], ids=["texts", "pairs"])
@pytest.mark.parametrize("made", ["read", "made from nothing"])
@pytest.mark.parametrize("family", TRAINED)
def test_a_pipeline_gives_the_harness_s_own_predictions(family, made, paired, checkpoints, tmp_path):
    own = own_data(tmp_path / "data", text_examples(40, longest=30, pairs=paired), sizes=(None, 10, 10))
    checkpoint = checkpoints[family] if made == "read" else None
    run = own_run(tmp_path / "runs", own, checkpoint, family=family, max_length=16, maximum_steps=2)
    execute(run, Options(), Silent())
    folder = run.folder / "checkpoint"
    assert {file.suffix for file in folder.iterdir()} <= PLAIN_FILES
    classify = transformers.pipeline("text-classification", str(folder))
    assert _predicted(classify, own.test, truncation=True) == pytest.approx(_recorded(run.folder), abs=1e-5)


def _predicted(classify, file, **settings):
    rows = [json.loads(line) for line in Path(file).read_text().splitlines()]
    texts = [{"text": row["text"], **({"text_pair": row["pair"]} if "pair" in row else {})} for row in rows]
    answers = [classify(text, top_k=None, **settings) for text in texts]
    return [score for answer in answers for _, score in sorted((found["label"], found["score"]) for found in answer)]


def _recorded(folder):
    rows = read_predictions(folder)
    return [p for row in rows for p in torch.tensor(row["logits"]).softmax(0).tolist()]


@pytest.mark.slow
def test_the_auto_family_reads_an_architecture_that_has_no_file(tmp_path):
    from small_models import ENCODER, WIDE, small_tokenizer

    tokenizer = small_tokenizer("bert")
    config = transformers.ErnieConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **ENCODER, **WIDE)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path / "checkpoint")
    tokenizer.save_pretrained(tmp_path / "checkpoint")
    own = own_data(tmp_path / "data", text_examples(40), sizes=(None, 10, 10))
    run = own_run(tmp_path / "runs", own, tmp_path / "checkpoint", family="auto", maximum_steps=2)
    record = execute(run, Options(), Silent())
    assert record.status == "complete"
    assert record.cost.training_flops > 0
    classify = transformers.pipeline("text-classification", str(run.folder / "checkpoint"))
    assert _predicted(classify, own.test) == pytest.approx(_recorded(run.folder), abs=1e-5)
