"""`harness pretrain` from a user's own text files to a checkpoint that plain transformers and `harness run` read."""

import json
import math
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from command_line import reviews, write_csv
from rich.console import Console
from safetensors.torch import load_file, save_file
from small_corpora import CORPORA, PLAN, Pretraining, own_cache, write_recipe, write_texts

from harness.ops.device import fresh_accelerator
from harness.pretraining import loop
from harness.pretraining.pipeline import prepared
from harness.pretraining.recipe import find_recipe
from harness.pretraining.token_losses import InitialModel
from harness.registry import FAMILIES, OBJECTIVES
from harness.training.progress import Progress
from harness.training.trainer import DivergedError, Trainer

pytestmark = pytest.mark.slow

LEARNT = {
    "bert": ("bert", "bert", "BertForPreTraining"),
    "roberta": ("roberta", "roberta", "RobertaForMaskedLM"),
    "transformer_xl": ("transformer_xl", "causal", "TransformerXLForCausalLM"),
    "scratch, pairs": ("scratch", "bert", "ScratchForPreTraining"),
    "scratch, full sentences": ("scratch", "roberta", "ScratchForPreTraining"),
}


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path_factory):
    own_cache(tmp_path_factory.getbasetemp() / "pretraining-cache", monkeypatch)


@pytest.fixture
def texts(tmp_path):
    write_texts(tmp_path)
    return tmp_path


def pretrain(command, recipe, *words):
    """Pretrain, in the folder that the command is called from."""
    made = Pretraining(Path(recipe), Path("runs"))
    result = command("pretrain", recipe, *words)
    assert result.code == 0, result.output + result.errors
    return made


def loaded(made, auto_class, name="checkpoint"):
    """The checkpoint as plain transformers loads it, every tensor of it."""
    model, report = getattr(transformers, auto_class).from_pretrained(made.folder / name, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    return model.float()


def prepared_corpus(made):
    """What the recipe was trained on, out of the cache."""
    recipe, folder = find_recipe(str(made.recipe), {})
    return prepared(
        recipe.corpora, recipe.tokenizer, folder=folder, seed=recipe.training.seed, console=Console(quiet=True)
    )


def held_out_loss(made, model):
    """Nats a word of the held-out texts, that a model predicts."""
    recipe, corpus = find_recipe(str(made.recipe), {})[0], prepared_corpus(made)
    family = FAMILIES.load(recipe.family)
    objective = OBJECTIVES.load(recipe.objective)(corpus.training, corpus.tokenizer, plan=recipe.training)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=Path())
    trainable = objective.trainable(InitialModel(model, family.language, family.packing, corpus.tokenizer, accelerator))
    nats, words = trainable.evaluate(objective.held_out(corpus.held_out["files"]))
    return nats / words


def test_what_was_done_to_the_texts_is_said_at_the_end(command, texts):
    (texts / "unbroken.txt").write_text("abcdefghij" * 150, encoding="utf-8")
    recipe = write_recipe(texts / "mine.toml", tokens=512, evaluations=1, keep=[])
    result = command("pretrain", recipe)
    assert result.code == 0, result.errors
    assert "1 stretch of over 1,000 characters without a blank, cut for the tokenizer's training" in result.output


@pytest.mark.parametrize("case", LEARNT)
def test_a_run_ends_with_a_checkpoint_that_predicts_as_its_record_says(case, command, texts):
    family, objective, architecture = LEARNT[case]
    made = pretrain(command, write_recipe(texts / "mine.toml", family, objective))
    names = ["checkpoint", "checkpoint-50", "pretraining.json"]
    assert sorted(path.name for path in made.folder.iterdir()) == names
    record = made.record()
    assert (record["status"], record["steps"], len(record["first_losses"])) == ("complete", 31, 31)
    assert 31 * 256 <= record["tokens"] < 31 * 256 + 32
    losses = [point["validation_loss"] for point in record["curve"]]
    assert [point["step"] for point in record["curve"]] == [10, 21, 31]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < math.log(320) - 0.5, "it predicts better than chance"
    assert record["first_losses"][-1] < record["first_losses"][0] - 0.5
    config = json.loads((made.folder / "checkpoint/config.json").read_text())
    assert config["architectures"] == [architecture]
    model = loaded(made, FAMILIES.load(family).language.auto_class)
    assert model.num_parameters() == record["parameters"]
    assert held_out_loss(made, model.eval()) == pytest.approx(losses[-1], abs=1e-5)
    card = (made.folder / "checkpoint/README.md").read_text()
    assert f"{losses[-1]:.3f} |" in card
    assert f"| files | {record['corpus']['corpora']['files']['kept']} | " in card
    assert "320 entries" in card
    assert f"{record['tokens']:,} tokens read in 31 steps.\n" in card
    assert "- start: random\n" in card
    half = (made.folder / "checkpoint-50/README.md").read_text()
    assert "tokens read in 16 steps, 0.5 of the run" in half
    assert f"{losses[0]:.3f} |" in half
    assert f"{losses[-1]:.3f} |" not in half


