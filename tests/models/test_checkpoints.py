"""Checkpoints that are incomplete, damaged, hostile or of another kind: a clear word, and no code of theirs is run."""

import io
import json
import os
import pickle
import re
import shutil
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

import pytest
import sentencepiece
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    EncoderDecoderConfig,
    EsmConfig,
    MarianTokenizer,
    ProphetNetTokenizer,
    T5Config,
    T5ForConditionalGeneration,
)

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.models.checkpoint import PATTERNS, family_of, find_checkpoint
from harness.models.config_and_tokenizer import read_tokenizer, set_dropout
from harness.models.convert import KEPT
from harness.models.head import Head
from harness.registry import FAMILIES

HEAD = Head("AutoModelForSequenceClassification", {"num_labels": 2}, ("logits",))
LABELS = ("bad", "good")


def load(folder, family="bert", **spec):
    model = ModelConfig(family=family, checkpoint=None if folder is None else str(folder), **spec)
    return FAMILIES.load(family).load(model, HEAD, labels=LABELS, dropout=None, texts=lambda: ["a film", "a play"])


def refusal(folder, family="bert", **spec):
    with pytest.raises(UserError) as caught:
        load(folder, family, **spec)
    return "\n".join(caught.value.lines)


@pytest.fixture
def folder(checkpoints, tmp_path):
    """A copy of a checkpoint, to be spoilt."""
    return Path(shutil.copytree(checkpoints["bert"], tmp_path / "bert"))


def change_config(folder, **settings):
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))


def test_a_folder_without_a_tokenizer_says_what_to_copy(folder):
    for file in folder.glob("tokenizer*"):
        file.unlink()
    assert "no tokenizer in" in refusal(folder)


def sentencepiece_vocabulary():
    """A SentencePiece model of a few words, as bytes."""
    written = io.BytesIO()
    texts = ["the film was dull and awful", "a lovely witty plot by many people in town"] * 20
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=written, vocab_size=60, hard_vocab_limit=False, minloglevel=2
    )
    return written.getvalue()


@pytest.mark.parametrize(
    ("model_type", "name", "settings"),
    [
        ("deberta-v2", "spm.model", {}),
        ("llama", "tokenizer.model", {"pad_token": "</s>"}),
        ("rembert", "sentencepiece.model", {}),
        ("xlm-roberta", "sentencepiece.bpe.model", {}),
    ],
)
def test_a_tokenizer_is_read_whatever_its_file_is_called(tmp_path, model_type, name, settings):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    (tmp_path / name).write_bytes(sentencepiece_vocabulary())
    tokenizer = read_tokenizer(find_checkpoint(str(tmp_path)))
    ids = tokenizer("the film", add_special_tokens=False)["input_ids"]
    assert len(ids) > 2
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids).strip() == "the film"


@pytest.mark.slow
def test_a_tokenizer_without_a_vocabulary_file_is_read(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "canine"}))
    tokenizer = read_tokenizer(find_checkpoint(str(tmp_path)))
    assert tokenizer("né", add_special_tokens=False)["input_ids"] == [0x6E, 0xE9]


# Of these transformers makes a tokenizer that knows its special tokens alone, or none.
@pytest.mark.parametrize("model_type", ["bert", "gpt2", "t5", "deberta-v2", "llama", "xlnet", "albert", "mbart"])
def test_a_folder_with_a_configuration_alone_has_no_tokenizer(tmp_path, model_type):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    with pytest.raises(UserError, match="no tokenizer in"):
        read_tokenizer(find_checkpoint(str(tmp_path)))


def test_a_broken_tokenizer_is_told(folder):
    (folder / "tokenizer.json").write_text("{")
    assert "its tokenizer can't be read" in refusal(folder)


class Hostile:
    """An object whose unpickling makes a file."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl"])
def test_a_pickle_is_never_opened(folder, tmp_path, name):
    mark = tmp_path / "was-opened"
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Hostile(mark)))
    said = refusal(folder)
    assert "only a pickle" in said
    assert f"harness convert {folder}" in said
    assert not mark.exists()
    pickle.loads((folder / name).read_bytes())
    assert mark.exists(), "the pickle is not hostile, so this test would prove nothing"


def test_a_pickle_beside_safetensors_is_not_opened(folder, tmp_path):
    mark = tmp_path / "was-opened"
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Hostile(mark)))
    load(folder)
    assert not mark.exists()


def write_shards(folder, first, **content):
    """Split the folder's weights into two files, the first of which an index calls `first`."""
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    (folder / "model.safetensors").unlink()
    files = {first: names[:10], "model-00002-of-00002.safetensors": names[10:]}
    for file, own in files.items():
        save_file({name: tensors[name] for name in own}, folder / file, metadata={"format": "pt"})
    of_tensors = {name: file for file, own in files.items() for name in own}
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": of_tensors, **content})
    )


def test_weights_in_several_files_are_read(folder, checkpoints):
    write_shards(folder, "model-00001-of-00002.safetensors")
    wanted = load(checkpoints["bert"]).model.base_model.state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in load(folder).model.base_model.state_dict().items())


