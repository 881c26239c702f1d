"""`harness convert`: old checkpoints become safe ones with the same numbers, and hostile ones are refused."""

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from harness.errors import UserError
from harness.models.convert import convert

DATA = Path(__file__).parents[1] / "data" / "transformer_xl"


class Hostile:
    """An object whose unpickling makes a folder."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def published(tmp_path):
    """A Transformer-XL as it was published: pickled weights with every name, pickled vocabularies, an old class."""
    folder = tmp_path / "published"
    folder.mkdir()
    shutil.copyfile(DATA / "adaptive_same_length" / "config.json", folder / "config.json")
    for name in ("vocab.pkl", "vocab.bin"):
        shutil.copyfile(DATA / "tokenizer" / name, folder / name)
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "TransfoXLTokenizer", "model_max_length": null}')
    model = AutoModelForCausalLM.from_pretrained(DATA / "adaptive_same_length")
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder


@pytest.mark.slow
def test_a_published_transformer_xl_becomes_a_safe_one_with_the_same_numbers(published, command):
    ran = command("convert", "published", "--output", "safe")
    assert ran.code == 0
    assert "Converted pytorch_model.bin, vocab.pkl into safe." in ran.output
    safe = published.parent / "safe"
    assert {file.name for file in safe.iterdir()} == {
        *("config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt")
    }
    tensors, wanted = load_file(safe / "model.safetensors"), load_file(DATA / "adaptive_same_length/model.safetensors")
    assert tensors.keys() == wanted.keys()
    assert all(torch.equal(tensors[name], wanted[name]) for name in wanted)
    assert AutoTokenizer.from_pretrained(safe)("Hello, my dog is cute").input_ids == [54, 2, 97, 82, 88, 80]
    assert AutoModelForSequenceClassification.from_pretrained(safe).score.weight.shape == (3, 64)


def test_the_copy_lies_beside_the_original_where_nothing_else_is_said(published, command):
    ran = command("convert", "published")
    assert ran.code == 0
    assert (published.parent / "published-safe" / "model.safetensors").is_file()


@pytest.mark.parametrize("family", ["bert", "roberta", "xlnet", "scratch"])
def test_the_pickled_weights_of_every_family_are_converted(family, checkpoints, tmp_path):
    old = Path(shutil.copytree(checkpoints[family], tmp_path / "old"))
    torch.save(load_file(old / "model.safetensors"), old / "pytorch_model.bin")
    (old / "model.safetensors").unlink()
    assert convert(old, tmp_path / "safe") == ["pytorch_model.bin"]
    wanted = AutoModel.from_pretrained(checkpoints[family]).state_dict()
    got = AutoModel.from_pretrained(tmp_path / "safe").state_dict()
    assert all(torch.equal(got[name], wanted[name]) for name in wanted)
    assert AutoTokenizer.from_pretrained(tmp_path / "safe")("the film").input_ids


def test_of_tied_tensors_the_encoder_s_name_is_kept(checkpoints, tmp_path):
    old = Path(shutil.copytree(checkpoints["bert"], tmp_path / "old"))
    model = AutoModelForMaskedLM.from_pretrained(old)
    torch.save(model.state_dict(), old / "pytorch_model.bin")
    (old / "model.safetensors").unlink()
    convert(old, tmp_path / "safe")
    with safe_open(tmp_path / "safe" / "model.safetensors", framework="pt") as tensors:
        names = set(tensors.keys())
    assert "bert.embeddings.word_embeddings.weight" in names
    assert "cls.predictions.decoder.weight" not in names


def test_weights_in_parts_become_one_file(published, tmp_path):
    whole = torch.load(published / "pytorch_model.bin", weights_only=True)
    (published / "pytorch_model.bin").unlink()
    for number, chosen in enumerate((list(whole)[:20], list(whole)[20:]), start=1):
        torch.save({name: whole[name] for name in chosen}, published / f"pytorch_model-0000{number}-of-00002.bin")
    (published / "pytorch_model.bin.index.json").write_text("{}")
    convert(published, tmp_path / "safe")
    tensors = load_file(tmp_path / "safe" / "model.safetensors")
    assert {name.split(".")[0] for name in tensors} == {"transformer", "crit"}
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "safe").state_dict().keys() == whole.keys()
    assert not (tmp_path / "safe" / "pytorch_model.bin.index.json").exists()


def refused(folder, output):
    with pytest.raises(UserError) as caught:
        convert(folder, output)
    return str(caught.value)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol 4")
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "vocab.pkl"])
def test_a_hostile_checkpoint_is_refused_whole(published, tmp_path, name, protocol):
    mark = tmp_path / "was-run"
    (published / name).write_bytes(pickle.dumps({"idx2sym": ["a"], "x": Hostile(mark)}, protocol))
    said = refused(published, tmp_path / "safe")
    assert said.startswith(f"{published / name}: ")
    assert "not opened" in said
    assert "weights_only" not in said, "torch's own advice is to open it all the same"
    assert not mark.exists()
    assert not (tmp_path / "safe").exists()


def test_hostile_weights_in_torch_s_container_are_refused(published, tmp_path):
    mark = tmp_path / "was-run"
    torch.save({"weight": torch.zeros(2), "x": Hostile(mark)}, published / "pytorch_model.bin")
    assert "could run code" in refused(published, tmp_path / "safe")
    assert not mark.exists()


def test_a_file_that_is_no_state_dict_is_told(published, tmp_path):
    torch.save({"epoch": 3}, published / "pytorch_model.bin")
    assert "is not a state dict" in refused(published, tmp_path / "safe")


def test_several_files_of_weights_are_told(published, tmp_path):
    for name in ("a.pt", "b.pt"):
        shutil.copyfile(published / "pytorch_model.bin", published / name)
    (published / "pytorch_model.bin").unlink()
    assert "several files of weights (a.pt, b.pt)" in refused(published, tmp_path / "safe")


def test_an_output_that_is_there_is_not_written_over(published, tmp_path):
    (tmp_path / "safe").mkdir()
    (tmp_path / "safe" / "mine.txt").write_text("mine")
    assert "already exists" in refused(published, tmp_path / "safe")
    assert [file.name for file in (tmp_path / "safe").iterdir()] == ["mine.txt"]


def test_a_safe_checkpoint_needs_no_conversion(checkpoints, tmp_path):
    assert "nothing to convert" in refused(checkpoints["bert"], tmp_path / "safe")


@pytest.mark.slow
def test_a_folder_that_is_no_checkpoint_is_told(tmp_path, command):
    ran = command("convert", "nowhere")
    assert ran.code == 2
    assert "nowhere: no config.json" in ran.errors


def test_a_vocabulary_alone_is_converted_where_the_weights_are_safe(published, tmp_path):
    (published / "pytorch_model.bin").unlink()
    shutil.copyfile(DATA / "adaptive_same_length" / "model.safetensors", published / "model.safetensors")
    assert convert(published, tmp_path / "safe") == ["vocab.pkl"]
    assert (tmp_path / "safe" / "model.safetensors").is_file()
    assert json.loads((tmp_path / "safe" / "tokenizer_config.json").read_text()) == {}


def test_a_conversion_that_fails_leaves_nothing_half_done(published, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.models.convert.save_file", full)
    with pytest.raises(OSError, match="No space left"):
        convert(published, tmp_path / "new" / "safe")
    assert not list((tmp_path / "new").iterdir())


def test_an_empty_folder_may_be_the_output(published, tmp_path):
    (tmp_path / "safe").mkdir()
    convert(published, tmp_path / "safe")
    assert (tmp_path / "safe" / "vocab.txt").is_file()
