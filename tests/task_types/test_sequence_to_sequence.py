"""Texts that are written: what is learnt, by which models, and that a whole run comes back as it was."""

import json
import random
from pathlib import Path

import pytest
import torch
import transformers
from command_line import read_predictions
from small_models import FILLERS, Silent, own_run, trainer_for, weights
from tokenizers.processors import TemplateProcessing

from harness.config.model import ModelConfig
from harness.config.run import LocalData
from harness.config.training import Training
from harness.errors import UserError
from harness.long_texts.scoring import execution_notes
from harness.ops.device import seed_layers
from harness.registry import FAMILIES, TASK_TYPES
from harness.runs.execution import Options, execute
from harness.runs.predict import predict_rows
from harness.task_types.sequence_to_sequence.examples import SequencePair
from harness.tokenization.pair_layout import Apart, Joined
from harness.tokenization.trained_tokenizer import train_byte_pairs

TASK_TYPE = "sequence_to_sequence"
WORDS = ["red", "green", "blue", "one", "two", "three", "four", "five"]
SHORT = {"max_target_length": 24, "warmup_ratio": 0.0}
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
BART = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "max_position_embeddings": 64, "decoder_start_token_id": 0,
    "forced_eos_token_id": None, "forced_bos_token_id": None,
}  # fmt: skip
T5 = {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0}
STOCK = {"t5": T5, "bart": BART, "marian": BART, "mbart": BART}


def pairs(count, *, seed=0, change=reversed, longest=5):
    chooser, found = random.Random(seed), {}
    while len(found) < count:
        words = tuple(chooser.choices(WORDS, k=chooser.randint(3, longest)))
        found[words] = SequencePair(f"p-{len(found)}", " ".join(words), " ".join(change(words)))
    return list(found.values())


def end_tokenizer():
    """A tokenizer that ends texts as those of T5 and its kin do, with one token and none before."""
    tokenizer = train_byte_pairs([*WORDS, *FILLERS] * 3, vocabulary_size=320)
    tokenizer.eos_token = "[SEP]"
    single = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, eos_token="[SEP]", pad_token="[PAD]"
    )
    single.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A [SEP]", pair="$A [SEP] $B [SEP]", special_tokens=[("[SEP]", 3)]
    )
    return single


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """A folder of each stock architecture."""
    folder, tokenizer = tmp_path_factory.mktemp("stock"), end_tokenizer()
    for name, settings in STOCK.items():
        known = {"vocab_size": len(tokenizer), "pad_token_id": 0, "eos_token_id": 3, **settings}
        torch.manual_seed(11)
        transformers.AutoModelForSeq2SeqLM.from_config(
            transformers.AutoConfig.for_model(name, **known)
        ).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return folder


def loaded(family, checkpoint=None, *, examples=None, dropout=0.0, **settings):
    training = Training(**{**SHORT, **settings})
    objective = TASK_TYPES.load(TASK_TYPE).objective((), training)
    spec = ModelConfig(
        family=family,
        checkpoint=str(checkpoint) if checkpoint else None,
        architecture=SMALL if family == "scratch" else {},
        vocabulary_size=320,
    )
    seed_layers(0)
    texts = [part for one in examples or pairs(8) for part in one.parts]
    model = FAMILIES.load(family).load(spec, objective.head(), labels=(), dropout=dropout, texts=lambda: texts)
    trainer, reader = trainer_for(model, objective, training)
    return model, objective, trainer, reader


def checkpoint_of(name, stock, checkpoints):
    return {"scratch": None, "bert": checkpoints["bert"], "roberta": checkpoints["roberta"]}.get(name, stock / name)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name", ["t5", "bart", "scratch"])
def test_a_step_s_loss_is_torch_s_own_over_all_tokens_with_label_smoothing(name, smoothing, stock, checkpoints):
    family = "scratch" if name == "scratch" else "auto"
    model, objective, trainer, reader = loaded(
        family, checkpoint_of(name, stock, checkpoints), target_smoothing=smoothing, micro_batch_size=2
    )
    objective = objective.for_training(model.model, pairs(6), has_own_head=False)
    trainer.forward.objective = objective
    items = objective.features(pairs(6), reader).items
    batch = trainer.forward.collator(items)
    labels = batch.inputs.pop("labels")
    if name == "scratch":
        assert not (labels == model.tokenizer.cls_token_id).any()  # The decoder begins with it, and never writes it.
    logits = model.model(**batch.inputs, labels=labels).logits
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), label_smoothing=smoothing)
    assert float(trainer.step(items)) == pytest.approx(expected.item(), abs=1e-5)


