"""Texts that a language model writes behind their sources: what it learns, with a memory and without, and writes."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import transformers
from command_line import read_predictions
from small_models import Silent, own_run, trainer_for
from task_types.test_sequence_to_sequence import SHORT, TASK_TYPE, WORDS, StopAt, Stopped, own_files, pairs
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from harness.config.model import ModelConfig
from harness.config.training import Training
from harness.errors import UserError
from harness.ops.device import seed_layers
from harness.registry import FAMILIES, TASK_TYPES
from harness.runs.execution import Options, execute
from harness.runs.predict import predict_rows
from harness.task_types.sequence_to_sequence.examples import SequencePair
from harness.tokenization.pair_layout import Apart, Joined
from harness.tokenization.trained_tokenizer import train_byte_pairs
from harness.training.task_model import forward_of, save_checkpoint

XL = {
    "d_model": 32, "d_embed": 32, "n_layer": 2, "n_head": 2, "d_head": 16, "d_inner": 48, "init_std": 0.15,
    "mem_len": 4,
}  # fmt: skip
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "initializer_range": 0.15}
SEGMENTS = {"strategy": "segment_recurrence", "segment": 8, "memory": 8}
LENGTHS = (3, 20, 8, 9, 17)  # Words, of one token or more each: sources of one segment and of several.


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    """A GPT-2 with a tokenizer of its own sort: byte pairs, and nothing around a text."""
    folder = tmp_path_factory.mktemp("gpt2")
    backend = Tokenizer(BPE())
    backend.pre_tokenizer = ByteLevel(add_prefix_space=False)
    trainer = BpeTrainer(vocab_size=320, initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    backend.train_from_iterator([f" {word}" for word in WORDS] * 3, trainer)
    model = json.loads(backend.to_str())["model"]
    end = len(model["vocab"])
    vocabulary = {**model["vocab"], "<|endoftext|>": end}
    transformers.GPT2Tokenizer(vocab=vocabulary, merges=[tuple(merge) for merge in model["merges"]]).save_pretrained(
        folder
    )
    config = transformers.AutoConfig.for_model("gpt2", vocab_size=end + 1, eos_token_id=end, **GPT2)
    torch.manual_seed(1)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def loaded(name, gpt2, *, dropout=0.0, **settings):
    training = Training(**{**SHORT, "micro_batch_size": 8, **settings})
    objective = TASK_TYPES.load(TASK_TYPE).objective((), training)
    family = "auto" if name == "gpt2" else name
    spec = ModelConfig(
        family=family,
        checkpoint=str(gpt2) if name == "gpt2" else None,
        architecture={} if name == "gpt2" else XL,
        vocabulary_size=320,
    )
    seed_layers(0)
    model = FAMILIES.load(family).load(
        spec, objective.head(), labels=(), dropout=dropout, texts=lambda: [*WORDS, " ".join(WORDS)] * 3
    )
    trainer, reader = trainer_for(model, objective, training)
    return SimpleNamespace(model=model, objective=objective, trainer=trainer, reader=reader, training=training)


def of_lengths(*lengths):
    examples = [pairs(1, seed=length, longest=length + 1)[0] for length in lengths]
    return [
        SequencePair(f"n-{place}", " ".join((one.source.split() * 9)[:length]), one.target)
        for place, (one, length) in enumerate(zip(examples, lengths, strict=True))
    ]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name", ["gpt2", "transformer_xl"])
def test_a_step_s_loss_is_torch_s_own_over_the_tokens_of_all_targets(name, smoothing, gpt2):
    part = loaded(name, gpt2, target_smoothing=smoothing, micro_batch_size=2)
    examples, tokenizer = of_lengths(3, 9, 5), part.model.tokenizer
    end = tokenizer.eos_token_id if name == "gpt2" else tokenizer.sep_token_id
    scores, words = [], []
    for example in examples:
        source = tokenizer(example.source)["input_ids"]
        assert source[-1] == end  # which parts them, too
        target = [*tokenizer(example.target, add_special_tokens=False)["input_ids"], end]
        logits = part.model.model(input_ids=torch.tensor([[*source, *target]])).logits[0]
        scores.append(logits[len(source) - 1 : -1])
        words += target
    expected = torch.nn.functional.cross_entropy(torch.cat(scores), torch.tensor(words), label_smoothing=smoothing)
    items = part.objective.features(examples, part.reader).items
    assert part.trainer.step(items) == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize(
    ("name", "settings"), [("transformer_xl", SEGMENTS), ("gpt2", {}), ("transformer_xl", {})], ids=str
)
def test_a_source_gets_the_same_text_alone_as_beside_longer_ones_and_by_plain_transformers(
    name, settings, beams, gpt2, tmp_path
):
    part = loaded(name, gpt2, beams=beams, learning_rate=1e-3, **settings)
    examples = of_lengths(*LENGTHS)
    features = part.objective.features(examples, part.reader)
    part.trainer.step(features.items)
    forward = part.trainer.forward
    _, together = forward.evaluate(features, examples)
    alone = [forward.evaluate(part.objective.features([one], part.reader), [one])[1][0] for one in examples]
    assert [one.text for one in together] == [one.text for one in alone]
    assert [one.nats for one in together] == pytest.approx([one.nats for one in alone], abs=1e-4)
    assert all(one.tokens >= 4 for one in together)

    save_checkpoint(part.model, part.reader, tmp_path, head=part.objective.head())
    plain = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    compared = 0
    for example, ours in zip(examples, together, strict=True):
        read = tokenizer(example.source, return_tensors="pt")
        length = read["input_ids"].shape[1]
        if settings and length > part.training.segment + part.training.memory:
            continue  # In one piece it sees more of such a source than in segments.
        written = plain.generate(**read)[0, length:]
        assert tokenizer.decode(written, skip_special_tokens=True).strip() == ours.text
        compared += 1
    assert compared >= 2
    padded = tokenizer([one.source for one in examples[:2]], return_tensors="pt", padding=True)
    assert padded["attention_mask"][:, -1].all()


@pytest.mark.parametrize(
    ("name", "settings"), [("gpt2", {}), ("transformer_xl", {}), ("transformer_xl", SEGMENTS)], ids=str
)
def test_what_is_written_is_what_the_model_holds_most_probable_where_it_is_scored(name, settings, gpt2):
    part = loaded(name, gpt2, beams=1, max_target_length=16, **settings)
    examples = of_lengths(*LENGTHS)
    scoring, collator = part.trainer.forward.scoring, part.trainer.forward.collator
    items = part.objective.features(examples, part.reader).items
    part.model.model.eval()
    end = part.model.layout.end
    with torch.no_grad():
        written = scoring.logits(collator(items).inputs, 8)[1].tolist()
        ended = [row[: row.index(end) + 1] if end in row else row for row in written]
        as_targets = [
            replace(item, windows=(replace(item.windows[0], target_ids=ids),))
            for item, ids in zip(items, ended, strict=True)
        ]
        costs = scoring.costs(collator(as_targets).inputs)[0]
    assert [int(row) for row in costs[:, 2].sum(1)] == [len(ids) for ids in ended]
    assert max(map(len, ended)) == 16


@pytest.mark.slow
def test_a_source_in_segments_costs_what_it_costs_in_one_piece_where_the_memory_holds_it_all(gpt2):
    examples = of_lengths(*LENGTHS)
    nats, gradients = {}, {}
    long = {**SEGMENTS, "memory": 64}
    for name, settings in {"one": {}, "long": {**long, "gradient_segments": 9}, "short": SEGMENTS}.items():
        part = loaded("transformer_xl", gpt2, **settings)
        features = part.objective.features(examples, part.reader)
        _, outputs = part.trainer.forward.evaluate(features, examples)
        nats[name] = [one.nats for one in outputs]
        part.model.model.train()
        part.trainer.forward.losses(features.items).sum().backward()
        gradients[name] = [weight.grad for weight in part.model.model.parameters() if weight.grad is not None]
    assert nats["long"] == pytest.approx(nats["one"], abs=1e-4)
    assert nats["short"][0] == pytest.approx(nats["one"][0], abs=1e-4)
    assert abs(nats["short"][1] - nats["one"][1]) > 1e-3
    for one, long in zip(gradients["one"], gradients["long"], strict=True):
        torch.testing.assert_close(one, long, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_the_gradient_stops_at_the_last_segment_unless_the_recipe_says_otherwise(gpt2):
    found = {}
    for segments in (1, 9):
        part = loaded("transformer_xl", gpt2, **SEGMENTS, gradient_segments=segments)
        (item,) = part.objective.features(of_lengths(20), part.reader).items
        assert part.trainer.forward.scoring.size(item) == min(segments, -(-len(item.windows[0].input_ids) // 8))
        part.trainer.forward.losses([item]).sum().backward()
        found[segments] = part.model.model.transformer.word_emb.emb_layers[0].weight.grad
    assert not torch.allclose(found[1], found[9])


@pytest.mark.slow
def test_sources_are_read_one_length_at_a_time_where_padding_would_change_them(gpt2):
    part = loaded("gpt2", gpt2, beams=1)
    assert not part.model.unpadded
    examples = of_lengths(3, 9, 3)
    features = part.objective.features(examples, part.reader)
    _, usual = part.trainer.forward.evaluate(features, examples)
    unpadded = replace(part.model, unpadded=True)
    forward = forward_of(unpadded, part.objective, part.trainer.forward.accelerator, part.training, micro_batch_size=8)
    _, alone = forward.evaluate(features, examples)
    assert [one.text for one in alone] == [one.text for one in usual]
    assert [one.nats for one in alone] == pytest.approx([one.nats for one in usual], abs=1e-4)


def test_targets_have_places_of_the_model_s_own_and_the_record_says_how_a_source_is_read(gpt2):
    part = loaded("gpt2", gpt2, max_target_length=24)
    assert (part.model.limit, part.reader.window) == (40, 40)
    (item,) = part.objective.features(of_lengths(70), part.reader).items
    assert len(item.windows[0].input_ids) == 40
    assert part.trainer.forward.scoring.notes()[0].startswith("source, separator, target and end are one text")
    with pytest.raises(
        UserError, match=r"max_target_length: 60, but this model has positions for 64 tokens.* Set it to 56"
    ):
        loaded("gpt2", gpt2, max_target_length=60)
    notes = loaded("transformer_xl", gpt2, **SEGMENTS).trainer.forward.scoring.notes()
    assert "a source is read in segments of 8 tokens, each with a memory of 8 states" in notes[1]


def test_a_transformer_xl_keeps_as_much_as_its_recipe_has_it_see(gpt2):
    part = loaded("transformer_xl", gpt2, max_target_length=24, max_length=40)
    assert part.model.model.config.mem_len == 64
    part = loaded("transformer_xl", gpt2, max_target_length=24, **SEGMENTS)
    assert part.model.model.config.mem_len == 8 + 8 + 24


def run_of(folder, examples, **settings):
    run = own_run(folder / "runs", own_files(folder / "data", examples), None, family="transformer_xl", **settings)
    model = run.config.model.model_copy(update={"architecture": XL, "vocabulary_size": 320})
    return replace(run, config=run.config.model_copy(update={"model": model}))


@pytest.mark.slow
def test_a_run_with_a_memory_is_recorded_predicts_and_ends_to_the_bit_after_a_stop(tmp_path):
    settings = {
        **SHORT, **SEGMENTS, "beams": 2, "maximum_steps": 6, "evaluations_per_epoch": 2, "batch_size": 16,
        "dropout": 0.1, "gradient_segments": 2, "micro_batch_size": 8,
    }  # fmt: skip
    whole, stopped = (run_of(tmp_path / name, pairs(60, longest=14), **settings) for name in ("whole", "stopped"))
    record = execute(whole, Options(), Silent())
    with pytest.raises(Stopped):
        execute(stopped, Options(checkpoint_seconds=0), StopAt())
    execute(stopped, Options(checkpoint_seconds=0), Silent())
    weights_of = "checkpoint/model.safetensors"
    assert (whole.folder / weights_of).read_bytes() == (stopped.folder / weights_of).read_bytes()
    assert record.status == "complete"
    assert any(note.startswith("a source is read in segments of 8 tokens") for note in record.notes)
    assert record.counts.tokens["test"].seen == record.counts.tokens["test"].total
    rows = read_predictions(whole.folder)
    found = predict_rows(whole.folder, [{"source": row["source"]} for row in rows])
    assert [row["prediction"] for row in found] == [row["prediction"]["text"] for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "change", "longest", "settings"),
    [
        ("gpt2", reversed, 5, {"learning_rate": 3e-3}),
        ("transformer_xl", reversed, 5, {"learning_rate": 5e-3}),
        ("transformer_xl", list, 6, {**SEGMENTS, "gradient_segments": 2, "learning_rate": 5e-3}),
    ],
    ids=["GPT-2", "Transformer-XL", "from a memory"],
)
def test_small_language_models_learn_to_copy_and_to_reverse(name, change, longest, settings, gpt2):
    steps = 450
    part = loaded(name, gpt2, beams=1, target_smoothing=0.0, micro_batch_size=64, **settings)
    trainer, _ = trainer_for(part.model, part.objective, part.training, steps=steps)
    examples = pairs(2000, change=change, longest=longest)
    train, test = (part.objective.features(some, part.reader) for some in (examples[:-60], examples[-60:]))
    for step in range(steps):
        start = step * 32 % (len(train.items) - 32)
        trainer.step(train.items[start : start + 32])
    _, outputs = trainer.forward.evaluate(test, examples[-60:])
    right = sum(one.text == example.target for one, example in zip(outputs, examples[-60:], strict=True))
    assert right / 60 >= 0.9


def test_what_must_be_written_is_judged_and_no_token_that_stands_in_front_in_vain():
    tokenizer = train_byte_pairs([*WORDS] * 3, vocabulary_size=320)
    words = tokenizer("red two", add_special_tokens=False)["input_ids"]
    first, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    (begun,) = Apart(first).targets(tokenizer, ["red two"], 99)
    assert (begun.ids, begun.judged) == ([*words, end], range(len(words) + 1))
    (fronted,) = Apart(None).targets(tokenizer, ["red two"], 99)
    assert (fronted.ids, fronted.judged) == ([first, *words, end], range(1, len(words) + 2))
    (cut,) = Apart(None).targets(tokenizer, ["red two " * 9], 5)
    assert (cut.ids[0], cut.ids[-1], cut.judged, cut.is_cut) == (first, end, range(1, 4), True)
    (joined,) = Joined(end).targets(tokenizer, ["[SEP] two"], 99)
    assert (joined.ids.count(end), joined.ids[-1], joined.is_cut) == (1, end, False)
    assert [len(one.judged) for one in Joined(end).targets(tokenizer, ["", "red two " * 9], 4)] == [1, 3]


def test_a_language_behind_a_target_s_end_is_never_written_and_so_not_judged():
    tokenizer = transformers.MBartTokenizer(src_lang="en_XX", tgt_lang="de_DE")
    (target,) = Apart(None).targets(tokenizer, ["a"], 99)
    assert target.ids[-2:] == [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("de_DE")]
    assert target.judged == range(len(target.ids) - 1)
