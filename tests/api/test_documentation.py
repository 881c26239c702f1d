"""The notebook and the page about the Python interface are true: they are run from top to bottom."""

import json
import re
import shlex
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent.parent / "docs"
NOTEBOOK = DOCS / "notebooks/first_comparison.ipynb"


def code_cells():
    return [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_is_stored_without_outputs():
    cells = code_cells()
    assert len(cells) > 5
    assert all((cell["outputs"], cell["execution_count"]) == ([], None) for cell in cells)


@pytest.mark.slow
def test_the_notebook_runs_and_finds_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for number, cell in enumerate(code_cells()):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
    assert [(run.model, run.seed, run.status) for run in names["runs"]] == [
        ("bert-mini", 0, "complete"),
        ("tfidf", 0, "complete"),
        ("majority", 0, "complete"),
        ("bert-mini", 1, "complete"),
    ]
    assert names["comparison"].baseline == "tfidf"
    assert [row["prediction"] for row in names["predictions"]] == ["good", "bad"]
    assert "bert-mini" in Path("report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_block_of_the_page_runs(command):
    names = {}
    blocks = re.findall(
        r"^```(python|console)\n(.*?)^```", (DOCS / "python.md").read_text(encoding="utf-8"), re.M | re.S
    )
    assert {language for language, _ in blocks} == {"python", "console"}
    for language, block in blocks:
        if language == "python":
            exec(compile(block, block, "exec"), names)
            continue
        for line in block.splitlines():
            result = command(*shlex.split(line.removeprefix("$ harness ")))
            assert result.code == 0, result.errors
