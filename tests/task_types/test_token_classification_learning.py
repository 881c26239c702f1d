"""How tags are learnt and predicted: which token speaks for a word, in which window, and at what loss."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_models import DISTINCT, TAGS, loaded_model, tagged_examples, trainer_for, weights

from harness.config.training import Training
from harness.errors import UserError
from harness.registry import TASK_TYPES
from harness.task_types.token_classification.examples import TaggedSentence
from harness.task_types.token_classification.objective import LEFT_TO_RIGHT
from harness.task_types.token_classification.pieces import without_pieces, word_pieces

KIND = "token_classification"
FAMILIES = DISTINCT


def set_up(family, checkpoints, **settings):
    training = Training(**{"learning_rate": 1e-3, "warmup_ratio": 0.0, **settings})
    loaded, objective = loaded_model(family, checkpoints[family], KIND, labels=TAGS, training=training)
    learner, reader = trainer_for(loaded, objective, training)
    return loaded, objective, learner, reader


def sentence(words, tags=None):
    words = tuple(words.split())
    return TaggedSentence(" ".join(words), words, tuple(tags or [0] * len(words)))


@pytest.mark.slow_but_first
@pytest.mark.parametrize("family", FAMILIES)
def test_a_sentence_s_loss_is_that_of_transformers_own_head_on_first_pieces(family, checkpoints):
    loaded, objective, learner, reader = set_up(family, checkpoints)
    examples = tagged_examples(4)
    items = objective.features(examples, reader).items
    learner.forward.model.eval()
    losses = learner.forward.losses(items)
    for item, example, loss in zip(items, examples, losses, strict=True):
        (window,) = item.windows
        wanted = torch.full((1, len(window.input_ids)), -100)
        for (_, place), tag in zip(item.target.places, example.tags, strict=True):
            wanted[0, place] = tag
        own = loaded.model(**learner.forward.collator([item]).inputs, labels=wanted).loss
        torch.testing.assert_close(loss, own, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_words_are_read_as_in_the_text_that_they_make(family, checkpoints):
    loaded, *_ = set_up(family, checkpoints)
    words = ["anna", "saw", "unheardof", "films", ",", "x"]
    pieces = word_pieces(loaded.tokenizer, [words])[0]
    text = loaded.tokenizer(" ".join(words), add_special_tokens=False)["input_ids"]
    assert [token for ids in pieces for token in ids] == text
    assert max(map(len, pieces)) > 1  # a word of several pieces is among them


def byte_level(*, prefix):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(special_tokens=["<s>", "</s>", "<pad>"], vocab_size=300, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(["anna saw bert", "bert saw anna"] * 9, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")


@pytest.mark.parametrize("prefix", [False, True])
def test_a_byte_level_tokenizer_reads_the_blank_before_a_word(prefix):
    tokenizer = byte_level(prefix=prefix)
    words = ["saw", "anna", "saw", "東京"]
    pieces = word_pieces(tokenizer, [words])[0]
    assert [token for ids in pieces for token in ids] == tokenizer(" ".join(words), add_special_tokens=False).input_ids
    assert tokenizer.convert_ids_to_tokens(pieces[2])[0].startswith("Ġ")
    assert (pieces[0] == pieces[2]) == prefix


def test_a_tokenizer_that_puts_a_blank_before_every_text_reads_none_twice():
    from tokenizers import Tokenizer, models, normalizers
    from transformers import PreTrainedTokenizerFast

    # As in the tokenizer files of Llama 2 and Mistral 7B: "▁▁" is a token, for indented code.
    merges = [("▁", "▁"), ("▁", "a"), ("▁", "b"), ("▁a", "b")]
    vocabulary = {token: place for place, token in enumerate(["<unk>", "▁", "a", "b", *map("".join, merges)])}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")
    (pieces,) = word_pieces(fast, [["ab", "b", "ab"]])
    assert list(map(fast.convert_ids_to_tokens, pieces)) == [["▁ab"], ["▁b"], ["▁ab"]]
    assert [token for ids in pieces for token in ids] == fast("ab b ab").input_ids


def test_a_word_never_becomes_a_special_token(checkpoints):
    loaded, *_ = set_up("bert", checkpoints)
    for tokenizer, words in ((loaded.tokenizer, ["[SEP]", "[MASK]"]), (byte_level(prefix=False), ["</s>", "<s>"])):
        special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        for ids in word_pieces(tokenizer, [words])[0]:
            assert ids
            assert not special.intersection(ids)


@pytest.fixture(scope="module", params=["moses", "whitespace"])
def word_tokenizer(request, tmp_path_factory):
    """A tokenizer that gives no offsets, and under "whitespace" ends each text with a token of its own."""
    from harness.models.families.transformer_xl.tokenizer import TransformerXLTokenizer

    if request.param == "moses":
        pytest.importorskip("sacremoses")
    file = tmp_path_factory.mktemp("words") / "vocab.txt"
    file.write_text("<eos>\n<unk>\nanna\nsaw\nbert\n@-@\nwell\n.\n")
    return TransformerXLTokenizer(str(file), split=request.param)


def test_a_tokenizer_of_words_gives_each_word_its_own(word_tokenizer):
    pieces = word_pieces(word_tokenizer, [["anna", "saw", "strangers", "<eos>"]])[0]
    unknown = word_tokenizer.unk_token_id
    assert pieces[:3] == [[word_tokenizer.ids["anna"]], [word_tokenizer.ids["saw"]], [unknown]]
    assert word_tokenizer.eos_token_id not in pieces[3]
    assert pieces[3]


def test_words_without_a_piece_are_read_as_unknown_and_counted(checkpoints):
    loaded, objective, learner, reader = set_up("bert", checkpoints)
    example = sentence("anna \u200b saw \u00ad")  # a tokenizer that cleans texts leaves nothing of two of these
    assert without_pieces(loaded.tokenizer, [example.words]) == 2
    (note,) = objective.notes([example], reader)
    assert note == "the tokenizer has no piece for 2 of the test split's words: they are read as unknown"
    assert word_pieces(loaded.tokenizer, [example.words])[0][1] == [loaded.tokenizer.unk_token_id]
    _, (tagging,) = learner.forward.evaluate(objective.features([example], reader), [example])
    assert len(tagging.tags) == len(tagging.scores) == 4


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_each_word_is_predicted_once_where_it_has_the_most_context(family, checkpoints):
    loaded, objective, learner, reader = set_up(family, checkpoints, max_length=12, stride=4)
    examples = tagged_examples(5, shortest=20, longest=45, seed=2)
    features = objective.features(examples, reader)
    assert min(len(item.windows) for item in features.items) > 1
    assert features.seen == sum(features.lengths)
    _, outputs = learner.forward.evaluate(features, examples)
    for item, example, tagging in zip(features.items, examples, outputs, strict=True):
        windows = [learner.forward.collator([replace(item, windows=(window,))]) for window in item.windows]
        logits = [loaded.model(**batch.inputs).logits[0] for batch in windows]
        chosen = torch.stack([logits[window][place] for window, place in item.target.places])
        assert list(tagging.tags) == chosen.argmax(1).tolist()
        np.testing.assert_allclose(tagging.scores, chosen.softmax(1).max(1).values.detach(), atol=1e-5)
        assert_most_context(item, word_pieces(loaded.tokenizer, [example.words])[0])


def assert_most_context(item, pieces):
    """The window of each word has as many tokens on the word's poorer side as any other that reads it."""
    firsts = np.cumsum([0, *map(len, pieces)])[:-1]
    last = item.windows[-1].positions[-1]
    for first, (window, place) in zip(firsts, item.target.places, strict=True):
        spans = [(one.positions[0], one.positions[-1]) for one in item.windows]
        # At a text's ends nothing is missing.
        least = [
            min(first - a if a else np.inf, b - first if b < last else np.inf) if a <= first <= b else -1
            for a, b in spans
        ]
        assert least[window] >= max(least) - 1  # an overlap of even length has no middle
        assert place == item.windows[window].first + first - spans[window][0]