def test_the_tokenizer_of_a_checkpoint_frames_and_cuts_texts_as_pretraining_did(command, texts):
    made = pretrain(command, write_recipe(texts / "mine.toml", tokens=1000))
    tokenizer = transformers.AutoTokenizer.from_pretrained(made.folder / "checkpoint")
    assert tokenizer.model_max_length == 32
    ids = tokenizer("The film.", "A plot.")["input_ids"]
    assert (ids[0], ids[-1], ids.count(tokenizer.sep_token_id)) == (tokenizer.cls_token_id, tokenizer.sep_token_id, 2)
    assert len(tokenizer) == 320


@pytest.mark.parametrize("case", LEARNT)
def test_a_checkpoint_is_a_model_to_fine_tune(case, command, texts):
    family, objective, _ = LEARNT[case]
    made = pretrain(command, write_recipe(texts / "mine.toml", family, objective, tokens=1000))
    write_csv(Path("reviews.csv"), reviews(60))
    model = made.folder / "checkpoint"
    result = command("run", "--model", model, "--train", "reviews.csv", "--set", "maximum_steps=3")
    assert result.code == 0, result.output
    (found,) = Path("runs/single").rglob("run.json")
    record = json.loads(found.read_text())
    assert (record["status"], record["family"]) == ("complete", family)
    assert record["provenance"]["pretraining"] == {"recipe": "mine", "tokens": made.record()["tokens"]}
    (note,) = [note for note in record["notes"] if note.startswith("new layers")]
    assert "classifier" in note or "score" in note
    assert not any(layer in note for layer in ("embeddings", "encoder", "layers.0", "word_emb")), "the encoder is kept"


@pytest.mark.parametrize("family", ["bert", "scratch"])
def test_a_model_learns_to_predict_masked_words_from_those_around(family, command, texts):
    """Words follow each other as in a list here. Who knows but how frequent each is loses the entropy of its share."""
    objective = "roberta" if family == "scratch" else "bert"
    made = pretrain(command, write_recipe(texts / "mine.toml", family, objective, tokens=150_000, dropout=0.0))
    ids = prepared_corpus(made).training.ids
    shares = np.unique(ids, return_counts=True)[1] / len(ids)
    entropy = -(shares * np.log(shares)).sum()
    assert made.record()["curve"][-1]["validation_loss"] < entropy - 0.5


def test_heads_that_start_with_local_attention_learn_sooner(command, texts):
    """Words follow each other as in a list here."""
    losses = {}
    for start in ("random", "local_attention"):
        recipe = write_recipe(texts / f"{start}.toml", start=start, tokens=100_000, dropout=0.0)
        losses[start] = pretrain(command, recipe).record()["curve"][-1]["validation_loss"]
    assert losses["local_attention"] < losses["random"] - 0.3


@pytest.mark.parametrize(("family", "objective"), [("scratch", "bert"), ("transformer_xl", "causal")])
def test_a_family_without_learnt_positions_is_refused_such_a_start(family, objective, command, texts):
    refused = command("pretrain", write_recipe(texts / "mine.toml", family, objective, start="local_attention"))
    assert refused.code == 2
    assert f"a {family} has no learnt positions to attend by. Leave it out." in refused.errors


def test_weights_are_saved_in_half_precision_where_asked_and_in_full_elsewhere(command, texts):
    full = pretrain(command, write_recipe(texts / "full.toml"))
    half = pretrain(command, write_recipe(texts / "half.toml", save="bf16"))
    assert half.record()["first_losses"] == full.record()["first_losses"], "training stays in full precision"
    assert half.record()["curve"] == full.record()["curve"]
    for name in ("checkpoint", "checkpoint-50"):
        ours, theirs = half.weights(name), full.weights(name)
        assert {tensor.dtype for tensor in ours.values()} == {torch.bfloat16}
        assert {tensor.dtype for tensor in theirs.values()} == {torch.float32}
        assert all(torch.equal(tensor.bfloat16(), ours[key]) for key, tensor in theirs.items())
    config = json.loads((half.folder / "checkpoint/config.json").read_text())
    assert config["dtype"] == "bfloat16"


