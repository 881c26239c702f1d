"""What reaches a terminal, and how a command ends: in any encoding, whatever paths and records hold."""

import io
import json
import os
import shlex
import sys
from html import unescape
from pathlib import Path

import pytest
from command_line import read_record, reviews, write_csv, write_jsonl
from rich.console import Console

from harness.cli import main
from harness.errors import UserError
from harness.output import console, plain_table, say
from harness.registry import ENTRIES
from harness.runs.run import claimed

RUN = ("run", "--model", "majority", "--train", "data.csv", "--workers", "1")
SUITE = 'tasks = ["mine"]\nmodels = ["majority", "tfidf"]\nseeds = [0]\n[data.mine]\ntrain = "data.csv"\n'


def test_long_names_are_broken_rather_than_cut_in_a_table():
    sink, names = io.StringIO(), [f"a_long_name_of_a_data_set@{value}" for value in (100, 200)]
    table = plain_table("task", "model")
    for name in names:
        table.add_row(name, "majority")
    console(file=sink, width=30).print(table)
    lines = [line[:20].split() for line in sink.getvalue().splitlines()]
    assert "".join(word for line in lines[1:] for word in line[:1] if word != "majority") == "".join(names)


def test_a_sentence_is_broken_between_words_in_a_terminal_and_not_at_all_in_a_file():
    line = "    warning: this sentence is longer than a narrow terminal"
    broken = ["    warning: this", "    sentence is longer", "    than a narrow", "    terminal"]
    for terminal, shown in ((True, broken), (False, [line])):
        sink = io.StringIO()
        target = Console(file=sink, width=24, force_terminal=terminal, color_system=None)
        say(target, line, style="yellow")
        assert [found.rstrip() for found in sink.getvalue().splitlines()] == shown


@pytest.fixture
def words(monkeypatch, tmp_path):
    """A command's exit code, and what it wrote to a terminal of an encoding."""
    monkeypatch.chdir(tmp_path)
    write_csv(Path("data.csv"), reviews())

    def called(encoding, *given):
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            patch.setattr(sys, "argv", ["harness", *map(str, given)])
            with pytest.raises(SystemExit) as ended:
                main()
        for stream in streams:
            stream.flush()
        return ended.value.code, *(stream.buffer.getvalue().decode(encoding) for stream in streams)

    return called


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(name, marks=pytest.mark.slow) for name in ("latin-1", "cp1252", "utf-8"))]
)
def test_every_command_works_in_every_encoding(words, encoding):
    Path("größe").mkdir()
    Path("größe/mine.toml").write_text(SUITE.replace("data.csv", "é.csv"))
    write_csv(Path("größe/é.csv"), reviews())
    cases = [
        ((), 0), (("--help",), 0), (("run", "--help"), 0), (("list",), 0), (("cache",), 0), (("list", "größe"), 2),
        (("plan", "größe/mine.toml"), 0), (("run", "größe/mine.toml", "--workers", "1"), 0), (RUN, 0),
        (("compare",), 0), (("report",), 0), (("report", "--output", "größe/é.md", "--format", "markdown"), 0),
        (("compare", "größe"), 2), (("convert", "größe"), 2), (("perplexity", "größe", "--text", "é.txt"), 2),
        (("pretrain", "größe"), 2), (("predict", "größe", "--text", "é"), 2),
    ]  # fmt: skip
    for given, code in cases:
        assert words(encoding, *given)[0] == code, given


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_lists_are_the_same_json_in_every_encoding(words, encoding, monkeypatch):
    folder = Path("mine/configs/models")
    folder.mkdir(parents=True)
    comment = "schöner, größer \N{CLAPPER BOARD} \x9b31m"
    (folder / "mine.toml").write_text(f'# {comment}\nfamily = "tfidf"\n', encoding="utf-8")
    monkeypatch.setenv("HARNESS_ENTRIES", "mine")
    code, output, _ = words(encoding, "list", "models", "--json")
    assert code == 0
    assert {"name": "mine", "description": comment} in json.loads(output)["models"]
    assert "\x9b" not in output