@pytest.mark.parametrize("name", ["../others.safetensors", "part.bin"])
def test_an_index_that_names_a_pickle_or_a_file_of_another_folder_is_refused(folder, name):
    write_shards(folder, name)
    assert f"names {name!r}, but there is no such *.safetensors beside it" in refusal(folder)


@pytest.mark.parametrize("content", [{"weight_map": None}, {"weight_map": {"a": ["b"]}}, {"metadata": None}])
def test_an_index_of_something_else_is_told(folder, content):
    write_shards(folder, "model-00001-of-00002.safetensors", **content)
    assert "model.safetensors.index.json" in refusal(folder)


def test_an_adapter_is_told_since_transformers_would_read_another_model_for_it(folder):
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "someone/else"}))
    assert "has an adapter (adapter_config.json)" in refusal(folder)


@pytest.mark.parametrize("tokenizer", [MarianTokenizer, ProphetNetTokenizer])
def test_the_vocabulary_of_every_tokenizer_is_downloaded_and_copied(tokenizer):
    for name in tokenizer.vocab_files_names.values():
        assert any(fnmatch(name, pattern) for pattern in PATTERNS)
        assert Path(name).suffix in KEPT


@pytest.mark.parametrize("spoilt", ["wider", "half"])
def test_a_model_that_writes_is_refused_if_its_weights_are_not_whole(spoilt, checkpoints, tmp_path):
    model = T5ForConditionalGeneration(
        T5Config(vocab_size=500, d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2, decoder_start_token_id=0)
    )
    for source in (model, read_tokenizer(find_checkpoint(str(checkpoints["bert"])))):
        source.save_pretrained(tmp_path)
    writes = Head("AutoModelForSeq2SeqLM", {}, ("costs",), generation={"max_new_tokens": 4}, otherwise="No.")
    spec = ModelConfig(family="auto", checkpoint=str(tmp_path))
    read = partial(FAMILIES.load("auto").load, spec, writes, labels=(), dropout=None, texts=list)
    assert read().notes == ("the checkpoint's own head is kept",)
    if spoilt == "wider":
        change_config(tmp_path, d_ff=32)
    else:
        file = tmp_path / "model.safetensors"
        parts = {name: tensor for name, tensor in load_file(file).items() if not name.startswith("decoder.block")}
        save_file(parts, file, metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"not a complete language model \(new layers: decoder\.\S+ and \d+ more\)"):
        read()


def test_a_family_refuses_another_architecture(checkpoints):
    said = refusal(checkpoints["bert"], "roberta")
    assert "its model_type is 'bert', but this family reads roberta" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no config.json"),
        ("{", "not JSON"),
        ("[]", "names no model_type"),
        ("{}", "names no model_type"),
        ('{"model_type": "bret"}', "is unknown to transformers"),
    ],
)
def test_a_broken_config_is_told(folder, content, said):
    (folder / "config.json").unlink()
    if content is not None:
        (folder / "config.json").write_text(content)
    assert said in refusal(folder, "auto")


@pytest.mark.parametrize(
    "settings", [{"hidden_size": "wide"}, {"num_attention_heads": 5}, {"id2label": {"a": "good", "b": "bad"}}]
)
def test_a_config_with_impossible_settings_is_told(folder, settings):
    change_config(folder, **settings)
    assert re.match(rf"{folder}: its (config.json can't be read|weights don't load) \(", refusal(folder))


def test_a_setting_that_only_loading_finds_impossible_is_told(folder):
    change_config(folder, attn_implementation=0)
    assert "its weights don't load" in refusal(folder)


def test_an_impossible_architecture_is_told():
    said = refusal(None, architecture={"hidden_size": 32, "num_attention_heads": 5})
    assert said.startswith("family bert: these settings are invalid (The hidden size (32) is not a")


def test_truncated_weights_are_told(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert "cut short or damaged" in refusal(folder)


def test_sizes_that_do_not_fit_name_transformer_xl_s_tensor_too(checkpoints, tmp_path):
    folder = Path(shutil.copytree(checkpoints["transformer_xl"], tmp_path / "xl"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "d_inner": 64}))
    told = refusal(folder, "transformer_xl")
    assert "layers.0.pos_ff.CoreNet.0.bias is [48] in the weights, but config.json asks for [64]" in told


def test_sizes_that_do_not_fit_name_the_tensor(folder):
    change_config(folder, intermediate_size=40)
    said = refusal(folder)
    assert "tensor bert.encoder.layer.0.intermediate.dense.bias is [48] in the weights" in said
    assert "asks for [40]" in said


def test_weights_of_another_architecture_are_told(folder):
    save_file({"something.else": torch.zeros(2)}, folder / "model.safetensors", metadata={"format": "pt"})
    assert "tensors are not in the weights" in refusal(folder)


def test_weights_in_half_precision_are_trained_in_single(folder):
    file = folder / "model.safetensors"
    save_file({name: t.half() for name, t in load_file(file).items()}, file, metadata={"format": "pt"})
    change_config(folder, dtype="float16")
    assert {parameter.dtype for parameter in load(folder).model.parameters()} == {torch.float32}


