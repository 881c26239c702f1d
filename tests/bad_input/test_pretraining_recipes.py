"""Recipes for pretraining with every mistake that they may have: told in a line each, before anything is trained."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from small_corpora import own_cache, write_recipe, write_texts
from small_models import small_tokenizer


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path_factory):
    own_cache(tmp_path_factory.getbasetemp() / "pretraining-cache", monkeypatch)


@dataclass(frozen=True)
class Refusal:
    """A recipe's mistake.

    Attributes:
        said: How each line begins behind the recipe's name, or any part of it.
        family: Of the recipe.
        objective: Of the recipe.
        settings: What is wrong in its tables, or beside them.
    """

    said: tuple[str, ...]
    family: str = "bert"
    objective: str = "bert"
    settings: dict = field(default_factory=dict)


WRITTEN = {
    "unknown objective": Refusal(("objective: 'brt': no such objective. Did you mean bert?",), objective="brt"),
    "unknown key": Refusal(("training.token: no such setting (got 3). Did you mean tokens?",), settings={"token": 3}),
    "tokens below a step": Refusal(("tokens 100 is less than a step's batch_tokens, 256",), settings={"tokens": 100}),
    "a step below a sequence": Refusal(("batch_tokens 16 holds no sequence of 32",), settings={"batch_tokens": 16}),
    "several at once": Refusal(
        ("training.learning_rate", "training.masked", "corpora.held_out", "tokenizer.vocabulary_size"),
        settings={
            "learning_rate": -1.0, "masked": 1.5, "corpora": {"held_out": 0.0}, "tokenizer": {"vocabulary_size": 3},
        },
    ),
    "keep": Refusal(("keep: each share must be above 0 and at most 1 (got [0.0])",), settings={"keep": [0.0]}),
    "no number": Refusal(("training.tokens: must be a valid integer",), settings={"tokens": "many"}),
    "no such corpus": Refusal(("corpora.names: 'play': no such corpus.",), settings={"corpora": {"names": ["play"]}}),
    "no such task": Refusal(
        ("corpora.exclude_tasks: 'bolq': no such task. Did you mean boolq?",),
        settings={"corpora": {"exclude_tasks": ["bolq"]}},
    ),
    "no such file": Refusal(("corpora.files: 'none*': no such file",), settings={"corpora": {"files": ["none*"]}}),
}  # fmt: skip
READ = {
    "a corpus below a step": Refusal(
        ("tokens to train on, fewer than one step reads (batch_tokens 100000)",),
        settings={"tokens": 200_000, "batch_tokens": 100_000},
    ),
    "a vocabulary that the texts can't fill": Refusal(
        ("tokenizer.vocabulary_size: the training texts give",), settings={"tokenizer": {"vocabulary_size": 60_000}}
    ),
    "heads that do not share the width": Refusal(
        ("family bert: these settings are invalid (",), settings={"architecture": {"num_attention_heads": 5}}
    ),
    "scratch's heads": Refusal(
        ("architecture.num_attention_heads: must divide hidden_size, 32 (got 5)",),
        "scratch", settings={"architecture": {"num_attention_heads": 5}},
    ),
    "an architecture's unknown setting": Refusal(
        ("architecture.hiden_size: no setting of a bert configuration. Did you mean hidden_size?",),
        settings={"architecture": {"hiden_size": 5}},
    ),
    "a setting of another type": Refusal(
        ("family bert: these settings are invalid (",), settings={"architecture": {"hidden_size": "wide"}}
    ),
    "a negative size": Refusal(
        ("family bert: these settings are invalid (",), settings={"architecture": {"intermediate_size": -4}}
    ),
    "no heads": Refusal(
        ("family bert: these settings are invalid (",), settings={"architecture": {"num_attention_heads": 0}}
    ),
    "scratch without heads": Refusal(
        ("architecture.num_attention_heads: ",), "scratch", settings={"architecture": {"num_attention_heads": 0}}
    ),
    "an unknown activation": Refusal(
        ("family bert: these settings are invalid (",), settings={"architecture": {"hidden_act": "gellu"}}
    ),
    "clusters of Transformer-XL": Refusal(
        ("architecture.cutoffs: must rise from above 0 to below vocab_size, 320 (got [400])",),
        "transformer_xl", "causal", settings={"architecture": {"cutoffs": [400]}},
    ),
    "more tokens than positions": Refusal(
        ("training.length: 65, but this bert has positions for 64 tokens. Lower it, or raise",),
        settings={"length": 65},
    ),
    "more tokens than positions, of which one is padding's": Refusal(
        ("training.length: 66, but this roberta has positions for 65 tokens.",),
        "roberta", "roberta", settings={"length": 66},
    ),
    "a memory that is not looked at": Refusal(
        ("memory: 100, but this model sets same_length, so a token sees only the last 64 states",),
        "transformer_xl", "causal", settings={"memory": 100, "architecture": {"same_length": True}},
    ),
    "a family without the head": Refusal(
        ("a roberta has no head for next-sentence prediction. Choose objective roberta.",), "roberta", "bert"
    ),
    "a family that reads both ways": Refusal(
        ("a bert reads in both directions, so it would see the tokens to predict.",), "bert", "causal"
    ),
    "a family that reads one way": Refusal(
        ("a transfo-xl reads from left to right and can't predict masked tokens. Choose objective causal.",),
        "transformer_xl", "roberta",
    ),
    "xlnet": Refusal(("family 'xlnet': has no language model to train from scratch.",), "xlnet", "causal"),
    "no held-out document": Refusal(
        ("corpora.held_out: no document is held out (of 1)",), settings={"corpora": {"files": ["text-1.txt"]}}
    ),
    "no checkpoint": Refusal(("nowhere/at-all",), settings={"tokenizer": {"checkpoint": "nowhere/at-all"}}),
    "a tokenizer that hides no words": Refusal(
        ("tokenizer.checkpoint: this tokenizer has no mask_token",), settings={"tokenizer": {"checkpoint": "maskless"}}
    ),
}  # fmt: skip


def refused(command, refusal):
    """What is said of the recipe, a line each."""
    write_texts(Path(), files=40)
    recipe = write_recipe(Path("mine.toml"), refusal.family, refusal.objective, **refusal.settings)
    result = command("pretrain", recipe)
    assert result.code == 2, result.output + result.errors
    assert len(result.lines) == len(refusal.said), result.errors
    for said in refusal.said:
        assert any(said in line for line in result.lines), (said, result.errors)
    assert not list(Path().glob("runs/**/pretraining.json"))
    return result


@pytest.mark.parametrize("refusal", WRITTEN.values(), ids=WRITTEN.keys())
def test_what_is_wrong_in_a_recipe_is_told_with_its_place(command, refusal):
    refused(command, refusal)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("refusal", READ.values(), ids=READ.keys())
def test_what_does_not_fit_the_texts_or_the_model_is_told(command, refusal):
    tokenizer = small_tokenizer("bert")
    tokenizer.mask_token = None
    tokenizer.save_pretrained("maskless")
    Path("maskless/config.json").write_text('{"model_type": "bert"}')
    refused(command, refusal)


def test_an_unknown_family_is_told(command):
    recipe = write_recipe(Path("mine.toml"))
    recipe.write_text(recipe.read_text().replace('family = "bert"', 'family = "brt"'))
    result = command("pretrain", recipe)
    assert (result.code, result.lines) == (2, ["mine.toml: family: 'brt': no such model family. Did you mean bert?"])


@pytest.mark.slow_but_first
@pytest.mark.parametrize("family", ["tfidf", "majority", "auto"])
def test_a_family_without_a_language_model_is_told(command, family):
    write_texts(Path())
    recipe = write_recipe(Path("mine.toml"))
    recipe.write_text(recipe.read_text().replace('family = "bert"', f'family = "{family}"'))
    result = command("pretrain", recipe)
    assert (result.code, len(result.lines)) == (2, 1), result.errors
    assert f"family '{family}': has no language model to train from scratch" in result.errors


FILES = {
    "binary": (b"text\0more", "text-0.txt, line 1: holds zero bytes, so it is not plain text"),
    "latin-1": ("A café.".encode("latin-1"), "text-0.txt, line 1: not UTF-8 (byte 0xe9"),
    "utf-16": ("A film.".encode("utf-16"), "text-0.txt, line 1: "),
}


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_text_in_utf_8_is_named_with_its_line(command, name):
    content, said = FILES[name]
    write_texts(Path())
    Path("text-0.txt").write_bytes(content)
    result = command("pretrain", write_recipe(Path("mine.toml")))
    assert (result.code, len(result.lines)) == (2, 1), result.errors
    assert said in result.errors


@pytest.mark.parametrize("content", ["", "\n \n\n", "...", "\ufeff"])
def test_files_without_a_word_are_told(command, content):
    for number in range(3):
        Path(f"text-{number}.txt").write_text(content, encoding="utf-8")
    result = command("pretrain", write_recipe(Path("mine.toml")))
    assert (result.code, len(result.lines)) == (2, 1), result.errors
    assert "corpora: files: no text in it (got 3 empty documents)" in result.errors


@pytest.mark.slow
def test_an_empty_file_among_others_is_left_out_and_counted(command):
    write_texts(Path())
    Path("text-0.txt").write_text("")
    result = command("pretrain", write_recipe(Path("mine.toml"), tokens=512))
    assert result.code == 0, result.errors
    (record,) = Path().glob("runs/pretraining/mine/pretraining.json")
    assert '"empty": 1' in record.read_text()


@pytest.mark.parametrize(("name", "said"), [("bert-min", "Did you mean bert-mini?"), ("nowhere.toml", "no such file")])
def test_a_recipe_that_is_not_there_is_told(command, name, said):
    result = command("pretrain", name)
    assert (result.code, len(result.lines)) == (2, 1)
    assert said in result.errors


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["bert", "roberta"])
@pytest.mark.parametrize("documents", ["line", "blank_line", "file"])
def test_documents_of_one_sentence_and_a_few_long_ones_are_learnt_from(command, objective, documents):
    write_texts(Path(), files=5 if documents == "file" else 1)
    for file in sorted(Path().glob("*.txt")):
        text = file.read_text() * 40
        separator = {"line": "\n", "blank_line": "\n\n", "file": " "}[documents]
        sentences = [f"{sentence} {number}." for number, sentence in enumerate(text.split("."))]
        file.write_text(separator.join(sentences))
    recipe = write_recipe(
        Path("mine.toml"), "bert" if objective == "bert" else "roberta", objective, tokens=4096,
        corpora={"documents": documents, "held_out": 0.4},
    )  # fmt: skip
    result = command("pretrain", recipe)
    if objective == "bert" and documents != "file":
        assert result.code == 2
        assert "pairs of texts follow each other" in result.errors  # Every document is one sentence.
    else:
        assert result.code == 0, result.errors
