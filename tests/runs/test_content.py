"""What a run reads of the user's own is told apart by content, wherever it lies."""

import hashlib

import pytest

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.runs.content import model_files, script_files, weights_fingerprint


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def write(folder, **files):
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return str(folder)


def test_every_file_that_transformers_reads_is_named_and_no_log_or_card(tmp_path):
    read = {"config__json": "a", "generation_config__json": "b", "vocab__txt": "c", "spiece__model": "d"}
    others = {"README__md": "x", "trainer_state__json": "x", "pytorch_model__bin": "x", "model__safetensors": "w"}
    folder = write(tmp_path / "a", **read, **others)
    model = ModelConfig(checkpoint=folder)
    assert model_files(model) == {f"checkpoint/{name.replace('__', '.')}": sha(text) for name, text in read.items()}
    assert weights_fingerprint(model) == hashlib.sha256(hashlib.sha256(b"w").digest()).hexdigest()


def test_fresh_weights_are_named_by_their_configuration_and_another_tokenizer_by_its_files(tmp_path):
    first, second = write(tmp_path / "a", config__json="a"), write(tmp_path / "b", vocab__txt="b")
    model = ModelConfig(checkpoint=first, tokenizer=second, init="random")
    assert model_files(model) == {"checkpoint/config.json": sha("a"), "tokenizer/vocab.txt": sha("b")}
    assert weights_fingerprint(model) == ""


def test_of_a_package_it_is_the_version_and_of_the_hub_nothing():
    assert list(model_files(ModelConfig(checkpoint="package:numpy/x"))) == ["package/numpy"]
    assert model_files(ModelConfig(checkpoint="google-bert/bert-base-uncased", tokenizer="trained")) == {}


def test_a_metrics_script_is_named_with_what_it_imports_from_beside_it(tmp_path):
    write(tmp_path / "errors", errors__py="from .helper import f", helper__py="f = 1", other__py="")
    wanted = {"metrics/errors.py": sha("from .helper import f"), "metrics/helper.py": sha("f = 1")}
    for name in ("evaluate:{}/errors", "evaluate:{}/errors/errors.py:lower"):
        assert script_files([name.format(tmp_path), "accuracy", "evaluate:accuracy"]) == wanted


def test_a_file_that_can_t_be_read_is_named(tmp_path):
    write(tmp_path / "a", config__json="a")
    (tmp_path / "a" / "vocab.txt").mkdir()
    with pytest.raises(UserError, match=r"vocab\.txt: can't be read"):
        model_files(ModelConfig(checkpoint=str(tmp_path / "a")))
