"""The scratch model as a citizen of transformers: Auto classes, checkpoints, pipelines, padding, learning."""

import pytest
import torch
from transformers import (
    AttentionInterface,
    AutoModel,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    pipeline,
)

from harness.errors import UserError
from harness.models.families.scratch import DEFAULT_ARCHITECTURE, ScratchConfig, register
from harness.models.families.scratch.attention import eager_attention
from harness.models.families.scratch.embeddings import sinusoids
from harness.tokenization.trained_tokenizer import train_tokenizer

AUTO_CLASSES = (AutoModel, AutoModelForSequenceClassification, AutoModelForQuestionAnswering)
TOKENS = torch.tensor([[2, 7, 8, 9, 3], [2, 11, 12, 13, 3]])


@pytest.fixture(autouse=True)
def _registered():
    register()
    register()  # A second time must do no harm.


def _config(**settings):
    small = {"hidden_size": 16, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 32}
    return ScratchConfig(**{"vocab_size": 40, **small, **settings})


def _numbers(outputs):
    """Every floating-point tensor of a model's output, but the loss."""
    return [value for name, value in outputs.items() if name != "loss"]


@pytest.mark.parametrize("auto_class", AUTO_CLASSES)
@pytest.mark.parametrize("norm_position", ["post", "pre"])
def test_a_saved_model_comes_back_with_the_same_numbers(auto_class, norm_position, tmp_path):
    model = auto_class.from_config(_config(norm_position=norm_position)).eval()
    model.save_pretrained(tmp_path)
    loaded, report = auto_class.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert type(loaded) is type(model)
    assert loaded.config.norm_position == norm_position
    for before, after in zip(_numbers(model(TOKENS)), _numbers(loaded.eval()(TOKENS)), strict=True):
        assert torch.equal(before, after)


