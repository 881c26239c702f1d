"""The command line in this process, and what it takes to call it: files of a user, a tiny checkpoint, a suite."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from pyarrow import parquet

from harness.cli import main

OPINIONS = {"bad": ("dull", "awful", "boring"), "good": ("lovely", "superb", "witty")}


@dataclass(frozen=True)
class Result:
    """What a command left in the terminal."""

    code: int
    output: str
    errors: str

    @property
    def lines(self):
        return self.errors.splitlines()


class CommandLine:
    """Calls `harness ...` without a new process.

    Attributes:
        workers: What `harness run` gets where the call says nothing of workers; None: nothing, as of a user.
    """

    workers = "--workers=1"

    def __init__(self, monkeypatch, capsys):
        self._monkeypatch, self._capsys = monkeypatch, capsys
        monkeypatch.setenv("COLUMNS", "200")

    def __call__(self, *words):
        self._capsys.readouterr()
        is_said = any(str(word).startswith("--workers") for word in words)
        alone = [self.workers] if words[:1] == ("run",) and not is_said and self.workers else []
        self._monkeypatch.setattr(sys, "argv", ["harness", *map(str, words), *alone])
        code = 0
        try:
            main()
        except SystemExit as stopped:
            code = stopped.code
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(code, captured.out, captured.err)


def reviews(count=40, *, start=0):
    """Rows with a word that says their label, no two alike."""
    names = ("bad", "good")
    return [
        {"text": f"film number {number} was {OPINIONS[names[number % 2]][number % 3]}", "label": names[number % 2]}
        for number in range(start, start + count)
    ]


def questions(count=30):
    """Questions whose answer is a number that stands in their context."""
    return [
        {
            "question": f"which film ran on day {n} ?",
            "context": f"on day {n} the film x{n} ran in town",
            "answers": f"x{n}",
        }
        for n in range(count)
    ]


def write_jsonl(file: Path, rows):
    """The rows as JSON lines."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def write_csv(file: Path, rows):
    """The rows as comma-separated values; no field needs quotes."""
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def read_record(folder: Path):
    """The content of a run's record."""
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def read_predictions(folder: Path):
    """The rows of a run's predictions."""
    return parquet.read_table(folder / "predictions.parquet").to_pylist()
