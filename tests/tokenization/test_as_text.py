"""What a text spells is text: special tokens come from templates alone, and ordinary texts keep their ids."""

from types import SimpleNamespace

import numpy as np
import pytest
from small_models import FILLERS, loaded_model, small_tokenizer, trainer_for
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, ByT5Tokenizer, PreTrainedTokenizerFast, pipeline

from harness.config.training import Training
from harness.models.families.transformer_xl.tokenizer import TransformerXLTokenizer
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.question_answering.objective import objective
from harness.task_types.texts import TextExample
from harness.tokenization.as_text import control_ids, has_markers, token_ids
from harness.tokenization.encoding import encode
from harness.tokenization.pair_layout import Apart
from harness.tokenization.reading import Reader
from harness.training.task_model import save_checkpoint

ORDINARY = ["the film was seen by many people", "", "  a rainy  day ", "[ sep ] < s >", "Zürich 日本 😀"]
SPELT = ["the [SEP] film", "[MASK]", "a</s>b <pad> [PAD] <mask> [CLS]<s>", "<eos> in town <eos>", "<|endoftext|>"]


def unigram():
    """As sentencepiece's, whose vocabulary holds the special tokens beside all other pieces."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.UnigramTrainer(vocab_size=90, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator([*FILLERS, "< / s > p a d m k e"] * 4, trainer)
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "mask_token": "<mask>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", cls_token="<s>", **names)


def byte_pairs():
    """As GPT-2's: one token begins, ends and is unknown."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([" ".join(FILLERS)] * 4, trainer)
    end = AddedToken("<|endoftext|>", special=True, normalized=False)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end)


def words(split, folder):
    file = folder / "vocab.txt"
    file.write_text("\n".join(["<unk>", "<eos>", "[PAD]", *FILLERS, *"<>eos/"]))
    return TransformerXLTokenizer(str(file), split=split, pad_token="[PAD]")


TOKENIZERS = {
    "wordpiece": lambda _: small_tokenizer("bert"),
    "unigram": lambda _: unigram(),
    "byte pairs": lambda _: byte_pairs(),
    "bytes": lambda _: ByT5Tokenizer(),
    "moses": lambda folder: words("moses", folder),
    "whitespace": lambda folder: words("whitespace", folder),
}


def stock_ids(tokenizer, texts):
    return [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_ordinary_texts_have_the_tokenizer_s_own_ids(name, tmp_path):
    tokenizer = TOKENIZERS[name](tmp_path)
    assert token_ids(tokenizer, [*ORDINARY, *SPELT])[: len(ORDINARY)] == stock_ids(tokenizer, ORDINARY)


@pytest.mark.parametrize("return_offsets", [False, True])
@pytest.mark.parametrize("name", sorted(set(TOKENIZERS) - {"whitespace"}))  # its texts are split, and have line ends
def test_no_text_spells_a_control_token(name, return_offsets, tmp_path):
    tokenizer = TOKENIZERS[name](tmp_path)
    texts = [text for text in SPELT if not control_ids(tokenizer).isdisjoint(*stock_ids(tokenizer, [text]))]
    assert texts, "each tokenizer has a special token among them"
    for text, encoded in zip(texts, encode(tokenizer, texts, return_offsets=return_offsets), strict=True):
        assert control_ids(tokenizer).isdisjoint(encoded.ids)
        assert encoded.ids, "it is read, not left out"
        if return_offsets:
            assert len(encoded.offsets) == len(encoded.ids)
            assert all(0 <= start <= end <= len(text) for start, end in encoded.offsets)


@pytest.mark.parametrize("name", ["wordpiece", "unigram", "bytes"])
def test_no_target_spells_a_control_token_before_its_own_end(name, tmp_path):
    tokenizer = TOKENIZERS[name](tmp_path)
    if name == "unigram":
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    (plain,) = Apart().targets(tokenizer, ["in town"], 99)
    for target in Apart().targets(tokenizer, SPELT, 99):
        inside = [target.ids[place] for place in target.judged][:-1]
        assert inside
        assert control_ids(tokenizer).isdisjoint(inside)
        assert target.ids[-1] == plain.ids[-1]


def test_a_spelt_token_s_letters_lie_where_they_stand():
    # "</s>" is a piece of the vocabulary, so not even without a search for special tokens is it read as letters.
    (encoded,) = encode(unigram(), ["in</s>in"], return_offsets=True)
    places = dict.fromkeys(encoded.offsets)
    assert [place for place in places if place in {(2, 3), (3, 4), (4, 5), (5, 6)}] == [(2, 3), (3, 4), (4, 5), (5, 6)]


@pytest.mark.parametrize(
    ("names", "letter"),
    [({"unk_token": "[UNK]"}, [7]), ({"unk_token": None}, []), ({"unk_token": "[UNK]", "eos_token": "[UNK]"}, [])],
)
def test_a_letter_without_a_token_is_unknown_where_a_token_stands_for_that_alone(names, letter):
    vocabulary = {"[SEP]": 0, "the": 1, "film": 2, "[": 3, "E": 4, "P": 5, "]": 6, "[UNK]": 7}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    lost = normalizers.Replace(Regex("^S$"), "")  # an S alone is nothing
    tokenizer.normalizer = normalizers.Sequence([lost, normalizers.Replace("§", "SEP")])
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, sep_token="[SEP]", **names)
    spelt, changed = encode(fast, ["the [SEP] film", "the [§] film"], return_offsets=True)
    assert spelt.ids == changed.ids == [1, 3, *letter, 4, 5, 6, 2]
    letters = [(4, 5), *[(5, 6)] * len(letter), (6, 7), (7, 8), (8, 9)]
    assert spelt.offsets == [(0, 3), *letters, (10, 14)]
    assert changed.offsets == [(0, 3), *[(4, 7)] * len(letters), (8, 12)]  # five letters of three characters


