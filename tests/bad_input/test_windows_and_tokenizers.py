"""Windows that a model can't read, and tokenizers that can't say where an answer stands: failed cells, with a word."""

from pathlib import Path

import pytest
from command_line import questions, read_record, reviews, write_csv, write_jsonl


def reason(result):
    """Why the only cell failed."""
    assert result.code == 1
    (file,) = Path("runs").rglob("run.json")
    record = read_record(file.parent)
    assert record["status"] == "failed"
    assert not (file.parent / "error.txt").exists(), "a user's mistake leaves no traceback"
    assert record["reason"] in result.output.replace("\n    ", "\n")
    return record["reason"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["max_length=65"], "max_length: 65, but this model reads at most 64 tokens at once."),
        (["strategy=windows", "max_length=12", "stride=11"], "stride: 11 is not smaller than the 10 tokens"),
    ],
)
def test_a_window_that_does_not_fit_the_model_is_told(command, checkpoints, settings, said):
    rows = [{"text": f"{row['text']} " * 3, "label": row["label"]} for row in reviews()]
    write_csv(Path("data.csv"), rows)
    flags = [part for setting in settings for part in ("--set", setting)]
    assert said in reason(command("run", "--model", checkpoints["bert"], "--train", "data.csv", *flags))


def test_a_tokenizer_without_offsets_cannot_answer_questions(command, checkpoints):
    Path("bytes").mkdir()
    # ByT5's reads bytes; transformers has it in Python only. It needs no vocabulary: the file stands for one.
    Path("bytes/vocab.txt").touch()
    Path("bytes/tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer"}')
    lines = [f'checkpoint = "{checkpoints["bert"]}"', 'init = "random"', 'tokenizer = "bytes"']
    Path("slow.toml").write_text("\n".join([*lines, "[architecture]", "vocab_size = 400"]))
    write_jsonl(Path("data.jsonl"), questions())
    said = reason(command("run", "--model", "slow.toml", "--train", "data.jsonl", "--question", "question"))
    assert said.startswith("tokenizer ByT5Tokenizer: gives no character offsets")