def test_a_loaded_model_knows_positions_although_the_checkpoint_holds_none(tmp_path):
    AutoModel.from_config(_config()).save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path).eval()
    assert not list(loaded.buffers())
    # The same token everywhere: what differs between places is the positions' share alone.
    embedded = loaded.embeddings(torch.zeros(1, 600, 16), None, None)[0]
    expected = sinusoids(torch.arange(600), 16)
    torch.testing.assert_close(embedded - embedded[0], expected - expected[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("auto_class", AUTO_CLASSES)
@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_padding_changes_nothing(auto_class, implementation):
    torch.manual_seed(0)
    model = auto_class.from_config(_config(attn_implementation=implementation)).eval()
    padded = torch.cat([TOKENS, torch.zeros(2, 6, dtype=torch.long)], dim=1)
    mask = (padded != 0).long()
    for plain, cushioned in zip(_numbers(model(TOKENS)), _numbers(model(padded, attention_mask=mask)), strict=True):
        per_token = plain.shape[1] == TOKENS.shape[1]
        torch.testing.assert_close(cushioned[:, :5] if per_token else cushioned, plain, atol=1e-6, rtol=0)


def test_padding_does_not_change_the_answer_s_loss_or_win_the_answer():
    model = AutoModelForQuestionAnswering.from_config(_config()).eval()
    padded = torch.cat([TOKENS, torch.zeros(2, 6, dtype=torch.long)], dim=1)
    answers = {"start_positions": torch.tensor([1, 2]), "end_positions": torch.tensor([2, 3])}
    plain = model(TOKENS, **answers)
    cushioned = model(padded, attention_mask=(padded != 0).long(), **answers)
    assert cushioned.loss.item() == pytest.approx(plain.loss.item(), abs=1e-6)
    assert cushioned.start_logits[:, 5:].max() < plain.start_logits.min()


def test_both_attention_implementations_agree_and_the_readable_one_shows_its_weights():
    model = AutoModel.from_config(_config()).eval()
    assert model.config._attn_implementation == "sdpa"
    fast = model(TOKENS).last_hidden_state
    model.set_attn_implementation("eager")
    readable = model(TOKENS, output_attentions=True, output_hidden_states=True)
    torch.testing.assert_close(readable.last_hidden_state, fast, atol=1e-5, rtol=0)
    assert [weights.shape for weights in readable.attentions] == [(2, 4, 5, 5)] * 2
    assert len(readable.hidden_states) == 3


def test_texts_laid_end_to_end_read_as_they_do_alone_through_an_attention_of_one_s_own():
    def attend_within_texts(module, query, key, value, attention_mask, *, texts, **options):
        assert attention_mask is None
        apart = (texts[:, :, None] != texts[:, None, :])[:, None]
        mask = torch.zeros(apart.shape).masked_fill(apart, torch.finfo(query.dtype).min)
        return eager_attention(module, query, key, value, mask, **options)

    AttentionInterface.register("within-texts", attend_within_texts)
    model = AutoModel.from_config(_config()).eval()
    alone = model(TOKENS).last_hidden_state
    model.set_attn_implementation("within-texts")
    places, texts = torch.arange(5).repeat(1, 2), torch.arange(2).repeat_interleave(5)[None]
    joined = model(TOKENS.view(1, -1), position_ids=places, texts=texts).last_hidden_state
    torch.testing.assert_close(joined.view(alone.shape), alone, atol=1e-5, rtol=0)


def test_the_second_text_of_a_pair_is_told_from_the_first():
    model = AutoModel.from_config(_config()).eval()
    second = torch.tensor([[0, 0, 0, 1, 1]] * 2)
    assert not torch.allclose(model(TOKENS).last_hidden_state, model(TOKENS, token_type_ids=second).last_hidden_state)


@pytest.mark.parametrize(
    ("problem_type", "labels", "expected"),
    [
        ("single_label_classification", torch.tensor([0, 2]), torch.nn.functional.cross_entropy),
        (
            "multi_label_classification",
            torch.tensor([[0.0, 1, 1], [1, 0, 0]]),
            torch.nn.functional.binary_cross_entropy_with_logits,
        ),
        ("regression", torch.tensor([[0.5, -1, 2], [3, 0, 1]]), torch.nn.functional.mse_loss),
    ],
)
def test_the_problem_type_says_which_loss(problem_type, labels, expected):
    config = _config(num_labels=3, problem_type=problem_type)
    outputs = AutoModelForSequenceClassification.from_config(config).eval()(TOKENS, labels=labels)
    torch.testing.assert_close(outputs.loss, expected(outputs.logits, labels))


def test_a_gradient_reaches_every_weight():
    model = AutoModelForSequenceClassification.from_config(_config())
    model(TOKENS, token_type_ids=torch.tensor([[0, 0, 0, 1, 1]] * 2), labels=torch.tensor([0, 1])).loss.backward()
    still = [name for name, parameter in model.named_parameters() if not parameter.grad.any()]
    assert still == []


def test_gradient_checkpointing_gives_the_same_gradient():
    model = AutoModelForSequenceClassification.from_config(_config(hidden_dropout_prob=0.0)).train()
    gradients = []
    for switch in (model.gradient_checkpointing_disable, model.gradient_checkpointing_enable):
        switch()
        model.zero_grad()
        model(TOKENS, labels=torch.tensor([0, 1])).loss.backward()
        gradients.append(model.classifier.weight.grad.clone())
    torch.testing.assert_close(*gradients)


@pytest.mark.slow
def test_it_learns_a_small_batch_by_heart():
    torch.manual_seed(0)
    tokens, labels = torch.randint(5, 40, (8, 6)), torch.tensor([0, 1] * 4)
    model = AutoModelForSequenceClassification.from_config(_config(hidden_dropout_prob=0.0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(tokens, labels=labels).loss
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01


@pytest.mark.slow
def test_it_learns_to_find_an_answer():
    torch.manual_seed(0)
    tokens, places = torch.randint(5, 40, (8, 6)), torch.arange(8) % 6
    tokens[torch.arange(8), places] = 4
    model = AutoModelForQuestionAnswering.from_config(_config(hidden_dropout_prob=0.0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(tokens, start_positions=places, end_positions=places).loss
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01


def test_a_plain_pipeline_runs_a_saved_folder(tmp_path):
    tokenizer = train_tokenizer(["a fine film", "a dull film"])
    config = _config(vocab_size=len(tokenizer), id2label={0: "rotten", 1: "fresh"}, label2id={"rotten": 0, "fresh": 1})
    model = AutoModelForSequenceClassification.from_config(config).eval()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    classify = pipeline("text-classification", str(tmp_path))
    scores = {one["label"]: one["score"] for one in classify("a fine film", top_k=None)}
    expected = model(**tokenizer("a fine film", return_tensors="pt")).logits.softmax(-1)[0]
    assert scores == pytest.approx({"rotten": expected[0].item(), "fresh": expected[1].item()}, abs=1e-6)
    assert len(classify(["a fine film", "a dull and much longer film"], batch_size=2)) == 2


def test_every_mistake_in_an_architecture_is_named_at_once():
    with pytest.raises(UserError) as caught:
        ScratchConfig(hidden_size=7, num_attention_heads=2, norm_position="before", hidden_act="tanh")
    assert [line.split(":")[0] for line in caught.value.lines] == [
        "architecture.hidden_size",
        "architecture.num_attention_heads",
        "architecture.norm_position",
        "architecture.hidden_act",
    ]


def test_the_defaults_are_the_paper_s_base_model_and_the_baseline_is_a_small_one():
    # Table 3: N = 6, d_model = 512, d_ff = 2048, h = 8, P_drop = 0.1.
    base = ScratchConfig()
    sizes = (base.num_hidden_layers, base.hidden_size, base.intermediate_size, base.num_attention_heads)
    assert (*sizes, base.hidden_dropout_prob) == (6, 512, 2048, 8, 0.1)
    model = AutoModel.from_config(ScratchConfig(vocab_size=8192, **DEFAULT_ARCHITECTURE))
    # By hand, a layer: 4·256² + 2·256·1024 + 1024 + 256 + 4·256; the embeddings: (8192 + 2)·256.
    assert model.num_parameters() == 4 * (4 * 256**2 + 2 * 256 * 1024 + 1024 + 256 + 4 * 256) + 8194 * 256
