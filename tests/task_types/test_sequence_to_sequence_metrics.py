"""How right written texts are: against sacrebleu's and rouge-score's own numbers, and by hand."""

import math

import pytest
import sacrebleu
from command_line import write_csv

from harness.data.custom import custom_task
from harness.metrics.lookup import scores
from harness.task_types.sequence_to_sequence import task_type
from harness.task_types.sequence_to_sequence.examples import WrittenText
from harness.task_types.sequence_to_sequence.metrics import METRICS, signature

REFERENCES = ["the cat sat on the mat today", "It rains a lot in Bern.", "nothing at all", "a b c d e"]
TEXTS = ["the cat sat on a mat today", "it rains a lot in Bern .", "", "a b c d e f"]


def written(texts, **costs):
    return [WrittenText(text, **costs).row() for text in texts]


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("bleu", sacrebleu.BLEU()),
        ("bleu_lowercase", sacrebleu.BLEU(lowercase=True)),
        ("bleu_char", sacrebleu.BLEU(tokenize="char")),
        ("chrf", sacrebleu.CHRF()),
    ],
)
def test_the_score_is_sacrebleu_s_of_the_whole_corpus(name, theirs):
    expected = theirs.corpus_score(TEXTS, [REFERENCES]).score / 100
    assert 0.2 < expected < 0.9
    assert scores([name], REFERENCES, written(TEXTS))[name] == pytest.approx(expected, abs=1e-12)
    assert signature(name) == str(theirs.get_signature())


def test_chinese_is_counted_by_character_where_a_sentence_would_be_one_word():
    references, texts = ["我今天去了北京大学图书馆看书。"], ["我今天去北京大学图书馆读书。"]
    expected = sacrebleu.BLEU(tokenize="zh").corpus_score(texts, [references]).score / 100
    found = scores(["bleu", "bleu_zh", "bleu_char"], references, written(texts))
    assert found == {"bleu": 0.0, "bleu_zh": pytest.approx(expected), "bleu_char": pytest.approx(expected)}
    assert expected > 0.6
    assert "tok:zh" in signature("bleu_zh")


@pytest.mark.parametrize(("target", "main"), [("我去图书馆 {} 次。", "chrf"), ("I went {} times to 北京.", "bleu")])
def test_the_first_metric_of_a_file_counts_words_only_where_blanks_divide_them(target, main, tmp_path):
    file = write_csv(tmp_path / "pairs.csv", [{"a": f"a {n}", "b": target.format(n)} for n in range(20)])
    task = custom_task(train=file, task_type="sequence_to_sequence", columns={"source": "a", "target": "b"})
    assert task.metrics[0] == main
    assert ("bleu_char" in task.metrics) == (main == "chrf")


@pytest.mark.slow
def test_rouge_by_hand():
    # 6 of 7 words are right on both sides; of 6 pairs of words 4; "the cat sat on … mat today" in order.
    found = scores(["rouge_1", "rouge_2", "rouge_l"], REFERENCES[:1], written(TEXTS[:1]))
    assert found == {
        "rouge_1": pytest.approx(6 / 7),
        "rouge_2": pytest.approx(4 / 6),
        "rouge_l": pytest.approx(6 / 7),
    }


def test_an_exact_match_leaves_out_blanks_alone():
    assert scores(["exact_text"], ["a b", "A b"], written([" a  b\n", "a b"])) == {"exact_text": 0.5}


def test_perplexity_and_token_accuracy_are_of_all_tokens_together():
    rows = [WrittenText("a", 2.0, 4, 3).row(), WrittenText("b", 1.0, 1, 0).row()]
    found = scores(["target_perplexity", "target_token_accuracy"], ["x", "y"], rows)
    assert found == {
        "target_perplexity": pytest.approx(math.exp(3 / 5)),
        "target_token_accuracy": pytest.approx(3 / 5),
    }


def test_what_is_not_there_is_no_number():
    of_costs = [metric.name for metric in METRICS if metric.partial]
    assert all(math.isnan(score) for score in scores(of_costs, REFERENCES, written(TEXTS)).values())
    of_texts = [metric.name for metric in METRICS if not metric.partial]
    assert all(math.isnan(score) for score in scores(of_texts, ["a"], written([None], nats=1.0)).values())


def test_how_wrong_a_text_is_lies_between_nothing_and_one():
    rows = [{"reference": "the cat", "prediction": row} for row in written(["the cat", "the cap", "x"])]
    right, near, wrong = (task_type.wrongness(row, ()) for row in rows)
    assert right == pytest.approx(0)
    assert 0 < near < 0.6
    assert wrong == 1
