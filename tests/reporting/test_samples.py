"""What models wrote, side by side in a report: escaped, cut where it is long, and the score by the source's length."""

import re

import pytest
from synthetic_runs import RIGHT, SOURCES, add_writer

from harness.comparison.comparison import compare
from harness.registry import FORMATS
from harness.reporting.errors_in_report import errors_of
from harness.sample_attention import SampleAttention


def test_texts_stand_side_by_side_and_are_no_markup_of_the_page(tmp_path):
    add_writer(tmp_path, "bert-mini", [*RIGHT[:-1], "<script>"])
    add_writer(tmp_path, "scratch", ["a"] * len(RIGHT))
    comparison = compare(tmp_path)
    shown = errors_of(comparison.tasks[0], {})
    by_length, written = shown.tables
    assert by_length.headings == ("Model", "1 to 5 words (10)", "6 to 10 words (10)", "more words (10)")
    assert "BLEU by source length" in by_length.caption
    assert written.headings == ("Source", "Right text", "bert-mini", "scratch")
    assert [entry.text for entry in written.rows[0]] == [SOURCES[0], RIGHT[0], RIGHT[0], "a"]
    assert len(written.rows) == 8
    assert len(written.rows[-1][0].text) == 300
    assert written.rows[-1][2].text == "<script>"
    command = "harness explain FOLDER/{}/bert-mini/seed-0 --source TEXT --attention --html PAGE"
    assert any(command.format(comparison.tasks[0].task) in note for note in shown.notes)
    page = FORMATS.load("html")(comparison)
    assert "speichere die &lt;i&gt;Datei&lt;/i&gt;" in page
    assert "<i>Datei</i>" not in page


KEPT = SampleAttention(("<i>", "Datei", "[SEP]"), ("the", "<b>"), ((0.1, 0.7, 0.2), (0.02, 0.28, 0.7)), 4).row()


def test_where_a_decoder_looks_is_drawn_and_told_in_words_and_tokens_are_no_markup(tmp_path):
    add_writer(tmp_path, "bert-mini", RIGHT, KEPT)
    add_writer(tmp_path, "gpt", ["a"] * len(RIGHT))
    comparison = compare(tmp_path)
    shown = errors_of(comparison.tasks[0], {"bert-mini": "c3"})
    (found,) = shown.maps
    assert found.model == "bert-mini"
    assert "the strongest shade is 70 %; not shown: 2 more written tokens" in found.caption
    assert [[entry.text for entry in row] for row in found.in_words.rows] == [
        ["1. the", "Datei (70 %), [SEP] (20 %), <i> (10 %)"],
        ["2. <b>", "[SEP] (70 %), Datei (28 %), <i> (2 %)"],
    ]
    cells = {float(share): path.count("M") for path, share in re.findall(r'd="([^"]*)" opacity="([^"]*)"', found.drawn)}
    assert cells == {1.0: 2, 0.4: 1, 0.3: 1, 0.1: 1}  # 2 % of 70 % is left blank
    assert 'class="heat-map c3"' in found.drawn
    assert "&lt;i&gt;" in found.drawn
    assert any(note.startswith("Attention maps: ") for note in shown.notes)
    assert any(note.startswith("No map: gpt. Language models") for note in shown.notes)
    page = FORMATS.load("html")(comparison)
    assert page.count("heat-map c") == 1
    assert "<i>" not in page
    assert "<b>" not in page


@pytest.mark.parametrize("field", [None, {**KEPT, "tokens": ["<i>"]}, "text"], ids=["earlier", "damaged", "text"])
def test_a_record_without_an_attention_that_can_be_drawn_has_no_map(field, tmp_path):
    add_writer(tmp_path, "bert-mini", RIGHT, field)
    shown = errors_of(compare(tmp_path).tasks[0], {})
    assert shown.maps == ()
    assert shown.tables
    assert not any("map" in note for note in shown.notes)
