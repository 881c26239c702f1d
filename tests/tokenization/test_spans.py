import pytest

from harness.task_types.question_answering.spans import Candidate, sentences, tidied, whole_letters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n ", []),
        ("no full stop", ["no full stop"]),
        (" Two. Sentences? ", ["Two.", "Sentences?"]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("A heading\nA text.\n\nAnother", ["A heading", "A text.", "Another"]),
        ("3.5 per cent, e.g.this", ["3.5 per cent, e.g.this"]),
        ("你好。再见！嗯", ["你好。", "再见！", "嗯"]),
    ],
)
def test_sentences_are_found_where_they_stand(text, expected):
    assert [text[start:end] for start, end in sentences(text)] == expected


@pytest.mark.parametrize(
    ("start", "end", "whole"),
    [(0, 1, "दि"), (1, 2, "दि"), (0, 3, "दिल्"), (2, 3, "ल्"), (4, 5, "ली"), (5, 6, "ली"), (-1, -1, ""), (3, 3, "")],
)
def test_marks_stay_with_their_letter(start, end, whole):
    text = "दिल्ली"  # d + i, l + virama, l + ii: six characters
    assert len(text) == 6
    first, last = tidied(text, start, end)
    assert (text[first:last] if first >= 0 else "") == whole


def test_a_mark_without_a_letter_before_it_stands_for_itself():
    assert whole_letters("\u0301a", 0, 1) == (0, 1)
    assert whole_letters("a\u0301\u0302", 2, 3) == (0, 3)


def test_a_candidate_s_score_is_the_sum_of_its_logits():
    assert Candidate(0, 1, 2.0, -0.5).score == 1.5
