"""Entities and their scores, beside conlleval's rules by hand and other implementations."""

import json
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from random_tags import CASES, SCHEMES, TYPES, random_cases

from harness.errors import UserError
from harness.metrics.lookup import find_metric, scores
from harness.task_types.token_classification.schemes import Entity, entities, has_scheme, irregular

EXPECTED = json.loads((Path(__file__).parent.parent / "data" / "entities" / "expected.json").read_text())
METRICS = ("entity_precision", "entity_recall", "entity_f1", "entity_macro_f1")


def spelt(tags):
    return [(one.type, one.start, one.stop) for one in entities(tags.split())]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        # By the rules of conlleval's startOfChunk and endOfChunk.
        ("B-PER I-PER O B-LOC", [("PER", 0, 2), ("LOC", 3, 4)]),  # IOB2
        ("I-PER I-PER O I-LOC B-LOC", [("PER", 0, 2), ("LOC", 3, 4), ("LOC", 4, 5)]),  # IOB1: B parts two of one type
        ("B-PER B-PER", [("PER", 0, 1), ("PER", 1, 2)]),
        ("B-PER I-LOC", [("PER", 0, 1), ("LOC", 1, 2)]),  # another type begins another entity, whatever its prefix
        ("B-PER I-PER E-PER S-LOC O", [("PER", 0, 3), ("LOC", 3, 4)]),  # IOBES
        ("B-PER I-PER L-PER U-LOC O", [("PER", 0, 3), ("LOC", 3, 4)]),  # BILOU
        ("S-PER I-PER", [("PER", 0, 1), ("PER", 1, 2)]),
        ("E-PER E-PER", [("PER", 0, 1), ("PER", 1, 2)]),
        ("B I O B", [("", 0, 2), ("", 3, 4)]),  # tags without a type
        ("O O", []),
        ("", []),
        ("B-A-1 I-A-1", [("A-1", 0, 2)]),
    ],
)
def test_entities_are_read_as_conlleval_reads_them(tags, expected):
    assert spelt(tags) == expected


def test_two_entities_are_the_same_only_where_type_and_both_ends_agree():
    assert Entity("PER", 0, 2) == Entity("PER", 0, 2)
    assert len({Entity("PER", 0, 2), Entity("PER", 0, 1), Entity("LOC", 0, 2)}) == 3


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["O", "B-PER", "I-PER"], True),
        (["I-PER", "O"], True),
        (["B", "I", "O"], True),
        (["B_PER", "O"], True),
        (["NOUN", "VERB"], False),
        (["S", "L"], False),  # parts of speech may have one letter
        (["O"], False),
        ([], False),
        (["B-PER", "PER", "O"], False),
        (["B-PER", "I"], False),  # without O, tags without a type are plain ones
    ],
)
def test_a_scheme_is_recognised_by_its_tags(labels, expected):
    assert has_scheme(labels) == expected


def test_entities_out_of_the_scheme_are_counted():
    bio, iobes = ["B-X", "I-X", "O"], ["B-X", "I-X", "E-X", "S-X", "O"]
    assert irregular(["B-X", "I-X", "O", "I-X", "I-X"], bio) == 1
    assert irregular(["B-X", "E-X", "S-X", "O", "B-X", "O", "E-X"], iobes) == 2
    assert irregular(["O"], bio) == 0


def test_scores_by_hand():
    # Found: PER(0,2). Predicted: 2 PER and 1 LOC. There: 2 PER. So 1/3, 1/2, 2/5; macro: PER 2/4, LOC 0/1.
    references = [["B-PER", "I-PER", "O", "B-PER"], ["O"]]
    predictions = [["B-PER", "I-PER", "O", "B-LOC"], ["B-PER"]]
    found = scores([*METRICS, "tag_accuracy"], references, predictions)
    expected = (1 / 3, 1 / 2, 2 / 5, 1 / 4, 3 / 5)
    assert list(found.values()) == pytest.approx(expected)


def test_where_there_is_no_entity_at_all_the_scores_are_zero():
    assert set(scores(METRICS, [["O", "O"]], [["O", "O"]]).values()) == {0.0}


def test_plain_tags_have_no_entities_and_the_message_names_another_metric():
    with pytest.raises(UserError, match="tag 'NOUN': spells no entity"):
        scores(["entity_f1"], [["NOUN"]], [["NOUN"]])
    assert scores(["tag_accuracy"], [["NOUN", "X"], ["X"]], [["NOUN", "NOUN"], ["X"]])["tag_accuracy"] == 2 / 3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_are_those_of_seqeval_as_recorded(scheme):
    cases = random_cases(scheme)
    assert len(cases) == len(EXPECTED[scheme]) == CASES
    found = [list(scores(METRICS, *case).values()) for case in cases]
    np.testing.assert_allclose(found, EXPECTED[scheme], atol=1e-9)
    assert len({tuple(row) for row in EXPECTED[scheme]}) > CASES / 2  # the cases differ


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_are_those_of_seqeval_where_it_is_installed(scheme):
    seqeval = pytest.importorskip("seqeval.metrics")
    for references, predictions in random_cases(scheme):
        found = scores(METRICS, references, predictions)
        assert found["entity_f1"] == pytest.approx(seqeval.f1_score(references, predictions, zero_division=0))


@pytest.mark.slow
def test_scores_are_nervaluates_strict_ones_in_500_random_cases():
    # nervaluate reads BIO and IOB1 by conlleval's rules, prefixes out of place included, and knows neither E nor S.
    evaluator = pytest.importorskip("nervaluate").Evaluator
    cases = random_cases("BIO", 500)
    assert len(cases) == 500
    for references, predictions in cases:
        strict = evaluator(references, predictions, tags=TYPES, loader="list").evaluate()["overall"]["strict"]
        found = scores(METRICS[:3], references, predictions)
        assert list(found.values()) == pytest.approx([strict.precision, strict.recall, strict.f1])


def test_bilou_is_iobes_in_other_letters():
    letters = str.maketrans("ES", "LU")
    for references, predictions in random_cases("IOBES")[:50]:
        renamed = [
            [[tag if tag == "O" else tag[0].translate(letters) + tag[1:] for tag in row] for row in side]
            for side in (references, predictions)
        ]
        assert scores(METRICS, *renamed) == scores(METRICS, references, predictions)


@pytest.mark.parametrize("metric", [*METRICS, "tag_accuracy"])
def test_sentences_that_count_nothing_move_nothing(metric):
    references, predictions = [["O"], ["B-X", "O"]], [["O"], ["B-X", "B-X"]]
    score, influences = find_metric(metric).influence(pyarrow.array(references), pyarrow.array(predictions), ())
    assert 0 < score <= 1
    assert influences.sum() == pytest.approx(0, abs=1e-12)
    assert (influences[0] == 0) == (metric != "tag_accuracy")