def test_checkpoints_on_the_way_are_those_of_a_run_that_looked_there(command, texts):
    made = pretrain(command, write_recipe(texts / "mine.toml", keep=[1 / 3, 1.0], evaluations=3))
    third, whole = (
        json.loads((made.folder / name / "config.json").read_text())["pretraining"]["tokens"]
        for name in ("checkpoint-33.3333", "checkpoint")
    )
    assert 2.5 * third < whole == made.record()["tokens"]
    on_the_way = loaded(made, "AutoModelForPreTraining", "checkpoint-33.3333").eval()
    assert held_out_loss(made, on_the_way) == pytest.approx(made.record()["curve"][0]["validation_loss"], abs=1e-5)


@pytest.mark.parametrize("function", ["_step", "_evaluate"])
def test_a_stop_in_the_last_step_or_evaluation_saves_the_state_and_the_next_command_ends_the_run(
    function, command, texts, monkeypatch
):
    recipe = write_recipe(texts / "mine.toml", tokens=512, evaluations=1, keep=[])
    plain = getattr(loop, function)

    def signalled(*given):
        found = plain(*given)
        if (progress := next(one for one in given if isinstance(one, Progress))).step == 2:
            os.kill(os.getpid(), signal.SIGINT)
        assert progress.step <= 2
        return found

    with monkeypatch.context() as patched:
        patched.setattr(loop, function, signalled)
        assert command("pretrain", recipe).code == 130
    assert [state.name for state in texts.rglob("state/step-*")] == ["step-000000002"]
    assert pretrain(command, recipe).record()["steps"] == 2


def test_a_second_command_does_nothing_another_recipe_is_refused_and_redo_replaces(command, texts):
    recipe = write_recipe(texts / "mine.toml", tokens=1000)
    made = pretrain(command, recipe)
    before = {path: path.stat().st_mtime_ns for path in made.folder.rglob("*") if path.is_file()}
    assert "held-out loss" in command("pretrain", recipe).output
    assert {path: path.stat().st_mtime_ns for path in made.folder.rglob("*") if path.is_file()} == before
    refused = command("pretrain", recipe, "--set", "seed=1", "--set", "keep=[1.0]")
    assert refused.code == 2
    assert "started with another recipe or other texts. Use --redo" in refused.errors
    assert [line.strip() for line in refused.lines[1:]] == [
        "training.keep: recorded [0.5, 1.0], wanted [1.0]",
        "training.seed: recorded 0, wanted 1",
    ]
    assert {path: path.stat().st_mtime_ns for path in made.folder.rglob("*") if path.is_file()} == before
    first = made.weights()
    pretrain(command, recipe, "--redo", "--set", "seed=1", "--set", "keep=[1.0]")
    assert sorted(path.name for path in made.folder.iterdir()) == ["checkpoint", "pretraining.json"]
    assert made.record()["config"]["training"]["seed"] == 1
    assert not all(torch.equal(tensor, first[name]) for name, tensor in made.weights().items())


def test_the_same_recipe_gives_the_same_weights_again_and_verify_says_so(command, texts):
    recipe = write_recipe(texts / "mine.toml", tokens=2000)
    one = pretrain(command, recipe)
    two = Pretraining(recipe, Path("again"))
    assert command("pretrain", recipe, "--runs", "again").code == 0
    ours, theirs = (load_file(made.folder / "checkpoint/model.safetensors") for made in (one, two))
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
    found = command("pretrain", recipe, "--verify", one.folder / "pretraining.json")
    assert found.code == 0
    assert "the first 7 of 7 losses are identical to the bit; the largest difference is 0 nats per word" in found.output
    record = one.record()
    del record["sha256"]
    record["first_losses"][3] += 0.5
    Path("other.json").write_text(json.dumps(record))
    found = command("pretrain", recipe, "--verify", "other.json")
    assert found.code == 1
    assert "the first 3 of 7 losses are identical to the bit; the largest difference is 0.5" in found.output
    refused = command("pretrain", recipe, "--verify", one.folder / "pretraining.json", "--set", "seed=3")
    assert (refused.code, refused.lines[1].strip()) == (2, "training.seed: recorded 0, wanted 3")
    record["first_losses"] = []
    Path("other.json").write_text(json.dumps(record))
    refused = command("pretrain", recipe, "--verify", "other.json")
    assert refused.code == 2
    assert "mine: its record holds no losses to compare with" in refused.errors


