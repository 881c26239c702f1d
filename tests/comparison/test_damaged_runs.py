"""One bad run never takes down a report: whatever became of its files, the others are shown, and a line tells of it."""

import copy
import io
import json
import os
import random
import shutil
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet
from synthetic_runs import add_runs

from harness.checksums import KEY
from harness.comparison.comparison import compare
from harness.output import console
from harness.printable import printable
from harness.record import PREDICTIONS, RECORD
from harness.registry import FORMATS
from harness.reporting.files import write_report
from harness.reporting.remarks import remarks
from harness.reporting.terminal import show

EXAMPLES = 40


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two seeds of two models, undamaged."""
    folder = tmp_path_factory.mktemp("whole")
    for model, share_right in (("bert-mini", 0.8), ("scratch", 0.7)):
        add_runs(folder, model, share_right, range(2), examples=EXAMPLES)
    return folder


@pytest.fixture
def runs(whole, tmp_path):
    """A copy that may be damaged: its records have no digest, as those of a stranger who damages them on purpose."""
    shutil.copytree(whole, tmp_path / "runs")
    for file in (tmp_path / "runs").rglob(RECORD):
        content = json.loads(file.read_bytes())
        del content[KEY]
        file.write_text(json.dumps(content, indent=1))
    return tmp_path / "runs"


def victim(runs):
    return runs / "reviews/rotten_tomatoes/bert-mini/seed-1"


def told(runs):
    """What a reader is told, after every format has shown it; the unharmed model's score is as it was."""
    found = compare(runs)
    for name in FORMATS.names():
        write_report(name, found, runs / "report")
        text = (runs / "report").read_text(encoding="utf-8")
        assert text == printable(text)
        assert "scratch" in text
    shown = io.StringIO()
    show(found, console(file=shown, width=200))
    assert shown.getvalue() == printable(shown.getvalue())
    unharmed = [cell for task in found.tasks for cell in task.cells if cell.model == "scratch" and cell.scored]
    assert [len(cell.scored) for cell in unharmed] == [2]
    return remarks(found)


def pipe(file):
    os.mkfifo(file)


def device(file):
    file.symlink_to("/dev/zero")


def loop(file):
    file.symlink_to(file.name)


def link_out(file):
    elsewhere = file.parents[5] / f"elsewhere-{file.name}"
    elsewhere.write_bytes((file.parent.with_name("seed-0") / file.name).read_bytes())
    file.symlink_to(elsewhere)


PLACES = {
    "a folder": (Path.mkdir, "not a file"),
    "a pipe": (pipe, "not a file"),
    "a device": (device, "link that leads outside|not a file"),
    "a loop": (loop, "link that leads outside|Too many levels"),
    "a link that leads outside": (link_out, "link that leads outside"),
    "nothing in it": (Path.touch, "not a whole record|no readable predictions"),
    "zeros": (lambda file: file.write_bytes(bytes(4096)), "not a whole record|no readable predictions"),
    "text": (lambda file: file.write_text("PAR1 gone"), "not a whole record|no readable predictions"),
    "no UTF-8": (lambda file: file.write_bytes(b'{"status": "\xff"}'), "not a whole record|no readable predictions"),
}


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", [RECORD, PREDICTIONS])
@pytest.mark.parametrize("place", PLACES)
def test_what_stands_in_place_of_a_file_is_told_in_one_line(runs, name, place):
    put, said = PLACES[place]
    file = victim(runs) / name
    file.unlink()
    put(file)
    (line,) = [line for line in told(runs) if name in line]
    assert any(words in line for words in said.split("|")), line


def test_folders_that_are_links_are_told_unless_they_lead_to_runs_that_are_read_anyway(runs, tmp_path):
    (tmp_path / "stranger").mkdir()
    (runs / "out").symlink_to(tmp_path / "stranger")
    (runs / "loop").symlink_to(runs / "loop")
    (runs / "inside").symlink_to(runs / "reviews")
    assert [line.split(":")[0] for line in told(runs)] == [str(runs / "out"), str(runs / "loop")]


def column(name, values, kind=None):
    """Damage to one column of the predictions."""

    def damaged(table):
        return table.set_column(table.schema.get_field_index(name), name, pyarrow.array(values, kind))

    return damaged


UNREADABLE = {
    "no column": lambda table: table.drop_columns(["prediction"]),
    "a column twice": lambda table: table.append_column("prediction", table["prediction"]),
    "no rows": lambda table: table.slice(0, 0),
    "references without a value": column("reference", [None] * EXAMPLES, "string"),
    "a prediction without a value": column("prediction", [None, *["positive"] * (EXAMPLES - 1)]),
    "references without a type": column("reference", [None] * EXAMPLES),
    "tables as predictions": column("prediction", [{"label": "positive"}] * EXAMPLES),
    "bytes as predictions": column("prediction", [b"\xff\xfe"] * EXAMPLES),
    "lists as groups": column("group", [["a"]] * EXAMPLES),
}  # fmt: skip


@pytest.mark.slow_but_first
@pytest.mark.parametrize("damage", UNREADABLE)
def test_predictions_that_cannot_be_scored_are_told_in_one_line(runs, damage):
    file = victim(runs) / PREDICTIONS
    parquet.write_table(UNREADABLE[damage](parquet.read_table(file)), file)
    assert len([line for line in told(runs) if PREDICTIONS in line]) == 1


