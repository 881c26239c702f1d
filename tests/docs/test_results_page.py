"""The page of results shows the measured numbers, and nothing else."""

import csv
from pathlib import Path

import pytest

from experiments.results_page import PAGE, RESULTS, page, scores

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Where the page looks for numbers: a folder with one small suite."""
    monkeypatch.setattr("experiments.results_page.RESULTS", tmp_path)
    header = ["task", "model", "family", "metric", "mean", "low", "high", "is_top"]
    rows = [
        ["boolq", "minilm", "bert", "accuracy", "0.7812", "0.7412", "0.8212", "True"],
        ["boolq", "majority", "majority", "accuracy", "0.6", "", "", "False"],
        ["stsb", "minilm", "bert", "pearson", "0.5", "0.4", "0.6", "False"],
    ]
    with (tmp_path / "small.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return tmp_path


def test_the_page_is_what_the_numbers_give():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m experiments.results_page writes it anew"


def test_a_table_shows_the_mean_its_interval_the_top_group_and_gaps(measured):
    lines = scores("small").splitlines()
    assert lines[0] == "| model | boolq, accuracy | stsb, Pearson correlation |"
    assert lines[2] == "| minilm | **78.1 (74.1–82.1)** | 50.0 (40.0–60.0) |"
    assert lines[3] == "| majority (simple baseline) | 60.0 | – |"


def test_a_number_that_changes_changes_the_table(measured):
    before = scores("small")
    file = measured / "small.csv"
    file.write_text(file.read_text().replace("0.7812", "0.7912"))
    assert scores("small") != before


def test_the_readme_shows_the_demo_as_it_was_measured():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[1:] for line in scores("demo").splitlines()[2:]]
    assert len(rows) == 6
    assert not [row for row in rows if " | ".join(row) not in readme]


def test_every_file_of_numbers_has_its_source_noted():
    noted = (RESULTS / "README.md").read_text(encoding="utf-8")
    files = [file.name for file in RESULTS.iterdir() if file.name != "README.md"]
    assert files
    assert not [name for name in files if f"`{name}`" not in noted]
