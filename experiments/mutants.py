"""Find small changes to splitting, answer alignment and comparison that no test notices: mutation testing.

    python -m experiments.mutants                        # every mutant of every file
    python -m experiments.mutants --sample 20 --seed 1   # this many of each file

A mutant is the file with one change: a comparison off by one, `and` for `or`, a number one larger, a branch inverted.
One of the file's fast tests that run the changed function should fail on it (`experiments.reached`). Surviving mutants
are listed. Either a test is missing, or the change has no effect that matters, and `mutants_equivalent.txt` says why.
Each mutant is tried in a fork that has imported and collected everything (`experiments.mutant_trials`).
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby, islice
from math import inf
from pathlib import Path
from types import CodeType

from experiments.mutant_trials import tried

ROOT = Path(__file__).parents[1]
EQUIVALENT = Path(__file__).with_name("mutants_equivalent.txt")
LIBRARIES = (
    "pytest", "numpy", "pyarrow.parquet", "sklearn.metrics", "scipy.special", "pydantic", "jinja2", "rich.console",
    "typer", "torch", "transformers", "tokenizers", "xdist.plugin",
)  # fmt: skip
QUESTIONS = "harness/task_types/question_answering"
TAGS = "harness/task_types/token_classification"
TAGGED = (
    f"{TAGS}/schemes.py", "tests/task_types/test_token_classification_metrics.py",
    "tests/task_types/test_token_classification_rows.py",
)  # fmt: skip
FIELDS = (
    "harness/data/labels.py", "harness/data/written_values.py", "tests/tasks/test_fields.py",
    "tests/tasks/test_labels.py", "tests/tasks/test_task_loading.py", "tests/tasks/test_answer_spans.py",
    "tests/task_types/test_token_classification_rows.py",
)  # fmt: skip
ANSWERS = ("tests/tasks/test_answer_positions.py", "tests/tasks/test_answer_spans.py")
COMPARISON = "harness/comparison"
COMPARED = (
    COMPARISON, "tests/comparison", "tests/reporting/test_no_contradiction.py", "tests/reporting/test_overview.py",
)  # fmt: skip
TARGETS = {
    "harness/data/splitting.py": (
        "tests/tasks/test_splitting.py",
        "tests/tasks/test_folds.py",
        "tests/tasks/test_task_loading.py",
        "tests/error_analysis/test_breakdown.py",
    ),
    "harness/data/duplicates.py": ("tests/tasks/test_duplicates.py", "tests/tasks/test_splitting.py"),
    "harness/data/folds.py": ("tests/tasks/test_folds.py",),
    **dict.fromkeys((f"harness/data/{name}.py" for name in ("labels", "fields", "rows", "written_values")), FIELDS),
    "harness/data/loading.py": ("tests/tasks/test_task_loading.py", "tests/tasks/test_own_task.py"),
    f"{QUESTIONS}/answers.py": ANSWERS,
    f"{QUESTIONS}/candidates.py": ("tests/task_types/test_answer_candidates.py",),
    f"{QUESTIONS}/objective.py": (
        "tests/task_types/test_span_objective.py",
        "tests/task_types/test_question_answering.py",
    ),
    f"{QUESTIONS}/spans.py": ("tests/tokenization/test_spans.py",),
    f"{QUESTIONS}/targets.py": ("tests/task_types/test_answer_targets.py",),
    f"{QUESTIONS}/unreachable.py": ("tests/task_types/test_question_answering.py",),
    f"{QUESTIONS}/written.py": ANSWERS,
    f"{TAGS}/pieces.py": (
        "tests/task_types/test_word_pieces.py",
        "tests/task_types/test_token_classification_learning.py",
    ),
    **dict.fromkeys((f"{TAGS}/{name}.py" for name in ("words", "examples", "schemes")), TAGGED),
    "harness/task_types/multi_label/label_sets.py": ("tests/task_types/test_label_sets.py",),
    "harness/task_types/multiple_choice/fields.py": ("tests/task_types/test_multiple_choice_rows.py",),
    "harness/task_types/multiple_choice/windows.py": ("tests/task_types/test_multiple_choice_runs.py",),
    "harness/task_types/language_modelling/windows.py": (
        "tests/task_types/test_predicted_tokens.py",
        "tests/task_types/test_language_modelling.py",
    ),
    "harness/tokenization/reading.py": (
        "tests/tokenization/test_reading.py",
        "tests/tokenization/test_as_text.py",
        "tests/task_types/test_answer_targets.py",
    ),
    "harness/tokenization/alignment.py": ("tests/tokenization/test_alignment.py",),
    "harness/tokenization/as_text.py": ("tests/tokenization/test_as_text.py",),
    "harness/tokenization/items.py": ("tests/tokenization/test_items.py",),
    **{f"{COMPARISON}/{path.name}": COMPARED for path in sorted((ROOT / COMPARISON).glob("[!_]*.py"))},
}
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
    ast.Continue: ast.Break, ast.Break: ast.Continue,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """A file with one change.

    Attributes:
        file: Its path in the checkout.
        function: The function or class that the change is in; "" outside of any.
        place: All that, and what stands there before and after, as one line; numbered where several are alike.
        number: Of the changed node, among those that are run.
        source: The file's text without the change, which may be edited while mutants are tried.
    """

    file: str
    function: str
    place: str
    number: int
    source: str

    def code(self) -> CodeType:
        """The changed module, compiled."""
        tree = ast.parse(self.source)
        node = next(islice(_code(tree), self.number, None))[0]
        changed = _changed(node)
        assert changed is not None
        node.__class__ = changed.__class__
        node.__dict__.update(changed.__dict__)
        return compile(tree, str(ROOT / self.file), "exec", dont_inherit=True)


def mutants_of(file: str) -> list[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    source = (ROOT / file).read_text(encoding="utf-8")
    found, alike = [], Counter[str]()
    for number, (node, function) in enumerate(_code(ast.parse(source))):
        if (changed := _changed(node)) is not None:
            place = f"{file}: {function}: {_line(node)} -> {_line(changed)}"
            alike[place] += 1
            of_several = f" ({alike[place]})" if alike[place] > 1 else ""
            found.append(Mutant(file, function, place + of_several, number, source))
    return found


def _code(node: ast.AST, function: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Every node that is run, with the function that it is in; annotations, messages and checks of ours are left out.

    Such a check is an assert, or a zip that is strict.
    """
    is_check = isinstance(node, ast.Raise | ast.Assert) or (isinstance(node, ast.keyword) and node.arg == "strict")
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list") or is_check:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                inner = child.name if isinstance(child, ast.FunctionDef | ast.ClassDef) else function
                yield child, inner
                yield from _code(child, inner)