@pytest.mark.slow_but_first
@pytest.mark.parametrize("kind", [None, "string"])
def test_examples_without_a_group_are_each_alone(runs, kind):
    score = compare(runs).tasks[0].cells[0].estimate
    for seed in ("seed-0", "seed-1"):
        file = victim(runs).with_name(seed) / PREDICTIONS
        table = column("group", [None] * EXAMPLES, kind)(parquet.read_table(file))
        parquet.write_table(table, file)
    told(runs)
    assert compare(runs).tasks[0].cells[0].estimate == score


@pytest.mark.parametrize("value", [1e200, 1e308, float("inf"), float("nan")])
def test_a_recorded_score_that_is_no_number_is_told(runs, value):
    for folder in (runs / "reviews/rotten_tomatoes").glob("*/seed-*"):
        content = json.loads((folder / RECORD).read_text())
        content["task_card"]["main_metric"] = "evaluate:own"
        content["scores"] = {"test": {"evaluate:own": value if "bert" in str(folder) else 0.5}}
        (folder / RECORD).write_text(json.dumps(content))
    assert len([line for line in told(runs) if "no test score of evaluate:own" in line]) == 2


def nested(levels):
    return "[" * levels + "]" * levels


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"learning_rate": 2e-05', f'"learning_rate": {nested(100)}', "nested too deep"),
        ('"learning_rate": 2e-05', f'"learning_rate": {nested(100_000)}', "not a whole record"),
        ('"best_step": 300', f'"best_step": {"9" * 5000}', "a number of 5000 digits"),
        ('"best_step": 300', f'"best_step": {"9" * 50}', "best_step: Input should be less than"),
        ('"parameters": 11171074', '"parameters": 1e400', "parameters"),
        ('"peak_memory_bytes": 900000000', '"peak_memory_bytes": -1', "peak_memory_bytes"),
        ('"config": {', '"config": {"model": [1],', "config: Value error, model: must be a table"),
    ],
)
def test_a_record_that_says_what_cannot_be_is_told_in_one_line(runs, old, new, said):
    file = victim(runs) / RECORD
    content = json.dumps(json.loads(file.read_text()))
    assert old in content
    file.write_text(content.replace(old, new))
    (line,) = [line for line in told(runs) if RECORD in line]
    assert said in line


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    "text", ["\x1b[2J\x1b[31mred", "a\x00b", "\ud800", "back\rwards\u202e", "\x9b31m", "a\nb: all is well"]
)
@pytest.mark.parametrize("key", ["model", "task", "suite", "reason", "notes", "config"])
def test_control_characters_of_a_record_reach_no_reader(runs, text, key):
    file = victim(runs) / RECORD
    content = json.loads(file.read_text())
    content[key] = [text] if key == "notes" else {text: text} if key == "config" else text
    if key == "reason":
        content["status"] = "failed"
    file.write_text(json.dumps(content))
    assert not any("\n" in line for line in told(runs))


def places(content, path=()):
    """The path of everything in a JSON document; of a list, its first item's."""
    yield path
    if isinstance(content, dict):
        for key in content:
            yield from places(content[key], (*path, key))
    elif isinstance(content, list) and content:
        yield from places(content[0], (*path, 0))


def replaced(content, path, value):
    if not path:
        return value
    changed = copy.deepcopy(content)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


VALUES = (
    None, True, -1, 0, 0.5, 10**30, 10**400, 1e308, -1e308, float("nan"), float("inf"), "", "NaN", "..", "/etc",
    "\x1b[31m", "\ud800", "x\x00y", "a\nb", "9" * 50, "x" * 10_000, [], {}, [None], {"a": {"b": [1]}}, {"\ud800": 1},
)  # fmt: skip


@pytest.mark.slow
def test_a_record_with_any_value_in_any_place_is_shown_or_told(runs):
    file = victim(runs) / RECORD
    content = json.loads(file.read_text())
    damages = [(path, value) for path in places(content) for value in VALUES]
    assert len(damages) > 1000
    for path, value in random.Random(15).sample(damages, 250):
        file.write_text(json.dumps(replaced(content, path, value)))
        told(runs)


@pytest.mark.slow
@pytest.mark.parametrize("name", [RECORD, PREDICTIONS])
def test_a_file_with_any_bytes_changed_is_shown_or_told(runs, name):
    file, dice = victim(runs) / name, random.Random(15)
    content = file.read_bytes()
    for _ in range(150):
        start = dice.randrange(len(content))
        damage = dice.choice(("flip", "cut", "zeros", "twice"))
        if damage == "flip":
            changed = content[:start] + bytes([content[start] ^ 1 << dice.randrange(8)]) + content[start + 1 :]
        elif damage == "cut":
            changed = content[:start]
        elif damage == "zeros":
            changed = content[:start] + bytes(min(16, len(content) - start)) + content[start + 16 :]
        else:
            changed = content[:start] + content[start // 2 :]
        file.write_bytes(changed)
        told(runs)


@pytest.mark.parametrize(("inside", "named"), [("", "runs/reviews"), ("runs/reviews", "."), ("runs", "reviews")])
def test_an_unreadable_suite_file_is_told_once(tmp_path, monkeypatch, inside, named):
    add_runs(tmp_path / "runs", "bert-mini", 0.8, range(1), examples=20)
    (tmp_path / "runs/reviews/suite.json").write_text("{")
    monkeypatch.chdir(tmp_path / inside)
    (problem,) = compare(Path(named)).problems
    assert problem.startswith(f"{Path(named) / 'suite.json'}: not a whole note of a suite")
