"""`harness perplexity`: from a model's folder and a text file to a table, or a clear word."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_models import ARCHITECTURES, FILLERS, small_tokenizer, write_language_checkpoint
from subprocesses import ROOT
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

import harness.models.families  # noqa: F401 -- the Auto classes learn our own architectures
from harness.runs.perplexity import encode

TEXT = " ".join(FILLERS * 8) + "\nthe café closed\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a small language model."""
    folder = tmp_path_factory.mktemp("language_model")
    tokenizer = small_tokenizer("transformer_xl")
    settings = {**ARCHITECTURES["transformer_xl"], "memory_start": "empty", "vocab_size": len(tokenizer)}
    torch.manual_seed(7)
    AutoModelForCausalLM.from_config(AutoConfig.for_model("transfo-xl", **settings)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    return file


def rows_of(command, model, text, *words):
    result = command("perplexity", model, "--text", text, "--output", "rows.jsonl", *words)
    assert result.code == 0, result.errors
    return [json.loads(line) for line in Path("rows.jsonl").read_text().splitlines()], result.output


@pytest.mark.slow
def test_a_row_a_memory_is_shown_and_written(command, model, text):
    rows, output = rows_of(command, model, text, "--memory", 0, "--memory", 200, "--memory", 0, "--segment", 16)
    headings, *shown = output.splitlines()
    assert "perplexity" in headings
    assert "bits/byte" in headings
    assert [line.split()[0] for line in shown] == ["0", "200"]
    assert [row["memory"] for row in rows] == [0, 200]
    assert shown[1].split()[1] == f"{rows[1]['perplexity']:.2f}"


def test_special_tokens_that_a_text_spells_are_predicted_as_text(text):
    tokenizer = small_tokenizer("transformer_xl")
    found = encode("the film [SEP] was [MASK] seen", tokenizer, text)
    assert not set(found.ids) & {tokenizer.sep_token_id, tokenizer.mask_token_id}
    assert found.unknown == 4  # of each, its brackets; "sep" and "mask" are spelt in pieces


@pytest.mark.slow
def test_a_process_that_has_imported_no_family_yet_knows_the_model(model, text):
    words = [sys.executable, "-m", "harness", "perplexity", str(model), "--text", str(text), "--memory", "8"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "perplexity" in done.stdout


@pytest.mark.slow
def test_the_command_s_numbers_are_those_of_one_pass_over_the_text(command, model, text):
    (row,), _ = rows_of(command, model, text, "--memory", 1000, "--segment", 7)
    ids = torch.tensor([small_tokenizer("transformer_xl")(TEXT, add_special_tokens=False).input_ids])
    loss = AutoModelForCausalLM.from_pretrained(model)(ids, labels=ids).loss.item()
    assert row["tokens"] == ids.shape[1]
    assert row["perplexity"] == pytest.approx(math.exp(loss), rel=1e-5)
    assert row["bits_per_byte"] == pytest.approx(loss * (ids.shape[1] - 1) / math.log(2) / len(TEXT.encode()), rel=1e-5)
    assert row["bits_per_character"] / row["bits_per_byte"] == pytest.approx(len(TEXT.encode()) / len(TEXT))


def listed(command, model, text, *words):
    """What is told of each token."""
    result = command("perplexity", model, "--text", text, "--tokens", "--json", *words)
    assert result.code == 0, result.errors
    (row,) = json.loads(result.output)
    assert "token_nats" not in row
    written = text.read_text()
    assert all(written[token["start"] : token["end"]] == token["text"] for token in row["token_costs"])
    return row["token_costs"]


def test_each_token_but_the_first_is_listed_with_its_characters_and_what_it_costs(command, model, text):
    tokens = listed(command, model, text, "--memory", 1000, "--segment", 7)
    ids = torch.tensor([small_tokenizer("transformer_xl")(TEXT, add_special_tokens=False).input_ids])
    losses = AutoModelForCausalLM.from_pretrained(model)(ids, labels=ids).losses[0]
    assert [token["nats"] for token in tokens] == pytest.approx(losses.tolist(), rel=1e-3)
    assert "".join(token["text"] for token in tokens) == "".join(TEXT.split()[1:])


def test_tokens_of_a_masked_model_are_listed_each_hidden_alone(command, tmp_path):
    folder, text = write_language_checkpoint("bert", tmp_path / "bert"), tmp_path / "short.txt"
    text.write_text("the film was seen")
    tokens = listed(command, folder, text, "--mask-stride", 1)
    tokenizer, model = small_tokenizer("bert"), AutoModelForMaskedLM.from_pretrained(folder)
    ids = torch.tensor([tokenizer("the film was seen").input_ids])
    for place, token in enumerate(tokens, 1):
        hidden = ids.clone()
        hidden[0, place] = tokenizer.mask_token_id
        cost = -model(hidden).logits[0, place].log_softmax(-1)[ids[0, place]].item()
        assert token["nats"] == pytest.approx(cost, rel=1e-4)
    assert [token["text"] for token in tokens] == ["the", "film", "was", "seen"]


def test_listed_tokens_are_a_line_each_and_a_row_each_in_a_file(command, tmp_path):
    folder, text = write_language_checkpoint("bert", tmp_path / "bert"), tmp_path / "short.txt"
    text.write_text("the film was seen")
    rows, output = rows_of(command, folder, text, "--mask-stride", 1, "--tokens")
    assert [(row["token"], row["start"], row["end"]) for row in rows[1:3]] == [("film", 4, 8), ("was", 9, 12)]
    assert output.splitlines()[-1].split() == ["13", "'seen'", f"{rows[-1]['nats']:.3f}"]


@pytest.mark.slow
def test_without_a_word_on_memory_there_is_none_and_the_model_s_own(command, model, text):
    rows, _ = rows_of(command, model, text)
    assert [row["memory"] for row in rows] == [0, ARCHITECTURES["transformer_xl"]["mem_len"]]


@pytest.mark.slow
def test_words_that_the_vocabulary_lacks_are_counted(command, model, tmp_path):
    file = tmp_path / "odd.txt"
    file.write_text("the film Ж was seen", encoding="utf-8")
    (row,), output = rows_of(command, model, file, "--memory", 0)
    assert row["unknown"] == pytest.approx(1 / row["tokens"])
    assert f"{row['unknown']:.2%}" in output


@pytest.mark.slow
def test_a_byte_order_mark_is_no_part_of_the_text(command, model, text, tmp_path):
    marked = tmp_path / "marked.txt"
    marked.write_bytes(b"\xef\xbb\xbf" + text.read_bytes())
    (plain,), _ = rows_of(command, model, text, "--memory", 8)
    (found,), _ = rows_of(command, model, marked, "--memory", 8)
    assert found["bits_per_byte"] == plain["bits_per_byte"]


BAD_TEXTS = {
    "missing": (None, "bad.txt: no such file."),
    "empty": (b"", "bad.txt: is empty."),
    "blank": (b" \n\n", "bad.txt: is empty."),
    "binary": (b"the film\0was seen", "bad.txt: holds zero bytes, so it is not plain text."),
    "latin-1": ("the café".encode("latin-1"), "bad.txt, line 1: not UTF-8 (byte 0xe9 at offset 7)."),
    "a word": (b"film", "bad.txt: too short: it has no token after the first (got 1)."),
}


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", BAD_TEXTS)
def test_a_text_that_can_t_be_read_is_told(command, model, name):
    content, said = BAD_TEXTS[name]
    if content is not None:
        Path("bad.txt").write_bytes(content)
    result = command("perplexity", model, "--text", "bad.txt")
    assert result.code == 2
    assert said in result.lines[-1]


@pytest.mark.parametrize("family", ["bert", "xlnet"])
def test_an_encoder_without_its_language_head_is_refused(command, checkpoints, text, family):
    result = command("perplexity", checkpoints[family], "--text", text)
    assert result.code == 2
    assert "its weights are not a complete language model" in result.errors


def test_an_untrained_model_file_is_refused(command, text):
    result = command("perplexity", "transformer-xl-random", "--text", text)
    assert result.code == 2
    assert "transformer-xl-random: is untrained" in result.errors


def test_weights_without_a_language_model_s_head_are_refused(command, checkpoints, text):
    result = command("perplexity", checkpoints["transformer_xl"], "--text", text)
    assert result.code == 2
    assert "its weights are not a complete language model (new layers: crit." in result.errors


def test_a_memory_that_same_length_would_not_look_at_is_refused(command, model, text, tmp_path):
    folder = Path(shutil.copytree(model, tmp_path / "same_length"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "same_length": True}))
    result = command("perplexity", folder, "--text", text, "--memory", 8, "--memory", 9, "--memory", 10)
    assert result.code == 2
    told = [line for line in result.lines if "sees only the last 8 states (mem_len)" in line]
    assert [line.split(":")[0] for line in told] == ["--memory 9", "--memory 10"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--segment", "0"], "Invalid value for '--segment'"),
        (["--memory", "-1"], "Invalid value for '--memory'"),
        (["--output", "rows.txt"], "rows.txt: can't write .txt. Use .jsonl or .csv."),
    ],
)
def test_a_mistake_on_the_command_line_is_told(command, model, text, words, said):
    result = command("perplexity", model, "--text", text, *words)
    assert result.code == 2
    assert said in result.errors
