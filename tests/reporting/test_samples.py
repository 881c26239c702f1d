"""What models wrote, side by side in a report: escaped, cut where it is long, and the score by the source's length."""

from synthetic_runs import card, predictions, record, save

from harness.comparison.comparison import compare
from harness.registry import FORMATS
from harness.reporting.errors_in_report import errors_of
from harness.task_types.sequence_to_sequence.examples import WrittenText

RIGHT = ["save the <b>file</b> now", "a cat sat on the mat", "it rains a lot in the town of Bern today"] * 10
SOURCES = ["speichere die <i>Datei</i>", "eine Katze sass auf der Matte", "es " + "regnet " * 60] * 10


def add_writer(runs, model, texts):
    rows = predictions(RIGHT, [WrittenText(text, 9.0, 7, 5).row() for text in texts])
    rows = [row | {"source": source, "length": 5} for row, source in zip(rows, SOURCES, strict=True)]
    changes = {"task_card": card("bleu", "sequence_to_sequence").model_copy(update={"labels": ()}), "model": model}
    save(runs, record(seed=0, scores={"test": {"bleu": 0.5}}, **changes), rows)


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
