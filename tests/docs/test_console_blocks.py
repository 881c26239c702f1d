"""Every `$ …` line of a console block in the README and the guide still works.

Three degrees, by what a command costs:

- executed, in a folder with the files that the pages speak of: what only reads (list, plan, compare, report, cache);
- resolved: `run` and `pretrain` go as far as the list of their runs, or the checked recipe, and train nothing. A task,
  a model, a setting or a column that does not exist fails there;
- parsed: `predict`, `explain`, `export`, `serve`, `errors`, `measure`, `perplexity` and `convert` need a trained model,
  `choose` and `calibrate` take long, so only their options are checked here.
"""

import ast
import csv
import gzip
import json
import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pyarrow
import pytest
from command_line import write_jsonl
from pyarrow import parquet
from synthetic_runs import add_runs

import harness
from harness.cli import command as command_line
from harness.config.checking import parse_settings
from harness.config.run import task_of
from harness.data.loading import load_splits
from harness.pretraining.recipe import find_recipe
from harness.pretraining.record import read_pretraining
from harness.suites.runner import Tally

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r'^```(\w+)(?: title="(\S+)")?\n(.*?)^```$', flags=re.MULTILINE | re.DOTALL)
EXECUTED = {"list", "plan", "compare", "report", "cache"}
REPORTING = {"compare", "report"}
RESOLVED = {"run", "pretrain"}
PARSED = {"predict", "explain", "export", "serve", "errors", "measure", "perplexity", "convert", "choose", "calibrate"}
WORDS = ("dull", "awful", "lovely", "superb")


@dataclass(frozen=True)
class Line:
    """A command of a page: the words behind `harness`, and the variables before it."""

    page: str
    words: tuple[str, ...]
    variables: dict[str, str]

    def __str__(self):
        return f"{self.page}: {' '.join(self.words)}"


def blocks(language):
    return [
        (page.name, content)
        for page in PAGES
        for named, _, content in BLOCK.findall(page.read_text(encoding="utf-8"))
        if named == language
    ]


def commands():
    lines = [
        (page, shlex.split(line.removeprefix("$ "), comments=True))
        for page, content in blocks("console")
        for line in content.splitlines()
        if line.startswith("$ ")
    ]
    found = [line for page, words in lines if (line := harness_command(page, words)) is not None]
    return list({line.words: line for line in found}.values())


def harness_command(page, words):
    """The harness command in a line; None for another program's."""
    variables = {}
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        name, _, variables[name] = words.pop(0).partition("=")
    if words[:2] == ["accelerate", "launch"]:
        assert words[words.index("-m") + 1] == "harness", words
        return Line(page, tuple(words[words.index("-m") + 2 :]), variables)
    return Line(page, tuple(words[1:]), variables) if words[0] == "harness" else None


COMMANDS = commands()