def _changed(node: ast.AST) -> ast.AST | None:
    """The node with a change; None where there is none to make."""
    new = copy.copy(node)
    match node:
        case ast.Compare(ops=[first, *others]) if type(first) in SWAPS:
            new.ops = [SWAPS[type(first)](), *others]
        case ast.BinOp(op=operator) | ast.BoolOp(op=operator) if type(operator) in SWAPS:
            new.op = SWAPS[type(operator)]()
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            new = ast.Call(ast.Name("bool", ast.Load()), [operand], [])
        case ast.Constant(value=bool(value)):
            new.value = not value
        case ast.Constant(value=int(value)):
            new.value = value + 1
        case ast.Name(id=name) if name in NAMES:
            new.id = NAMES[name]
        case ast.IfExp(body=body, orelse=other):
            new.body, new.orelse = other, body
        case ast.If(test=test):
            new.test = ast.UnaryOp(ast.Not(), test)
        case ast.Continue() | ast.Break():
            new = SWAPS[type(node)]()
        case _:
            return None
    return ast.fix_missing_locations(ast.copy_location(new, node))


def _line(node: ast.AST) -> str:
    return ast.unparse(node).splitlines()[0]


def main() -> None:
    """Try the mutants that the command line asks for; exit with 1 where one survives that nobody has argued."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="So many mutants of each file; default: all.")
    parser.add_argument("--seed", type=int, default=0, help="Of the sample.")
    parser.add_argument("--file", action="append", choices=TARGETS, help="One of the files; repeatable.")
    parser.add_argument("--tests", action="append", help="Run only these tests, a file or folder; repeatable.")
    parser.add_argument(
        "--seconds", type=float, default=inf, help="Tests of a mutant take so much processor time; default: all."
    )
    asked = parser.parse_args()
    os.chdir(ROOT)
    for library in LIBRARIES:
        import_module(library)
    argued = {line for line in EQUIVALENT.read_text(encoding="utf-8").splitlines() if " -> " in line}
    mutants: defaultdict[tuple[str, ...], list[Mutant]] = defaultdict(list)
    for file in asked.file or TARGETS:
        every = mutants_of(file)
        if stale := {line for line in argued if line.startswith(f"{file}: ")} - {mutant.place for mutant in every}:
            sys.exit(f"{EQUIVALENT.name}: there are no such mutants any more: {sorted(stale)}. Remove the lines.")
        found = [mutant for mutant in every if mutant.place not in argued]
        if asked.sample is not None:
            found = random.Random(asked.seed).sample(found, min(asked.sample, len(found)))
        mutants[tuple(asked.tests or TARGETS[file])] += found
    survivors = 0
    for tests, group in mutants.items():
        left = tried(ROOT, tests, group, asked.seconds)
        for file, of_file in groupby(group, key=lambda mutant: mutant.file):
            tried_there, alive = len(list(of_file)), [mutant for mutant in left if mutant.file == file]
            print(f"{file}: {tried_there - len(alive)} of {tried_there} killed", flush=True)
            print(*(f"    {mutant.place}" for mutant in alive), sep="\n", flush=True)
        survivors += len(left)
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
