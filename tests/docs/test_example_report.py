"""The example of a report is what today's code writes, but for numbers and drawings."""

from experiments.example_report import TARGET, form, write_example


def test_the_example_has_the_form_of_todays_reports(tmp_path):
    files = write_example(tmp_path)
    assert {file.suffix for file in files} == {".html", ".md", ".tex", ".csv"}
    for file in files:
        kept = (TARGET / file.name).read_text(encoding="utf-8")
        assert form(kept) == form(file.read_text(encoding="utf-8")), "make example writes it anew"
        assert str(tmp_path.parent) not in kept