def test_a_tokenizer_larger_than_the_embedding_is_told(folder, checkpoints):
    change_config(folder, vocab_size=20)
    assert "but the model's vocab_size is 20" in refusal(folder)


def test_an_unknown_setting_of_the_architecture_is_told(checkpoints):
    said = refusal(checkpoints["bert"], architecture={"hiden_size": 3})
    assert said.startswith("architecture.hiden_size: no setting of a bert configuration. Did you mean hidden_size?")
    assert "hiden_size" in refusal(None, architecture={"hiden_size": 3})


def test_a_family_of_any_architecture_needs_a_checkpoint():
    assert "family 'auto': needs a checkpoint." in refusal(None, "auto")


CODE = "import os\nos.mkdir({mark!r})\n"


@pytest.mark.parametrize("model_type", ["homemade", "bert"])
def test_code_that_a_checkpoint_brings_is_never_run(folder, tmp_path, monkeypatch, model_type):
    mark = tmp_path / "was-run"
    monkeypatch.setattr("builtins.input", lambda _: "y")  # Where transformers asks, it would hear yes.
    for name in ("configuration_homemade.py", "modeling_homemade.py", "tokenization_homemade.py"):
        (folder / name).write_text(CODE.format(mark=str(mark)))
    classes = {
        "AutoConfig": "configuration_homemade.Config",
        "AutoModelForSequenceClassification": "modeling_homemade.Model",
        "AutoTokenizer": ["tokenization_homemade.Tokenizer", None],
    }
    change_config(folder, model_type=model_type, auto_map=classes)
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**tokenizer, "auto_map": classes}))
    try:
        load(folder, "auto")
    except UserError as error:
        assert "its own code" in str(error) and "never run" in str(error)  # noqa: PT018, PT017
    assert not mark.exists()


def test_a_tokenizer_that_only_its_own_code_can_read_is_refused(folder, tmp_path, monkeypatch):
    mark = tmp_path / "was-run"
    monkeypatch.setattr("builtins.input", lambda _: "y")
    (folder / "tokenization_homemade.py").write_text(CODE.format(mark=str(mark)))
    settings = {"tokenizer_class": "Homemade", "auto_map": {"AutoTokenizer": ["tokenization_homemade.Homemade", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "tokenizer.json").rename(folder / "vocab.txt")
    refusal(folder)
    assert not mark.exists()


def test_a_hub_id_without_network_fails_without_trying_to_reach_it(monkeypatch):
    asked = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *host, **_: asked.append(host))
    with pytest.raises(UserError, match="not in the local cache, and the Hub can't be reached"):
        find_checkpoint("nobody/such-a-model-is-cached")
    assert asked == []


@pytest.mark.parametrize("name", ["no-slash-but-*", "a/b/c"])
def test_a_name_that_no_hub_id_has_is_told(name):
    with pytest.raises(UserError, match="no such model on the Hub"):
        find_checkpoint(name)


def test_a_missing_folder_is_told():
    with pytest.raises(UserError, match=r"\./nowhere: no such folder"):
        find_checkpoint("./nowhere")


def test_an_unknown_package_says_how_to_install_it():
    with pytest.raises(UserError, match="package no-such-package-here is not installed"):
        find_checkpoint("package:no-such-package-here/model")


@pytest.mark.parametrize("path", ["../../etc", "../../../../../../../etc", "/etc", "numpy/../../.."])
def test_a_path_that_leaves_its_package_is_refused(path):
    with pytest.raises(UserError, match="has no folder"):
        find_checkpoint(f"package:numpy/{path}")


def test_the_family_is_found_by_model_type(checkpoints, folder):
    assert family_of(ModelConfig(checkpoint=str(checkpoints["roberta"]))) == "roberta"
    change_config(folder, model_type="convbert")
    assert family_of(ModelConfig(checkpoint=str(folder))) == "auto"


def test_finding_the_family_of_a_hub_model_downloads_no_weights(checkpoints, monkeypatch):
    asked = []

    def snapshot_download(name, *, revision, allow_patterns):
        asked.append((name, revision, allow_patterns))
        return str(checkpoints["bert"])

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert family_of(ModelConfig(checkpoint="owner/name", revision="abc")) == "bert"
    assert asked == [("owner/name", "abc", ["config.json"])]


def test_dropout_is_set_in_encoder_and_decoder_alike_and_a_switch_of_that_name_is_none():
    both = EncoderDecoderConfig.from_encoder_decoder_configs(BertConfig(), BertConfig())
    set_dropout(both, 0.3)
    for side in (both.encoder, both.decoder):
        assert (side.hidden_dropout_prob, side.attention_probs_dropout_prob) == (0.3, 0.3)
    switched = EsmConfig(token_dropout=True)  # Scales embeddings by the share of masked tokens.
    set_dropout(switched, 0.0)
    assert (switched.token_dropout, switched.hidden_dropout_prob) == (True, 0.0)
