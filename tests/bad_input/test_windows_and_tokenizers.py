"""Windows that a model can't read, and tokenizers that part no two texts: failed runs, with a word."""

from pathlib import Path

import pytest
from command_line import questions, read_record, reviews, write_csv, write_jsonl
from small_models import small_tokenizer
from tokenizers.processors import TemplateProcessing


def reason(result):
    """Why the only run failed."""
    assert result.code == 2
    (file,) = Path("runs").rglob("run.json")
    record = read_record(file.parent)
    assert record["status"] == "failed"
    assert not (file.parent / "error.txt").exists(), "a user's mistake leaves no traceback"
    assert record["reason"] in result.output.replace("\n    ", "\n")
    return record["reason"]


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_tokenizer_that_puts_nothing_between_question_and_context_is_told(command, checkpoints):
    tokenizer = small_tokenizer("bert")
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])
    tokenizer.sep_token = None  # which would be put there, or else an end-of-text token
    tokenizer.save_pretrained("plain")
    lines = [f'checkpoint = "{checkpoints["bert"]}"', 'init = "random"', 'tokenizer = "plain"']
    Path("unparted.toml").write_text("\n".join(lines))
    write_jsonl(Path("data.jsonl"), questions())
    said = reason(command("run", "--model", "unparted.toml", "--train", "data.jsonl", "--question", "question"))
    assert "it does not separate the two texts of a pair" in said
