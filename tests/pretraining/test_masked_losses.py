"""The loss of hidden words and of pairs is that of transformers' own models, however sequences are read together."""

import numpy as np
import pytest
import torch
from small_corpora import FIRST_WORD, plan, word_corpus
from small_models import small_tokenizer
from small_pretraining import objective_and_model, stock, trainer_of, untrained
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from harness.errors import UserError
from harness.pretraining.masking import MaskedSequence, weighted
from harness.registry import OBJECTIVES

PAIRS = {"bert": ("bert", "bert"), "roberta": ("roberta", "roberta"), "scratch": ("scratch", "bert")}
LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34, 40, 7, 1, 19)


@pytest.fixture(scope="module")
def tokenizer():
    return small_tokenizer("bert")


@pytest.fixture(scope="module")
def corpus(tokenizer):
    return word_corpus(40, vocabulary=len(tokenizer))


@pytest.fixture(params=PAIRS, scope="module")
def made(request, tokenizer, corpus):
    """A model under its own objective."""
    family, objective = PAIRS[request.param]
    return objective_and_model(family, objective, corpus, tokenizer, plan(micro_batch_size=64))[1]


def step(tokenizer):
    """A step's sequences, of lengths from a single token on."""
    generator, found = np.random.default_rng(0), []
    for number, length in enumerate(LENGTHS):
        ids = generator.integers(FIRST_WORD, len(tokenizer), length)
        places = np.sort(generator.choice(length, max(1, length // 3), replace=False))
        words = generator.integers(FIRST_WORD, len(tokenizer), len(places))
        types = (np.arange(length) > length // 2).astype(np.int64)
        found.append(MaskedSequence(ids, types, places, words, follows=number % 3 == 0))
    return weighted(found)


def padded(sequences, name):
    return pad_sequence([torch.from_numpy(getattr(s, name)) for s in sequences], batch_first=True)


def stock_batch(sequences):
    """The sequences as transformers' own models want them."""
    labels = torch.full_like(padded(sequences, "input_ids"), -100)
    for row, sequence in enumerate(sequences):
        labels[row, sequence.places] = torch.from_numpy(sequence.words)
    mask = torch.arange(labels.shape[1]) < torch.tensor([s.size for s in sequences])[:, None]
    return {"input_ids": padded(sequences, "input_ids"), "attention_mask": mask.long(), "labels": labels}


def stock_loss(model, sequences):
    """What the family's own model says of the padded batch, of words and pairs."""
    inputs, kind = stock_batch(sequences), model.config.model_type
    follows_not = torch.tensor([0 if sequence.follows else 1 for sequence in sequences])  # as BertForPreTraining counts
    if kind == "bert":
        return model(**inputs, token_type_ids=padded(sequences, "token_type_ids"), next_sentence_label=follows_not).loss
    if kind == "roberta":
        return model(**inputs).loss
    outputs = model(**inputs, token_type_ids=padded(sequences, "token_type_ids"), output_hidden_states=True)
    first = outputs.hidden_states[-1][:, 0]
    return outputs.loss + functional.cross_entropy(model.follows(first), follows_not)


def test_the_mean_loss_is_that_of_the_stock_model_on_a_padded_batch(made, tokenizer):
    sequences = step(tokenizer)
    with torch.no_grad():
        expected = stock_loss(stock(made.model), sequences)
        found = made.losses(sequences).mean()
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)


def test_the_held_out_loss_is_that_of_the_words_alone(made, tokenizer):
    sequences = step(tokenizer)
    inputs = stock_batch(sequences)
    if made.model.config.model_type != "roberta":
        inputs["token_type_ids"] = padded(sequences, "token_type_ids")
    with torch.no_grad():
        outputs = stock(made.model)(**inputs)
    logits = getattr(outputs, "prediction_logits", None)
    logits = outputs.logits if logits is None else logits
    expected = functional.cross_entropy(logits.flatten(0, 1), inputs["labels"].flatten(), reduction="sum")
    nats, words = made.evaluate(sequences)
    assert words == sum(len(sequence.words) for sequence in sequences)
    assert nats == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.slow_but_first
def test_the_gradient_is_that_of_the_stock_model_and_the_same_in_passes_of_any_size(made, tokenizer):
    sequences = step(tokenizer)
    reference = stock(made.model)
    stock_loss(reference, sequences).backward()
    expected = {name: parameter.grad for name, parameter in reference.named_parameters() if parameter.grad is not None}
    trainer = trainer_of(made, plan())
    for size in (64, 5, 1):
        made.micro_batch_size = size
        made.model.train()
        loss = trainer._gradients(sequences)
        assert loss == pytest.approx(stock_loss(reference, sequences).item(), abs=1e-5)
        found = {name: p.grad.clone() for name, p in made.model.named_parameters() if p.grad is not None}
        trainer.optimizer.zero_grad()
        assert found.keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}")


def test_one_sequence_s_words_do_not_depend_on_what_is_read_beside_it(made, tokenizer):
    sequences = step(tokenizer)
    with torch.no_grad():
        together = made.losses(sequences)
        alone = torch.cat([made.losses([sequence]) for sequence in sequences])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_half_precision_is_close_to_full(corpus, tokenizer):
    losses = {}
    for precision in ("fp32", "bf16"):
        _, made = objective_and_model("bert", "bert", corpus, tokenizer, plan(precision=precision))
        losses[precision] = made.losses(step(tokenizer))
    assert losses["bf16"].dtype == torch.float32
    assert not torch.equal(losses["bf16"], losses["fp32"])
    torch.testing.assert_close(losses["bf16"], losses["fp32"], rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    ("family", "objective", "said"),
    [
        ("roberta", "bert", "a roberta has no head for next-sentence prediction. Choose objective roberta."),
        ("transformer_xl", "roberta", "from left to right and can't predict masked tokens. Choose objective causal."),
        ("bert", "causal", "a bert reads in both directions, so it would see the tokens to predict."),
    ],
)  # fmt: skip
def test_a_family_that_does_not_fit_an_objective_is_told_which_one_does(family, objective, said, corpus, tokenizer):
    with pytest.raises(UserError, match=said):
        objective_and_model(family, objective, corpus, tokenizer, plan())


def test_a_decoder_is_not_read_both_ways(corpus, tokenizer):
    made = OBJECTIVES.load("roberta")(corpus, tokenizer, plan=plan())
    with pytest.raises(UserError, match="a decoder does not see all of a text at once"):
        made.trainable(untrained("bert", tokenizer, plan(), is_decoder=True))


@pytest.mark.parametrize("missing", ["mask_token", "sep_token", "pad_token"])
@pytest.mark.parametrize("objective", ["bert", "roberta"])
def test_a_tokenizer_that_can_t_hide_words_is_told_what_it_lacks(missing, objective, corpus):
    tokenizer = small_tokenizer("bert")
    setattr(tokenizer, missing, None)
    with pytest.raises(UserError, match=f"tokenizer.checkpoint: this tokenizer has no {missing}"):
        OBJECTIVES.load(objective)(corpus, tokenizer, plan=plan())