def test_how_a_checkpoint_s_authors_had_it_write_is_forgotten(stock):
    folder = stock / "bart"
    own = {"min_length": 20, "no_repeat_ngram_size": 3, "forced_eos_token_id": 3}
    transformers.GenerationConfig(**own, pad_token_id=0, eos_token_id=3, bos_token_id=2).save_pretrained(folder)
    model, *_ = loaded("auto", folder)
    config = model.model.generation_config
    usual = transformers.GenerationConfig()
    assert (config.min_length, config.no_repeat_ngram_size) == (usual.min_length, usual.no_repeat_ngram_size)
    assert (config.forced_eos_token_id, config.pad_token_id, config.max_new_tokens) == (3, 0, 24)
    (folder / "generation_config.json").unlink()


def test_a_model_that_writes_has_no_head_of_its_own_to_be_made_anew(stock):
    spec = ModelConfig(family="auto", checkpoint=str(stock / "t5"), head="new")
    head = TASK_TYPES.load(TASK_TYPE).objective((), Training()).head()
    with pytest.raises(UserError, match="has no head apart from its weights"):
        FAMILIES.load("auto").load(spec, head, labels=(), dropout=0.0, texts=list)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scratch", "bert", "t5", "roberta", "bart", "marian", "mbart"])
def test_every_family_that_writes_learns_and_its_checkpoint_writes_the_same(name, stock, checkpoints, tmp_path):
    from harness.training.task_model import save_checkpoint

    family = name if name in FAMILIES.names() else "auto"
    checkpoint = checkpoint_of(name, stock, checkpoints)
    model, objective, trainer, reader = loaded(family, checkpoint, learning_rate=1e-3, beams=3)
    examples = pairs(6)
    features = objective.features(examples, reader)
    before = weights(model.model)
    trainer.step(features.items)
    after = weights(model.model)
    still = {name for name in before if torch.equal(before[name], after[name])}
    assert all("pooler" in name or "final_logits_bias" in name or "embed_positions" in name for name in still), still

    _, outputs = trainer.forward.evaluate(features, examples)
    assert all(isinstance(one.text, str) and one.nats > 0 and one.tokens >= 3 for one in outputs)
    save_checkpoint(model, reader, tmp_path, head=objective.head())
    plain = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for example, ours in zip(examples, outputs, strict=True):
        read = tokenizer(example.source, return_tensors="pt", return_token_type_ids=False)
        assert tokenizer.decode(plain.generate(**read)[0], skip_special_tokens=True).strip() == ours.text
    assert {file.suffix for file in tmp_path.iterdir()} <= {".safetensors", ".json", ".txt", ".jinja"}


@pytest.mark.slow
def test_both_sides_of_bert2bert_begin_with_the_checkpoint(checkpoints):
    model, _, _, reader = loaded("bert", checkpoints["bert"])
    encoder = transformers.AutoModel.from_pretrained(checkpoints["bert"]).state_dict()
    found = model.model.state_dict()
    own = [name for name in encoder if "pooler" not in name]
    assert len(own) > 20
    for name in own:
        torch.testing.assert_close(found[f"encoder.{name}"], encoder[name])
        torch.testing.assert_close(found[f"decoder.bert.{name}"], encoder[name])
    assert model.notes[0].startswith("encoder and decoder both begin with the checkpoint's weights")
    assert reader.window == 64


