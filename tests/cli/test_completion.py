"""What a shell completes, and that the options of a report reach it."""

import pytest
from synthetic_runs import add_runs


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("harness run --task rotten", ["rotten_tomatoes"]),
        ("harness run small_mo", ["small_models"]),
        ("harness plan demo --models minilm,roberta-m", ["minilm,roberta-mini", "minilm,roberta-mini-random"]),
        ("harness choose own.csv --models tfi", ["tfidf"]),
        ("harness plan demo --only word_p", ["word_pleasantness"]),
        ("harness list ta", ["task-types", "tasks"]),
        ("harness report --format mark", ["markdown"]),
        ("harness report --only scores,co", ["scores,cost"]),
    ],
)
def test_names_are_completed(typed, completed, command, monkeypatch):
    monkeypatch.setenv("_HARNESS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    assert command().output.split() == completed


def test_a_report_of_some_sections_and_a_file_of_seeds_are_written(command, tmp_path):
    add_runs(tmp_path / "runs", "bert-mini", 0.8)
    words = ("report", "runs", "--format", "markdown", "--output", "cost.md", "--only", "cost", "--seeds", "seeds.csv")
    assert command(*words).code == 0
    text = (tmp_path / "cost.md").read_text()
    assert "cost of one run" in text
    assert "## Scores" not in text
    assert len((tmp_path / "seeds.csv").read_text().splitlines()) == 4
    assert "It has: advice, scores," in command("report", "runs", "--only", "skores").errors
    assert "seeds are written as .csv or .parquet" in command("report", "runs", "--seeds", "seeds").errors
