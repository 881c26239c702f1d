"""What messages advise can be typed: every option that they name is one of the command that they name, or of some."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from harness.cli import command

SOURCES = Path(__file__).parents[2] / "harness"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]\b(?!_)")
COMMAND = re.compile(r"\bharness ((?:[a-z-]+ )?[a-z-]+)")
OTHERS = {
    *("--array", "--chdir", "--dependency", "--job-name", "--jobs", "--open-mode", "--output", "--parsable"),
    *("--requeue", "--export", "--time", "--mem", "--gres", "--cpus-per-task"),  # sbatch, squeue
    *("--no-deps", "--require-hashes", "--head", "--porcelain"),  # pip, ray, git
}
EVERYWHERE = {"--help", "--version", "--entries"}


def options_of(found):
    return {word for parameter in found.params for word in (*parameter.opts, *parameter.secondary_opts)}


def by_command():
    """The options of each command, by its name, with that of its group."""
    known = {}
    for name, found in command().commands.items():
        known[name] = options_of(found)
        known |= {f"{name} {sub}": options_of(one) for sub, one in getattr(found, "commands", {}).items()}
    return known


def messages(file):
    """The texts of a file's strings, docstrings left out; what is put into one stands as {}."""
    if "--" not in (content := file.read_text()):
        return
    tree = ast.parse(content)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | parts:
            yield node.value


@pytest.fixture(scope="module")
def told():
    """Each option that messages name, with the command that they name before it, or None, and where."""
    found = defaultdict(set)
    for file in SOURCES.rglob("*.py"):
        for text in messages(file):
            for sentence in re.split(r"(?<=[.;?]) |`", text):
                for option in OPTION.findall(sentence):
                    before = COMMAND.search(sentence.partition(option)[0])
                    found[option, before and before[1]].add(file.relative_to(SOURCES).as_posix())
    return found


@pytest.mark.slow
def test_an_option_that_a_message_names_is_one_of_the_command_that_it_names(told):
    known = by_command()
    wrong = {}
    for (option, name), places in told.items():
        words = (name or "").split()
        commands = [" ".join(words[:count]) for count in (2, 1) if " ".join(words[:count]) in known][:1]
        options = known[commands[0]] if commands else set().union(*known.values(), OTHERS)
        if option not in options | EVERYWHERE:
            wrong[option, name] = places
    assert len(told) > 50
    assert not wrong


@pytest.mark.parametrize("option", ["--redo", "--runs", "--workers", "--set", "--trials", "--models"])
def test_both_commands_that_make_a_suite_s_runs_have_what_its_messages_advise(option):
    known = by_command()
    assert option in known["run"]
    assert option in known["choose"]