def test_words_of_long_sentences_are_trained_once_each(checkpoints):
    _, objective, _, reader = set_up("bert", checkpoints, max_length=12, stride=4)
    (item,) = objective.features(tagged_examples(1, shortest=40, longest=40), reader).items
    assert len(item.windows) > 3
    assert len(set(item.target.places)) == len(item.target.tags) == 40


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "xlnet"])
def test_a_step_does_not_depend_on_how_many_windows_are_read_at_once(family, checkpoints):
    after = []
    for size in (1, 3, 64):
        loaded, objective, learner, reader = set_up(family, checkpoints, max_length=12, stride=4, micro_batch_size=size)
        before = weights(loaded.model)
        # Plain gradient descent, whose step is as small as the gradient.
        learner.optimizer = torch.optim.SGD(loaded.model.parameters(), lr=0.1)
        learner.scheduler = torch.optim.lr_scheduler.ConstantLR(learner.optimizer, factor=1.0)
        learner.step(objective.features(tagged_examples(6, longest=40), reader).items)
        after.append(weights(loaded.model))
    assert any(not torch.equal(before[name], tensor) for name, tensor in after[0].items())
    for name, tensor in after[0].items():
        for other in after[1:]:
            torch.testing.assert_close(other[name], tensor, atol=1e-6, rtol=1e-5)


