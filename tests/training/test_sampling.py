"""The attention of a decoder on one test example, which a run that writes texts keeps for its report."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from command_line import read_predictions
from small_models import Silent, own_run
from task_types.test_sequence_to_sequence import SHORT, SMALL, STOCK, TASK_TYPE, end_tokenizer, loaded, own_files, pairs

from harness.config.training import Training
from harness.registry import TASK_TYPES
from harness.runs.execution import Options, execute
from harness.runs.explain import run_explainer
from harness.sample_attention import COLUMN, LONGEST_TOKEN, MOST_TOKENS, SampleAttention, recorded
from harness.task_types.sequence_to_sequence.examples import SequencePair
from harness.training import finetuning
from harness.training.sampling import with_sample_attention

TYPE = TASK_TYPES.load(TASK_TYPE)
FAMILIES = {"scratch": "scratch", "bert": "bert", "transformer_xl": "transformer_xl"}
ARCHITECTURES = {
    "scratch": SMALL,
    "transformer_xl": {"d_model": 32, "d_embed": 32, "n_layer": 2, "n_head": 2, "d_head": 16, "d_inner": 48},
}
SETTINGS = {**SHORT, "max_length": 48, "max_target_length": 24, "maximum_steps": 2, "beams": 2, "batch_size": 16}


def run_of(folder, name, checkpoints):
    """The run of a family, or of a stock architecture."""
    own, checkpoint = own_files(folder / "data", pairs(40)), checkpoints.get(name) if name == "bert" else None
    if name in STOCK:
        checkpoint = folder / name
        known = {"vocab_size": len(end_tokenizer()), "pad_token_id": 0, "eos_token_id": 3, **STOCK[name]}
        torch.manual_seed(11)
        transformers.AutoModelForSeq2SeqLM.from_config(
            transformers.AutoConfig.for_model(name, **known)
        ).save_pretrained(checkpoint)
        end_tokenizer().save_pretrained(checkpoint)
    run = own_run(folder / "runs", own, checkpoint, family=FAMILIES.get(name, "auto"), **SETTINGS)
    if name in ARCHITECTURES:
        made = {"architecture": ARCHITECTURES[name], "vocabulary_size": 320}
        model = run.config.model.model_copy(update=made)
        run = run.__class__(**{**vars(run), "config": run.config.model_copy(update={"model": model})})
    return run


def rows_of(run):
    assert execute(run, Options(), Silent()).status == "complete"
    return read_predictions(run.folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scratch", "bert", "t5", "bart", "marian"])
def test_a_run_of_an_encoder_decoder_keeps_the_mean_of_all_layers_on_the_first_example(name, checkpoints, tmp_path):
    run = run_of(tmp_path, name, checkpoints)
    first, *others = rows_of(run)
    assert all(row[COLUMN] is None for row in others)
    found = recorded(first[COLUMN])
    explainer = run_explainer(run.folder)
    explained = explainer.explained(SequencePair("a", first["source"], ""), label=None, steps=1, attention=True)
    assert explained.label == f"written “{first['prediction']['text']}”"
    assert (found.tokens, found.written) == (explained.attention.tokens, explained.attention.written)
    assert np.array(found.weights) == pytest.approx(np.mean(explained.attention.layers, axis=0), abs=6e-4)


@pytest.mark.slow
def test_a_language_model_keeps_none_as_it_reads_source_and_text_as_one(checkpoints, tmp_path):
    assert all(COLUMN not in row for row in rows_of(run_of(tmp_path, "transformer_xl", checkpoints)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scratch", "bert"])
def test_nothing_else_of_a_run_is_changed_by_what_is_kept(name, checkpoints, tmp_path, monkeypatch):
    run, bare = (run_of(tmp_path / folder, name, checkpoints) for folder in ("with", "without"))
    rows = rows_of(run)
    monkeypatch.setattr(finetuning, "with_sample_attention", lambda rows, *_: rows)
    assert [{key: value for key, value in row.items() if key != COLUMN} for row in rows] == rows_of(bare)
    files = [file for file in sorted((run.folder / "checkpoint").iterdir()) if file.name != "README.md"]
    assert {file.name for file in files} >= {"model.safetensors", "config.json", "generation_config.json"}
    assert all(file.read_bytes() == (bare.folder / "checkpoint" / file.name).read_bytes() for file in files)


def evaluated(examples, **settings):
    """An untrained model and its rows of the examples."""
    settings = {"beams": 1, "max_length": 64, "max_target_length": 6, **settings}
    model, objective, trainer, reader = loaded("scratch", examples=examples, **settings)
    features = objective.features(examples, reader)
    _, outputs = trainer.forward.evaluate(features, examples)
    part = SimpleNamespace(
        loaded=model,
        objective=objective,
        training=Training(**settings),
        features=lambda split: {"test": features}[split],
    )
    accelerator = trainer.forward.accelerator
    rows = objective.rows(outputs, examples, {})
    return rows, lambda rows: with_sample_attention(rows, part, SimpleNamespace(type=TYPE), accelerator)


@pytest.mark.slow
def test_the_first_sample_with_a_short_source_is_taken_and_none_if_all_are_long():
    long = [SequencePair(f"n-{place}", " ".join(pairs(1)[0].source.split() * 30), "red") for place in range(3)]
    rows, kept = evaluated([long[0], *pairs(2)])
    found = kept(rows)
    assert [row[COLUMN] is None for row in found] == [True, False, True]
    assert len(recorded(found[1][COLUMN]).tokens) == len(rows[1]["source"].split()) + 2  # [CLS] and [SEP]
    rows, kept = evaluated(long)
    assert kept(rows) == rows
    assert kept([]) == []


@pytest.mark.slow
def test_no_attention_is_kept_on_a_text_that_is_not_the_recorded_one():
    rows, kept = evaluated(pairs(2))
    other = [{**rows[0], "prediction": {**rows[0]["prediction"], "text": "another"}}, rows[1]]
    assert kept(other) == other
    assert recorded(kept(rows)[0][COLUMN]) is not None


def test_a_long_text_is_kept_as_far_as_a_map_goes_and_its_length_with_it():
    words = [str(number) for number in range(50)]
    kept = SampleAttention.of(["a", "b"], words, [[1 / 3, 2 / 3]] * 50)
    assert (kept.written, kept.written_in_all) == (tuple(words[:MOST_TOKENS]), 50)
    assert kept.weights[0] == (0.333, 0.667)


GOOD = {"tokens": ["a", "b"], "written": ["c"], "weights": [[0.25, 0.75]], "written_in_all": 3}


def test_what_is_kept_is_read_again():
    assert recorded(GOOD) == SampleAttention(("a", "b"), ("c",), ((0.25, 0.75),), 3)
    assert recorded(recorded(GOOD).row()) == recorded(GOOD)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens": ["a"]},
        {"tokens": ["a"] * (MOST_TOKENS + 1)},
        {"tokens": "ab"},
        {"written": []},
        {"written": ["c", "d"]},
        {"written": [1]},
        {"written": ["c" * (LONGEST_TOKEN + 1)]},
        {"weights": [[0.25, 0.75], [0.25, 0.75]]},
        {"weights": [[0.25, float("nan")]]},
        {"weights": [[-0.5, 1.5]]},
        {"weights": [["a", "b"]]},
        {"weights": [[0.25, 0.25]]},
        {"weights": [None]},
        {"written_in_all": 0},
        {"written_in_all": "3"},
        {"more": 1},
    ],
    ids=str,
)
def test_a_stranger_s_field_of_another_form_is_no_attention(wrong):
    assert recorded({**GOOD, **wrong}) is None
    assert recorded(None) is None
    assert recorded("text") is None
