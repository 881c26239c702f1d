"""Transformer-XL as a family, and what transformers' own tools do with it."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from small_models import LABELS, Silent, loaded_model, own_data, own_run, question_examples, text_examples

from harness.config.model import ModelConfig, find_model
from harness.errors import UserError
from harness.models.checkpoint import family_of
from harness.models.pointer_head import NOTE
from harness.registry import FAMILIES
from harness.runs.execution import Options, execute
from harness.runs.predict import predict_rows

DATA = Path(__file__).parents[1] / "data" / "transformer_xl"


@pytest.fixture
def published(tmp_path):
    """A checkpoint as `harness convert` leaves it: published weights, and a word a line."""
    folder = tmp_path / "published"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(DATA / "adaptive_same_length" / name, folder / name)
    shutil.copyfile(DATA / "tokenizer" / "vocab.txt", folder / "vocab.txt")
    return folder


def test_the_family_is_found_by_a_published_config(published):
    assert family_of(ModelConfig(checkpoint=str(published))) == "transformer_xl"


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [False, True], ids=["texts", "pairs"])
def test_published_weights_and_words_are_fine_tuned_and_run_in_a_pipeline(published, tmp_path, pairs):
    own = own_data(tmp_path / "data", text_examples(40, pairs=pairs), sizes=(None, 10, 10))
    run = own_run(tmp_path / "runs", own, published, family="transformer_xl", maximum_steps=2)
    assert execute(run, Options(), Silent()).status == "complete"
    folder = run.folder / "checkpoint"
    assert {file.name for file in folder.iterdir()} >= {"vocab.txt", "model.safetensors"}
    classify = transformers.pipeline("text-classification", str(folder))
    assert classify({"text": "The end", "text_pair": "people"})["label"] in LABELS


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["windows", "segment_recurrence"])
def test_published_weights_and_words_answer_questions_and_the_record_says_how(published, tmp_path, strategy):
    own = own_data(tmp_path / "data", question_examples(40), sizes=(None, 10, 10))
    settings = {"strategy": strategy, "segment": 8, "memory": 8, "maximum_steps": 2}
    run = own_run(tmp_path / "runs", own, published, family="transformer_xl", **settings)
    record = execute(run, Options(), Silent())
    assert record.status == "complete"
    assert record.counts.unreachable_answers == {"train": 0.0, "validation": 0.0, "test": 0.0}
    assert NOTE in record.notes
    assert record.counts.tokens["test"].seen == record.counts.tokens["test"].total
    context = " ".join(["then"] * 30)
    (row,) = predict_rows(run.folder, [{"question": "who ?", "context": context}])
    assert row["prediction"] == context[row["start"] : row["end"]]
    assert row["prediction"]


def test_a_pickled_vocabulary_names_the_command_that_converts_it(published):
    (published / "vocab.txt").unlink()
    shutil.copyfile(DATA / "tokenizer" / "vocab.pkl", published / "vocab.pkl")
    with pytest.raises(UserError, match=f"Run: harness convert {published}"):
        loaded_model("transformer_xl", published)


def test_the_model_file_of_a_small_untrained_member_is_whole():
    model = find_model("transformer-xl-random")
    assert (model.family, model.init, model.checkpoint) == ("transformer_xl", "random", None)


def test_an_impossible_architecture_in_a_model_file_is_told():
    from harness.models.head import Head

    spec = ModelConfig(family="transformer_xl", architecture={"same_length": True, "mem_len": 0})
    head = Head("AutoModelForSequenceClassification", {"num_labels": 2}, ("logits",))
    with pytest.raises(UserError, match=r"architecture\.same_length: needs a memory"):
        FAMILIES.load("transformer_xl").load(spec, head, labels=LABELS, dropout=None, texts=lambda: ["a film"])


@pytest.mark.slow
def test_transformers_writes_text_with_it(published):
    write = transformers.pipeline("text-generation", str(published))
    said = write("Hello, my dog", max_new_tokens=5, do_sample=False)[0]["generated_text"]
    assert said.startswith("Hello, my dog")
    assert len(said) > len("Hello, my dog")


@pytest.mark.slow
def test_transformers_own_trainer_trains_and_evaluates_it(published, tmp_path):
    model = transformers.AutoModelForCausalLM.from_pretrained(published)
    ids = transformers.AutoTokenizer.from_pretrained(published)("The end of people").input_ids
    rows = [{"input_ids": ids, "labels": ids}] * 8
    settings = transformers.TrainingArguments(
        str(tmp_path),
        max_steps=6,
        learning_rate=1e-2,
        report_to=[],
        use_cpu=True,
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = transformers.Trainer(model, settings, train_dataset=rows, eval_dataset=rows)
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < before - 0.5


def test_its_vocabulary_does_not_grow(published):
    model = transformers.AutoModel.from_pretrained(published)
    with pytest.raises(NotImplementedError, match="can't grow"):
        model.resize_token_embeddings(300)


@pytest.mark.slow
def test_it_can_learn_a_batch_by_heart(published):
    torch.manual_seed(0)
    settings = json.loads((published / "config.json").read_text())
    config = transformers.AutoConfig.for_model(**{**settings, "num_labels": 2, "init_std": 0.1})
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    text, labels = torch.randint(0, 190, (8, 6)), torch.tensor([0, 1] * 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(60):
        loss = model(text, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss < 0.1