def test_a_sentence_of_no_word_has_no_tag_and_no_loss(checkpoints):
    _, objective, learner, reader = set_up("bert", checkpoints)
    examples = [sentence(""), sentence("anna saw", [0, 2])]
    features = objective.features(examples, reader)
    losses = learner.forward.losses(features.items)
    assert losses[0] == 0
    assert losses[1] > 0
    assert learner.forward.evaluate(features, examples)[1][0].tags == ()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_that_sees_no_word_to_come_says_so(family, checkpoints):
    _, objective, _, reader = set_up(family, checkpoints)
    assert objective.notes([sentence("anna saw")], reader) == ([LEFT_TO_RIGHT] if family == "transformer_xl" else [])


def test_a_decoder_without_a_family_of_its_own_says_so_too(tmp_path):
    from small_models import small_tokenizer
    from transformers import AutoModel, GPT2Config

    tokenizer = small_tokenizer("bert")
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=1, n_head=2, n_positions=64)
    AutoModel.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded, objective = loaded_model("auto", tmp_path, KIND, labels=TAGS)
    _, reader = trainer_for(loaded, objective, Training())
    assert objective.notes([sentence("anna saw")], reader) == [LEFT_TO_RIGHT]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"strategy": "segment_recurrence", "segment": 8},
            'words are only tagged in windows. Set strategy = "windows".',
        ),
        ({"max_windows": 3}, "max_windows: every word must get a tag. Leave it out."),
    ],
)
def test_a_recipe_that_would_leave_words_untagged_is_refused(settings, said):
    with pytest.raises(UserError) as raised:
        TASK_TYPES.load(KIND).objective(TAGS, Training(**settings))
    assert said in raised.value.lines[0]


def test_rows_spell_entities_in_characters_of_a_text_or_else_in_words(checkpoints):
    from harness.task_types.token_classification.examples import Tagging

    objective = TASK_TYPES.load(KIND).objective(TAGS, Training())
    words, tagging = ("Anna", "Lee", "saw", "Bo"), Tagging((0, 1, 2, 0), (0.5, 0.75, 1.0, 0.25))
    bare = TaggedSentence("1", words, (0, 1, 2, 2))
    text = "Anna  Lee saw Bo"
    placed = TaggedSentence("2", words, (0,) * 4, text=text, offsets=((0, 4), (6, 9), (10, 13), (14, 16)))
    first, second = objective.rows([tagging, tagging], [bare, placed], {})
    assert first["reference"] == ["B-PER", "I-PER", "O", "O"]
    assert first["prediction"] == ["B-PER", "I-PER", "O", "B-PER"]
    assert first["entities"] == [
        {"type": "PER", "text": "Anna Lee", "start": 0, "end": 2, "score": 0.625},
        {"type": "PER", "text": "Bo", "start": 3, "end": 4, "score": 0.25},
    ]
    assert second["entities"][0] == {"type": "PER", "text": "Anna  Lee", "start": 0, "end": 9, "score": 0.625}
    assert text[second["entities"][1]["start"] :] == "Bo"


def test_plain_tags_spell_no_entities():
    objective = TASK_TYPES.load(KIND).objective(("NOUN", "VERB"), Training())
    from harness.task_types.token_classification.examples import Tagging

    (row,) = objective.rows([Tagging((0,), (0.5,))], [sentence("anna")], {})
    assert "entities" not in row