@pytest.mark.parametrize("family", ["distilbert", "xlnet"])
def test_an_encoder_alone_is_refused_with_what_to_take_instead(family, checkpoints):
    with pytest.raises(UserError) as caught:
        loaded(family, checkpoints[family])
    (line,) = caught.value.lines
    assert "has no model for this task. Take the model scratch, a checkpoint of BERT or RoBERTa" in line


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"strategy": "windows"}, "strategy: 'windows', but a source is read in one pass"),
        ({"method": "lora"}, "method: 'lora', but models that write texts are always trained whole"),
        ({"frozen": 1}, "frozen: 1, but models that write"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused(settings, said):
    with pytest.raises(UserError, match=said):
        TASK_TYPES.load(TASK_TYPE).objective((), Training(**settings))


@pytest.mark.slow
def test_longer_texts_than_the_model_has_places_for_and_unknown_languages_are_refused(stock):
    with pytest.raises(UserError, match="max_target_length: 128, but this model writes at most 64 tokens"):
        loaded("auto", stock / "bart", max_target_length=128)
    with pytest.raises(UserError, match=r"target_language: this model's tokenizer knows no languages \(got 'de_DE'\)"):
        loaded("auto", stock / "bart", target_language="de_DE")
    _, objective, _, reader = loaded("auto", stock / "bart", source_language="en_XX")
    with pytest.raises(UserError, match="source_language: this model's tokenizer knows no languages"):
        objective.features(pairs(1), reader)


def test_a_target_must_have_room_for_a_token_of_its_own():
    """Behind a special token that is the same in front of every target, as that of BART."""
    tokenizer = end_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    with pytest.raises(UserError, match=r"max_target_length: 2, but .* puts 1 special .* Set it to 3 or more"):
        Apart().targets(tokenizer, ["red green"], 2)
    (cut,) = Apart().targets(tokenizer, ["red green"], 3)
    assert (len(cut.ids), cut.judged) == (3, range(1, 2))
    assert Apart(start=2).targets(tokenizer, ["red green"], 2)[0].judged == range(1)


def test_no_texts_are_no_targets():
    tokenizer = end_tokenizer()
    assert Apart().targets(tokenizer, [], 9) == Joined(3).targets(tokenizer, [], 9) == []


@pytest.mark.slow
def test_a_finished_run_s_checkpoint_is_scored_as_it_is_on_the_same_texts(tmp_path):
    run = run_of(tmp_path, pairs(50), maximum_steps=1, beams=1)
    record = execute(run, Options(), Silent())
    own = own_files(tmp_path / "data", pairs(50))
    settings = {**SHORT, "max_target_length": 40, "beams": 1, "maximum_steps": 0}
    again = own_run(tmp_path / "again", own, run.folder / "checkpoint", family="auto", **settings)
    assert execute(again, Options(), Silent()).scores["test"] == pytest.approx(record.scores["test"])


def test_two_encoders_in_one_that_others_saved_write_no_more_than_they_have_places_for(checkpoints, tmp_path):
    sides = (checkpoints["bert"], checkpoints["bert"])
    model = transformers.EncoderDecoderModel.from_encoder_decoder_pretrained(*sides)
    model.config.update({"decoder_start_token_id": 2, "pad_token_id": 0, "eos_token_id": 3})
    model.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(sides[0]).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="max_target_length: 65, but this model writes at most 64 tokens"):
        loaded("auto", tmp_path, max_target_length=65)


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("name", "note"),
    [("t5", ["padded: this family does not read texts laid end to end"]), ("scratch", []), ("bert", [])],
)
def test_a_record_says_why_a_writer_s_texts_are_padded(name, note, stock, checkpoints):
    family = "auto" if name in STOCK else name
    model, _, trainer, _ = loaded(family, checkpoint_of(name, stock, checkpoints))
    assert execution_notes(model, trainer.forward.scoring, Training()) == note
    if note:
        assert execution_notes(model, trainer.forward.scoring, Training(execution="padded")) == []


def test_what_is_too_long_is_cut_and_counted():
    _, objective, _, reader = loaded("scratch", max_target_length=4, max_length=8)
    examples = [SequencePair("a", " ".join(WORDS), "red green blue one two"), *pairs(1)]
    features = objective.features(examples, reader)
    assert objective.notes(examples, reader)[1] == (
        "2 of 2 targets are longer than max_target_length: target_token_accuracy and target_perplexity count only "
        "their first 3 tokens"
    )
    (cut, _), first = [item.target for item in features.items], features.items[0].windows[0]
    assert len(cut.ids) == 4
    assert cut.ids[-1] == reader.tokenizer.sep_token_id
    assert cut.judged == range(3)  # It does not end there.
    assert features.unreachable["longer than max_target_length"] == 2
    assert len(first.input_ids) == 8
    assert features.seen < sum(features.lengths)


def test_a_text_that_spells_a_special_token_is_written_as_text():
    examples = [SequencePair("a", "one [SEP] two", "[SEP] [CLS] two")]
    _, objective, _, reader = loaded("scratch", examples=examples)
    features = objective.features(examples, reader)
    assert features.items[0].target.ids.count(reader.tokenizer.sep_token_id) == 1
    assert features.targets.texts([features.items[0].target.ids]) == ["[SEP] [CLS] two"]