@pytest.mark.slow_but_first
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_predictions_are_the_same_json_in_every_encoding(words, encoding):
    assert words(encoding, *RUN)[0] == 0
    (record,) = Path("runs").rglob("run.json")
    text = "ein schöner Film \N{CLAPPER BOARD} \x9b31m"
    code, output, _ = words(encoding, "predict", record.parent, "--text", text)
    assert code == 0
    assert json.loads(output)["text"] == text
    assert "\x9b" not in output


@pytest.mark.slow
@pytest.mark.parametrize("name", ["[bold]x[/bold]", "[/]", ":smile:", "[link=x]y"])
def test_names_in_paths_are_no_markup(command, name):
    write_csv(Path("data.csv"), reviews())
    assert f"Records in {name}/single/" in command(*RUN, "--runs", name).output
    assert f"Next: harness compare {shlex.quote(name)}\n" in command(*RUN, "--runs", name).output
    assert command("compare", name).code == 0
    assert f"/{name}/report.html" in command("report", name).output
    assert f"{name}x: no records" in command("compare", f"{name}x").errors
    file = Path("mine", f"{name}.toml")
    file.parent.mkdir(parents=True)
    file.write_text(SUITE.replace("majority", name))
    assert str(file.with_name("data.csv")) in command("plan", file).errors


def test_a_message_holds_no_control_character_of_a_path(command):
    said = command("compare", "runs\x1b[2J\u202e").errors
    assert said.startswith("runs\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}: no records of runs there.")


def test_a_table_on_a_terminal_keeps_its_own_colours_and_takes_none_from_a_name():
    from rich.table import Table

    shown = console(file=io.StringIO())
    coloured = type(shown)(file=io.StringIO(), force_terminal=True, color_system="standard", markup=False, width=100)
    table = Table("name")
    table.add_row("\x1b[31m[red]x")
    coloured.print(table, style="green")
    assert "\x1b[32m" in coloured.file.getvalue()
    assert "\x1b[31m" not in coloured.file.getvalue()
    assert "[red]x" in coloured.file.getvalue()


@pytest.mark.slow
def test_a_run_that_another_command_is_at_is_left_with_an_exit_code_of_its_own(command):
    write_csv(Path("data.csv"), reviews())
    Path("mine.toml").write_text(SUITE)
    with claimed(Path("runs/mine/mine/tfidf/seed-0")):
        result = command("run", "mine.toml")
    assert result.code == 3
    assert "mine · tfidf · seed 0  another command is running it" in result.output
    assert result.output.splitlines()[-1] == "1 of 2 left to another command. Records in runs/mine."
    assert command("run", "mine.toml").code == 0


@pytest.mark.slow
def test_a_failure_that_is_no_mistake_has_another_exit_code(command, monkeypatch):
    write_csv(Path("data.csv"), reviews())
    Path("mine.toml").write_text(SUITE.replace('"tfidf"', '"tfidf", "lost"') + '[variants]\nlost = "scratch"\n')
    command("run", "mine.toml", "--only", "majority")
    with monkeypatch.context() as patch:
        patch.setattr("harness.models.baseline.BaselineFamily.fit", lambda *_, **__: 1 / 0)
        assert command("run", "mine.toml", "--only", "tfidf").code == 1
    Path("data.csv").write_text("text,label\na,x\nb,y\n")
    assert command("run", "mine.toml", "--only", "tfidf", "--redo").code == 2


def test_help_says_what_the_exit_codes_mean(command):
    said = " ".join(command("--help").output.split())
    assert all(f"{code} " in said for code in (0, 1, 2, 3, 130))
    assert "3 some runs were left to another command" in said


def again(report):
    """The commands that a report says to type."""
    text = report.read_text(encoding="utf-8")
    block = text[text.index("How to reproduce this") :].split("<pre", 1)[1].split(">", 1)[1].split("</pre>")[0]
    return [shlex.split(line) for line in unescape(block).splitlines()]


