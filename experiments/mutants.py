"""Which small changes to splitting, answer placing and comparing no test notices: a mutation run.

    python -m experiments.mutants                        # every mutant of every file
    python -m experiments.mutants --sample 20 --seed 1   # so many of each file

A mutant is the file with one change: a comparison moved by one, `and` for `or`, a number one larger, a branch turned
around. Of the file's fast tests, one that runs the changed function should fail on it (`experiments.reached`). What
survives is shown, and is either a test that is missing or a change that changes nothing, which `mutants_equivalent.txt`
then argues. Each mutant runs in a fork of this process, in which the large libraries are imported already.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path

from experiments.reached import Only, Reached, files_of

ROOT = Path(__file__).parents[1]
EQUIVALENT = Path(__file__).with_name("mutants_equivalent.txt")
SECONDS = 120  # Of the processor; a mutant that runs on for longer is noticed, too.
PATIENCE = 20  # So many times as long a mutant may take by the clock, on a busy machine.
LIBRARIES = (
    "pytest", "numpy", "pyarrow.parquet", "sklearn.metrics", "scipy.special", "pydantic", "jinja2", "rich.console",
    "typer", "torch", "transformers", "tokenizers", "xdist.plugin",
)  # fmt: skip
BEFORE_COMPARISON = ("harness.config.run", "harness.metrics.lookup")
"""Modules of ours that import none of the comparison's: forks that have them take half as long."""
QUESTIONS = "harness/task_types/question_answering"
ANSWERS = ("tests/tasks/test_answer_spans.py", "tests/task_types/test_question_answering.py")
COMPARISON = "harness/comparison"
COMPARED = (
    COMPARISON, "tests/comparison", "tests/reporting/test_no_contradiction.py", "tests/reporting/test_overview.py",
)  # fmt: skip
COMPARING = (
    "statistics", "p_values", "pairs", "multiplicity", "intervals", "formatting", "claims", "results", "conclusions",
    "conclusions_margin", "conclusions_over_tasks", "wording", "collapse", "copies", "doubts", "effects", "margins",
    "over_tasks", "counts", "folds", "sequential", "selection", "needed", "recommendation", "recommended_tasks",
    "power", "planned_power", "power_law", "curves", "tuned", "rescoring", "split", "subsets", "differences", "costs",
    "warnings",
)  # fmt: skip
TARGETS = {
    "harness/data/splitting.py": (
        "tests/tasks/test_splitting.py",
        "tests/tasks/test_folds.py",
        "tests/error_analysis/test_breakdown.py",
    ),
    "harness/data/duplicates.py": ("tests/tasks/test_duplicates.py", "tests/tasks/test_splitting.py"),
    f"{QUESTIONS}/answers.py": ("tests/tasks/test_answer_positions.py", "tests/tasks/test_answer_spans.py"),
    f"{QUESTIONS}/examples.py": ANSWERS,
    f"{QUESTIONS}/spans.py": ("tests/tokenization/test_spans.py",),
    f"{QUESTIONS}/targets.py": ("tests/task_types/test_answer_targets.py",),
    "harness/tokenization/alignment.py": ("tests/tokenization/test_alignment.py",),
    **{f"{COMPARISON}/{name}.py": COMPARED for name in COMPARING},
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
        place: All that, and what stands there before and after, as one line.
        tree: The changed module.
    """

    file: str
    function: str
    place: str
    tree: ast.Module


def mutants_of(file: str) -> list[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found = []
    for number, (node, function) in enumerate(_code(tree)):
        if (changed := _changed(node)) is not None:
            other = copy.deepcopy(tree)
            twin = list(_code(other))[number][0]
            twin.__class__ = changed.__class__
            twin.__dict__.update(changed.__dict__)
            found.append(Mutant(file, function, f"{file}: {function}: {_line(node)} -> {_line(changed)}", other))
    return found


def _code(node: ast.AST, function: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Every node that is run, with the function that it is in; annotations and messages are left out."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list") or isinstance(node, ast.Raise | ast.Assert):
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


@lru_cache(maxsize=1)  # Files with the same tests follow each other.
def tests_by_function(tests: tuple[str, ...]) -> Mapping[str, Sequence[str]]:
    """Of each "file: function" the tests that run it; exits where a test fails."""
    answer, question = os.pipe()
    child = os.fork()
    if child == 0:
        found = Reached(ROOT)
        code = _pytest(tests, found)
        with os.fdopen(question, "w") as stream:
            json.dump(found.of() if code == 0 else None, stream)
        os._exit(0)
    os.close(question)
    with os.fdopen(answer) as stream:
        told: dict[str, list[str]] | None = json.load(stream)
    os.waitpid(child, 0)
    if told is None:
        sys.exit(f"{', '.join(tests)}: fail without a mutant.")
    return told


def survives(mutant: Mutant, reached: Mapping[str, Sequence[str]]) -> bool:
    """Whether the tests that run the mutant's function, or any of its file's, pass with the mutant in its place."""
    ids = reached.get(f"{mutant.file}: {mutant.function}", ()) if mutant.function else _of_file(mutant.file, reached)
    by_file = {file: [one for one in ids if one.startswith(f"{file}::")] for file in files_of(ids)}
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        signal.alarm(PATIENCE * SECONDS)
        _replace(mutant)
        # The module's own tests first; each file is imported only if those before let the mutant live.
        for file in sorted(by_file, key=lambda file: Path(mutant.file).stem not in file):
            if code := _pytest([file], Only(by_file[file])):
                os._exit(code)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _of_file(file: str, reached: Mapping[str, Sequence[str]]) -> list[str]:
    """The tests that run any function of a file: what stands outside of functions, such as a constant, is in all."""
    return list(dict.fromkeys(one for name, ids in reached.items() if name.startswith(f"{file}: ") for one in ids))


def _pytest(words: Sequence[str], plugin: object) -> int:
    """The exit code of the fast tests in these files."""
    import pytest

    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    # Asserts as Python has them: pytest would read a file with doctests itself to rewrite them, and miss the mutant.
    how = ("-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--assert=plain")
    fast = ("-m", "not slow and not network and not gpu")
    return int(pytest.main([*how, *fast, *words], plugins=[plugin]))


def _replace(mutant: Mutant) -> None:
    """Have the module imported from the mutant's tree."""
    path, code = str(ROOT / mutant.file), compile(mutant.tree, mutant.file, "exec")
    usual = SourceFileLoader.get_code
    SourceFileLoader.get_code = lambda self, name: code if self.path == path else usual(self, name)


def _is_of_comparison(file: str) -> bool:
    return file.startswith(COMPARISON)


def main() -> None:
    """Run the mutants that the command line asks for; exit with 1 where one survives that nobody has argued."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="So many mutants of each file; default: all.")
    parser.add_argument("--seed", type=int, default=0, help="Of the sample.")
    parser.add_argument("--file", action="append", choices=TARGETS, help="One of the files; repeatable.")
    asked = parser.parse_args()
    os.chdir(ROOT)
    for library in LIBRARIES:
        import_module(library)
    argued = {line for line in EQUIVALENT.read_text(encoding="utf-8").splitlines() if " -> " in line}
    open_ = 0
    for file in sorted(asked.file or TARGETS, key=_is_of_comparison):
        for module in BEFORE_COMPARISON if _is_of_comparison(file) else ():
            import_module(module)
        reached = tests_by_function(TARGETS[file])
        mutants = [mutant for mutant in mutants_of(file) if mutant.place not in argued]
        if asked.sample is not None:
            mutants = random.Random(asked.seed).sample(mutants, min(asked.sample, len(mutants)))
        left = [mutant for mutant in mutants if survives(mutant, reached)]
        print(f"{file}: {len(mutants) - len(left)} of {len(mutants)} killed", flush=True)
        print(*(f"    {mutant.place}" for mutant in left), sep="\n", flush=True)
        open_ += len(left)
    sys.exit(1 if open_ else 0)


if __name__ == "__main__":
    main()
