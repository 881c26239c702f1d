"""Each token of a document is predicted once, with the context that the recipe promises, and costs what it should."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from command_line import read_predictions
from small_models import (
    Silent,
    document_examples,
    loaded_model,
    own_data,
    own_run,
    trainer_for,
    write_language_checkpoint,
)

from harness.config.training import Training
from harness.data.loading import load_splits
from harness.errors import UserError
from harness.metrics.lookup import scores
from harness.runs.execution import Options, execute
from harness.task_types.language_modelling import DocumentExample

DOCUMENTS = document_examples(3, shortest=25, longest=60)
UNTRAINED = {"maximum_steps": 0}


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    folder = tmp_path_factory.mktemp("language")
    return {
        "transformer_xl": write_language_checkpoint("transformer_xl", folder / "xl", memory_start="empty"),
        "bert": write_language_checkpoint("bert", folder / "bert"),
    }


def set_up(family, checkpoint, **settings):
    training = Training(**{"precision": "fp32", **UNTRAINED, **settings})
    loaded, objective = loaded_model(family, checkpoint, "language_modelling", labels=(), training=training)
    trainer, reader = trainer_for(loaded, objective, training)
    loaded.model.eval()
    return trainer, objective, reader


def costs(family, checkpoint, examples=DOCUMENTS, **settings):
    trainer, objective, reader = set_up(family, checkpoint, **settings)
    return trainer.forward.evaluate(objective.features(examples, reader), examples)[1]


def tokens_of(reader, example):
    return reader.tokenizer(example.text, add_special_tokens=False)["input_ids"]


@pytest.mark.slow
def test_in_windows_each_token_is_predicted_from_all_before_it_in_its_first_window(language):
    length, stride = 16, 6
    settings = {"max_length": length, "stride": stride}
    trainer, _, reader = set_up("transformer_xl", language["transformer_xl"], **settings)
    cls, model, room = reader.tokenizer.cls_token_id, trainer.forward.model, length - 2
    for example, found in zip(DOCUMENTS, costs("transformer_xl", language["transformer_xl"], **settings), strict=True):
        tokens, nats = tokens_of(reader, example), 0.0
        for place, token in enumerate(tokens):
            window = max(math.ceil((place + 1 - room) / (room - stride)), 0) * (room - stride)
            assert place == 0 or window == 0 or place - window >= stride
            with torch.no_grad():
                logits = model(torch.tensor([[cls, *tokens[window:place]]])).logits[0, -1]
            nats -= float(logits.log_softmax(0)[token])
        assert found["tokens"] == len(tokens)
        assert found["nats"] == pytest.approx(nats, rel=1e-5)
        assert found["masked_nats"] is found["masked_tokens"] is None


@pytest.mark.parametrize("segment", [8, 13])
def test_with_a_memory_of_the_whole_document_segments_are_one_window(language, segment):
    whole = costs("transformer_xl", language["transformer_xl"], max_length=200)
    segmented = costs(
        "transformer_xl", language["transformer_xl"], strategy="segment_recurrence", segment=segment, memory=200
    )
    assert [row["tokens"] for row in segmented] == [row["tokens"] for row in whole]
    assert [row["nats"] for row in segmented] == pytest.approx([row["nats"] for row in whole], rel=1e-5)


@pytest.mark.slow
def test_without_a_memory_each_segment_is_read_alone(language):
    trainer, _, reader = set_up("transformer_xl", language["transformer_xl"])
    found = costs("transformer_xl", language["transformer_xl"], strategy="independent_segments", segment=8)
    for example, row in zip(DOCUMENTS, found, strict=True):
        ids = reader.tokenizer(example.text)["input_ids"]
        nats = 0.0
        for start in range(0, len(ids) - 1, 8):
            with torch.no_grad():
                logits = trainer.forward.model(torch.tensor([ids[start : start + 8]])).logits[0]
            for offset, scored in enumerate(logits.log_softmax(1)):
                following = start + offset + 1
                if following < len(ids) - 1:  # the last one is [SEP], no token of the document
                    nats -= float(scored[ids[following]])
        assert row["nats"] == pytest.approx(nats, rel=1e-5)


@pytest.mark.slow
def test_more_memory_changes_what_is_predicted_and_documents_do_not_see_each_other(language):
    settings = {"strategy": "segment_recurrence", "segment": 8}
    short, long = (costs("transformer_xl", language["transformer_xl"], memory=memory, **settings) for memory in (2, 24))
    assert all(abs(one["nats"] - other["nats"]) > 1e-3 for one, other in zip(short, long, strict=True))
    alone = [costs("transformer_xl", language["transformer_xl"], [e], memory=24, **settings)[0] for e in DOCUMENTS]
    assert [row["nats"] for row in alone] == pytest.approx([row["nats"] for row in long], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("every", [1, 3])
def test_a_pseudo_perplexity_hides_every_so_manieth_token_alone(language, every):
    """Beside a loop of Salazar et al. 2020, section 2.1, over a document that fits into one window."""
    document = document_examples(1, shortest=20, longest=20)
    trainer, _, reader = set_up("bert", language["bert"], max_length=64, mask_stride=every)
    (found,) = costs("bert", language["bert"], document, max_length=64, mask_stride=every)
    ids = reader.tokenizer(document[0].text)["input_ids"]
    tokens = range(1, len(ids) - 1)
    chosen = [place for place in tokens if (place - 1) % every == every // 2]
    nats = 0.0
    for place in chosen:
        hidden = [*ids[:place], reader.tokenizer.mask_token_id, *ids[place + 1 :]]
        with torch.no_grad():
            nats -= float(trainer.forward.model(torch.tensor([hidden])).logits[0, place].log_softmax(0)[ids[place]])
    assert found["masked_tokens"] == len(tokens)
    assert found["masked_nats"] == pytest.approx(nats / len(chosen) * len(tokens), rel=1e-5)
    assert found["nats"] is found["tokens"] is None


@pytest.mark.parametrize(("family", "settings"), [("transformer_xl", {}), ("bert", {"mask_stride": 1})])
def test_every_token_is_predicted_in_just_one_window(language, family, settings):
    _, objective, reader = set_up(family, language[family], max_length=16, stride=4, **settings)
    features = objective.features(DOCUMENTS, reader)
    for index, example in enumerate(DOCUMENTS):
        windows = [window for item in features.items if item.example == index for window in item.windows]
        found = [window.positions[place - window.first] for window in windows for place in window.scored_tokens]
        assert sorted(found) == list(range(len(tokens_of(reader, example))))
        assert len(windows) > 2


def test_a_hidden_token_has_context_on_both_sides_but_at_a_documents_ends(language):
    _, objective, reader = set_up("bert", language["bert"], max_length=18, stride=8, mask_stride=1)
    (document,) = document_examples(1, shortest=60, longest=60)
    items = objective.features([document], reader).items
    last = len(tokens_of(reader, document)) - 1
    for window in (window for item in items for window in item.windows):
        for place in window.scored_tokens:
            position = window.positions[place - window.first]
            left, right = position - window.positions[0], window.positions[-1] - position
            assert left >= 4 or window.positions[0] == 0
            assert right >= 3 or window.positions[-1] == last


def test_a_model_that_knows_nothing_needs_the_logarithm_of_its_vocabulary(tmp_path):
    checkpoint = write_language_checkpoint("transformer_xl", tmp_path, cutoffs=[], div_val=1)
    trainer, objective, reader = set_up("transformer_xl", checkpoint, max_length=16, stride=4)
    for tensor in trainer.forward.model.crit.parameters():
        torch.nn.init.zeros_(tensor)
    rows = objective.rows(trainer.forward.evaluate(objective.features(DOCUMENTS, reader), DOCUMENTS)[1], DOCUMENTS, {})
    tokens = sum(len(tokens_of(reader, example)) for example in DOCUMENTS)
    size, text = len(reader.tokenizer), "".join(example.text for example in DOCUMENTS)
    found = scores(
        ["perplexity", "bits_per_byte"], [row["reference"] for row in rows], [row["prediction"] for row in rows]
    )
    assert found["perplexity"] == pytest.approx(size, rel=1e-5)
    assert found["bits_per_byte"] == pytest.approx(tokens * math.log2(size) / len(text.encode()), rel=1e-5)


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    "settings", [{"max_length": 16}, {"strategy": "segment_recurrence", "segment": 8, "gradient_segments": 9}]
)
def test_what_does_not_fit_into_a_pass_has_the_same_loss_and_gradient(language, settings):
    gradients, losses = [], []
    for most in (1, 100):
        trainer, objective, reader = set_up(
            "transformer_xl", language["transformer_xl"], micro_batch_size=most, **settings
        )
        items = objective.features(DOCUMENTS[:1], reader).items
        loss = trainer.forward.losses(items).mean()
        loss.backward()
        losses.append(loss.item())
        gradients.append([p.grad for p in trainer.forward.model.parameters() if p.grad is not None])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"max_length": 32}, {"strategy": "segment_recurrence", "segment": 16}])
def test_a_language_model_learns_a_tasks_documents(language, settings, tmp_path):
    own = own_data(tmp_path / "data", document_examples(24), task_type="language_modelling", sizes=(None, 4, 4))
    recipe = {"epochs": 20, "maximum_steps": 20, **settings}
    run = own_run(tmp_path / "runs", own, language["transformer_xl"], family="transformer_xl", **recipe)
    record = execute(run, Options(), Silent())
    assert record.curve[-1].validation_loss < record.curve[0].validation_loss - 0.2
    untrained = costs("transformer_xl", language["transformer_xl"], document_examples(24)[-4:], **settings)
    rows = read_predictions(run.folder)
    before = sum(row["nats"] for row in untrained) / sum(row["tokens"] for row in untrained)
    after = sum(row["prediction"]["nats"] for row in rows) / sum(row["prediction"]["tokens"] for row in rows)
    assert after < before - 0.3
    assert record.scores["test"]["perplexity"] == pytest.approx(math.exp(after))
    assert np.isnan(record.scores["test"]["pseudo_perplexity"])


def test_what_a_tokenizer_loses_is_told(language):
    _, objective, reader = set_up("transformer_xl", language["transformer_xl"])
    assert objective.notes([DocumentExample("same", "the film was seen")], reader) == []
    (note,) = objective.notes([DocumentExample("case", "The film was SEEN")], reader)
    assert note.startswith("the tokenizer loses 29.41% of the test split's characters, and 0.00% of its tokens")
    (note,) = objective.notes([DocumentExample("unknown", "the film was \u2603")], reader)
    assert "25.00% of its tokens stand for unknown words" in note


def test_the_record_of_a_masked_model_says_what_was_sampled(language):
    _, objective, reader = set_up("bert", language["bert"], mask_stride=5)
    told = objective.notes(DOCUMENTS, reader)
    assert told == ["pseudo-perplexity by one in 5 tokens, each masked alone"]


@pytest.mark.parametrize(
    ("family", "settings", "wrong"),
    [
        ("transformer_xl", {"max_windows": 3}, "max_windows: documents are scored as a whole"),
        ("bert", {"maximum_steps": 3}, "maximum_steps: a bert predicts masked tokens"),
    ],
)
def test_recipes_that_would_mislead_are_refused(language, family, settings, wrong):
    with pytest.raises(UserError, match=wrong):
        set_up(family, language[family], **settings)


def test_windows_that_share_nothing_are_refused(language):
    _, objective, reader = set_up("transformer_xl", language["transformer_xl"], max_length=16, stride=0)
    with pytest.raises(UserError, match="stride: 0 leaves a window's first token with nothing before it"):
        objective.features(DOCUMENTS, reader)


def test_a_memory_that_the_model_does_not_look_at_is_refused(tmp_path):
    checkpoint = write_language_checkpoint("transformer_xl", tmp_path, same_length=True, mem_len=8)
    with pytest.raises(UserError, match="memory: 16, but this model sets same_length, so a token sees only the last 8"):
        set_up("transformer_xl", checkpoint, strategy="segment_recurrence", segment=8, memory=16)


def test_a_document_of_one_token_with_nothing_before_it_is_refused(language):
    _, objective, reader = set_up("transformer_xl", language["transformer_xl"])
    bare = replace(reader, tokenizer=_without_template(reader.tokenizer))
    short = [DocumentExample("long", "the film"), DocumentExample("short", "film")]
    with pytest.raises(UserError, match=r"^short: too short: it has no token after the first"):
        objective.features(short, bare)
    assert [item.windows[0].scored_tokens for item in objective.features(short, reader).items] == [
        range(1, 3),
        range(1, 2),
    ]


def _without_template(tokenizer):
    from copy import deepcopy

    from tokenizers.processors import TemplateProcessing

    bare = deepcopy(tokenizer)
    bare.backend_tokenizer.post_processor = TemplateProcessing(single="$A", pair="$A $B")
    return bare


def test_a_checkpoint_without_its_language_head_is_refused(checkpoints):
    with pytest.raises(UserError, match="its weights are not a complete language model"):
        loaded_model("bert", checkpoints["bert"], "language_modelling", labels=())


def test_an_empty_document_is_refused_with_its_place(tmp_path):
    from harness.data.custom import custom_task

    file = tmp_path / "texts.jsonl"
    file.write_text('{"text": "a film"}\n{"text": " "}\n')
    task = custom_task(train=file, task_type="language_modelling")
    with pytest.raises(UserError, match=r"texts\.jsonl, line 2\): text: an empty document"):
        load_splits(task)