@pytest.mark.slow
def test_the_commands_to_reproduce_a_suite_do_so(command, monkeypatch):
    monkeypatch.setenv(ENTRIES, "")
    folder = Path("a study's files")
    (folder / "configs/models").mkdir(parents=True)
    (folder / "configs/models/plain words.toml").write_text('family = "tfidf"\n')
    write_csv(folder / "data.csv", reviews())
    suite = folder / "one & two.toml"
    suite.write_text('baseline = "majority"\n' + SUITE.replace('"tfidf"', '"plain words"'))
    first = command(
        "--entries", folder, "run", suite, "--set", "train_examples=20", "--runs", "my runs", "--workers", "1"
    )
    assert first.code == 0, first.errors
    assert command("report", "my runs/one & two", "--output", "report.html").code == 0
    commands = again(Path("report.html"))
    entries = ["--entries", str(folder)]
    run = ["run", str(suite), "--set", "train_examples=20", "--runs", "my runs"]
    assert commands[0] == ["harness", *entries, *run]
    before = {file: read_record(file.parent)["scores"] for file in Path("my runs").rglob("run.json")}
    Path("my runs").rename("old runs")
    for words in commands:
        assert words[0] == "harness"
        monkeypatch.setenv(ENTRIES, "")
        done = command(*words[1:], *(["--workers", "1"] if "run" in words else []))
        assert done.code == 0, done.errors
    assert {file: read_record(file.parent)["scores"] for file in Path("my runs").rglob("run.json")} == before
    assert len(before) == 2
    assert again(Path("report.html")) == commands


@pytest.mark.slow
def test_the_command_to_reproduce_a_single_run_on_own_files_does_so(command):
    write_jsonl(Path("my [data].jsonl"), [{"my text": row["text"], "stars": row["label"]} for row in reviews()])
    columns = ("--text", "my text", "--label", "stars")
    given = ("run", "--model", "tfidf", "--train", "my [data].jsonl", *columns, "--seed", "3", "--validation-only")
    assert command(*given).code == 0
    assert command("report").code == 0
    (words, _) = again(Path("runs/report.html"))
    assert sorted(words) == sorted(["harness", *given])
    Path("runs").rename("old")
    assert command(*words[1:]).code == 0
    assert [file.relative_to("runs") for file in Path("runs").rglob("run.json")] == [
        file.relative_to("old") for file in Path("old").rglob("run.json")
    ]


@pytest.mark.slow
def test_a_run_from_python_is_repeated_with_the_settings_that_it_had(command):
    import harness

    write_csv(Path("data.csv"), reviews())
    (run,) = harness.finetune(model="tfidf", data="data.csv", train_examples=20, progress=False)
    assert command("report").code == 0
    (words, _) = again(Path("runs/report.html"))
    Path("runs").rename("old")
    assert command(*words[1:]).code == 0
    (record,) = Path("runs").rglob("run.json")
    assert read_record(record.parent)["config"]["training"] == run.record.config["training"]


@pytest.mark.slow
def test_a_plan_of_validation_alone_finds_the_runs_that_were_made_so(command):
    write_csv(Path("data.csv"), reviews())
    Path("mine.toml").write_text(SUITE)
    assert command("run", "mine.toml", "--validation-only").code == 0
    assert command("plan", "mine.toml", "--validation-only").output.splitlines()[-1] == "2 complete"
    refused = command("plan", "mine.toml")
    assert refused.code == 2
    assert "evaluate: recorded 'validation', wanted 'test'" in refused.errors


def test_a_name_that_no_record_can_hold_is_refused_before_anything_is_written(command):
    name = os.fsdecode(b"caf\xe9.csv")
    write_csv(Path(name), reviews())
    result = command("run", "--model", "majority", "--train", name)
    assert result.code == 2
    assert result.lines == ["caf\N{REPLACEMENT CHARACTER}.csv: not UTF-8, as records must be. Rename it."]
    assert not Path("runs").exists()


@pytest.mark.slow
def test_a_quiet_run_says_nothing_but_what_failed_and_why(words, monkeypatch):
    assert words("utf-8", *RUN, "--quiet") == (0, "", "")
    assert len(list(Path("runs").rglob("run.json"))) == 1

    def fail(*_, **__):
        raise UserError("no memory left")

    monkeypatch.setattr("harness.runs.execution.fit_baseline", fail)
    code, output, errors = words("utf-8", *RUN, "--quiet", "--redo")
    assert (code, output) == (2, "")
    reason, counted = errors.splitlines()
    assert reason.startswith("✗ data-")
    assert reason.endswith(" · majority · seed 0: no memory left")
    assert counted.startswith("1 of 1 failed; the same command retries them once the input is corrected.")
