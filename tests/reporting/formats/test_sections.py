"""A report of some of its sections alone, and the file with a row per seed."""

import csv
import re
from pathlib import Path

import pyarrow.parquet
import pytest
from synthetic_runs import add_runs, record, save

from harness.comparison.comparison import compare
from harness.comparison.results import Comparison
from harness.errors import UserError
from harness.registry import FORMATS
from harness.reporting.files import ending_of, write_report
from harness.reporting.sections import SECTIONS, of_format
from harness.reporting.seeds import write_seeds

SECTIONED = [name for name in FORMATS.names() if of_format(name)]


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> Comparison:
    runs = tmp_path_factory.mktemp("runs")
    add_runs(runs, "scratch", 0.7)
    add_runs(runs, "bert-mini", 0.8)
    save(runs, record(model="scratch", seed=7, status="failed", reason="out of memory"), None)
    return compare(runs, baseline="scratch")


def test_the_formats_with_sections_are_found_and_their_sections_are_known():
    assert set(SECTIONED) == {"html", "latex", "markdown"}
    assert {section for name in SECTIONED for section in of_format(name)} == set(SECTIONS)


@pytest.mark.parametrize("name", SECTIONED)
def test_a_report_of_one_section_has_that_one_and_what_went_wrong(compared: Comparison, name: str):
    render = FORMATS.load(name)
    whole, text = render(compared), render(compared, only=["scores"])
    assert "bert-mini" in text
    assert "failed: out of memory" in text
    for of_another in ("better than scratch, by", "Adjusted p", "adjusted within the family", "Parameters"):
        assert of_another not in text
    assert len(text) < len(whole)


@pytest.mark.parametrize("name", SECTIONED)
def test_each_section_alone_is_in_the_whole_report_and_differs_from_the_others(compared: Comparison, name: str):
    """Every name does something, and a page has no link to a part that it lacks."""
    render = FORMATS.load(name)
    nothing = render(compared, only=[])
    alone = {section: render(compared, only=[section]) for section in of_format(name)}
    of_one_task = set(alone) - {"over-tasks", "curves", "tuning"}
    assert [section for section in of_one_task if alone[section] == nothing] == []
    assert len({alone[section] for section in of_one_task}) == len(of_one_task)
    for text in alone.values():
        assert set(re.findall(r'href="#([^"]+)', text)) <= set(re.findall(r'id="([^"]+)', text))


def test_a_page_without_the_table_of_differences_says_in_words_what_the_data_supports(compared: Comparison):
    claim, render = r"Against scratch \(1 of 4 failed\), bert-mini \(\+", FORMATS.load("html")
    assert re.search(claim, render(compared, only=["advice"]))
    assert not re.search(claim, render(compared))


def test_an_unknown_section_is_refused_with_those_that_there_are(compared: Comparison, tmp_path: Path):
    with pytest.raises(UserError, match=r"--only scorse: the format latex has no such section.*scores, differences,"):
        write_report("latex", compared, tmp_path / "report.tex", {"only": ["scorse"]})
    with pytest.raises(UserError, match="--only: the format csv has no such setting"):
        write_report("csv", compared, tmp_path / "report.csv", {"only": ["scores"]})


@pytest.mark.parametrize("name", SECTIONED)
def test_sections_without_content_are_told_and_no_report_of_them_alone_is_written(compared, name, tmp_path):
    target = tmp_path / f"report{ending_of(name)}"
    lists = r"--only over-tasks,tuning: .* has nothing for it\. Sections with content, as .*: .*scores.*differences"
    with pytest.raises(UserError, match=lists) as told:
        write_report(name, compared, target, {"only": ["over-tasks", "tuning"]})
    assert "curves" not in str(told.value).partition("Sections")[2]
    assert not target.exists()
    write_report(name, compared, target, {"only": ["scores", "curves"]})
    assert "bert-mini" in target.read_text()


def test_a_section_without_content_beside_another_is_told_in_a_line(compared, tmp_path, capsys):
    write_report("markdown", compared, tmp_path / "report.md", {"only": ["tuning", "scores"]})
    assert f"--only tuning: {compared.runs} has nothing for it.\n" == capsys.readouterr().err


def test_a_file_has_a_row_for_every_seed(compared: Comparison, tmp_path: Path):
    for ending in ("csv", "parquet"):
        write_seeds(compared, tmp_path / f"seeds.{ending}")
    as_text = list(csv.DictReader((tmp_path / "seeds.csv").open(encoding="utf-8")))
    rows = pyarrow.parquet.read_table(tmp_path / "seeds.parquet").to_pylist()
    assert [(row["model"], row["seed"], row["status"]) for row in rows if row["is_main_metric"]] == [
        *(("bert-mini", seed, "complete") for seed in range(3)),
        *(("scratch", seed, "complete") for seed in range(3)),
        ("scratch", 7, "failed"),
    ]
    assert [float(row["score"]) if row["score"] else None for row in as_text] == [row["score"] for row in rows]
    with pytest.raises(UserError, match=r"seeds.xls: seeds are written as .csv or .parquet \(ending: '.xls'\)"):
        write_seeds(compared, tmp_path / "seeds.xls")
