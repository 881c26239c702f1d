"""What a docstring says of a class is there: attributes that were renamed are renamed in prose as well."""

import ast
import re
from functools import cache
from pathlib import Path

HARNESS = Path(__file__).parent.parent / "harness"
NAMED = re.compile(r"^ {8}(\w+): ", re.MULTILINE)


def documented(docstring):
    """The names below "Attributes:"."""
    _, _, rest = docstring.partition("\n    Attributes:\n")
    section = re.split(r"\n\n|\n    \w+:\n", rest)[0]
    return NAMED.findall(section)


@cache
def classes():
    """Each class with documented attributes, with its file and their names."""
    found = []
    for file in sorted(HARNESS.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "    Attributes:\n" in text else ():
            if isinstance(node, ast.ClassDef) and ast.get_docstring(node):
                found.append((file, node, documented(f"\n{node.body[0].value.value}")))
    return found


def assigned(node):
    """Every name that a class has: annotated, assigned, a method, or one of an attribute."""
    parts = list(ast.walk(node))
    targets = [part.target for part in parts if isinstance(part, ast.AnnAssign)]
    targets += [target for part in parts if isinstance(part, ast.Assign) for target in part.targets]
    found = {target.id for target in targets if isinstance(target, ast.Name)}
    found |= {part.name for part in parts if isinstance(part, ast.FunctionDef)}
    return found | {part.attr for part in parts if isinstance(part, ast.Attribute)}


def test_every_documented_attribute_is_one():
    wrong = [
        f"{file.name}: {node.name}.{name}"
        for file, node, names in classes()
        if not node.bases or any(ast.unparse(base) in {"Protocol", "Strict", "ABC", "_Part"} for base in node.bases)
        for name in sorted({*names} - assigned(node))
    ]
    assert not wrong


def test_there_are_documented_attributes_to_check():
    assert sum(len(names) for *_, names in classes()) > 150
