"""What a report prints under "How to reproduce this" is typed into a shell as it stands, and makes its runs again."""

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import read_record, reviews, write_csv

ROOT = Path(__file__).parents[2]
SUITE = """
tasks = ["films"]
models = ["majority", "tfidf"]
seeds = [0]
baseline = "majority"

[data.films]
train = "the films.csv"
text = "text"
label = "label"
"""


def shell_in(folder, programs):
    """What runs a script in bash, with this checkout's `harness` on its path."""
    programs.mkdir()
    (programs / "harness").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harness "$@"\n')
    (programs / "harness").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return lambda script: subprocess.run(
        ["bash", "-e"], input=script, cwd=folder, env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def scores(runs):
    """The scores and settings of every record, by its folder below the folder of runs."""
    found = {str(file.parent.relative_to(runs)): read_record(file.parent) for file in runs.rglob("run.json")}
    return {folder: (record["scores"], record["config"]) for folder, record in found.items()}


@pytest.mark.slow
def test_the_printed_commands_make_the_runs_and_the_report_again(tmp_path):
    folder = tmp_path / "Ann's first suite"
    folder.mkdir()
    write_csv(folder / "the films.csv", reviews(60))
    (folder / "it's mine.toml").write_text(SUITE)
    shell = shell_in(folder, tmp_path / "programs")
    typed = (
        'harness run "$PWD/it\'s mine.toml" --set train_examples=30 --runs elsewhere --workers 1\n'
        "harness report elsewhere --format html --margin 'films=2' --output report.html\n"
    )
    first = shell(typed)
    assert first.returncode == 0, first.stderr
    report = folder / "report.html"
    (block,) = re.findall(r"<h2[^>]*>How to reproduce this</h2>.*?<pre[^>]*>(.*?)</pre>", report.read_text(), re.DOTALL)
    printed = html.unescape(block)
    before = scores(folder / "elsewhere")
    assert before.keys() == {f"it's mine/films/{model}/seed-0" for model in ("majority", "tfidf")}
    assert all(config["training"]["train_examples"] == 30 for _, config in before.values())
    shutil.rmtree(folder / "elsewhere")
    report.unlink()
    again = shell(printed)
    assert again.returncode == 0, (printed, again.stderr)
    assert scores(folder / "elsewhere") == before
    assert "How to reproduce this" in report.read_text()
    assert html.unescape(re.search(r"this</h2>.*?<pre[^>]*>(.*?)</pre>", report.read_text(), re.DOTALL)[1]) == printed