def write_nested(folder):
    """Files with fields inside of objects."""
    films = [{"text": f"it is good {n}", "stars": "ab"[n % 2], "film": {"id": n // 2}} for n in range(60)]
    write_jsonl(folder / "reviews.jsonl", [{"review": film} for film in films])
    asked = [
        {
            "asked": {"question": f"which {n} ?"},
            "context": f"film x{n}",
            "answers": {"text": f"x{n}", "answer_start": 5},
        }
        for n in range(60)
    ]
    write_jsonl(folder / "asked.jsonl", asked)
    books = [{"translation": {"de": f"Buch {n}", "en": f"book {n}"}} for n in range(60)]
    parquet.write_table(pyarrow.Table.from_pylist(books), folder / "books.parquet")


@pytest.fixture
def folder(command, tmp_path, monkeypatch):
    """What the pages speak of: files of a user's own, a checkpoint, a folder of entries."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    rows = [opinion(number) for number in range(60)]
    for name in ("reviews", "more_reviews", "prices", "topics"):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    (tmp_path / "pairs.tsv").write_text(
        "premise\thypothesis\trelation\n" + "".join(f"it is {n}\tit is {n + 1}\t{'yn'[n % 2]}\n" for n in range(60))
    )
    strings = "".join(f"Datei {n},file {n}\n" for n in range(60))
    (tmp_path / "strings.csv").write_text(f"german,english\n{strings}")
    write_jsonl(
        tmp_path / "qa.jsonl",
        [{"question": f"which {n} ?", "passage": f"the film x{n} ran", "answers": f"x{n}"} for n in range(60)],
    )
    write_nested(tmp_path)
    paragraphs = [
        {"context": f"the film y{n} ran", "qas": [{"id": f"{n}", "question": f"what is {n} ?", "answers": [
            {"text": f"y{n}", "answer_start": 9}]}]}
        for n in range(60)
    ]  # fmt: skip
    (tmp_path / "squad.json").write_text(json.dumps({"data": [{"title": "films", "paragraphs": paragraphs}]}))
    semicolons = (tmp_path / "reviews.csv").read_text().replace(",", ";")
    (tmp_path / "reviews.csv.gz").write_bytes(gzip.compress(semicolons.encode("cp1252")))
    lines = [f"which is {n} ?,{n},{n + 1},{n + 2},{n + 3},{'ABCD'[n % 4]}\n" for n in range(60)]
    (tmp_path / "exam.csv").write_text("question,a,b,c,d,answer\n" + "".join(lines))
    asked = [
        {"passage": f"it is {n // 3}", "question": f"what is {n} ?", "options": [f"a{n}", f"b{n}"]} for n in range(60)
    ]
    write_jsonl(tmp_path / "exam.jsonl", [one | {"answer": "AB"[n % 2]} for n, one in enumerate(asked)])
    (tmp_path / "ner.conll").write_text("".join(f"film O\nx{n} B-FILM\nran O\n\n" for n in range(60)))
    (tmp_path / "novel.txt").write_text("It was a dark and stormy night.")
    (tmp_path / "novels").mkdir()
    for n in range(12):
        (tmp_path / "novels" / f"{n}.txt").write_text(f"Chapter {n}. " + " ".join(WORDS) * (n + 1))
    checkpoint = tmp_path / "runs" / "pretraining" / "bert-mini" / "checkpoint"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.symlink_to(ROOT / "configs" / "models" / "bert-mini")
    for _, title, content in BLOCK.findall("".join(page.read_text(encoding="utf-8") for page in PAGES)):
        if title.endswith(".toml") and "/" not in title:
            (tmp_path / title).write_text(content)
    entries = tmp_path / "my-entries" / "tasks"
    entries.mkdir(parents=True)
    (entries / "opinions.py").write_text(
        '"""Opinions."""\n\nfrom harness.data.sources import Files\nfrom harness.data.task import Task\n\n'
        f'task = Task(task_type="classification", source=Files({str(tmp_path / "reviews.csv")!r}), '
        'metrics=("accuracy",), licence="", citation="", columns={"text": ("review",)})\n'
    )
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def opinion(number):
    return {
        "film": f"film-{number // 3}",
        "review": f"film number {number} was {WORDS[number % 4]}",
        "verdict": ("rotten", "fresh")[number % 4 // 2],
        "label": ("rotten", "fresh")[number % 4 // 2],
        "stars": number % 4 // 2,
        "advert": f"for sale: {number}",
        "price": 10.0 + number,
        "sport": number % 2,
        "food": number // 2 % 2,
    }


@pytest.fixture
def planned(monkeypatch):
    """What `run` would run and what `pretrain` would follow, instead of training."""
    found = []

    def runs(listed, *_args, **_options):
        for one in listed:
            if one.config.local is not None and one.config.local.train is not None:
                load_splits(task_of(one.config))
        found.extend(listed)
        return Tally()

    def recipe(name, settings, *_args, **_options):
        found.append(find_recipe(name, parse_settings(list(settings))))

    def verified(name, settings, file):
        recipe(name, settings)
        assert read_pretraining(file).name == name

    def submitted(_suite, waiting, *_args, **_options):
        found.extend(waiting)
        return iter(())

    def claimed(name, *_args):
        found.append(name)
        return 0

    monkeypatch.setattr("harness.cli.studying.measure_claim", claimed)
    monkeypatch.setattr("harness.suites.runner.execute_runs", runs)
    monkeypatch.setattr("harness.cli.submitting.submit", submitted)
    monkeypatch.setattr("harness.cli.pretraining.pretrain_here", recipe)
    monkeypatch.setattr("harness.cli.pretraining.verify_here", verified)
    return found


def test_the_pages_have_commands_of_every_degree():
    named = {line.words[0] for line in COMMANDS}
    assert named <= EXECUTED | RESOLVED | PARSED
    assert all(degree & named for degree in (EXECUTED, RESOLVED, PARSED))


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in COMMANDS if line.words[0] in EXECUTED], ids=str)
def test_what_only_reads_runs(line, folder, command, monkeypatch):
    for name, value in line.variables.items():
        monkeypatch.setenv(name, value)
    if line.words[0] in REPORTING:
        suite = line.words[1].removeprefix("runs/")
        add_runs(folder / "runs", "minilm", 0.8, suite=suite)
        add_runs(folder / "runs", "tfidf", 0.7, range(1), suite=suite, family="tfidf")
    result = command(*line.words)
    assert result.code == 0, result.errors
    assert result.output


@pytest.mark.slow
@pytest.mark.usefixtures("minilm_folder")
@pytest.mark.parametrize("line", [line for line in COMMANDS if line.words[0] in RESOLVED], ids=str)
def test_what_trains_resolves_to_runs_or_to_a_recipe(line, folder, command, planned, monkeypatch):
    for name, value in line.variables.items():
        monkeypatch.setenv(name, value)
    result = command(*line.words)
    assert result.code == 0, result.errors
    assert planned


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.words[0] in PARSED], ids=str)
def test_what_needs_a_trained_model_has_options_that_exist(line):
    name, *words = line.words
    command_line().commands[name].make_context(name, words)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("run", "--task", "rotten_tomatos", "--model", "tfidf"),
        ("run", "--task", "rotten_tomatoes", "--model", "tfidf", "--set", "epcohs=1"),
        ("run", "--model", "tfidf", "--train", "reviews.csv", "--text", "reviw", "--label", "stars"),
        ("pretrain", "bert-mini", "--set", "tokns=1"),
    ],
    ids=" ".join,
)
def test_a_wrong_name_would_not_pass(words, folder, command, planned):
    assert command(*words).code == 2


@pytest.mark.parametrize(("page", "content"), blocks("python"), ids=lambda value: str(value)[:20])
def test_python_blocks_are_python_and_call_what_there_is(page, content):
    tree = ast.parse(content)
    called = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "harness"
    }
    assert not [name for name in called if not hasattr(harness, name)]


@pytest.mark.parametrize(("page", "content"), blocks("toml"), ids=lambda value: str(value)[:20])
def test_toml_blocks_are_toml(page, content):
    assert tomllib.loads(content)