def test_markers_that_a_checkpoint_adds_for_use_within_texts_stay_whole():
    tokenizer = small_tokenizer("bert")
    tokenizer.add_special_tokens({"extra_special_tokens": ["[E1]"]})
    marker = tokenizer.convert_tokens_to_ids("[E1]")
    assert marker in token_ids(tokenizer, ["the [E1] film"])[0]


def test_a_sign_that_was_chosen_for_padding_stays_what_it_is():
    tokenizer = byte_pairs()
    plain = token_ids(tokenizer, ["the film!! <|endoftext|>"])
    tokenizer.pad_token = "!"
    assert stock_ids(tokenizer, ["the film!"]) == token_ids(tokenizer, ["the film!"])
    assert token_ids(tokenizer, ["the film!! <|endoftext|>"]) == plain
    assert has_markers(tokenizer)


@pytest.mark.parametrize(
    ("name", "is_control"), [("<s>", True), ("[S]", True), ("!!", False), ("s>", False), ("<s", False)]
)
def test_what_has_brackets_or_the_like_around_a_name_controls(name, is_control):
    assert control_ids(SimpleNamespace(sep_token=name, sep_token_id=7, pad_token="<pad>")) == (
        {7} if is_control else set()
    )


def test_an_answer_is_found_among_spelt_tokens():
    context = "[SEP] the film was [MASK] seen by anna in town [CLS]"
    example = QuestionExample("1", "who [SEP] was seen ?", context, (Answer("anna", context.index("anna")),))
    tokenizer = small_tokenizer("bert")
    (item,) = objective((), Training()).features([example], Reader(tokenizer, 64, "windows", 0, 64)).items
    ids = item.windows[0].input_ids
    assert tokenizer.decode(ids[item.target.start : item.target.end + 1]) == "anna"
    assert (ids.count(tokenizer.sep_token_id), ids.count(tokenizer.cls_token_id)) == (2, 1)
    assert tokenizer.mask_token_id not in ids


def test_the_checkpoint_s_own_tokenizer_reads_texts_as_training_did(checkpoints, tmp_path):
    loaded, objective = loaded_model("bert", checkpoints["bert"])
    trainer, reader = trainer_for(loaded, objective, Training(max_length=40))
    save_checkpoint(loaded, reader, tmp_path, head=objective.head())
    examples = [TextExample(str(index), text, 0) for index, text in enumerate(["the [SEP] film", "[MASK] a [CLS]"])]
    _, logits = trainer.forward.evaluate(objective.features(examples, reader), examples)
    stock = pipeline("text-classification", str(tmp_path), top_k=None, device="cpu")
    for example, row in zip(examples, logits, strict=True):
        scores = {found["label"]: found["score"] for found in stock([example.text])[0]}
        expected = np.exp(row) / np.exp(row).sum()
        np.testing.assert_allclose([scores[label] for label in loaded.labels], expected, atol=1e-5)
    assert AutoTokenizer.from_pretrained(tmp_path).split_special_tokens