def test_a_trained_tokenizer_gives_texts_back_and_one_that_does_not_is_told(checkpoints):
    cased = [SequencePair("a", "Löschen", "Größe: e-mail (2 %) — “Ja”"), SequencePair("b", "x", "red")]
    _, objective, _, reader = loaded("scratch", examples=cased)
    assert objective.notes(cased, reader) == ["texts are written by beam search over 4 texts, length penalty 1"]
    _, objective, _, reader = loaded("bert", checkpoints["bert"], beams=1)
    assert objective.notes(cased, reader)[0] == "texts are written greedily"
    assert objective.notes(cased, reader)[1].startswith("the tokenizer does not restore 1 of 2 targets exactly")


@pytest.mark.slow
def test_a_source_gets_the_same_text_alone_as_beside_longer_ones():
    examples = pairs(5, longest=9)
    _, objective, trainer, reader = loaded("scratch", beams=2)
    _, together = trainer.forward.evaluate(objective.features(examples, reader), examples)
    alone = [trainer.forward.evaluate(objective.features([one], reader), [one])[1][0] for one in examples]
    assert [one.text for one in together] == [one.text for one in alone]
    assert [one.nats for one in together] == pytest.approx([one.nats for one in alone], abs=1e-4)


def test_training_writes_nothing_where_the_loss_chooses(tmp_path):
    objective = TASK_TYPES.load(TASK_TYPE).objective((), Training(validate_by="loss", beams=4))
    model, *_ = loaded("scratch")
    learning = objective.for_training(model.model, (), has_own_head=False)
    assert learning.head().generation == {}
    assert learning.chosen_by(["bleu"]) == "target_perplexity"
    assert objective.head().generation["num_beams"] == 4
    assert objective.chosen_by(["bleu"]) == "bleu"


def own_files(folder, examples, sizes=(None, 12, 12)):
    folder.mkdir(parents=True, exist_ok=True)
    cuts = [0, len(examples) - sum(sizes[1:]), len(examples) - sizes[2], len(examples)]
    files = {}
    for name, start, stop in zip(("train", "validation", "test"), cuts, cuts[1:], strict=False):
        rows = [json.dumps({"source": one.source, "target": one.target}) for one in examples[start:stop]]
        files[name] = str(folder / f"{name}.jsonl")
        Path(files[name]).write_text("\n".join(rows))
    return LocalData(**files, task_type=TASK_TYPE)


def run_of(folder, data, metrics=None, **settings):
    own = own_files(folder / "data", data)
    run = own_run(folder / "runs", own, None, family="scratch", **{**SHORT, "max_target_length": 40, **settings})
    model = run.config.model.model_copy(update={"architecture": SMALL, "vocabulary_size": 320})
    return run.__class__(
        **{
            **vars(run),
            "config": run.config.model_copy(update={"model": model, "metrics": metrics or run.config.metrics}),
        }
    )


class Stopped(BaseException):
    pass


class StopAt(Silent):
    def on_step(self, step, steps, *, loss, items):
        if step == 4:
            raise Stopped


@pytest.mark.slow
def test_a_whole_run_is_recorded_predicts_and_ends_to_the_bit_after_a_stop(tmp_path):
    settings = {"beams": 2, "maximum_steps": 6, "evaluations_per_epoch": 2, "batch_size": 16, "dropout": 0.1}
    whole, stopped = (run_of(tmp_path / name, pairs(60), **settings) for name in ("whole", "stopped"))
    record = execute(whole, Options(), Silent())
    with pytest.raises(Stopped):
        execute(stopped, Options(checkpoint_seconds=0), StopAt())
    execute(stopped, Options(checkpoint_seconds=0), Silent())
    weights_of = "checkpoint/model.safetensors"
    assert (whole.folder / weights_of).read_bytes() == (stopped.folder / weights_of).read_bytes()

    assert record.status == "complete"
    assert set(record.scores["test"]) == set(TASK_TYPES.load(TASK_TYPE).default_metrics)
    assert record.notes[0].startswith("bleu is sacrebleu's nrefs:1|case:mixed")
    rows = read_predictions(whole.folder)
    assert all(row["prediction"].keys() == {"text", "nats", "tokens", "right"} for row in rows)
    sources = [json.loads(line) for line in (tmp_path / "whole/data/test.jsonl").read_text().splitlines()]
    written = predict_rows(whole.folder, [{"source": row["source"]} for row in sources])
    assert [row["prediction"] for row in written] == [row["prediction"]["text"] for row in rows]
    assert "pipeline_tag: translation" in (whole.folder / "checkpoint" / "README.md").read_text()


