"""Answers that a csv file holds as text: JSON, or Python's own way to print lists, dictionaries and numpy's arrays."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import warnings
from itertools import pairwise

from harness.data.fields import FieldError

_MEANT = re.compile(r"""\{\s*["'](text|answer_start)["']""")
_NO_COMMA = re.compile(r"""["']\s+["']""")
_BROKEN = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError)


class _WithoutArrays(ast.NodeTransformer):
    """Puts its list in the place of each `array([...], dtype=...)`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """The call's first argument, of a call of `array`; any other call stays, and is then refused."""
        is_array = isinstance(node.func, ast.Name) and node.func.id == "array" and len(node.args) == 1
        return self.visit(node.args[0]) if is_array else node


def is_written(field: object) -> bool:
    """Whether a field is answers with their places, or such in text."""
    return isinstance(field, dict) or (isinstance(field, str) and bool(_MEANT.search(field)))


def parsed(field: object, context: str = "") -> object:
    """What a field's text says where it is a written list or dictionary of answers; any other field as it is.

    Nothing in it is run. A text in brackets that stands in the context is an answer, and no list.

    Args:
        field: The field.
        context: The text that holds the answers.

    Raises:
        FieldError: The text is meant as one, and can't be read.
    """
    if not isinstance(field, str) or f"{field.strip()[:1]}{field.strip()[-1:]}" not in ("{}", "[]") or field in context:
        return field
    try:
        found = _value(field.strip())
    except _BROKEN as error:
        if _MEANT.search(field):
            raise FieldError(f"answers: can't be read ({error}; got {field!r:.100}). Write JSON.") from error
        return field
    is_answers = isinstance(found, dict) and "text" in found
    items = found if isinstance(found, list) else [None]
    return found if is_answers or all(isinstance(item, str | dict | int | float) for item in items) else field


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        pass
    if _NO_COMMA.search(text) and _has_neighbouring_strings(text):
        raise FieldError(f"answers: a list without commas, as numpy prints it (got {text!r:.100}). Write JSON.")
    with warnings.catch_warnings(action="ignore"):  # A backslash in an answer is no mistake of a programmer's.
        tree = ast.parse(text, mode="eval")
    return ast.literal_eval(_WithoutArrays().visit(tree))


def _has_neighbouring_strings(text: str) -> bool:
    """Whether two strings follow each other without a comma: Python would make them one."""
    tokens = [token.type for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type != tokenize.NL]
    return any(first == second == tokenize.STRING for first, second in pairwise(tokens))