def test_a_verification_that_diverges_says_that_it_is_not_the_same(command, texts, monkeypatch):
    recipe = write_recipe(texts / "mine.toml", tokens=2000)
    made = pretrain(command, recipe)

    def diverging(*_):
        raise DivergedError("the loss is nan")

    monkeypatch.setattr(Trainer, "step", diverging)
    found = command("pretrain", recipe, "--verify", made.folder / "pretraining.json")
    assert found.code == 1
    assert "the first 0 of 7 losses are identical to the bit; the largest difference is inf" in found.output


def test_a_result_of_other_texts_is_not_taken_for_that_of_these(command, texts):
    recipe = write_recipe(texts / "mine.toml", tokens=2000)
    pretrain(command, recipe)
    (texts / "more.txt").write_text("One more document.")
    refused = command("pretrain", recipe)
    assert refused.code == 2
    assert "texts of files: recorded '" in refused.errors
    pretrain(command, recipe, "--redo")


def test_a_run_that_diverges_leaves_a_record_of_how_far_it_came(command, texts, monkeypatch):
    step, taken = Trainer.step, []

    def broken(trainer, items):
        taken.append(len(items))
        if len(taken) == 15:
            raise DivergedError("the training loss is nan")
        return step(trainer, items)

    monkeypatch.setattr(Trainer, "step", broken)
    recipe = write_recipe(texts / "mine.toml")
    for _ in range(2):  # Told again, not tried again.
        result = command("pretrain", recipe)
        assert result.code == 1
        assert "Diverged: the training loss is nan." in result.output
        assert len(taken) == 15
    record = Pretraining(recipe, Path("runs")).record()
    assert (record["status"], record["reason"], record["steps"]) == ("diverged", "the training loss is nan", 14)
    assert [point["step"] for point in record["curve"]] == [10]
    assert len(record["first_losses"]) == 14


@pytest.mark.parametrize("case", ["roberta", "transformer_xl"])
def test_a_run_goes_on_from_a_checkpoint_with_its_tokenizer_and_says_so(case, command, texts):
    family, objective, _ = LEARNT[case]
    first = pretrain(command, write_recipe(texts / "first.toml", family, objective, dropout=0.0))
    checkpoint = first.folder / "checkpoint"
    settings = {name: value for name, value in PLAN.items() if name != "keep"} | {"tokens": 2000, "dropout": 0.0}
    recipe = texts / "second.toml"
    lines = [f'family = "{family}"', f'objective = "{objective}"', 'start = "checkpoint"']
    lines += [f'checkpoint = "{checkpoint}"', "[corpora]", *(f"{k} = {json.dumps(v)}" for k, v in CORPORA.items())]
    recipe.write_text("\n".join([*lines, "[training]", *(f"{k} = {json.dumps(v)}" for k, v in settings.items())]))
    second = pretrain(command, recipe)
    record = second.record()
    assert record["first_losses"][0] < first.record()["first_losses"][0] - 0.5, "it begins where the first one ended"
    assert record["corpus"]["weights"].startswith(f"{checkpoint}, SHA-256 ")
    assert f"pretrained from {checkpoint} by" in (second.folder / "checkpoint/README.md").read_text()
    tokenizers = [transformers.AutoTokenizer.from_pretrained(made.folder / "checkpoint") for made in (first, second)]
    assert tokenizers[0].get_vocab() == tokenizers[1].get_vocab()
    # Done already; but not from other weights of the same name.
    assert command("pretrain", recipe).code == 0
    tensors = load_file(checkpoint / "model.safetensors")
    save_file(
        {name: tensor + 1 for name, tensor in tensors.items()}, checkpoint / "model.safetensors", {"format": "pt"}
    )
    refused = command("pretrain", recipe)
    assert refused.code == 2
    assert "first weights: " in refused.errors


def test_a_checkpoint_of_another_family_is_refused(command, texts):
    made = pretrain(command, write_recipe(texts / "first.toml", "bert", "bert", tokens=1000))
    recipe = texts / "second.toml"
    text = write_recipe(texts / "model.toml", "roberta", "roberta").read_text()
    corpora = text[text.index("[corpora]") : text.index("[tokenizer]")] + text[text.index("[training]") :]
    start = f'start = "checkpoint"\ncheckpoint = "{made.folder / "checkpoint"}"\n'
    recipe.write_text(f'family = "roberta"\nobjective = "roberta"\n{start}{corpora}')
    refused = command("pretrain", recipe)
    assert refused.code == 2
    assert "its model_type is 'bert', but this family reads roberta" in refused.errors
