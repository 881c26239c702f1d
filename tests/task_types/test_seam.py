"""The seam around task types: what is particular to one is in its folder, and nothing outside knows its name."""

import ast
from pathlib import Path

import pytest

from harness.registry import BUILT_IN, TASK_TYPES
from harness.task_types.contract import TaskType

HARNESS = Path(__file__).parents[2] / "harness"
NAMES = set(TASK_TYPES.names())
# Where a task type's name may stand as data: a custom task has a default, and a study classifies made-up documents.
ALLOWED = {HARNESS / "data" / "custom.py": {"classification"}, HARNESS / "claims" / "documents.py": {"classification"}}


def comparisons(tree):
    """Every text that is compared, matched, looked up by, or a key in a program."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield from (part for part in [node.left, *node.comparators])
        elif isinstance(node, ast.Dict):
            yield from (key for key in node.keys if key is not None)
        elif isinstance(node, ast.MatchValue):
            yield node.value
        elif isinstance(node, ast.Subscript):
            yield node.slice
        elif isinstance(node, ast.Assign):
            yield node.value


def texts(node):
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def known_names(text):
    if not any(name in text for name in NAMES):
        return set()
    tree = ast.parse(text)
    return {name for part in comparisons(tree) for name in texts(part) & NAMES}


def outside():
    """Every file of the harness and of its report formats that lies in no task type's folder."""
    files = [file for file in HARNESS.rglob("*.py") if not NAMES & set(file.relative_to(HARNESS).parts)]
    return [*files, *(BUILT_IN / "reports").rglob("*.py")]


def test_nothing_outside_their_folders_knows_task_types_by_name():
    found = {file: names for file in outside() if (names := known_names(file.read_text(encoding="utf-8")))}
    assert found == ALLOWED


def test_this_search_finds_what_it_looks_for():
    assert len(NAMES) >= 6
    assert len(outside()) > 150
    assert known_names('if task.task_type == "regression": pass') == {"regression"}
    assert known_names('if kind in {"multi_label", "other"}: pass') == {"multi_label"}
    assert known_names('answers = {"question_answering": 1}') == {"question_answering"}
    assert known_names('found = answers["token_classification"]') == {"token_classification"}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_task_type_gives_all_that_the_contract_asks_for(name):
    task_type = TASK_TYPES.load(name)
    assert isinstance(task_type, TaskType)
    assert task_type.name == name
    assert set(task_type.inputs) <= set(task_type.columns)
    assert {metric.name for metric in task_type.metrics} >= set(task_type.default_metrics)
    assert task_type.default_metrics
    assert task_type.predict_options
    assert task_type.baseline("majority")
    assert TASK_TYPES.description(TASK_TYPES.entry(name))