@pytest.mark.slow
def test_a_short_window_for_sources_is_no_bound_on_what_a_finished_run_writes(tmp_path):
    run = run_of(tmp_path, pairs(50), max_length=12, max_target_length=24, maximum_steps=1, beams=1)
    assert execute(run, Options(), Silent()).status == "complete"
    rows = read_predictions(run.folder)
    found = predict_rows(run.folder, [{"source": row["source"]} for row in rows])
    assert [row["prediction"] for row in found] == [row["prediction"]["text"] for row in rows]


@pytest.mark.slow
def test_a_run_of_two_copies_of_an_encoder_is_loaded_again_and_writes_the_same(checkpoints, tmp_path):
    own = own_files(tmp_path / "data", pairs(40))
    settings = {**SHORT, "maximum_steps": 2, "beams": 2}
    run = own_run(tmp_path / "runs", own, checkpoints["bert"], family="bert", **settings)
    assert execute(run, Options(), Silent()).status == "complete"
    config = json.loads((run.folder / "checkpoint" / "config.json").read_text())
    assert (config["model_type"], config["decoder"]["add_cross_attention"]) == ("encoder-decoder", True)
    rows = read_predictions(run.folder)
    found = predict_rows(run.folder, [{"source": row["source"]} for row in rows])
    assert [row["prediction"] for row in found] == [row["prediction"]["text"] for row in rows]


@pytest.mark.slow
def test_the_loss_chooses_where_nobody_asks_for_a_perplexity(tmp_path):
    settings = {"validate_by": "loss", "maximum_steps": 2, "evaluations_per_epoch": 1, "batch_size": 16, "beams": 1}
    record = execute(run_of(tmp_path, pairs(50), ("exact_text",), **settings), Options(), Silent())
    first, last = (point.validation_scores["target_perplexity"] for point in (record.curve[0], record.curve[-1]))
    assert last <= first
    assert record.best_step == 2
    assert set(record.scores["test"]) == {"exact_text"}


@pytest.mark.slow
@pytest.mark.parametrize("change", [list, reversed], ids=["copy", "reverse"])
def test_a_small_transformer_learns_to_copy_and_to_reverse_without_a_mistake(change, tmp_path):
    settings = {
        "maximum_steps": 450, "epochs": 60, "batch_size": 32, "learning_rate": 3e-3, "dropout": 0.0, "beams": 1,
        "evaluations_per_epoch": 1, "validate_by": "loss", "warmup_ratio": 0.1,
    }  # fmt: skip
    run = run_of(tmp_path, pairs(900, change=change), **settings)
    record = execute(run, Options(), Silent())
    assert record.scores["test"]["exact_text"] == 1.0


def test_baselines_write_what_they_say_and_come_back():
    train = [
        SequencePair("a", "save the file", "sichern"),
        SequencePair("b", "open it", "auf"),
        SequencePair("c", "open", "auf"),
    ]
    asked = [SequencePair("d", "Save a file. Now. Go on.", "")]
    expected = {
        "majority": "auf",
        "copy_source": "Save a file. Now. Go on.",
        "tfidf": "sichern",
        "lead": "Save a file. Now.",
    }
    for name, text in expected.items():
        fitted = FAMILIES.load(name).fit(train, task_type=TASK_TYPE, labels=(), lead_sentences=2)
        assert [one.text for one in fitted.outputs(asked)] == [text], name


@pytest.mark.parametrize("name", ["majority", "copy_source", "tfidf", "lead"])
def test_a_saved_baseline_writes_the_same(name, tmp_path):
    fitted = FAMILIES.load(name).fit(pairs(6), task_type=TASK_TYPE, labels=())
    fitted.save(tmp_path)
    again = FAMILIES.load(name).load(tmp_path, task_type=TASK_TYPE, labels=())
    assert again.outputs(pairs(9)) == fitted.outputs(pairs(9))
