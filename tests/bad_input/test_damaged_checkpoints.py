"""`predict` on a run whose checkpoint was damaged: one line that names the file, exit code 2, and no prediction."""

import json
import os
import random
import shutil
from pathlib import Path

import pytest
from command_line import reviews
from safetensors.torch import load_file, save_file

import harness


def changed(file, **settings):
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))


def cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def without_a_tensor(file):
    tensors = load_file(file)
    save_file(dict(list(tensors.items())[1:]), file, metadata={"format": "pt"})


def with_narrow_tensors(file):
    save_file(
        {name: tensor[:1].contiguous() for name, tensor in load_file(file).items()}, file, metadata={"format": "pt"}
    )


def piped(file):
    file.unlink()
    os.mkfifo(file)


def linked(file):
    elsewhere = Path("elsewhere")
    file.rename(elsewhere)
    file.symlink_to(elsewhere.absolute())


DAMAGES = {
    "no configuration": ("config.json", Path.unlink, "no config.json in"),
    "configuration cut short": ("config.json", cut, "config.json: not a whole JSON file"),
    "configuration of zeros": ("config.json", lambda file: file.write_bytes(bytes(100)), "config.json: not a whole"),
    "deep configuration": ("config.json", lambda file: file.write_text("[" * 10**5), "config.json: not a whole"),
    "configuration that is a list": ("config.json", lambda file: file.write_text("[]"), "names no model_type"),
    "other architecture": ("config.json", lambda file: changed(file, model_type="gpt2"), "lack "),
    "unknown architecture": ("config.json", lambda file: changed(file, model_type="no"), "'no' is unknown to"),
    "no heads": ("config.json", lambda file: changed(file, num_attention_heads=0), "can't be loaded"),
    "wide": ("config.json", lambda file: changed(file, hidden_size=64), "have another shape of bert.emb"),
    "text for a number": ("config.json", lambda file: changed(file, hidden_size="x"), "config.json can't be read"),
    "a layer more": ("config.json", lambda file: changed(file, num_hidden_layers=3), "lack bert.encoder.layer.2"),
    "a layer less": ("config.json", lambda file: changed(file, num_hidden_layers=1), "have, beside the model's, bert."),
    "a label more": (
        "config.json",
        lambda file: changed(file, id2label={"0": "a", "1": "b", "2": "c"}),
        "have another shape of classifier.bias",
    ),
    "weights cut short": ("model.safetensors", cut, "model.safetensors: cut short or damaged"),
    "no weights": ("model.safetensors", Path.unlink, "can't be loaded"),
    "empty weights": ("model.safetensors", lambda file: file.write_bytes(b""), "model.safetensors: cut short"),
    "a tensor missing": ("model.safetensors", without_a_tensor, "its weights lack "),
    "wrong shapes": ("model.safetensors", with_narrow_tensors, "have another shape of "),
    "weights as a pipe": ("model.safetensors", piped, "model.safetensors: not a file"),
    "weights from elsewhere": ("model.safetensors", linked, "model.safetensors: a link that leads outside"),
    "tokenizer cut short": ("tokenizer.json", cut, "tokenizer.json: not a whole JSON file"),
    "no tokenizer's content": ("tokenizer.json", lambda file: file.write_text("{}"), "its tokenizer can't be read"),
    "no tokenizer": ("tokenizer.json", Path.unlink, "no tokenizer in"),
    "tokenizer's settings": ("tokenizer_config.json", lambda file: file.write_text("[1"), "config.json: not a whole"),
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory, checkpoints):
    """The folder of a run of each model, by the model's name; as earlier versions left them, without digests."""
    folder = tmp_path_factory.mktemp("trained")
    models = {"bert": str(checkpoints["bert"]), "tfidf": "tfidf"}
    settings = {"maximum_steps": 1, "evaluations_per_epoch": 1}
    found = {}
    for name, model in models.items():
        (run,) = harness.finetune(model=model, data=reviews(), runs=folder, progress=False, **settings)
        content = json.loads((run.folder / "run.json").read_text())
        earlier = {key: value for key, value in content.items() if key not in ("files", "sha256")}
        (run.folder / "run.json").write_text(json.dumps(earlier))
        found[name] = run.folder
    return found


@pytest.fixture
def run(command, trained):
    """A copy of the checkpoint's run, to be damaged, whose predictions work."""
    return Path(shutil.copytree(trained["bert"], "run"))


def refusal(command, run):
    """The one line that `predict` says."""
    result = command("predict", run, "--text", "a lovely film")
    assert (result.code, result.output) == (2, "")
    return result.lines[-1]  # Libraries that another test has imported show bars of their own before.


@pytest.mark.slow
def test_an_undamaged_copy_predicts(command, run):
    assert command("predict", run, "--text", "a lovely film").code == 0


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_told_in_one_line_that_names_the_file(command, run, damage):
    name, do, said = DAMAGES[damage]
    do(run / "checkpoint" / name)
    line = refusal(command, run)
    assert said in line
    assert str(run / "checkpoint") in line


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tfidf.json", "tfidf.safetensors"])
@pytest.mark.parametrize("damage", [cut, Path.unlink, lambda file: file.write_text("{}"), piped, linked])
def test_damage_to_a_simple_baseline_is_told_in_one_line(command, trained, name, damage):
    run = Path(shutil.copytree(trained["tfidf"], "run"))
    (file,) = run.rglob(name)
    damage(file)
    assert str(run / "checkpoint") in refusal(command, run)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_file_with_any_bytes_changed_is_read_or_told(command, run, name):
    file, dice = run / "checkpoint" / name, random.Random(15)
    content = file.read_bytes()
    for _ in range(60):
        start = dice.randrange(len(content))
        file.write_bytes(content[:start] + bytes(dice.randbytes(dice.randrange(1, 4))) + content[start + 1 :])
        result = command("predict", run, "--text", "a lovely film")
        assert result.code in (0, 2), file.read_bytes()
